// Makes accounts, identities, buckets and their settings what a file declares them to be. Idempotent:
// what is as declared is left alone. Nothing is removed because it is not declared. A dry run only says
// what it would do.

import type { AccountId, CanonicalId, IdentifiedCaller } from "../access/caller.ts";
import { IdentityError } from "../access/identities/identity-error.ts";
import type { AccountRecord } from "../access/identities/identity-records.ts";
import type { IdentityStore } from "../access/identities/identity-store.ts";
import type { DestinationSettings } from "../model/notification-destinations.ts";
import type { OperationName } from "../model/types.generated.ts";
import { ProvisioningError } from "./provisioning-error.ts";
import { provisionBuckets } from "./provision-buckets.ts";
import { provisionAccessKeys, provisionIdentities } from "./provision-identities.ts";
import type {
  Holdings,
  ProvisionedAccount,
  ProvisionedReplicationTarget,
  ProvisioningDocument,
} from "./document.ts";

export interface ProvisioningDependencies {
  readonly identities: IdentityStore;
  /** Runs an operation as the root of an account. Throws S3Error. */
  readonly runOperation: (
    name: OperationName,
    input: Readonly<Record<string, unknown>>,
    caller: IdentifiedCaller,
  ) => Promise<unknown>;
  readonly setBucketQuota: (bucketName: string, quota: Quota) => Promise<void>;
  readonly findBucketQuota: (bucketName: string) => Promise<Quota | undefined>;
  readonly setAccountQuota: (accountId: string, quota: Quota) => Promise<void>;
  readonly findAccountQuota: (accountId: string) => Promise<Quota | undefined>;
  readonly rootAccountId: string;
  readonly replicationTargets: {
    /** Whether it is as declared. */
    holds(target: ProvisionedReplicationTarget): Promise<boolean>;
    set(target: ProvisionedReplicationTarget): Promise<void>;
  };
  readonly notificationDestinations: {
    /** Whether it is as declared. */
    holds(arn: string, settings: DestinationSettings): Promise<boolean>;
    set(arn: string, settings: DestinationSettings): Promise<void>;
  };
}

export interface Quota {
  readonly bytes?: number;
  readonly objects?: number;
}

/** One account while it is being provisioned. */
export interface AccountInWork {
  readonly accountId: AccountId;
  readonly canonicalId: CanonicalId;
  readonly displayName: string;
  /** A dry run found that the account is not there yet: neither is anything in it. */
  readonly isImagined: boolean;
  readonly changes: Changes;
  readonly dependencies: ProvisioningDependencies;
}

/** What is (or would be) done, in order. */
export class Changes {
  readonly lines: string[] = [];
  readonly #isDryRun: boolean;

  constructor(isDryRun: boolean) {
    this.#isDryRun = isDryRun;
  }

  get isDryRun(): boolean {
    return this.#isDryRun;
  }

  async make(line: string, action: () => Promise<unknown>): Promise<void> {
    this.lines.push(line);
    if (!this.#isDryRun) await action();
  }
}

/**
 * The changes, as lines that begin with `+` for what is made and `~` for what is changed. Throws
 * ProvisioningError for what the file must not say; what was done before then stays.
 */
export async function provision(
  document: ProvisioningDocument,
  dependencies: ProvisioningDependencies,
  options: { readonly isDryRun: boolean },
): Promise<readonly string[]> {
  try {
    return await provisionAll(document, dependencies, options);
  } catch (error) {
    // In IAM's own words, which name what they are about.
    if (!(error instanceof IdentityError)) throw error;
    throw new ProvisioningError(`${error.code}: ${error.message}`, { cause: error });
  }
}

async function provisionAll(
  document: ProvisioningDocument,
  dependencies: ProvisioningDependencies,
  options: { readonly isDryRun: boolean },
): Promise<readonly string[]> {
  const changes = new Changes(options.isDryRun);
  const { accounts = [], replication, notifications = {}, ...rootHoldings } = document;
  // Buckets that replicate to them are refused without them.
  for (const target of replication?.targets ?? []) {
    if (await dependencies.replicationTargets.holds(target)) continue;
    const line = `~ replication target ${target.bucketArn}`;
    await changes.make(line, () => dependencies.replicationTargets.set(target));
  }
  await provisionNotifications(notifications, changes, dependencies);
  const root = await dependencies.identities.accounts.find(dependencies.rootAccountId);
  const rootInWork =
    root === undefined ? imagined(dependencies.rootAccountId, "root") : inWork(root);
  await provisionHoldings(rootInWork, rootHoldings);
  for (const declared of accounts) await provisionAccount(declared);
  return changes.lines;

  function inWork(account: AccountRecord): AccountInWork {
    const { accountId, canonicalId, displayName } = account;
    return { accountId, canonicalId, displayName, isImagined: false, changes, dependencies };
  }

  async function provisionAccount(declared: ProvisionedAccount): Promise<void> {
    const known = await findAccount(declared, dependencies.identities);
    const account = known === undefined ? await makeAccount(declared) : inWork(known);
    if (known !== undefined) await updateAccount(known, declared);
    const { accessKeys = [] } = declared;
    await provisionAccessKeys(account, undefined, accessKeys);
    await provisionHoldings(account, declared);
  }

  async function makeAccount(declared: ProvisionedAccount): Promise<AccountInWork> {
    let made: AccountRecord | undefined;
    await changes.make(`+ account ${declared.name}`, async () => {
      const { name, id, canonicalId, email } = declared;
      made = await dependencies.identities.accounts.create({
        displayName: name,
        ...(id === undefined ? {} : { accountId: id }),
        ...(canonicalId === undefined ? {} : { canonicalId }),
        ...(email === undefined ? {} : { email }),
      });
    });
    if (made !== undefined) return inWork(made);
    return imagined(declared.id ?? "000000000000", declared.name);
  }

  /** In a dry run an account that is not there yet. */
  function imagined(accountId: string, displayName: string): AccountInWork {
    return {
      accountId: accountId as AccountId,
      canonicalId: "" as CanonicalId,
      displayName,
      isImagined: true,
      changes,
      dependencies,
    };
  }

  async function updateAccount(known: AccountRecord, declared: ProvisionedAccount): Promise<void> {
    const isSame =
      known.displayName === declared.name &&
      (declared.email === undefined || known.email === declared.email);
    if (isSame) return;
    await changes.make(`~ account ${declared.name}`, () =>
      dependencies.identities.accounts.update(known.accountId, {
        displayName: declared.name,
        ...(declared.email === undefined ? {} : { email: declared.email }),
      }),
    );
  }
}

/** Before the buckets whose configurations name them. */
async function provisionNotifications(
  notifications: NonNullable<ProvisioningDocument["notifications"]>,
  changes: Changes,
  { notificationDestinations }: ProvisioningDependencies,
): Promise<void> {
  for (const [arn, settings] of Object.entries(notifications)) {
    if (await notificationDestinations.holds(arn, settings)) continue;
    const line = `~ notification destination ${arn}`;
    await changes.make(line, () => notificationDestinations.set(arn, settings));
  }
}

async function provisionHoldings(account: AccountInWork, holdings: Holdings): Promise<void> {
  await provisionIdentities(account, holdings);
  const { quota, buckets = [] } = holdings;
  if (quota !== undefined) await provisionAccountQuota(account, quota);
  await provisionBuckets(account, buckets);
}

async function provisionAccountQuota(account: AccountInWork, quota: Quota): Promise<void> {
  const { accountId, displayName, isImagined, changes, dependencies } = account;
  const found = isImagined ? undefined : await dependencies.findAccountQuota(accountId);
  if (found?.bytes === quota.bytes && found?.objects === quota.objects) return;
  await changes.make(`~ quota of account ${displayName}`, () =>
    dependencies.setAccountQuota(accountId, quota),
  );
}

async function findAccount(
  { id, name }: ProvisionedAccount,
  { accounts }: IdentityStore,
): Promise<AccountRecord | undefined> {
  if (id !== undefined) return accounts.find(id);
  let marker: string | undefined;
  do {
    const page = await accounts.list(marker === undefined ? {} : { marker });
    const found = page.items.find(({ displayName }) => displayName === name);
    if (found !== undefined) return found;
    marker = page.marker;
  } while (marker !== undefined);
  return undefined;
}

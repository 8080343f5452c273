// Policies, groups, users, roles, identity providers and access keys of one account.

import type { EntityReference } from "../access/identities/entities.ts";
import { arnOf } from "../access/identities/entities.ts";
import { IdentityError } from "../access/identities/identity-error.ts";
import type {
  Tag,
  UserRecord,
  RoleRecord,
  GroupRecord,
} from "../access/identities/identity-records.ts";
import type {
  Holdings,
  ProvisionedGroup,
  ProvisionedKey,
  ProvisionedPolicy,
  ProvisionedRole,
  ProvisionedUser,
} from "./document.ts";
import { ProvisioningError } from "./provisioning-error.ts";
import type { AccountInWork } from "./provision.ts";

type EntityRecord = UserRecord | RoleRecord | GroupRecord;

export async function provisionIdentities(
  account: AccountInWork,
  holdings: Holdings,
): Promise<void> {
  const { policies = [], groups = [], users = [], roles = [], oidcProviders = [] } = holdings;
  for (const policy of policies) await provisionPolicy(account, policy);
  for (const group of groups) await provisionGroup(account, group);
  for (const user of users) await provisionUser(account, user);
  for (const provider of oidcProviders) await provisionProvider(account, provider);
  for (const role of roles) await provisionRole(account, role);
}

/** Keys of a user, or with `undefined` of the account's root. */
export async function provisionAccessKeys(
  account: AccountInWork,
  userName: string | undefined,
  keys: readonly ProvisionedKey[],
): Promise<void> {
  const { accountId, displayName, changes, dependencies } = account;
  const { accessKeys } = dependencies.identities;
  const owner = { accountId, userName };
  const whose = userName === undefined ? `account ${displayName}` : `user ${userName}`;
  for (const { accessKeyId, secretAccessKey: secret, status = "Active" } of keys) {
    if (accessKeys.isOfConfiguration(accessKeyId)) {
      throw new ProvisioningError(
        `access key ${accessKeyId} of ${whose} is the server's own root key, and must have another id`,
      );
    }
    const found = await accessKeys.find(accessKeyId);
    const isNew = found === undefined || !(await accessKeys.hasSecret(accessKeyId, secret));
    if (isNew) {
      await changes.make(
        `${found === undefined ? "+" : "~"} access key ${accessKeyId} of ${whose}`,
        async () => {
          // A secret never changes: another one makes another key of the same id.
          if (found !== undefined) await accessKeys.delete(owner, accessKeyId);
          await accessKeys.create(owner, { accessKeyId, secret });
        },
      );
    }
    if ((isNew ? "Active" : found.status) === status) continue;
    await changes.make(`~ access key ${accessKeyId} of ${whose}: ${status}`, () =>
      accessKeys.setStatus(owner, accessKeyId, status),
    );
  }
}

async function provisionPolicy(account: AccountInWork, policy: ProvisionedPolicy): Promise<void> {
  const { accountId, changes, dependencies } = account;
  const { policies } = dependencies.identities;
  const { name, path = "/", description, document } = policy;
  const arn = `arn:aws:iam::${accountId}:policy${path}${name}`;
  const found = await findOr(account, () => policies.get(accountId, arn));
  if (found === undefined) {
    await changes.make(`+ policy ${name}`, () =>
      policies.create(accountId, { policyName: name, path, description, policyDocument: document }),
    );
    return;
  }
  const current = await policies.getVersion(accountId, arn, found.defaultVersionId);
  if (isSameDocument(current.document, document)) return;
  await changes.make(`~ policy ${name}`, async () => {
    await dropOldestVersion(account, arn);
    await policies.createVersion(accountId, arn, {
      policyDocument: document,
      setAsDefault: true,
    });
  });
}

/** A policy has five versions at most. */
async function dropOldestVersion(account: AccountInWork, arn: string): Promise<void> {
  const { accountId, dependencies } = account;
  const { policies } = dependencies.identities;
  const { items } = await policies.listVersions(accountId, arn);
  if (items.length < 5) return;
  const oldest = items.filter(({ isDefault }) => !isDefault).at(-1);
  if (oldest !== undefined) await policies.deleteVersion(accountId, arn, oldest.versionId);
}

async function provisionGroup(account: AccountInWork, group: ProvisionedGroup): Promise<void> {
  const { accountId, changes, dependencies } = account;
  const { groups } = dependencies.identities;
  const found = await findOr(account, () => groups.get(accountId, group.name));
  if (found === undefined) {
    await changes.make(`+ group ${group.name}`, () =>
      groups.create(accountId, { groupName: group.name, path: group.path }),
    );
  }
  await provisionGrants(account, { kind: "group", accountId, name: group.name }, group, found);
}

async function provisionUser(account: AccountInWork, user: ProvisionedUser): Promise<void> {
  const { accountId, changes, dependencies } = account;
  const { users, groups } = dependencies.identities;
  const found = await findOr(account, () => users.get(accountId, user.name));
  const boundary = user.permissionsBoundary && policyArn(account, user.permissionsBoundary);
  if (found === undefined) {
    await changes.make(`+ user ${user.name}`, () =>
      users.create(accountId, {
        userName: user.name,
        path: user.path,
        permissionsBoundary: boundary,
        tags: tagsOf(user.tags),
      }),
    );
  } else {
    await provisionTags(account, found, user.tags, (tags) => users.tag(accountId, user.name, tags));
  }
  const reference = { kind: "user", accountId, name: user.name } as const;
  await provisionBoundary(account, reference, boundary, found);
  await provisionGrants(account, reference, user, found);
  const member = found === undefined ? [] : (await users.listGroups(accountId, user.name)).items;
  for (const group of user.groups ?? []) {
    if (member.some(({ name }) => name === group)) continue;
    await changes.make(`+ user ${user.name} in group ${group}`, () =>
      groups.addUser(accountId, group, user.name),
    );
  }
  await provisionAccessKeys(account, user.name, user.accessKeys ?? []);
}

async function provisionRole(account: AccountInWork, role: ProvisionedRole): Promise<void> {
  const { accountId, changes, dependencies } = account;
  const { roles } = dependencies.identities;
  const found = await findOr(account, () => roles.get(accountId, role.name));
  const boundary = role.permissionsBoundary && policyArn(account, role.permissionsBoundary);
  if (found === undefined) {
    await changes.make(`+ role ${role.name}`, () =>
      roles.create(accountId, {
        roleName: role.name,
        path: role.path,
        assumeRolePolicyDocument: role.trustPolicy,
        description: role.description,
        maxSessionDuration: role.maximumSessionSeconds,
        permissionsBoundary: boundary,
        tags: tagsOf(role.tags),
      }),
    );
  } else {
    if (!isSameDocument(found.trustPolicy, role.trustPolicy)) {
      await changes.make(`~ trust policy of role ${role.name}`, () =>
        roles.updateTrustPolicy(accountId, role.name, role.trustPolicy),
      );
    }
    await provisionTags(account, found, role.tags, (tags) => roles.tag(accountId, role.name, tags));
  }
  const reference = { kind: "role", accountId, name: role.name } as const;
  await provisionBoundary(account, reference, boundary, found);
  await provisionGrants(account, reference, role, found);
}

async function provisionProvider(
  account: AccountInWork,
  provider: NonNullable<Holdings["oidcProviders"]>[number],
): Promise<void> {
  const { accountId, changes, dependencies, isImagined } = account;
  const { oidcProviders } = dependencies.identities;
  const { url, clientIds, thumbprints = [] } = provider;
  const host = url.replace(/^https?:\/\//, "");
  const found = isImagined ? undefined : await oidcProviders.find(accountId, host);
  if (found === undefined) {
    await changes.make(`+ identity provider ${url}`, () =>
      oidcProviders.create(accountId, { url, clientIds, thumbprints }),
    );
    return;
  }
  const arn = `arn:aws:iam::${accountId}:oidc-provider/${host}`;
  for (const clientId of clientIds) {
    if (found.clientIds.includes(clientId)) continue;
    await changes.make(`~ identity provider ${url}: client ${clientId}`, () =>
      oidcProviders.addClientId(accountId, arn, clientId),
    );
  }
}

async function provisionGrants(
  account: AccountInWork,
  entity: EntityReference,
  { policies = [], inlinePolicies = {} }: Pick<ProvisionedGroup, "policies" | "inlinePolicies">,
  found: EntityRecord | undefined,
): Promise<void> {
  const { changes, dependencies } = account;
  const { entityPolicies } = dependencies.identities;
  const whose = `${entity.kind} ${entity.name}`;
  for (const policy of policies) {
    const arn = policyArn(account, policy);
    if (found?.attachedPolicyArns.includes(arn) === true) continue;
    await changes.make(`+ policy ${policy} of ${whose}`, () => entityPolicies.attach(entity, arn));
  }
  for (const [name, document] of Object.entries(inlinePolicies)) {
    const current = found?.inlinePolicies[name];
    if (current !== undefined && isSameDocument(current, document)) continue;
    await changes.make(
      `${current === undefined ? "+" : "~"} inline policy ${name} of ${whose}`,
      () => entityPolicies.putInline(entity, name, document),
    );
  }
}

async function provisionBoundary(
  account: AccountInWork,
  entity: EntityReference & { readonly kind: "user" | "role" },
  arn: string | undefined,
  found: UserRecord | RoleRecord | undefined,
): Promise<void> {
  if (found === undefined || arn === undefined || found.boundaryArn === arn) return;
  await account.changes.make(`~ permissions boundary of ${entity.kind} ${entity.name}`, () =>
    account.dependencies.identities.entityPolicies.putBoundary(entity, arn),
  );
}

async function provisionTags(
  account: AccountInWork,
  found: UserRecord | RoleRecord,
  wanted: Readonly<Record<string, string>> | undefined,
  apply: (tags: readonly Tag[]) => Promise<void>,
): Promise<void> {
  const missing = tagsOf(wanted).filter(
    ([key, value]) => !found.tags.some((tag) => tag[0] === key && tag[1] === value),
  );
  if (missing.length === 0) return;
  await account.changes.make(`~ tags of ${arnOf(found)}`, () => apply(missing));
}

/** `undefined` for what is not there. */
async function findOr<Found>(
  { isImagined }: AccountInWork,
  find: () => Promise<Found>,
): Promise<Found | undefined> {
  if (isImagined) return undefined;
  try {
    return await find();
  } catch (error) {
    if (error instanceof IdentityError && error.code === "NoSuchEntity") return undefined;
    throw error;
  }
}

/** A name stands for the account's own policy. */
function policyArn({ accountId }: AccountInWork, policy: string): string {
  return policy.startsWith("arn:") ? policy : `arn:aws:iam::${accountId}:policy/${policy}`;
}

function tagsOf(tags: Readonly<Record<string, string>> | undefined): readonly Tag[] {
  return Object.entries(tags ?? {});
}

/** White space and the order of an object's names say nothing. */
function isSameDocument(left: string, right: string): boolean {
  return left === right || canonical(left) === canonical(right);
}

function canonical(text: string): string {
  try {
    return JSON.stringify(sortNames(JSON.parse(text)));
  } catch {
    return text;
  }
}

function sortNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortNames);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([name, part]) => [name, sortNames(part)]));
}

// Managed policies: an account's own, with their versions, and the built-in ones beside them.

import type { Transaction } from "../../storage/key-value/transaction.ts";
import { encodeRecord } from "../../storage/record-codec.ts";
import type { AccountId } from "../caller.ts";
import { builtInPolicies, type BuiltInPolicy } from "./built-in-policies.ts";
import { arnOf, findEntityById, type EntityRecord } from "./entities.ts";
import { pageOf, type IdentityDatabase, type Page, type PageRequest } from "./identity-database.ts";
import { IdentityError } from "./identity-error.ts";
import { identityKeys, identityRanges, lastPartOf, type AttachmentUse } from "./identity-keys.ts";
import {
  checkLength,
  checkName,
  checkPath,
  checkPathPrefix,
  policyNameLength,
} from "./identity-names.ts";
import {
  decodePolicy,
  decodePolicyVersion,
  type PolicyRecord,
  type PolicyVersionRecord,
  type Tag,
} from "./identity-records.ts";
import { countPolicyCharacters, iamPolicyCharacters } from "../policy/policy-limits.ts";
import { checkPolicyDocument } from "./policy-checks.ts";
import { findPolicy, parsePolicyArn } from "./policy-places.ts";
import { addTags, checkTags, removeTags } from "./tags.ts";

export interface ManagedPolicy {
  readonly arn: string;
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly description: string | undefined;
  /** `v3`. */
  readonly defaultVersionId: string;
  /** How many users, groups and roles of the account have it. */
  readonly attachmentCount: number;
  readonly boundaryUsageCount: number;
  readonly createdMilliseconds: number;
  readonly updatedMilliseconds: number;
  readonly tags: readonly Tag[];
  readonly isBuiltIn: boolean;
}

export interface ManagedPolicyVersion {
  readonly versionId: string;
  readonly document: string;
  readonly isDefault: boolean;
  readonly createdMilliseconds: number;
}

export interface NewPolicy {
  readonly policyName: string;
  readonly path?: string | undefined;
  readonly policyDocument: string;
  readonly description?: string | undefined;
  readonly tags?: readonly Tag[] | undefined;
}

export interface PolicyListRequest extends PageRequest {
  /** Default `All`. `Local`: the account's own. */
  readonly scope?: "All" | "AWS" | "Local" | undefined;
  readonly onlyAttached?: boolean | undefined;
  readonly pathPrefix?: string | undefined;
  readonly usage?: "PermissionsPolicy" | "PermissionsBoundary" | undefined;
}

export interface PolicyEntity {
  readonly entity: EntityRecord;
  readonly use: AttachmentUse;
}

export const versionsPerPolicy = 5;

export class ManagedPolicies {
  readonly #database: IdentityDatabase;

  constructor(database: IdentityDatabase) {
    this.#database = database;
  }

  /** Throws IdentityError EntityAlreadyExists, MalformedPolicyDocument, LimitExceeded, … */
  async create(accountId: AccountId, policy: NewPolicy): Promise<ManagedPolicy> {
    checkName(policy.policyName, "policyName", policyNameLength);
    const path = checkPath(policy.path);
    const tags = checkTags(policy.tags ?? []);
    const { description, policyDocument: document } = policy;
    if (description !== undefined) checkLength(description, "description", 0, 1000);
    checkManagedDocument(document);
    return this.#database.change(accountId, async (transaction) => {
      const key = identityKeys.policy(accountId, policy.policyName);
      if ((await transaction.get(key)) !== undefined) {
        throw new IdentityError(
          "EntityAlreadyExists",
          `A policy called ${policy.policyName} already exists. Duplicate names are not allowed.`,
        );
      }
      const now = this.#database.clock.now();
      const record: PolicyRecord = {
        v: 1,
        accountId,
        id: this.#database.ids.uniqueId("ANPA"),
        name: policy.policyName,
        path,
        createdMilliseconds: now,
        updatedMilliseconds: now,
        defaultVersion: 1,
        newestVersion: 1,
        tags,
        ...(description === undefined ? {} : { description }),
      };
      transaction.set(key, encodeRecord(record));
      setVersion(transaction, record, { v: 1, number: 1, document, createdMilliseconds: now });
      return describe(record, { attached: 0, boundary: 0 });
    });
  }

  /** Throws IdentityError NoSuchEntity. */
  async get(accountId: AccountId, arn: string): Promise<ManagedPolicy> {
    return this.#database.run(async (transaction) => {
      const found = await this.#find(transaction, accountId, arn);
      return describe(found, await this.#countUses(transaction, accountId, arn));
    });
  }

  async list(accountId: AccountId, request: PolicyListRequest = {}): Promise<Page<ManagedPolicy>> {
    const { scope = "All" } = request;
    const prefix = checkPathPrefix(request.pathPrefix);
    const policies = await this.#database.run(async (transaction) => {
      const range = identityRanges.named("policy", accountId, undefined);
      const entries = scope === "AWS" ? [] : await this.#database.entriesOf(transaction, range);
      const found: (PolicyRecord | BuiltInPolicy)[] = entries.map(({ value }) =>
        decodePolicy(value),
      );
      if (scope !== "Local") found.push(...builtInPolicies.values());
      const accepted = found.filter(({ path }) => path.startsWith(prefix));
      const described: ManagedPolicy[] = [];
      for (const policy of accepted) {
        const uses = await this.#countUses(transaction, accountId, arnOfPolicy(policy));
        described.push(describe(policy, uses));
      }
      return described;
    });
    const listed = policies.filter((policy) => isListed(policy, request));
    return pageOf(
      request,
      listed.toSorted((left, right) => (left.arn < right.arn ? -1 : 1)),
      ({ arn }) => arn,
    );
  }

  /** Throws IdentityError DeleteConflict while it is attached, or has other versions. */
  async delete(accountId: AccountId, arn: string): Promise<void> {
    await this.#database.change(accountId, async (transaction) => {
      const policy = await this.#own(transaction, accountId, arn);
      const { attached, boundary } = await this.#countUses(transaction, accountId, arn);
      if (attached + boundary > 0) {
        throw new IdentityError("DeleteConflict", "Cannot delete a policy attached to entities.");
      }
      const versions = await this.#versionsOf(transaction, policy);
      if (versions.length > 1) {
        throw new IdentityError(
          "DeleteConflict",
          "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
        );
      }
      transaction.delete(identityKeys.policy(accountId, policy.name));
      for (const { number } of versions) {
        transaction.delete(identityKeys.policyVersion(accountId, policy.id, number));
      }
    });
  }

  /** Throws IdentityError LimitExceeded, MalformedPolicyDocument, NoSuchEntity. */
  async createVersion(
    accountId: AccountId,
    arn: string,
    version: { readonly policyDocument: string; readonly setAsDefault?: boolean | undefined },
  ): Promise<ManagedPolicyVersion> {
    checkManagedDocument(version.policyDocument);
    return this.#database.change(accountId, async (transaction) => {
      const policy = await this.#own(transaction, accountId, arn);
      const versions = await this.#versionsOf(transaction, policy);
      if (versions.length >= versionsPerPolicy) {
        throw new IdentityError(
          "LimitExceeded",
          `A managed policy can have up to ${versionsPerPolicy} versions. Before you create a new version, you must delete an existing version.`,
        );
      }
      const now = this.#database.clock.now();
      const made: PolicyVersionRecord = {
        v: 1,
        number: policy.newestVersion + 1,
        document: version.policyDocument,
        createdMilliseconds: now,
      };
      const after: PolicyRecord = {
        ...policy,
        newestVersion: made.number,
        updatedMilliseconds: now,
        defaultVersion: version.setAsDefault === true ? made.number : policy.defaultVersion,
      };
      transaction.set(identityKeys.policy(accountId, policy.name), encodeRecord(after));
      setVersion(transaction, after, made);
      return describeVersion(after, made);
    });
  }

  /** Throws IdentityError NoSuchEntity. */
  async getVersion(
    accountId: AccountId,
    arn: string,
    versionId: string,
  ): Promise<ManagedPolicyVersion> {
    return this.#database.run(async (transaction) => {
      const policy = await this.#find(transaction, accountId, arn);
      if ("versionId" in policy) {
        if (policy.versionId !== versionId) throw noSuchVersion(arn, versionId);
        return describeBuiltInVersion(policy);
      }
      return describeVersion(policy, await loadVersion(transaction, policy, versionId));
    });
  }

  /** Newest first. */
  async listVersions(
    accountId: AccountId,
    arn: string,
    request: PageRequest = {},
  ): Promise<Page<ManagedPolicyVersion>> {
    const versions = await this.#database.run(async (transaction) => {
      const policy = await this.#find(transaction, accountId, arn);
      if ("versionId" in policy) return [describeBuiltInVersion(policy)];
      const records = await this.#versionsOf(transaction, policy);
      return records.toReversed().map((record) => describeVersion(policy, record));
    });
    // At most five: place in the list is name enough for a marker.
    const places = versions.map((version, place) => ({ version, place: String(place) }));
    const { items, marker } = pageOf(request, places, ({ place }) => place);
    return {
      items: items.map(({ version }) => version),
      ...(marker === undefined ? {} : { marker }),
    };
  }

  /** Throws IdentityError DeleteConflict for the default version, NoSuchEntity. */
  async deleteVersion(accountId: AccountId, arn: string, versionId: string): Promise<void> {
    await this.#database.change(accountId, async (transaction) => {
      const policy = await this.#own(transaction, accountId, arn);
      const { number } = await loadVersion(transaction, policy, versionId);
      if (number === policy.defaultVersion) {
        throw new IdentityError("DeleteConflict", "Cannot delete the default version of a policy.");
      }
      transaction.delete(identityKeys.policyVersion(accountId, policy.id, number));
    });
  }

  /** Throws IdentityError NoSuchEntity. */
  async setDefaultVersion(accountId: AccountId, arn: string, versionId: string): Promise<void> {
    await this.#database.change(accountId, async (transaction) => {
      const policy = await this.#own(transaction, accountId, arn);
      const { number } = await loadVersion(transaction, policy, versionId);
      const updatedMilliseconds = this.#database.clock.now();
      const after = { ...policy, defaultVersion: number, updatedMilliseconds };
      transaction.set(identityKeys.policy(accountId, policy.name), encodeRecord(after));
    });
  }

  async tag(accountId: AccountId, arn: string, tags: readonly Tag[]): Promise<void> {
    await this.#retag(accountId, arn, (before) => addTags(before, tags));
  }

  async untag(accountId: AccountId, arn: string, keys: readonly string[]): Promise<void> {
    await this.#retag(accountId, arn, (before) => removeTags(before, keys));
  }

  /** Users, groups and roles that have the policy, by name. */
  async entitiesOf(accountId: AccountId, arn: string): Promise<readonly PolicyEntity[]> {
    return this.#database.run(async (transaction) => {
      await this.#find(transaction, accountId, arn);
      const found: PolicyEntity[] = [];
      for (const use of ["attached", "boundary"] as const) {
        const range = identityRanges.attachments(accountId, arn, use);
        for (const { key } of await this.#database.entriesOf(transaction, range)) {
          const entity = await findEntityById(transaction, accountId, lastPartOf(key));
          if (entity !== undefined) found.push({ entity, use });
        }
      }
      return found.toSorted((left, right) => (left.entity.name < right.entity.name ? -1 : 1));
    });
  }

  async #retag(
    accountId: AccountId,
    arn: string,
    change: (tags: readonly Tag[]) => readonly Tag[],
  ): Promise<void> {
    await this.#database.change(accountId, async (transaction) => {
      const policy = await this.#own(transaction, accountId, arn);
      const after = { ...policy, tags: change(policy.tags) };
      transaction.set(identityKeys.policy(accountId, policy.name), encodeRecord(after));
    });
  }

  /** Throws IdentityError AccessDenied for what is built in, NoSuchEntity. */
  async #own(transaction: Transaction, accountId: string, arn: string): Promise<PolicyRecord> {
    const found = await this.#find(transaction, accountId, arn);
    if (!("versionId" in found)) return found;
    throw new IdentityError(
      "AccessDenied",
      "Cannot perform the operation on an AWS managed policy.",
    );
  }

  async #find(
    transaction: Transaction,
    accountId: string,
    arn: string,
  ): Promise<PolicyRecord | BuiltInPolicy> {
    parsePolicyArn(arn);
    const found = builtInPolicies.get(arn) ?? (await findPolicy(transaction, accountId, arn));
    if (found !== undefined) return found;
    throw new IdentityError("NoSuchEntity", `Policy ${arn} was not found.`);
  }

  async #versionsOf(
    transaction: Transaction,
    policy: PolicyRecord,
  ): Promise<readonly PolicyVersionRecord[]> {
    const range = identityRanges.policyVersions(policy.accountId, policy.id);
    const entries = await this.#database.entriesOf(transaction, range);
    return entries.map(({ value }) => decodePolicyVersion(value));
  }

  async #countUses(transaction: Transaction, accountId: string, arn: string): Promise<Uses> {
    const count = async (use: AttachmentUse): Promise<number> => {
      const range = identityRanges.attachments(accountId, arn, use);
      return (await this.#database.entriesOf(transaction, range)).length;
    };
    return { attached: await count("attached"), boundary: await count("boundary") };
  }
}

interface Uses {
  readonly attached: number;
  readonly boundary: number;
}

function checkManagedDocument(document: string): void {
  checkPolicyDocument(document, "identity");
  if (countPolicyCharacters(document) <= iamPolicyCharacters.managed) return;
  throw new IdentityError(
    "LimitExceeded",
    `Cannot exceed quota for PolicySize: ${iamPolicyCharacters.managed}`,
  );
}

function setVersion(
  transaction: Transaction,
  { accountId, id }: PolicyRecord,
  version: PolicyVersionRecord,
): void {
  const key = identityKeys.policyVersion(accountId, id, version.number);
  transaction.set(key, encodeRecord(version));
}

async function loadVersion(
  transaction: Transaction,
  policy: PolicyRecord,
  versionId: string,
): Promise<PolicyVersionRecord> {
  const number = Number(/^v([1-9]\d{0,8})(?:\.[A-Za-z0-9-]*)?$/.exec(versionId)?.[1]);
  if (Number.isNaN(number)) {
    throw new IdentityError(
      "ValidationError",
      `1 validation error detected: Value '${versionId}' at 'versionId' failed to satisfy constraint: Member must satisfy regular expression pattern: v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?`,
    );
  }
  const key = identityKeys.policyVersion(policy.accountId, policy.id, number);
  const value = await transaction.get(key);
  if (value === undefined) throw noSuchVersion(arnOf(policy), versionId);
  return decodePolicyVersion(value);
}

function isListed(policy: ManagedPolicy, { onlyAttached, usage }: PolicyListRequest): boolean {
  const { attachmentCount, boundaryUsageCount } = policy;
  if (usage === "PermissionsPolicy" && attachmentCount === 0) return false;
  if (usage === "PermissionsBoundary" && boundaryUsageCount === 0) return false;
  return onlyAttached !== true || attachmentCount + boundaryUsageCount > 0;
}

function arnOfPolicy(policy: PolicyRecord | BuiltInPolicy): string {
  return "versionId" in policy ? policy.arn : arnOf(policy);
}

function describe(policy: PolicyRecord | BuiltInPolicy, uses: Uses): ManagedPolicy {
  const { id, name, path, description, createdMilliseconds, updatedMilliseconds } = policy;
  const isBuiltIn = "versionId" in policy;
  return {
    arn: arnOfPolicy(policy),
    id,
    name,
    path,
    description,
    defaultVersionId: isBuiltIn ? policy.versionId : `v${policy.defaultVersion}`,
    attachmentCount: uses.attached,
    boundaryUsageCount: uses.boundary,
    createdMilliseconds,
    updatedMilliseconds,
    tags: isBuiltIn ? [] : policy.tags,
    isBuiltIn,
  };
}

function describeVersion(
  policy: PolicyRecord,
  { number, document, createdMilliseconds }: PolicyVersionRecord,
): ManagedPolicyVersion {
  const isDefault = number === policy.defaultVersion;
  return { versionId: `v${number}`, document, isDefault, createdMilliseconds };
}

function describeBuiltInVersion(policy: BuiltInPolicy): ManagedPolicyVersion {
  const { versionId, document, updatedMilliseconds } = policy;
  return { versionId, document, isDefault: true, createdMilliseconds: updatedMilliseconds };
}

function noSuchVersion(arn: string, versionId: string): IdentityError {
  return new IdentityError(
    "NoSuchEntity",
    `Policy ${arn} version ${versionId} does not exist or is not attachable.`,
  );
}

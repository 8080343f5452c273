// The policies of users, groups and roles: attached managed ones, inline ones, boundaries.

import type { Transaction } from "../../storage/key-value/transaction.ts";
import { checkBoundary, releaseBoundary } from "./boundaries.ts";
import { getEntity, setEntity, type EntityRecord, type EntityReference } from "./entities.ts";
import { pageOf, type IdentityDatabase, type Page, type PageRequest } from "./identity-database.ts";
import { IdentityError } from "./identity-error.ts";
import { identityKeys } from "./identity-keys.ts";
import { checkName, checkPathPrefix, policyNameLength } from "./identity-names.ts";
import type { RoleRecord, UserRecord } from "./identity-records.ts";
import { countPolicyCharacters, iamPolicyCharacters } from "../policy/policy-limits.ts";
import { checkPolicyDocument } from "./policy-checks.ts";
import { isPolicyThere, parsePolicyArn } from "./policy-places.ts";

export interface AttachedPolicy {
  readonly arn: string;
  readonly name: string;
}

/** IAM's default is 10 and can be raised to this. */
export const attachedPerEntity = 20;

export class EntityPolicies {
  readonly #database: IdentityDatabase;

  constructor(database: IdentityDatabase) {
    this.#database = database;
  }

  /** Attaching again changes nothing. Throws IdentityError LimitExceeded, NoSuchEntity. */
  async attach(entity: EntityReference, policyArn: string): Promise<void> {
    parsePolicyArn(policyArn);
    await this.#change(entity, async (record, transaction) => {
      if (!(await isPolicyThere(transaction, entity.accountId, policyArn))) {
        throw new IdentityError(
          "NoSuchEntity",
          `Policy ${policyArn} does not exist or is not attachable.`,
        );
      }
      const attached = record.attachedPolicyArns;
      if (attached.includes(policyArn)) return record;
      if (attached.length >= attachedPerEntity) {
        const quota = {
          user: "PoliciesPerUser",
          group: "PoliciesPerGroup",
          role: "PoliciesPerRole",
        };
        throw new IdentityError(
          "LimitExceeded",
          `Cannot exceed quota for ${quota[record.kind]}: ${attachedPerEntity}`,
        );
      }
      const key = identityKeys.attachment(entity.accountId, policyArn, "attached", record.id);
      transaction.set(key, new Uint8Array(0));
      return { ...record, attachedPolicyArns: [...attached, policyArn] };
    });
  }

  /** Throws IdentityError NoSuchEntity for what is not attached. */
  async detach(entity: EntityReference, policyArn: string): Promise<void> {
    parsePolicyArn(policyArn);
    await this.#change(entity, (record, transaction) => {
      if (!record.attachedPolicyArns.includes(policyArn)) {
        throw new IdentityError("NoSuchEntity", `Policy ${policyArn} was not found.`);
      }
      transaction.delete(
        identityKeys.attachment(entity.accountId, policyArn, "attached", record.id),
      );
      return {
        ...record,
        attachedPolicyArns: record.attachedPolicyArns.filter((arn) => arn !== policyArn),
      };
    });
  }

  async listAttached(
    entity: EntityReference,
    request: PageRequest & { readonly pathPrefix?: string | undefined } = {},
  ): Promise<Page<AttachedPolicy>> {
    const prefix = checkPathPrefix(request.pathPrefix);
    const record = await this.#get(entity);
    const policies = record.attachedPolicyArns
      .filter((arn) => arn.slice(arn.indexOf("/")).startsWith(prefix))
      .toSorted()
      .map((arn) => ({ arn, name: parsePolicyArn(arn).name }));
    return pageOf(request, policies, ({ arn }) => arn);
  }

  /** Throws IdentityError LimitExceeded, MalformedPolicyDocument, NoSuchEntity, ValidationError. */
  async putInline(entity: EntityReference, policyName: string, document: string): Promise<void> {
    checkName(policyName, "policyName", policyNameLength);
    checkPolicyDocument(document, "identity");
    await this.#change(entity, (record) => {
      const inlinePolicies = { ...record.inlinePolicies, [policyName]: document };
      const documents = Object.values(inlinePolicies);
      const size = documents.reduce((sum, each) => sum + countPolicyCharacters(each), 0);
      const bound = iamPolicyCharacters.inline[record.kind];
      if (size > bound) {
        throw new IdentityError(
          "LimitExceeded",
          `Maximum policy size of ${bound} bytes exceeded for ${record.kind} ${record.name}`,
        );
      }
      return { ...record, inlinePolicies };
    });
  }

  /** The document as it was put. Throws IdentityError NoSuchEntity. */
  async getInline(entity: EntityReference, policyName: string): Promise<string> {
    return documentOf(await this.#get(entity), policyName);
  }

  async deleteInline(entity: EntityReference, policyName: string): Promise<void> {
    await this.#change(entity, (record) => {
      documentOf(record, policyName);
      const { [policyName]: _, ...inlinePolicies } = record.inlinePolicies;
      return { ...record, inlinePolicies };
    });
  }

  /** Names of inline policies. */
  async listInline(entity: EntityReference, request: PageRequest = {}): Promise<Page<string>> {
    const record = await this.#get(entity);
    return pageOf(request, Object.keys(record.inlinePolicies).toSorted(), (name) => name);
  }

  /** Throws IdentityError NoSuchEntity, also for the policy. */
  async putBoundary(
    entity: EntityReference & { readonly kind: "user" | "role" },
    policyArn: string,
  ): Promise<void> {
    parsePolicyArn(policyArn);
    await this.#change(entity, async (record, transaction) => {
      const before = record as UserRecord | RoleRecord; // of the reference's kind
      releaseBoundary(transaction, before);
      const after = { ...before, boundaryArn: policyArn };
      await checkBoundary(transaction, after);
      return after;
    });
  }

  /** Throws IdentityError NoSuchEntity where there is none. */
  async deleteBoundary(
    entity: EntityReference & { readonly kind: "user" | "role" },
  ): Promise<void> {
    await this.#change(entity, (record, transaction) => {
      const before = record as UserRecord | RoleRecord; // of the reference's kind
      if (before.boundaryArn === undefined) {
        throw new IdentityError(
          "NoSuchEntity",
          `The ${record.kind} with name ${record.name} does not have a permissions boundary.`,
        );
      }
      releaseBoundary(transaction, before);
      const { boundaryArn: _, ...after } = before;
      return after;
    });
  }

  async #get({ kind, accountId, name }: EntityReference): Promise<EntityRecord> {
    return this.#database.run((transaction) => getEntity(transaction, kind, accountId, name));
  }

  async #change(
    { kind, accountId, name }: EntityReference,
    change: (
      record: EntityRecord,
      transaction: Transaction,
    ) => EntityRecord | Promise<EntityRecord>,
  ): Promise<void> {
    await this.#database.change(accountId, async (transaction) => {
      const record = await getEntity(transaction, kind, accountId, name);
      const after = await change(record, transaction);
      if (after !== record) setEntity(transaction, after);
    });
  }
}

function documentOf(record: EntityRecord, policyName: string): string {
  const document = Object.hasOwn(record.inlinePolicies, policyName)
    ? record.inlinePolicies[policyName]
    : undefined;
  if (document !== undefined) return document;
  throw new IdentityError(
    "NoSuchEntity",
    `The ${record.kind} policy with name ${policyName} cannot be found.`,
  );
}

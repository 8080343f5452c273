// The policies of an entity, gathered and compiled: what authorization evaluates. A document is compiled
// once, however many entities have it.

import { assert } from "../../base/assert.ts";
import type { Transaction } from "../../storage/key-value/transaction.ts";
import type { IdentityPolicies } from "../identity-policies.ts";
import type { CompiledPolicy, PolicySource } from "../policy/compile-policy.ts";
import type { PolicyKind } from "../policy/policy-document.ts";
import { builtInPolicies } from "./built-in-policies.ts";
import { findEntityById, type EntityRecord } from "./entities.ts";
import type { RoleRecord, UserRecord } from "./identity-records.ts";
import { compileStored } from "./policy-checks.ts";
import { findPolicyDocument } from "./policy-places.ts";
import type { SessionPolicies } from "./session-tokens.ts";

const rememberedPolicies = 2048;
const administrator = "arn:aws:iam::aws:policy/AdministratorAccess";

export class CompiledPolicies {
  readonly #compiled = new Map<string, CompiledPolicy>();

  /** Of a user with its groups, or of a role. */
  async of(transaction: Transaction, entity: UserRecord | RoleRecord): Promise<IdentityPolicies> {
    const identity = [...(await this.#policiesOf(transaction, entity))];
    for (const groupId of entity.kind === "user" ? entity.groupIds : []) {
      const group = await findEntityById(transaction, entity.accountId, groupId);
      if (group !== undefined) identity.push(...(await this.#policiesOf(transaction, group)));
    }
    const { boundaryArn, accountId } = entity;
    const boundary =
      boundaryArn === undefined
        ? undefined
        : await this.#managed(transaction, accountId, boundaryArn, "boundary");
    // Policies in use cannot be deleted: without its boundary an entity would do what it must not.
    assert(boundaryArn === undefined || boundary !== undefined, "a boundary is missing");
    return { identity, boundary, narrowing: [] };
  }

  /** Of what may do everything until something narrows it. */
  unlimited(): IdentityPolicies {
    const { document } = builtInPolicies.get(administrator) ?? {};
    assert(document !== undefined, "AdministratorAccess is built in");
    const source = { kind: "identity", name: administrator } as const;
    return { identity: [this.compile(document, source)], boundary: undefined, narrowing: [] };
  }

  /** What a session is narrowed to: all of its policies together. */
  async ofSession(
    transaction: Transaction,
    accountId: string,
    { document, arns = [] }: SessionPolicies,
  ): Promise<readonly CompiledPolicy[]> {
    const found: CompiledPolicy[] = [];
    if (document !== undefined) {
      found.push(this.compile(document, { kind: "session", name: "session policy" }));
    }
    for (const arn of arns) {
      const policy = await this.#managed(transaction, accountId, arn, "session");
      if (policy !== undefined) found.push(policy);
    }
    return found;
  }

  /** A document that was checked when it was stored or sealed. */
  compile(document: string, source: PolicySource): CompiledPolicy {
    const key = `${source.kind} ${source.name} ${document}`;
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const compiled = compileStored(document, grammars[source.kind], source);
    if (this.#compiled.size >= rememberedPolicies) {
      this.#compiled.delete(this.#compiled.keys().next().value as string);
    }
    this.#compiled.set(key, compiled);
    return compiled;
  }

  async #policiesOf(
    transaction: Transaction,
    { kind, accountId, attachedPolicyArns, inlinePolicies }: EntityRecord,
  ): Promise<readonly CompiledPolicy[]> {
    const sourceKind = kind === "group" ? "group" : "identity";
    const found = Object.entries(inlinePolicies).map(([name, document]) =>
      this.compile(document, { kind: sourceKind, name }),
    );
    for (const arn of attachedPolicyArns) {
      const policy = await this.#managed(transaction, accountId, arn, sourceKind);
      if (policy !== undefined) found.push(policy);
    }
    return found;
  }

  async #managed(
    transaction: Transaction,
    accountId: string,
    arn: string,
    kind: PolicySource["kind"],
  ): Promise<CompiledPolicy | undefined> {
    const document = await findPolicyDocument(transaction, accountId, arn);
    return document === undefined ? undefined : this.compile(document, { kind, name: arn });
  }
}

const grammars: Readonly<Record<PolicySource["kind"], PolicyKind>> = {
  bucket: "bucket",
  key: "key",
  trust: "trust",
  identity: "identity",
  group: "identity",
  boundary: "boundary",
  session: "session",
  "service-account": "identity",
};

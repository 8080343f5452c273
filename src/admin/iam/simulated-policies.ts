// The policies that a simulation is about: those handed in, and those of a user, group or role.

import type { PolicySource } from "../../access/policy/compile-policy.ts";
import type { PolicyKind } from "../../access/policy/policy-document.ts";
import { findEntity, findEntityById, type EntityRecord } from "../../access/identities/entities.ts";
import { IdentityError } from "../../access/identities/identity-error.ts";
import { checkPolicyDocument } from "../../access/identities/policy-checks.ts";
import { findPolicyDocument } from "../../access/identities/policy-places.ts";
import type { PolicySourceType } from "../../model/iam.generated.ts";
import type { Transaction } from "../../storage/key-value/transaction.ts";
import type { IamContext } from "./iam-action.ts";

export interface SimulatedPolicy {
  /** As results name it: `PolicyInputList.1`, `user_Anna_inline`, the name of a managed policy. */
  readonly id: string;
  readonly type: PolicySourceType;
  readonly kind: PolicySource["kind"];
  readonly document: string;
}

/** Throws IdentityError MalformedPolicyDocument. */
export function policyInputs(
  list: string,
  documents: readonly string[] = [],
  kind: PolicyKind & PolicySource["kind"],
): readonly SimulatedPolicy[] {
  return documents.map((document, index) => {
    checkPolicyDocument(document, kind);
    return { id: `${list}.${index + 1}`, type: "none", kind, document };
  });
}

export interface SourcePolicies {
  readonly identity: readonly SimulatedPolicy[];
  readonly boundary: readonly SimulatedPolicy[];
}

/** Throws IdentityError NoSuchEntity, InvalidInput. */
export async function loadSourcePolicies(
  arn: string,
  { identities, accountId }: IamContext,
): Promise<SourcePolicies> {
  const match = /^arn:aws:iam::(\d{12}):(user|group|role)\/(?:.*\/)?([^/]+)$/.exec(arn);
  if (match === null) {
    throw new IdentityError(
      "InvalidInput",
      `Invalid Entity Arn: ${arn} does not clearly define entity type and name.`,
    );
  }
  const [, account, kind, name] = match as unknown as [
    string,
    string,
    EntityRecord["kind"],
    string,
  ];
  return identities.database.run(async (transaction) => {
    const entity =
      account === accountId ? await findEntity(transaction, kind, accountId, name) : undefined;
    if (entity === undefined) {
      throw new IdentityError("NoSuchEntity", `The ${kind} with name ${name} cannot be found.`);
    }
    const identity = await policiesOf(transaction, entity);
    if (entity.kind === "user") {
      for (const id of entity.groupIds) {
        const group = await findEntityById(transaction, accountId, id);
        if (group !== undefined) identity.push(...(await policiesOf(transaction, group)));
      }
    }
    const boundaryArn = entity.kind === "group" ? undefined : entity.boundaryArn;
    const boundary =
      boundaryArn === undefined
        ? []
        : [await managed(transaction, entity, boundaryArn, "boundary")];
    return { identity, boundary: boundary.filter((policy) => policy !== undefined) };
  });
}

async function policiesOf(
  transaction: Transaction,
  entity: EntityRecord,
): Promise<SimulatedPolicy[]> {
  const kind = entity.kind === "group" ? "group" : "identity";
  const found: SimulatedPolicy[] = Object.entries(entity.inlinePolicies).map(
    ([name, document]) => ({
      id: `${entity.kind}_${entity.name}_${name}`,
      type: entity.kind,
      kind,
      document,
    }),
  );
  for (const arn of entity.attachedPolicyArns) {
    const policy = await managed(transaction, entity, arn, kind);
    if (policy !== undefined) found.push(policy);
  }
  return found;
}

async function managed(
  transaction: Transaction,
  { accountId }: EntityRecord,
  arn: string,
  kind: SimulatedPolicy["kind"],
): Promise<SimulatedPolicy | undefined> {
  const document = await findPolicyDocument(transaction, accountId, arn);
  if (document === undefined) return undefined;
  const type = arn.startsWith("arn:aws:iam::aws:") ? "aws-managed" : "user-managed";
  return { id: arn.slice(arn.lastIndexOf("/") + 1), type, kind, document };
}

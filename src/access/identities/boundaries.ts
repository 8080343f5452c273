// Which entities a managed policy bounds. The index beside the entity's record is what makes
// ListEntitiesForPolicy and DeletePolicy cheap.

import type { Transaction } from "../../storage/key-value/transaction.ts";
import { IdentityError } from "./identity-error.ts";
import { identityKeys } from "./identity-keys.ts";
import type { RoleRecord, UserRecord } from "./identity-records.ts";
import { isPolicyThere } from "./policy-places.ts";

const nothing = new Uint8Array(0);

/** Enters the boundary of a new record. Throws IdentityError NoSuchEntity. */
export async function checkBoundary(
  transaction: Transaction,
  { accountId, id, boundaryArn }: UserRecord | RoleRecord,
): Promise<void> {
  if (boundaryArn === undefined) return;
  if (!(await isPolicyThere(transaction, accountId, boundaryArn))) {
    throw new IdentityError(
      "NoSuchEntity",
      `Scope ARN: ${boundaryArn} does not exist or is not attachable.`,
    );
  }
  transaction.set(identityKeys.attachment(accountId, boundaryArn, "boundary", id), nothing);
}

export function releaseBoundary(
  transaction: Transaction,
  { accountId, id, boundaryArn }: UserRecord | RoleRecord,
): void {
  if (boundaryArn === undefined) return;
  transaction.delete(identityKeys.attachment(accountId, boundaryArn, "boundary", id));
}

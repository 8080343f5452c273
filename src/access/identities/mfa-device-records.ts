// Finding the virtual MFA device of a user or of an account's root: few per account, so a walk.

import type { Transaction } from "../../storage/key-value/transaction.ts";
import type { IdentityDatabase } from "./identity-database.ts";
import { identityRanges } from "./identity-keys.ts";
import { decodeMfaDevice, type MfaDeviceRecord } from "./identity-records.ts";

export async function devicesOf(
  database: IdentityDatabase,
  transaction: Transaction,
  owner: { readonly accountId: string; readonly id: string },
): Promise<readonly MfaDeviceRecord[]> {
  const range = identityRanges.named("mfaDevice", owner.accountId, undefined);
  const entries = await database.entriesOf(transaction, range);
  return entries
    .map(({ value }) => decodeMfaDevice(value))
    .filter(({ ownerId }) => ownerId === owner.id);
}

export async function findDeviceOf(
  database: IdentityDatabase,
  transaction: Transaction,
  owner: { readonly accountId: string; readonly id: string },
): Promise<MfaDeviceRecord | undefined> {
  return (await devicesOf(database, transaction, owner))[0];
}

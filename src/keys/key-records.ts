// The keyspaces and records of key management. The only file that builds or takes apart their keys.

import { assert } from "../base/assert.ts";
import {
  decodeTuple,
  encodeTuple,
  prefixRange,
  type DecodedTuplePart,
  type KeyRange,
  type TuplePart,
} from "../storage/key-value/tuple.ts";
import { decodeRecord } from "../storage/record-codec.ts";

/** The first part of every key; 60 to 69 are key management's. Never change or re-use one. */
const space = {
  /** id of a master key → a witness sealed by it */
  masterKey: 60,
  /** id of a KMS key, whichever account's */
  kmsKey: 61,
  /** account, alias name → the key it means */
  kmsAlias: 62,
  /** account, id of a KMS key: what an account has */
  kmsKeyOfAccount: 63,
} as const;

export const keys = {
  masterKey: (id: string) => encodeTuple([space.masterKey, id]),
  kmsKey: (id: string) => encodeTuple([space.kmsKey, id]),
  kmsAlias: (accountId: string, name: string) => encodeTuple([space.kmsAlias, accountId, name]),
  kmsKeyOfAccount: (accountId: string, id: string) =>
    encodeTuple([space.kmsKeyOfAccount, accountId, id]),
};

export const ranges = {
  masterKeys: () => prefixRange([space.masterKey]),
  /** KMS keys of every account, behind the id `after`. */
  kmsKeys: (after: string | undefined) => behind([space.kmsKey], after),
  kmsAliases: (accountId: string, after: string | undefined) =>
    behind([space.kmsAlias, accountId], after),
  kmsKeysOfAccount: (accountId: string, after: string | undefined) =>
    behind([space.kmsKeyOfAccount, accountId], after),
};

function behind(parts: readonly TuplePart[], after: string | undefined): KeyRange {
  const { start, end } = prefixRange(parts);
  return { start: after === undefined ? start : prefixRange([...parts, after]).end, end };
}

/** The last part of a key of the keyspaces of KMS: a key's id, or an alias. */
export function lastPartOf(key: Uint8Array): string {
  return text(decodeTuple(key).at(-1));
}

export function masterKeyIdIn(key: Uint8Array): string {
  return text(decodeTuple(key)[1]);
}

/** Says that something in this store may be sealed by a master key. */
export interface MasterKeyWitness {
  readonly v: 1;
  /** A known text, sealed by the key: whoever has the key can prove it. */
  readonly sealed: string;
}

export function decodeMasterKeyWitness(value: Uint8Array): MasterKeyWitness {
  return decodeRecord(value, 1) as MasterKeyWitness;
}

export type KmsKeyState = "Enabled" | "Disabled" | "PendingDeletion";

/** What a KMS key encrypts with from a moment on; earlier ones open what they have encrypted. */
export interface KmsKeyMaterial {
  /** From 1; stands in each ciphertext. */
  readonly number: number;
  /** 64 hexadecimal digits, as KMS names it; random. */
  readonly id: string;
  readonly createdMilliseconds: number;
  /** 32 bytes, sealed by the master key. */
  readonly sealed: string;
  readonly rotation?: "AUTOMATIC" | "ON_DEMAND";
}

export interface KmsKeyRecord {
  readonly v: 1;
  readonly keyId: string;
  readonly accountId: string;
  readonly createdMilliseconds: number;
  readonly description: string;
  readonly state: KmsKeyState;
  /** AWS: made for `aws/s3`, and nobody's to change. */
  readonly manager: "AWS" | "CUSTOMER";
  /** Present while the state is PendingDeletion. */
  readonly deletion?: { readonly atMilliseconds: number; readonly windowDays: number };
  /** Absent: the default policy of the account. */
  readonly policy?: string;
  readonly tags: readonly (readonly [key: string, value: string])[];
  /** Present while the key is rotated by itself. */
  readonly rotation?: { readonly periodDays: number; readonly sinceMilliseconds: number };
  /** In the order of their numbers; the last is the current one. Never empty. */
  readonly materials: readonly KmsKeyMaterial[];
}

export function decodeKmsKeyRecord(value: Uint8Array): KmsKeyRecord {
  return decodeRecord(value, 1) as KmsKeyRecord;
}

export interface KmsAliasRecord {
  readonly v: 1;
  readonly keyId: string;
  readonly createdMilliseconds: number;
  readonly updatedMilliseconds: number;
}

export function decodeKmsAliasRecord(value: Uint8Array): KmsAliasRecord {
  return decodeRecord(value, 1) as KmsAliasRecord;
}

function text(part: DecodedTuplePart | undefined): string {
  assert(part instanceof Uint8Array, "key part is not a byte string");
  return Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString("utf8");
}

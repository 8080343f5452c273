// The keyspaces and records of key management. The only file that builds or takes apart their keys.

import { assert } from "../base/assert.ts";
import {
  decodeTuple,
  encodeTuple,
  prefixRange,
  type DecodedTuplePart,
} from "../storage/key-value/tuple.ts";

/** The first part of every key; 60 to 69 are key management's. Never change or re-use one. */
const space = {
  /** id of a master key → a witness sealed by it */
  masterKey: 60,
} as const;

export const keys = {
  masterKey: (id: string) => encodeTuple([space.masterKey, id]),
};

export const ranges = {
  masterKeys: () => prefixRange([space.masterKey]),
};

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

interface Versioned {
  readonly v: number;
}

/** JSON with a version marker, like every record of the store. */
export function encodeRecord(record: Versioned): Uint8Array {
  return Buffer.from(JSON.stringify(record), "utf8");
}

function decodeRecord(value: Uint8Array, newestVersion: number): Versioned {
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const record = JSON.parse(buffer.toString("utf8")) as Versioned;
  assert(record.v >= 1 && record.v <= newestVersion, "record was written by a newer version");
  return record;
}

function text(part: DecodedTuplePart | undefined): string {
  assert(part instanceof Uint8Array, "key part is not a byte string");
  return Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString("utf8");
}

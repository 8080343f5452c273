// What a master key is: 256 random bits and a name made of them.

import { createHash, randomBytes } from "node:crypto";

export interface MasterKey {
  /** Eight hexadecimal digits, made of the key: a key that was damaged does not fit its id. */
  readonly id: string;
  /** 32 bytes. */
  readonly bytes: Uint8Array;
  /** ISO 8601. */
  readonly created: string;
}

/** All that a server has. */
export interface MasterKeys {
  readonly currentId: string;
  readonly keys: readonly MasterKey[];
}

const masterKeyBytes = 32;

function createMasterKey(nowMilliseconds: number): MasterKey {
  return masterKeyOf(randomBytes(masterKeyBytes), new Date(nowMilliseconds).toISOString());
}

export function masterKeyOf(bytes: Uint8Array, created: string): MasterKey {
  if (bytes.byteLength !== masterKeyBytes) throw new RangeError("a master key has 32 bytes");
  return { id: masterKeyIdOf(bytes), bytes, created };
}

/** Says nothing about the key that could be found with less work than trying all keys. */
export function masterKeyIdOf(bytes: Uint8Array): string {
  return createHash("sha256")
    .update("holdfast: id of a master key")
    .update(bytes)
    .digest("hex")
    .slice(0, 8);
}

/** A ring of one new key, for a store that is gone with the process. */
export function createMasterKeys(nowMilliseconds: number): MasterKeys {
  const key = createMasterKey(nowMilliseconds);
  return { currentId: key.id, keys: [key] };
}

/** The new key is current; what others have sealed stays readable. */
export function withNewMasterKey({ keys }: MasterKeys, nowMilliseconds: number): MasterKeys {
  const key = createMasterKey(nowMilliseconds);
  return { currentId: key.id, keys: [...keys, key] };
}

/**
 * Keys that an administrator keeps outside of the data directory: one on a line, 32 bytes in Base64 or
 * hexadecimal digits; the first is current, further ones are earlier keys. `undefined`: it is not that.
 */
export function parseExternalMasterKeys(text: string): MasterKeys | undefined {
  const lines = text.split("\n").map((line) => line.trim());
  const keys: MasterKey[] = [];
  for (const line of lines.filter((each) => each !== "")) {
    const bytes = parseKeyText(line);
    if (bytes === undefined) return undefined;
    keys.push(masterKeyOf(bytes, new Date(0).toISOString()));
  }
  const [current] = keys;
  return current === undefined ? undefined : { currentId: current.id, keys };
}

function parseKeyText(text: string): Buffer | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, "hex");
  if (/^[A-Za-z0-9+/]{43}=$/.test(text)) return Buffer.from(text, "base64");
  return undefined;
}

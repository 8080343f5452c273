// Short ways to use a key-value store in tests: keys and values as text, requests from their parts.
import assert from "node:assert/strict";
import type {
  Entry,
  KeyValueStore,
  WriteRequest,
} from "../../src/storage/key-value/key-value-store.ts";

export const firstKey: Uint8Array = new Uint8Array(0);
export const pastEveryKey: Uint8Array = Buffer.alloc(8, 0xff);

export function bytes(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** A write request from what differs from doing nothing. */
export function writeRequest(parts: Partial<WriteRequest>): WriteRequest {
  return { checks: [], sets: [], deletes: [], additions: [], ...parts };
}

export async function setText(store: KeyValueStore, key: string, value: string): Promise<number> {
  const sets = [{ key: bytes(key), value: bytes(value) }];
  const result = await store.write(writeRequest({ sets }));
  assert(result.committed);
  return result.revision;
}

export async function getText(store: KeyValueStore, key: string): Promise<string | undefined> {
  const { gets } = await store.read({ gets: [bytes(key)] });
  return gets[0] === undefined ? undefined : text(gets[0].value);
}

export async function scanAll(store: KeyValueStore): Promise<readonly Entry[]> {
  const range = { start: firstKey, end: pastEveryKey, limit: 1_000_000 };
  const { ranges } = await store.read({ ranges: [range] });
  return ranges[0] ?? [];
}

export function text(value: Uint8Array): string {
  return Buffer.from(value).toString("latin1");
}

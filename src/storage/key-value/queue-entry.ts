// Entries of queues: where a write's appended values lie. Values that are committed together share an
// entry, so that a queue costs a store few rows however many values come.
import { assert } from "../../base/assert.ts";
import type { Revision } from "./key-value-store.ts";
import { encodeTuple } from "./tuple.ts";

/** What follows the queue's key is above any time in microseconds, and grows with commits. */
const firstNumber = 2 ** 52;
const lengthBytes = 4;

/** The key of the entry that begins with values of the write of this revision. */
export function queueEntryKey(queue: Uint8Array, revision: Revision): Uint8Array {
  return Buffer.concat([queue, encodeTuple([firstNumber + revision])]);
}

/** An empty value stands for one that was removed: the places of the others do not change. */
export function encodeQueueEntry(values: readonly Uint8Array[]): Uint8Array {
  let bytes = 0;
  for (const value of values) bytes += lengthBytes + value.length;
  const encoded = Buffer.allocUnsafe(bytes);
  let offset = 0;
  for (const value of values) {
    encoded.writeUInt32BE(value.length, offset);
    encoded.set(value, offset + lengthBytes);
    offset += lengthBytes + value.length;
  }
  return encoded;
}

/** Views of the values, in the order of their writes. */
export function decodeQueueEntry(entry: Uint8Array): Uint8Array[] {
  const bytes = Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength);
  const values: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const start = offset + lengthBytes;
    offset = start + bytes.readUInt32BE(offset);
    assert(offset <= bytes.length, "a queue's entry was cut off");
    values.push(bytes.subarray(start, offset));
  }
  return values;
}

// Counters as they are stored: signed 64-bit integers, big-endian two's complement, whose value is
// always a safe integer here. Shared by every driver, so that additions mean the same everywhere.
import { assert } from "../../base/assert.ts";

const counterBytes = 8;

export function encodeCounter(value: number): Uint8Array {
  assert(Number.isSafeInteger(value), "counter is not a safe integer");
  const bytes = Buffer.allocUnsafe(counterBytes);
  bytes.writeInt32BE(Math.floor(value / 2 ** 32), 0);
  bytes.writeUInt32BE(((value % 2 ** 32) + 2 ** 32) % 2 ** 32, 4);
  return bytes;
}

/** The value of a stored counter; an absent one is 0. */
export function decodeCounter(stored: Uint8Array | undefined): number {
  if (stored === undefined) return 0;
  assert(stored.length === counterBytes, "value is not a counter");
  const view = new DataView(stored.buffer, stored.byteOffset, counterBytes);
  const value = view.getInt32(0) * 2 ** 32 + view.getUint32(4);
  assert(Number.isSafeInteger(value), "counter is not a safe integer");
  return value;
}

/** What an addition leaves. Throws AssertionError when `stored` is no counter or the sum is unsafe. */
export function addToCounter(stored: Uint8Array | undefined, delta: number): number {
  const sum = decodeCounter(stored) + delta;
  assert(Number.isSafeInteger(sum), "counter is not a safe integer");
  return sum;
}

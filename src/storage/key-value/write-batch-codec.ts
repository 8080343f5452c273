// Write requests packed into one ArrayBuffer, which is transferred between threads instead of
// cloned: cloning a view of Node's buffer pool would copy the whole pool with it. Never stored.
import { assert } from "../../base/assert.ts";
import type { Check, WriteRequest } from "./key-value-store.ts";

// A batch is a count, then for each request five counts and its items. Lengths and counts take four
// bytes, numbers eight; a check on absence carries a revision that no store hands out.
const countBytes = 4;
const requestHeaderBytes = 5 * countBytes;
const checkBytes = countBytes + 8;
const setBytes = 2 * countBytes;
const deleteBytes = countBytes;
const appendBytes = 3 * countBytes;
const additionBytes = countBytes + 8;
const absent = -1;
const largestField = 2 ** 31;

/** Bytes of one request within a packed batch. */
export function packedBytes(request: WriteRequest): number {
  let bytes =
    requestHeaderBytes +
    request.checks.length * checkBytes +
    request.sets.length * setBytes +
    request.deletes.length * deleteBytes +
    request.additions.length * additionBytes;
  for (const { queue, value, counter } of request.appends ?? []) {
    bytes += appendBytes + queue.length + value.length + counter.length;
  }
  for (const { key } of request.checks) bytes += key.length;
  for (const { key, value } of request.sets) bytes += key.length + value.length;
  for (const key of request.deletes) bytes += key.length;
  for (const { key } of request.additions) bytes += key.length;
  return bytes;
}

/** Packs requests whose `packedBytes` add up to `bytes`. */
export function packWriteBatch(requests: readonly WriteRequest[], bytes: number): ArrayBuffer {
  const packer = new Packer(countBytes + bytes);
  packer.writeCount(requests.length);
  for (const { checks, sets, deletes, additions, appends = [] } of requests) {
    packer.writeCount(checks.length);
    packer.writeCount(sets.length);
    packer.writeCount(deletes.length);
    packer.writeCount(additions.length);
    packer.writeCount(appends.length);
    for (const { key, revision } of checks) {
      packer.writeNumber(revision ?? absent);
      packer.writeBytes(key);
    }
    for (const { key, value } of sets) {
      packer.writeBytes(key);
      packer.writeBytes(value);
    }
    for (const key of deletes) packer.writeBytes(key);
    for (const { key, delta } of additions) {
      packer.writeNumber(delta);
      packer.writeBytes(key);
    }
    for (const { queue, value, counter } of appends) {
      packer.writeBytes(queue);
      packer.writeBytes(value);
      packer.writeBytes(counter);
    }
  }
  return packer.finish();
}

/** The packed requests; their byte arrays are views of `buffer`. */
export function unpackWriteBatch(buffer: ArrayBuffer): WriteRequest[] {
  const unpacker = new Unpacker(buffer);
  return unpacker.readList(unpacker.readCount(), () => {
    const checks = unpacker.readCount();
    const sets = unpacker.readCount();
    const deletes = unpacker.readCount();
    const additions = unpacker.readCount();
    const appends = unpacker.readCount();
    return {
      checks: unpacker.readList(checks, () => readCheck(unpacker)),
      sets: unpacker.readList(sets, () => ({
        key: unpacker.readBytes(),
        value: unpacker.readBytes(),
      })),
      deletes: unpacker.readList(deletes, () => unpacker.readBytes()),
      additions: unpacker.readList(additions, () => {
        const delta = unpacker.readNumber();
        return { key: unpacker.readBytes(), delta };
      }),
      appends: unpacker.readList(appends, () => ({
        queue: unpacker.readBytes(),
        value: unpacker.readBytes(),
        counter: unpacker.readBytes(),
      })),
    };
  });
}

function readCheck(unpacker: Unpacker): Check {
  const revision = unpacker.readNumber();
  return { key: unpacker.readBytes(), revision: revision === absent ? null : revision };
}

class Packer {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #offset = 0;

  constructor(length: number) {
    this.#bytes = new Uint8Array(length);
    this.#view = new DataView(this.#bytes.buffer);
  }

  writeCount(count: number): void {
    this.#view.setUint32(this.#offset, count);
    this.#offset += countBytes;
  }

  writeNumber(value: number): void {
    this.#view.setFloat64(this.#offset, value);
    this.#offset += 8;
  }

  writeBytes(bytes: Uint8Array): void {
    assert(bytes.length < largestField, "key or value is too long");
    this.writeCount(bytes.length);
    this.#bytes.set(bytes, this.#offset);
    this.#offset += bytes.length;
  }

  finish(): ArrayBuffer {
    assert(this.#offset === this.#bytes.length, "write batch was measured wrong");
    return this.#bytes.buffer;
  }
}

class Unpacker {
  readonly #buffer: ArrayBuffer;
  readonly #view: DataView;
  #offset = 0;

  constructor(buffer: ArrayBuffer) {
    this.#buffer = buffer;
    this.#view = new DataView(buffer);
  }

  readCount(): number {
    const count = this.#view.getUint32(this.#offset);
    this.#offset += countBytes;
    return count;
  }

  readNumber(): number {
    const value = this.#view.getFloat64(this.#offset);
    this.#offset += 8;
    return value;
  }

  readBytes(): Uint8Array {
    const length = this.readCount();
    const bytes = new Uint8Array(this.#buffer, this.#offset, length);
    this.#offset += length;
    return bytes;
  }

  readList<Item>(length: number, readItem: () => Item): Item[] {
    const items: Item[] = [];
    for (let index = 0; index < length; index++) items.push(readItem());
    return items;
  }
}

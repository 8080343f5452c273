// The store in memory, for tests and for servers that keep nothing. Reads and writes happen whole
// within the call, so every read is a snapshot; nothing survives the process.
import { StorageUnavailableError } from "../storage-errors.ts";
import { addToCounter, encodeCounter } from "./counter.ts";
import type {
  Entry,
  KeyValueStore,
  RangeRead,
  ReadRequest,
  ReadResult,
  Revision,
  WriteRequest,
  WriteResult,
} from "./key-value-store.ts";
import { keyIdentity } from "./key-identity.ts";
import { PendingQueues } from "./pending-queues.ts";
import { scanGrouped } from "./grouped-scan.ts";
import { SortedMap } from "./sorted-map.ts";
import { checkRangeRead, checkWriteRequest } from "./write-request.ts";

interface Stored {
  readonly value: Uint8Array;
  readonly revision: Revision;
}

export class MemoryKeyValueStore implements KeyValueStore {
  readonly #entries = new SortedMap<Stored>();
  #revision: Revision = 0;
  #closed = false;

  async read(request: ReadRequest): Promise<ReadResult> {
    this.#checkOpen();
    return {
      gets: (request.gets ?? []).map((key) => this.#get(key)),
      ranges: (request.ranges ?? []).map((range) => this.#scan(range)),
    };
  }

  async write(request: WriteRequest): Promise<WriteResult> {
    this.#checkOpen();
    checkWriteRequest(request);
    for (const { key, revision } of request.checks) {
      if ((this.#entries.get(key)?.revision ?? null) !== revision) return { committed: false };
    }
    // Everything that can throw comes before the first change: all or nothing.
    const sums = request.additions.map(({ key, delta }) =>
      addToCounter(this.#entries.get(key)?.value, delta),
    );
    const { appends = [] } = request;
    for (const { counter } of appends) {
      addToCounter(this.#entries.get(counter)?.value, appends.length);
    }
    if (request.sets.length + request.deletes.length + sums.length + appends.length === 0) {
      return { committed: true, revision: this.#revision };
    }
    this.#revision++;
    for (const { key, value } of request.sets) this.#set(key, copyBytes(value));
    for (const key of request.deletes) this.#entries.delete(key);
    for (const [index, { key }] of request.additions.entries()) {
      this.#set(key, encodeCounter(sums[index] as number));
    }
    const queues = new PendingQueues();
    for (const each of appends) {
      queues.append(each, keyIdentity(each.queue), this.#revision);
      const length = addToCounter(this.#entries.get(each.counter)?.value, 1);
      this.#set(each.counter, encodeCounter(length));
    }
    for (const { key, value } of queues.take()) this.#set(key, value);
    return { committed: true, revision: this.#revision };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
  }

  #get(key: Uint8Array): Entry | undefined {
    const stored = this.#entries.get(key);
    return stored === undefined ? undefined : toEntry(key, stored);
  }

  #scan(range: RangeRead): Entry[] {
    checkRangeRead(range);
    return this.#scanRows(range).map(([key, stored]) => toEntry(key, stored));
  }

  #scanRows(range: RangeRead): [Uint8Array, Stored][] {
    const { start, end, limit, reverse, groups } = range;
    if (groups !== undefined) {
      const scan: SortedMap<Stored>["scan"] = (...bounds) => this.#entries.scan(...bounds);
      return scanGrouped({ ...range, groups }, { scan, keyOf: ([key]) => key });
    }
    if (reverse === true) return this.#entries.scanReverse(start, end, limit);
    return this.#entries.scan(start, end, limit);
  }

  #set(key: Uint8Array, value: Uint8Array): void {
    this.#entries.set(copyBytes(key), { value, revision: this.#revision });
  }

  #checkOpen(): void {
    if (this.#closed) throw new StorageUnavailableError("the store is closed");
  }
}

function toEntry(key: Uint8Array, stored: Stored): Entry {
  return { key: copyBytes(key), value: copyBytes(stored.value), revision: stored.revision };
}

/** Always a copy with memory of its own: Buffer's `slice` would be a view. */
function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

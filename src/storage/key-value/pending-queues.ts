// What the writes of one commit append to queues, on its way into entries.
import { assert } from "../../base/assert.ts";
import type { QueueAppend, Revision } from "./key-value-store.ts";
import { encodeQueueEntry, queueEntryKey } from "./queue-entry.ts";

/** One after the other; an entry may grow past this by the values of one write. */
const largestEntryBytes = 64 * 1024;

interface PendingEntry {
  readonly key: Uint8Array;
  readonly firstRevision: Revision;
  readonly values: Uint8Array[];
  revision: Revision;
  bytes: number;
}

/** Gathers what writes that are committed together append. */
export class PendingQueues {
  readonly #open = new Map<string, PendingEntry>();
  readonly #entries: PendingEntry[] = [];

  /** `identity`: of the queue's key. */
  append({ queue, value }: QueueAppend, identity: string, revision: Revision): void {
    assert(value.length > 0, "an empty value is appended");
    let entry = this.#open.get(identity);
    // Two entries that begin with one write would have one key.
    const isFull = entry !== undefined && entry.bytes >= largestEntryBytes;
    if (entry === undefined || (isFull && entry.firstRevision !== revision)) {
      const key = queueEntryKey(queue, revision);
      entry = { key, firstRevision: revision, values: [], revision, bytes: 0 };
      this.#open.set(identity, entry);
      this.#entries.push(entry);
    }
    entry.values.push(value);
    entry.revision = revision;
    entry.bytes += value.length;
  }

  /** All of them, which are then no more. */
  take(): readonly { readonly key: Uint8Array; readonly value: Uint8Array; revision: Revision }[] {
    const entries = this.#entries.map(({ key, values, revision }) => ({
      key,
      value: encodeQueueEntry(values),
      revision,
    }));
    this.clear();
    return entries;
  }

  clear(): void {
    this.#open.clear();
    this.#entries.length = 0;
  }
}

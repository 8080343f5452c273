// The layouts of objects with parts: which extents and parts they have, kept beside their records so that
// listings stay slim. Written once and never changed.

import type { Clock } from "../base/clock.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { encodeRecord } from "../storage/record-codec.ts";
import { BlobMissingError } from "../storage/storage-errors.ts";
import { newContentId, type ContentId } from "./identifiers.ts";
import { keys } from "./records/keyspace.ts";
import { decodeLayoutRecord, type Content, type LayoutRecord } from "./records/object-record.ts";

const keptLayouts = 64;

export class Layouts {
  readonly #store: KeyValueStore;
  readonly #clock: Clock;
  // A few are kept: a partNumber or range read of a large object would otherwise parse up to 10,000
  // extents again and again.
  readonly #kept = new Map<ContentId, LayoutRecord>();

  constructor(options: { readonly store: KeyValueStore; readonly clock: Clock }) {
    this.#store = options.store;
    this.#clock = options.clock;
  }

  /** Throws BlobMissingError when the object was replaced since its record was read. */
  async get(id: ContentId): Promise<LayoutRecord> {
    const kept = this.#kept.get(id);
    if (kept !== undefined) return kept;
    const { gets } = await this.#store.read({ gets: [keys.layout(id)] });
    return this.#decode(id, gets[0]?.value);
  }

  /**
   * As `get`. Read by the transaction itself, a layout that is gone because the object was replaced
   * meanwhile makes the transaction run again instead of ending it.
   */
  async load(transaction: Transaction, id: ContentId): Promise<LayoutRecord> {
    const kept = this.#kept.get(id);
    return kept ?? this.#decode(id, await transaction.get(keys.layout(id)));
  }

  write(transaction: Transaction, layout: Omit<LayoutRecord, "v">): Content {
    const id = newContentId(this.#clock.now());
    transaction.set(keys.layout(id), encodeRecord({ v: 1, ...layout }));
    return { layout: id, partCount: layout.parts.length };
  }

  /** The row alone: references of its extents are the caller's to let go. */
  remove(transaction: Transaction, id: ContentId): void {
    transaction.delete(keys.layout(id));
  }

  #decode(id: ContentId, value: Uint8Array | undefined): LayoutRecord {
    if (value === undefined) throw new BlobMissingError("layout is gone");
    const layout = decodeLayoutRecord(value);
    if (this.#kept.size >= keptLayouts) {
      const oldest = this.#kept.keys().next();
      if (oldest.done !== true) this.#kept.delete(oldest.value);
    }
    this.#kept.set(id, layout);
    return layout;
  }
}

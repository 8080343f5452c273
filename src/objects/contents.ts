// Where bytes live: small ones inline in the key-value store, others as blobs. Everything that makes a
// record name bytes, share them or let them go passes here, because here references are counted:
// every extent that a record holds on a blob counts one.

import { assert } from "../base/assert.ts";
import type { ByteStream, TransientByteStream } from "../base/bytes.ts";
import { concatBytes, emptyBytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { longBodyBytes } from "../model/limits.ts";
import type { BlobReader, BlobStore, WrittenBlob } from "../storage/blob/blob-store.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import {
  BlobMissingError,
  StorageFullError,
  StorageUnavailableError,
} from "../storage/storage-errors.ts";
import type { ContentId } from "./identifiers.ts";
import { newContentId } from "./identifiers.ts";
import type { ReadPins } from "./read-pins.ts";
import { keys } from "./records/keyspace.ts";
import type { Content, Extent, LayoutRecord } from "./records/object-record.ts";
import { decodeLayoutRecord } from "./records/object-record.ts";
import { encodeRecord } from "../storage/record-codec.ts";
import type { GarbageRecord } from "./records/store-record.ts";
import { checkWriterAlive } from "./writers.ts";

/** Bytes that are stored but not yet named by any record. */
export interface ReceivedContent {
  readonly sizeBytes: number;
  readonly inline: Uint8Array | undefined;
  readonly blob: WrittenBlob | undefined;
}

export interface ContentsOptions {
  readonly store: KeyValueStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly pins: ReadPins;
  /** Objects up to this size live in the key-value store. */
  readonly inlineLimitBytes: number;
  /** Whether there is room for more bytes of objects: the last of it is kept for metadata. */
  readonly hasRoom: (lengthBytes: number | undefined) => boolean;
}

const layoutCacheEntries = 64;

export class Contents {
  readonly #options: ContentsOptions;
  // Layouts never change once written, so a few are kept: a partNumber or range read of a large
  // object would otherwise parse up to 10,000 extents again and again.
  readonly #layouts = new Map<ContentId, LayoutRecord>();

  constructor(options: ContentsOptions) {
    assert(
      options.inlineLimitBytes < longBodyBytes,
      "what is kept inline is collected chunk by chunk",
    );
    this.#options = options;
  }

  /**
   * Stores a stream. The bytes are durable, and waste until `attach` names them in a commit. Throws
   * StorageFullError before a byte is read when there is no room. A stream that declares more than
   * `longBodyBytes` may be transient.
   */
  async receive(stream: ByteStream, lengthBytes: number | undefined): Promise<ReceivedContent> {
    if (!this.#options.hasRoom(lengthBytes)) throw new StorageFullError("no room left for objects");
    const limit = this.#options.inlineLimitBytes;
    if (lengthBytes !== undefined && lengthBytes > limit) return this.#receiveBlob(stream);
    const iterator = stream[Symbol.asyncIterator]();
    const head: Uint8Array[] = [];
    let sizeBytes = 0;
    try {
      while (sizeBytes <= limit) {
        const next = await iterator.next();
        if (next.done === true) {
          const inline = head.length === 0 ? emptyBytes : concatBytes(head);
          return { sizeBytes, inline, blob: undefined };
        }
        head.push(next.value);
        sizeBytes += next.value.byteLength;
      }
    } catch (error) {
      await iterator.return?.();
      throw error;
    }
    return this.#receiveBlob(resume(head, iterator));
  }

  /** Removes bytes that no commit names. A failure to remove is left to the sweeper. */
  async discard(received: ReceivedContent): Promise<void> {
    if (received.blob === undefined) return;
    await this.#options.blobs.delete(received.blob.id).catch(() => {});
  }

  /** Runs a commit that attaches `received`; when it surely failed, removes the bytes. */
  async commitOrDiscard<Result>(
    received: ReceivedContent,
    commit: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await commit();
    } catch (error) {
      // When the outcome is unknown, a record may name the bytes: only the sweeper can tell.
      if (!(error instanceof StorageUnavailableError)) await this.discard(received);
      throw error;
    }
  }

  /**
   * Names received bytes in this transaction: the caller's record must hold the extents it returns.
   * Throws StorageUnavailableError when this process was declared dead: the sweeper may then have
   * removed the blob already, so the commit must not happen.
   */
  async attach(transaction: Transaction, received: ReceivedContent): Promise<readonly Extent[]> {
    if (received.sizeBytes === 0) return [];
    if (received.blob !== undefined) {
      await checkWriterAlive(transaction, this.#options.blobs.writerId);
      transaction.add(keys.reference(received.blob.id), 1);
      return [{ blob: received.blob.id, offset: 0, lengthBytes: received.sizeBytes }];
    }
    const bytes = received.inline ?? emptyBytes;
    return [this.#attachInline(transaction, bytes)];
  }

  /**
   * Names the same bytes once more, without moving any but inline ones. The transaction must have
   * read the record that holds `extents`: that check is what keeps the blobs alive until the commit.
   */
  async share(transaction: Transaction, extents: readonly Extent[]): Promise<readonly Extent[]> {
    const shared: Extent[] = [];
    for (const extent of extents) {
      if ("blob" in extent) {
        transaction.add(keys.reference(extent.blob), 1);
        shared.push(extent);
      } else {
        const value = await transaction.get(keys.inline(extent.inline));
        if (value === undefined) throw new BlobMissingError("inline content is gone");
        const end = extent.offset + extent.lengthBytes;
        const bytes = value.subarray(extent.offset, end);
        shared.push(this.#attachInline(transaction, bytes));
      }
    }
    return shared;
  }

  /** Writes a layout for an object with parts. */
  writeLayout(transaction: Transaction, layout: Omit<LayoutRecord, "v">): Content {
    const id = newContentId(this.#options.clock.now());
    transaction.set(keys.layout(id), encodeRecord({ v: 1, ...layout }));
    return { layout: id, partCount: layout.parts.length };
  }

  /** Lets bytes go that the transaction's caller no longer names. */
  async release(transaction: Transaction, content: Content): Promise<void> {
    if ("extents" in content) {
      this.releaseExtents(transaction, content.extents);
      return;
    }
    const layout = await this.layoutIn(transaction, content.layout);
    transaction.delete(keys.layout(content.layout));
    this.releaseExtents(transaction, layout.extents);
  }

  releaseExtents(transaction: Transaction, extents: readonly Extent[]): void {
    const blobs = new Set<Extract<Extent, { blob: unknown }>["blob"]>();
    for (const extent of extents) {
      if ("blob" in extent) {
        transaction.add(keys.reference(extent.blob), -1);
        blobs.add(extent.blob);
      } else {
        transaction.delete(keys.inline(extent.inline));
      }
    }
    if (blobs.size === 0) return;
    this.addGarbage(transaction, { kind: "blobs", blobs: [...blobs] });
  }

  addGarbage(transaction: Transaction, garbage: NewGarbage): void {
    const now = this.#options.clock.now();
    const record: GarbageRecord = { v: 1, madeMilliseconds: now, ...garbage };
    transaction.set(keys.garbage(newContentId(now)), encodeRecord(record));
  }

  /** Throws BlobMissingError when the object was replaced since its record was read. */
  async layout(id: ContentId): Promise<LayoutRecord> {
    const cached = this.#layouts.get(id);
    if (cached !== undefined) return cached;
    const { gets } = await this.#options.store.read({ gets: [keys.layout(id)] });
    return this.#decodeLayout(id, gets[0]?.value);
  }

  /**
   * As `layout`. Read by the transaction itself, a layout that is gone because the object was replaced
   * meanwhile makes the transaction run again instead of ending it.
   */
  async layoutIn(transaction: Transaction, id: ContentId): Promise<LayoutRecord> {
    const cached = this.#layouts.get(id);
    return cached ?? this.#decodeLayout(id, await transaction.get(keys.layout(id)));
  }

  async extentsOf(content: Content): Promise<readonly Extent[]> {
    return "extents" in content ? content.extents : (await this.layout(content.layout)).extents;
  }

  /**
   * The bytes `start` to `end` (exclusive). Resolves when the first bytes are known to be there, so
   * that a missing blob (BlobMissingError: the object was replaced meanwhile, read its record again)
   * is known before a response begins. A returned stream must be iterated or returned; each of its
   * chunks is good only until the next one is asked for.
   */
  async open(
    content: Content,
    start: number,
    end: number,
  ): Promise<TransientByteStream | Uint8Array> {
    if (end <= start) return emptyBytes;
    const extents = sliceExtents(await this.extentsOf(content), start, end);
    const only = extents[0];
    if (extents.length === 1 && only !== undefined && "inline" in only) {
      return this.#readInline(only);
    }
    const pin = this.#options.pins.pin();
    try {
      // Inline bytes are deleted at once when their object is, so they are fetched before the stream
      // begins; only the last part of an upload can be this small.
      const inline = new Map<Extent, Uint8Array>();
      for (const extent of extents) {
        if ("inline" in extent) inline.set(extent, await this.#readInline(extent));
      }
      const first = only !== undefined && "blob" in only ? await this.#openBlob(only) : undefined;
      return this.#stream(extents, inline, first, pin.release);
    } catch (error) {
      pin.release();
      throw error;
    }
  }

  #decodeLayout(id: ContentId, value: Uint8Array | undefined): LayoutRecord {
    if (value === undefined) throw new BlobMissingError("layout is gone");
    const layout = decodeLayoutRecord(value);
    if (this.#layouts.size >= layoutCacheEntries) {
      const oldest = this.#layouts.keys().next();
      if (oldest.done !== true) this.#layouts.delete(oldest.value);
    }
    this.#layouts.set(id, layout);
    return layout;
  }

  async #receiveBlob(stream: ByteStream): Promise<ReceivedContent> {
    const blob = await this.#options.blobs.write(stream);
    return { sizeBytes: blob.lengthBytes, inline: undefined, blob };
  }

  #attachInline(transaction: Transaction, bytes: Uint8Array): Extent {
    const id = newContentId(this.#options.clock.now());
    transaction.set(keys.inline(id), bytes);
    return { inline: id, offset: 0, lengthBytes: bytes.byteLength };
  }

  async #readInline(extent: Extract<Extent, { inline: ContentId }>): Promise<Uint8Array> {
    const { gets } = await this.#options.store.read({ gets: [keys.inline(extent.inline)] });
    const entry = gets[0];
    if (entry === undefined) throw new BlobMissingError("inline content is gone");
    return entry.value.subarray(extent.offset, extent.offset + extent.lengthBytes);
  }

  #openBlob(extent: Extract<Extent, { blob: unknown }>): Promise<BlobReader> {
    return this.#options.blobs.open(extent.blob);
  }

  #stream(
    extents: readonly Extent[],
    inline: ReadonlyMap<Extent, Uint8Array>,
    first: BlobReader | undefined,
    release: () => void,
  ): TransientByteStream {
    return new ExtentStream(extents, inline, first, (extent) => this.#openBlob(extent), release);
  }
}

type NewGarbage = GarbageRecord extends infer Each
  ? Each extends unknown
    ? Omit<Each, "v" | "madeMilliseconds">
    : never
  : never;

/** Reads extents one after the other. Frees its blob and its pin also when it is never iterated. */
class ExtentStream implements TransientByteStream {
  readonly #extents: readonly Extent[];
  readonly #inline: ReadonlyMap<Extent, Uint8Array>;
  #first: BlobReader | undefined;
  readonly #openBlob: (extent: Extract<Extent, { blob: unknown }>) => Promise<BlobReader>;
  readonly #release: () => void;

  constructor(
    extents: readonly Extent[],
    inline: ReadonlyMap<Extent, Uint8Array>,
    first: BlobReader | undefined,
    openBlob: (extent: Extract<Extent, { blob: unknown }>) => Promise<BlobReader>,
    release: () => void,
  ) {
    this.#extents = extents;
    this.#inline = inline;
    this.#first = first;
    this.#openBlob = openBlob;
    this.#release = release;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const bytes = this.#bytes();
    let isStarted = false;
    return {
      next: () => {
        isStarted = true;
        return bytes.next();
      },
      return: async () => {
        // A generator that never started does not run its `finally`.
        if (!isStarted) await this.#close();
        await bytes.return(undefined);
        return { done: true, value: undefined };
      },
    };
  }

  async *#bytes(): AsyncGenerator<Uint8Array, undefined> {
    try {
      for (const extent of this.#extents) {
        if ("inline" in extent) {
          const bytes = this.#inline.get(extent);
          if (bytes !== undefined) yield bytes;
          continue;
        }
        this.#first ??= await this.#openBlob(extent);
        yield* this.#first.readTransient(extent.offset, extent.offset + extent.lengthBytes);
        const finished = this.#first;
        this.#first = undefined;
        await finished[Symbol.asyncDispose]();
      }
    } finally {
      await this.#close();
    }
    return undefined;
  }

  async #close(): Promise<void> {
    this.#release();
    const reader = this.#first;
    this.#first = undefined;
    await reader?.[Symbol.asyncDispose]();
  }
}

/** The parts of `extents` that cover the bytes `start` to `end` (exclusive) of their whole. */
export function sliceExtents(
  extents: readonly Extent[],
  start: number,
  end: number,
): readonly Extent[] {
  const slices: Extent[] = [];
  let position = 0;
  for (const extent of extents) {
    const from = Math.max(start, position);
    const to = Math.min(end, position + extent.lengthBytes);
    if (from < to) {
      slices.push({
        ...extent,
        offset: extent.offset + (from - position),
        lengthBytes: to - from,
      });
    }
    position += extent.lengthBytes;
    if (position >= end) break;
  }
  return slices;
}

async function* resume(
  head: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* head;
    for (;;) {
      const next = await rest.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}

// Where bytes live: small ones inline in the key-value store, others as blobs. Everything that makes a
// record name bytes, share them or let them go passes here, because here references are counted:
// every extent that a record holds on a blob counts one. Bytes are sealed on their way in and opened on
// their way out; offsets and lengths are those of the plain bytes everywhere.

import { crc32 } from "node:zlib";
import { assert } from "../base/assert.ts";
import type { ByteStream, TransientByteStream } from "../base/bytes.ts";
import { concatBytes, emptyBytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import type { WrappingKey } from "../keys/sealer.ts";
import { longBodyBytes } from "../model/limits.ts";
import type { BlobId, BlobStore } from "../storage/blob/blob-store.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import {
  BlobMissingError,
  StorageFullError,
  StorageUnavailableError,
} from "../storage/storage-errors.ts";
import { BucketChangedError } from "./bucket-changed-error.ts";
import { ExtentStream, sliceExtents, type ExtentSource, type InlineExtent } from "./extents.ts";
import { newContentId } from "./identifiers.ts";
import { Layouts } from "./layouts.ts";
import type { ReadPins } from "./read-pins.ts";
import { keys } from "./records/keyspace.ts";
import type { Content, Extent } from "./records/object-record.ts";
import { encodeRecord } from "../storage/record-codec.ts";
import type { GarbageRecord } from "./records/store-record.ts";
import { DataKeyCache } from "./sealing/data-key-cache.ts";
import { MasterKeyWrap } from "./sealing/key-wrap.ts";
import { rewrapKeys, type ObjectSeal } from "./sealing/object-seal.ts";
import { SharedDataKey } from "./sealing/shared-data-key.ts";
import {
  openInlineBytes,
  openReceived,
  receiveBlob,
  receiveInline,
  rewrapReceived,
  type ReceivedContent,
} from "./received-content.ts";
import type { StorageTier, StorageTiers } from "./storage-tiers.ts";
import { checkWriterAlive } from "./writers.ts";

/** The seals of a source and of what is made of it. */
export interface SealChange {
  readonly from: ObjectSeal | undefined;
  readonly to: ObjectSeal;
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
  /** The master keys. Without them bytes are stored as they come, and sealed ones cannot be opened. */
  readonly keys?: WrappingKey | undefined;
  /** Where each storage class keeps its bytes. */
  readonly tiers: StorageTiers;
}

export class Contents {
  readonly #options: ContentsOptions;
  /** Of objects with parts. */
  readonly layouts: Layouts;
  readonly #dataKeys: DataKeyCache;
  /** SSE-S3, which every object has for which nothing else was settled. */
  readonly defaultSeal: ObjectSeal | undefined;

  constructor(options: ContentsOptions) {
    assert(
      options.inlineLimitBytes < longBodyBytes,
      "what is kept inline is collected chunk by chunk",
    );
    this.#options = options;
    this.layouts = new Layouts(options);
    const { keys: masterKeys } = options;
    this.defaultSeal =
      masterKeys === undefined
        ? undefined
        : {
            encryption: { kind: "AES256" },
            wrap: new MasterKeyWrap(masterKeys),
            shared: new SharedDataKey(masterKeys),
          };
    this.#dataKeys = new DataKeyCache(this.defaultSeal);
  }

  /**
   * Stores a stream, sealed. The bytes are durable, and waste until `attach` names them in a commit. Throws
   * StorageFullError before a byte is read when there is no room. A stream that declares more than
   * `longBodyBytes` may be transient.
   */
  async receive(
    stream: ByteStream,
    lengthBytes: number | undefined,
    seal: ObjectSeal | undefined = this.defaultSeal,
    tier: StorageTier = this.#options.tiers.standard,
  ): Promise<ReceivedContent> {
    if (tier.storeName === undefined && !this.#options.hasRoom(lengthBytes)) {
      throw new StorageFullError("no room left for objects");
    }
    // A store that was named for a class holds all of its bytes.
    const limit = tier.storeName === undefined ? this.#options.inlineLimitBytes : 0;
    if (lengthBytes !== undefined && lengthBytes > limit) {
      return receiveBlob(stream, tier, lengthBytes, seal);
    }
    const iterator = stream[Symbol.asyncIterator]();
    const head: Uint8Array[] = [];
    let sizeBytes = 0;
    try {
      while (sizeBytes <= limit) {
        const next = await iterator.next();
        if (next.done === true) {
          return receiveInline(head.length === 0 ? emptyBytes : concatBytes(head), seal);
        }
        head.push(next.value);
        sizeBytes += next.value.byteLength;
      }
    } catch (error) {
      await iterator.return?.();
      throw error;
    }
    return receiveBlob(resume(head, iterator), tier, undefined, seal);
  }

  /** Removes bytes that no commit names. A failure to remove is left to the sweeper. */
  async discard(received: ReceivedContent): Promise<void> {
    if (received.blob === undefined) return;
    await this.#options.blobs.delete(received.blob.id).catch(() => {});
  }

  /**
   * The same bytes under another seal: their keys are wrapped anew, or they are sealed anew where the
   * number of layers is another. Removes what it cannot hand on.
   */
  async reseal(
    received: ReceivedContent,
    seal: ObjectSeal | undefined,
    tier?: StorageTier,
  ): Promise<ReceivedContent> {
    if (seal === undefined || received.sealed === undefined) return received;
    const rewrapped = rewrapReceived(received, seal);
    if (rewrapped !== undefined) return rewrapped;
    try {
      const bytes = openReceived(received, this.#options.blobs);
      return await this.receive(bytes, received.sizeBytes, seal, tier);
    } finally {
      await this.discard(received);
    }
  }

  /**
   * Runs a commit that attaches `received`; when it surely failed, removes the bytes. After
   * BucketChangedError they stay, to be committed otherwise.
   */
  async commitOrDiscard<Result>(
    received: ReceivedContent,
    commit: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await commit();
    } catch (error) {
      // When the outcome is unknown, a record may name the bytes: only the sweeper can tell.
      const isKept =
        error instanceof StorageUnavailableError || error instanceof BucketChangedError;
      if (!isKept) await this.discard(received);
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
      await this.nameBlob(transaction, received.blob.id);
      const { sizeBytes, sealed, compression } = received;
      const place = { blob: received.blob.id, offset: 0, lengthBytes: sizeBytes };
      if (compression === undefined) return [{ ...place, ...sealed?.wrapped }];
      return [{ ...place, ...sealed?.wrapped, compression }];
    }
    return [this.#attachInline(transaction, received)];
  }

  /** Names a blob that this process wrote; an extent that the caller's record must hold. As `attach`. */
  async nameBlob(transaction: Transaction, id: BlobId): Promise<void> {
    await checkWriterAlive(transaction, this.#options.blobs.writerId);
    transaction.add(keys.reference(id), 1);
  }

  /**
   * Names the same bytes once more, without moving any but inline ones. The transaction must have
   * read the record that holds `extents`: that check is what keeps the blobs alive until the commit.
   * With `change` the keys of blobs are wrapped anew, and inline bytes sealed anew, whose key others
   * may share. Throws KeySealError.
   */
  async share(
    transaction: Transaction,
    extents: readonly Extent[],
    change?: SealChange,
  ): Promise<readonly Extent[]> {
    const shared: Extent[] = [];
    for (const extent of extents) {
      if ("inline" in extent) {
        shared.push(await this.#shareInline(transaction, extent, change));
        continue;
      }
      transaction.add(keys.reference(extent.blob), 1);
      shared.push(change === undefined ? extent : rewrapKeys(extent, change.from, change.to));
    }
    return shared;
  }

  /** The same content under another seal; none but inline bytes move. Throws KeySealError. */
  async rewrap(transaction: Transaction, content: Content, change: SealChange): Promise<Content> {
    if ("extents" in content) {
      return { extents: await this.#rewrapExtents(transaction, content.extents, change) };
    }
    const { extents, parts } = await this.layouts.load(transaction, content.layout);
    this.layouts.remove(transaction, content.layout);
    const rewrapped = await this.#rewrapExtents(transaction, extents, change);
    return this.layouts.write(transaction, { extents: rewrapped, parts });
  }

  /** Lets bytes go that the transaction's caller no longer names. */
  async release(transaction: Transaction, content: Content): Promise<void> {
    if ("extents" in content) {
      this.releaseExtents(transaction, content.extents);
      return;
    }
    const layout = await this.layouts.load(transaction, content.layout);
    this.layouts.remove(transaction, content.layout);
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

  async extentsOf(content: Content): Promise<readonly Extent[]> {
    return "extents" in content
      ? content.extents
      : (await this.layouts.get(content.layout)).extents;
  }

  /**
   * The bytes `start` to `end` (exclusive). Resolves when the first bytes are known to be there, so
   * that a missing blob (BlobMissingError: the object was replaced meanwhile, read its record again)
   * is known before a response begins. A returned stream must be iterated or returned; each of its
   * chunks is good only until the next one is asked for. Throws KeySealError when `seal` is another
   * one than the object's.
   */
  async open(
    content: Content,
    start: number,
    end: number,
    seal: ObjectSeal | undefined = this.defaultSeal,
  ): Promise<TransientByteStream | Uint8Array> {
    if (end <= start) return emptyBytes;
    const extents = sliceExtents(await this.extentsOf(content), start, end);
    const only = extents[0];
    if (extents.length === 1 && only !== undefined && "inline" in only) {
      return this.#readInline(only, seal);
    }
    const pin = this.#options.pins.pin();
    try {
      // Inline bytes are deleted at once when their object is, so they are fetched before the stream
      // begins; only the last part of an upload can be this small.
      const inline = new Map<Extent, Uint8Array>();
      for (const extent of extents) {
        if ("inline" in extent) inline.set(extent, await this.#readInline(extent, seal));
      }
      const keysOf = (extent: Extent) => this.#dataKeys.keysOf(extent, seal);
      const { blobs } = this.#options;
      const openBlob: ExtentSource["openBlob"] = ({ blob }) => blobs.open(blob);
      const source = { openBlob, keysOf, release: pin.release };
      if (only === undefined || !("blob" in only)) {
        return new ExtentStream(extents, inline, undefined, source);
      }
      keysOf(only);
      return new ExtentStream(extents, inline, await openBlob(only), source);
    } catch (error) {
      pin.release();
      throw error;
    }
  }

  async #rewrapExtents(
    transaction: Transaction,
    extents: readonly Extent[],
    change: SealChange,
  ): Promise<readonly Extent[]> {
    const rewrapped: Extent[] = [];
    for (const extent of extents) {
      if ("inline" in extent) {
        rewrapped.push(await this.#shareInline(transaction, extent, change));
        transaction.delete(keys.inline(extent.inline));
      } else rewrapped.push(rewrapKeys(extent, change.from, change.to));
    }
    return rewrapped;
  }

  #attachInline(
    transaction: Transaction,
    { inline = emptyBytes, sizeBytes, sealed }: ReceivedContent,
  ): Extent {
    const id = newContentId(this.#options.clock.now());
    transaction.set(keys.inline(id), inline);
    const place = { inline: id, offset: 0, lengthBytes: sizeBytes };
    if (sealed === undefined) return place;
    const { wrapped, nonce } = sealed;
    if (nonce === undefined) return { ...place, crc32: crc32(inline), ...wrapped };
    return { ...place, crc32: crc32(inline), nonce, ...wrapped };
  }

  /** What stays sealed is copied whole: a piece of a chunk cannot be opened. */
  async #shareInline(
    transaction: Transaction,
    extent: InlineExtent,
    change: SealChange | undefined,
  ): Promise<Extent> {
    const value = await transaction.get(keys.inline(extent.inline));
    if (value === undefined) throw new BlobMissingError("inline content is gone");
    if (change === undefined && extent.seal !== undefined) {
      const id = newContentId(this.#options.clock.now());
      transaction.set(keys.inline(id), value);
      return { ...extent, inline: id };
    }
    const bytes = this.#openInline(extent, value, change?.from);
    return this.#attachInline(transaction, receiveInline(bytes, change?.to));
  }

  async #readInline(extent: InlineExtent, seal: ObjectSeal | undefined): Promise<Uint8Array> {
    const { gets } = await this.#options.store.read({ gets: [keys.inline(extent.inline)] });
    const entry = gets[0];
    if (entry === undefined) throw new BlobMissingError("inline content is gone");
    return this.#openInline(extent, entry.value, seal);
  }

  #openInline(extent: InlineExtent, value: Uint8Array, seal: ObjectSeal | undefined): Uint8Array {
    const { offset: start, nonce } = extent;
    const end = start + extent.lengthBytes;
    const streamKeys = this.#dataKeys.keysOf(extent, seal);
    if (streamKeys === undefined) return value.subarray(start, end);
    return openInlineBytes(value, { keys: streamKeys, nonce, start, end });
  }
}

type NewGarbage = GarbageRecord extends infer Each
  ? Each extends unknown
    ? Omit<Each, "v" | "madeMilliseconds">
    : never
  : never;

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

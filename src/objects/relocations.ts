// Brings the bytes of a version into the store of another tier. First they are written there, which
// means nothing yet; the caller's commit then names them in place of those before, which it releases.
//
// Where the keys are at hand, bytes are opened, compressed as the tier wants it, and sealed anew. Where
// they are not (a customer's key, a key of KMS in the background), blobs move whole as they are.

import { assert } from "../base/assert.ts";
import type { TransientByteStream } from "../base/bytes.ts";
import { longBodyBytes } from "../model/limits.ts";
import type { BlobId, BlobStore } from "../storage/blob/blob-store.ts";
import { storeNameOfBlob } from "../storage/blob/blob-store.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { BlobMissingError, StorageUnavailableError } from "../storage/storage-errors.ts";
import type { Contents } from "./contents.ts";
import type { BlobExtent, InlineExtent } from "./extents.ts";
import type { ReceivedContent } from "./received-content.ts";
import { keys } from "./records/keyspace.ts";
import type { Content, Extent, StoredPart } from "./records/object-record.ts";
import type { ObjectSeal } from "./sealing/object-seal.ts";
import type { StorageTier } from "./storage-tiers.ts";

/** How bytes that move are opened and sealed again; "as they are": their keys are not at hand. */
export type RelocationSeals =
  | { readonly from: ObjectSeal | undefined; readonly to: ObjectSeal | undefined }
  | "as they are";

/** Bytes at their new place, which no commit names yet. */
export interface RelocatedContent {
  readonly pieces: readonly RelocatedPiece[];
  /** Of a version with parts. */
  readonly parts: readonly StoredPart[] | undefined;
}

export type RelocatedPiece =
  /** Written anew. */
  | { readonly kind: "received"; readonly received: ReceivedContent }
  /** Of a blob that moved whole; `isFirst`: no piece before names it. */
  | { readonly kind: "whole"; readonly extent: BlobExtent; readonly isFirst: boolean };

export class Relocations {
  readonly #store: KeyValueStore;
  readonly #blobs: BlobStore;
  readonly #contents: Contents;

  constructor(options: {
    readonly store: KeyValueStore;
    readonly blobs: BlobStore;
    readonly contents: Contents;
  }) {
    this.#store = options.store;
    this.#blobs = options.blobs;
    this.#contents = options.contents;
  }

  /** Whether the bytes lie where and as a tier wants them, or cannot come nearer to that. */
  async isAt(content: Content, tier: StorageTier, seals: RelocationSeals): Promise<boolean> {
    const extents = await this.#contents.extentsOf(content);
    return extents.every((extent) => {
      if ("inline" in extent) return tier.storeName === undefined;
      if (storeNameOfBlob(extent.blob) !== tier.storeName) return false;
      return seals === "as they are" || extent.compression === tier.compression;
    });
  }

  /**
   * Writes the bytes into the tier's store. Throws BlobMissingError when the version was replaced
   * meanwhile, KeySealError, StorageFullError, StorageUnavailableError, and the signal's reason; nothing
   * is left behind then.
   */
  async copy(
    content: Content,
    tier: StorageTier,
    seals: RelocationSeals,
    signal: AbortSignal,
  ): Promise<RelocatedContent> {
    const layout =
      "layout" in content ? await this.#contents.layouts.get(content.layout) : undefined;
    const extents = "extents" in content ? content.extents : (layout?.extents ?? []);
    const pieces: RelocatedPiece[] = [];
    const moved = new Map<BlobId, BlobId>();
    try {
      for (const extent of extents) {
        signal.throwIfAborted();
        pieces.push(
          seals === "as they are"
            ? await this.#copyWhole(extent, tier, moved)
            : await this.#copyBytes(extent, tier, seals, signal),
        );
      }
    } catch (error) {
      await this.discard({ pieces, parts: undefined });
      throw error;
    }
    return { pieces, parts: layout?.parts };
  }

  /** Names relocated bytes in this transaction, as `Contents.attach` does. */
  async attach(transaction: Transaction, { pieces, parts }: RelocatedContent): Promise<Content> {
    const extents: Extent[] = [];
    for (const piece of pieces) {
      if (piece.kind === "received") {
        extents.push(...(await this.#contents.attach(transaction, piece.received)));
        continue;
      }
      await this.#contents.nameBlob(transaction, piece.extent.blob);
      extents.push(piece.extent);
    }
    if (parts === undefined) return { extents };
    return this.#contents.layouts.write(transaction, { extents, parts });
  }

  /** Removes what no commit names. A failure to remove is left to the sweeper. */
  async discard({ pieces }: RelocatedContent): Promise<void> {
    for (const piece of pieces) {
      if (piece.kind === "received") await this.#contents.discard(piece.received);
      else if (piece.isFirst) await this.#blobs.delete(piece.extent.blob).catch(() => {});
    }
  }

  /** The outcome of a commit that attaches; when it surely failed, the bytes are removed. */
  async keepOrDiscard<Result>(
    relocated: RelocatedContent,
    commit: Promise<Result>,
  ): Promise<Result> {
    try {
      return await commit;
    } catch (error) {
      // When the outcome is unknown, a record may name the bytes: only the sweeper can tell.
      if (!(error instanceof StorageUnavailableError)) await this.discard(relocated);
      throw error;
    }
  }

  async #copyBytes(
    extent: Extent,
    tier: StorageTier,
    seals: Exclude<RelocationSeals, "as they are">,
    signal: AbortSignal,
  ): Promise<RelocatedPiece> {
    const { lengthBytes } = extent;
    const bytes = await this.#contents.open({ extents: [extent] }, 0, lengthBytes, seals.from);
    const stream = keepable(bytes, lengthBytes, signal);
    const received = await this.#contents.receive(stream, lengthBytes, seals.to, tier);
    return { kind: "received", received };
  }

  /** Extents that share a blob share it at its new place too: `moved` says where that is. */
  async #copyWhole(
    extent: Extent,
    tier: StorageTier,
    moved: Map<BlobId, BlobId>,
  ): Promise<RelocatedPiece> {
    if ("inline" in extent) return this.#moveInlineOut(extent, tier);
    const known = moved.get(extent.blob);
    if (known !== undefined) {
      return { kind: "whole", extent: { ...extent, blob: known }, isFirst: false };
    }
    await using reader = await this.#blobs.open(extent.blob);
    const { id } = await tier.writer.write(reader.readTransient(0, reader.lengthBytes));
    moved.set(extent.blob, id);
    return { kind: "whole", extent: { ...extent, blob: id }, isFirst: true };
  }

  /** What is sealed inline under a key of its own has the form of a sealed blob. */
  async #moveInlineOut(extent: InlineExtent, tier: StorageTier): Promise<RelocatedPiece> {
    assert(extent.nonce === undefined, "a shared data key is always at hand");
    const { gets } = await this.#store.read({ gets: [keys.inline(extent.inline)] });
    const value = gets[0]?.value;
    if (value === undefined) throw new BlobMissingError("inline content is gone");
    const { id } = await tier.writer.write(
      (async function* () {
        yield value;
      })(),
    );
    const { inline: _, crc32: __, ...place } = extent;
    return { kind: "whole", extent: { ...place, blob: id }, isFirst: true };
  }
}

/** A short stream is collected, and what is read may be good only until the next chunk. */
async function* keepable(
  bytes: TransientByteStream | Uint8Array,
  lengthBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  if (bytes instanceof Uint8Array) {
    yield bytes;
    return;
  }
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    yield lengthBytes > longBodyBytes ? chunk : Buffer.from(chunk);
  }
}

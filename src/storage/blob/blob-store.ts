// The contract of an immutable blob store: bytes under unguessable ids. A blob means nothing until
// committed metadata names it, so a crash in the middle of a write leaves only sweepable waste.

import type { ByteStream, TransientByteStream } from "../../base/bytes.ts";

/** `<writer id>-<sequence and random part>`; characters a-z, 0-9 and `-` only. */
export type BlobId = string & { readonly brand: "BlobId" };

/** One opening of the store for writing. A blob whose writer is gone and that no record names is waste. */
export type WriterId = string & { readonly brand: "WriterId" };

export interface WrittenBlob {
  readonly id: BlobId;
  readonly lengthBytes: number;
}

/**
 * Guarantees of every implementation, proven by `tests/contracts/blob-suite.ts`:
 * - `write` resolves only when bytes and directory entry are on stable storage (unless relaxed). When
 *   the source throws or `write` rejects, nothing remains that `list` would show for long: the store
 *   removes what it began, and what a crash leaves behind is listed and can be deleted.
 * - A blob never changes. `open` resolves after the blob was found, so that a missing blob is known
 *   before a response begins; bytes are verified block by block before they are yielded.
 * - A reader that has opened a blob reads it to its end, also when it is deleted meanwhile.
 * - `delete` is idempotent.
 * Memory per call is constant; chunks that `read` yields are at most 1 MiB.
 */
export interface BlobStore extends AsyncDisposable {
  readonly writerId: WriterId;
  /**
   * Done with each chunk of the source before it asks for the next one. Throws StorageFullError, or
   * whatever the source throws.
   */
  write(source: TransientByteStream): Promise<WrittenBlob>;
  /** Throws BlobMissingError, or BlobCorruptError when what is stored cannot be a whole blob. */
  open(id: BlobId): Promise<BlobReader>;
  delete(id: BlobId): Promise<void>;
  /** Ids in ascending order, greater than `after`, at most `limit`; unfinished writes included. */
  list(after: BlobId | undefined, limit: number): Promise<readonly BlobId[]>;
}

export interface BlobReader extends AsyncDisposable {
  readonly lengthBytes: number;
  /**
   * Bytes `start` (inclusive) to `end` (exclusive), which must lie inside the blob.
   * Throws BlobCorruptError while iterating. May be called several times.
   */
  read(start: number, end: number): ByteStream;
  /**
   * The same, more than twice as fast: no memory is taken from the system, and it stays in the
   * processor's cache. Never for a consumer that keeps or hands on chunks unawaited.
   */
  readTransient(start: number, end: number): TransientByteStream;
  /**
   * The same for a consumer that would notice every change of the bytes itself, because they are
   * authenticated: blocks are not verified. Nothing is read ahead of what is asked for, so a consumer
   * that wants it asks for the next chunk when it is done with the memory of this one.
   */
  readUnverified(start: number, end: number): TransientByteStream;
}

/** Several stores behind one contract; see `multi-blob-store.ts`. */
export interface NamedBlobStores {
  /** Writes into the store of that name. Throws StorageUnavailableError when there is none. */
  writeInto(name: string, source: TransientByteStream): Promise<WrittenBlob>;
}

/** `<writer id>-<sequence>-<random part>-<name>`: three parts are the main store's. */
export const partsOfMainId = 3;

/** The store in which a blob lies, of several behind one; `undefined`: the main one. */
export function storeNameOfBlob(id: BlobId): string | undefined {
  return id.split("-", partsOfMainId + 1)[partsOfMainId];
}

/** The writer part of a blob's id. */
export function writerOfBlob(id: BlobId): WriterId {
  return id.slice(0, id.indexOf("-")) as WriterId;
}

// Blobs as objects of a bucket on another S3 server, in the same blocks with checksums as in files: what
// the other server gives back is verified block by block, whatever it is. A blob's key is
// `<prefix>/<blob id>`. Long ones are multipart uploads, so that a write needs constant memory.
//
// The other server's answer is the promise of durability: it must be as durable as this one. Several
// processes may write into one bucket, each with a writer id of its own; nobody else may.

import { randomBytes } from "node:crypto";
import type { TransientByteStream } from "../../base/bytes.ts";
import { BlobCorruptError, BlobMissingError, StorageUnavailableError } from "../storage-errors.ts";
import { checkWriterId, isBlobId, makeBlobId, type RandomBytes } from "./blob-id.ts";
import type { BlobId, BlobReader, BlobStore, WriterId, WrittenBlob } from "./blob-store.ts";
import { blockStrideBytes, dataLengthOfFile } from "./block-format.ts";
import { BucketBlobReader } from "./bucket-blob-reader.ts";
import { writeBucketBlob } from "./bucket-blob-writer.ts";
import type { BucketRequests } from "./bucket-requests.ts";

export interface BucketBlobStoreOptions {
  readonly requests: BucketRequests;
  readonly writerId: string;
  readonly random?: RandomBytes;
}

/** Uploads that were listed, and not finished by whoever began them: remembered to be aborted. */
const rememberedUploads = 10_000;

export class BucketBlobStore implements BlobStore {
  readonly writerId: WriterId;
  readonly #requests: BucketRequests;
  readonly #random: RandomBytes;
  readonly #writes = new Map<BlobId, Promise<WrittenBlob>>();
  readonly #uploads = new Map<BlobId, string[]>();
  /** Readers that this process has open. */
  readonly #readers = new Map<BlobId, number>();
  /** Deleted while they are read: their objects go with the last reader. */
  readonly #condemned = new Set<BlobId>();
  #sequence = 0;
  #isClosed = false;

  constructor({ requests, writerId, random = randomBytes }: BucketBlobStoreOptions) {
    checkWriterId(writerId);
    this.writerId = writerId as WriterId;
    this.#requests = requests;
    this.#random = random;
  }

  async write(source: TransientByteStream): Promise<WrittenBlob> {
    this.#checkOpen();
    const id = makeBlobId(this.writerId, this.#sequence, this.#random);
    this.#sequence += 1;
    const write = this.#requests.claim().then(() => writeBucketBlob(source, id, this.#requests));
    this.#writes.set(id, write);
    try {
      return await write;
    } finally {
      this.#writes.delete(id);
    }
  }

  /** Asks for the first block too: what is short needs no other request. */
  async open(id: BlobId): Promise<BlobReader> {
    this.#checkOpen();
    if (!isBlobId(id)) throw new BlobMissingError("no blob can have this id");
    this.#hold(id);
    try {
      if (this.#condemned.has(id)) throw new BlobMissingError("the blob does not exist");
      const first = await this.#requests.read(id, 0, blockStrideBytes);
      const lengthBytes = dataLengthOfFile(first.objectBytes);
      if (lengthBytes === undefined) throw new BlobCorruptError("the stored blob was cut off");
      const release = () => this.#release(id);
      return new BucketBlobReader({
        id,
        requests: this.#requests,
        lengthBytes,
        first: first.bytes,
        release,
      });
    } catch (error) {
      await this.#release(id);
      throw error;
    }
  }

  async delete(id: BlobId): Promise<void> {
    this.#checkOpen();
    if (!isBlobId(id)) return;
    await this.#requests.claim();
    if (this.#readers.has(id)) {
      this.#condemned.add(id);
      return;
    }
    await this.#remove(id);
  }

  async list(after: BlobId | undefined, limit: number): Promise<readonly BlobId[]> {
    this.#checkOpen();
    await this.#requests.claim();
    const ids = new Set<BlobId>(await this.#requests.listObjects(after, limit));
    for (const { id, uploadId } of await this.#requests.listUploads(after, limit)) {
      ids.add(id);
      this.#remember(id, uploadId);
    }
    for (const id of this.#writes.keys()) if (after === undefined || id > after) ids.add(id);
    for (const id of this.#condemned) ids.delete(id);
    return [...ids].toSorted().slice(0, limit);
  }

  /** Waits for the writes that are under way. Readers that are open go on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#writes.values());
    if (this.#readers.size === 0) this.#requests[Symbol.dispose]();
  }

  #remember(id: BlobId, uploadId: string): void {
    if (this.#writes.has(id)) return;
    if (this.#uploads.size >= rememberedUploads) this.#uploads.clear();
    const known = this.#uploads.get(id) ?? [];
    if (!known.includes(uploadId)) this.#uploads.set(id, [...known, uploadId]);
  }

  async #remove(id: BlobId): Promise<void> {
    for (const uploadId of this.#uploads.get(id) ?? []) {
      await this.#requests.abortUpload(id, uploadId);
    }
    this.#uploads.delete(id);
    await this.#requests.remove(id);
    this.#condemned.delete(id);
  }

  #hold(id: BlobId): void {
    this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1);
  }

  async #release(id: BlobId): Promise<void> {
    const count = (this.#readers.get(id) ?? 1) - 1;
    if (count > 0) {
      this.#readers.set(id, count);
      return;
    }
    this.#readers.delete(id);
    // What cannot be removed now is listed again, for the sweeper.
    if (this.#condemned.has(id)) await this.#remove(id).catch(() => this.#condemned.delete(id));
    if (this.#isClosed && this.#readers.size === 0) this.#requests[Symbol.dispose]();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new StorageUnavailableError("the blob store is closed");
  }
}

// Writes one blob into a bucket of another server: as one object when it is short, else in parts, of
// which one is under way while the source fills the next.

import type { TransientByteStream } from "../../base/bytes.ts";
import { BlockEncoder, blockStrideBytes, seedOfBlob } from "./block-format.ts";
import type { BlobId, WrittenBlob } from "./blob-store.ts";
import type { BucketRequests, UploadedPart } from "./bucket-requests.ts";

/** More than the 5 MiB that S3 wants. Ten thousand are 58 GiB, and a blob holds one part's: 5 GiB. */
const partBytes = 48 * blockStrideBytes;
/** Memory is taken in such steps, the first for what is short. */
const shortBytes = blockStrideBytes;
const stepBytes = 8 * blockStrideBytes;

/** Leaves nothing behind when the source throws, if the other server can be reached. */
export async function writeBucketBlob(
  source: TransientByteStream,
  id: BlobId,
  requests: BucketRequests,
): Promise<WrittenBlob> {
  const writer = new BucketBlobWriter(id, requests);
  try {
    return await writer.write(source);
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

class BucketBlobWriter {
  readonly #id: BlobId;
  readonly #requests: BucketRequests;
  readonly #encoder = new BlockEncoder(Buffer.allocUnsafe(shortBytes));
  /** Filled buffers of the part that is next. */
  #pieces: Buffer<ArrayBuffer>[] = [];
  #pieceBytes = 0;
  /** Memory of parts that were sent: a long blob takes that of two parts, however long it is. */
  readonly #free: Buffer<ArrayBuffer>[] = [];
  #storedBytes = 0;
  #uploadId: string | undefined;
  #parts: UploadedPart[] = [];
  #part: Promise<void> = Promise.resolve();

  constructor(id: BlobId, requests: BucketRequests) {
    this.#id = id;
    this.#requests = requests;
    this.#encoder.setSeed(seedOfBlob(id));
  }

  async write(source: TransientByteStream): Promise<WrittenBlob> {
    const encoder = this.#encoder;
    let lengthBytes = 0;
    for await (const chunk of source) {
      lengthBytes += chunk.byteLength;
      let offset = encoder.push(chunk, 0);
      while (offset < chunk.byteLength) {
        this.#keep(encoder.filled);
        if (this.#pieceBytes >= partBytes) await this.#sendPart();
        encoder.continueIn(this.#free.pop() ?? Buffer.allocUnsafe(stepBytes));
        offset = encoder.push(chunk, offset);
      }
    }
    encoder.finish();
    this.#keep(encoder.filled);
    await this.#finish();
    return { id: this.#id, lengthBytes };
  }

  /** What cannot be removed stays listed, for the sweeper. */
  async discard(): Promise<void> {
    await this.#part.catch(() => {});
    if (this.#uploadId === undefined) {
      // A write of one request whose outcome is unknown.
      if (this.#storedBytes > 0) await this.#requests.remove(this.#id).catch(() => {});
      return;
    }
    await this.#requests.abortUpload(this.#id, this.#uploadId).catch(() => {});
    await this.#requests.remove(this.#id).catch(() => {});
  }

  /** What the encoder has filled: all of its buffer, but at the end. */
  #keep(filled: Buffer<ArrayBuffer>): void {
    this.#pieces.push(filled);
    this.#pieceBytes += filled.byteLength;
  }

  #takeBody(): readonly Buffer<ArrayBuffer>[] {
    const body = this.#pieces;
    this.#storedBytes += this.#pieceBytes;
    this.#pieces = [];
    this.#pieceBytes = 0;
    return body;
  }

  /** Begins to send what is there, after the part before has been sent. */
  async #sendPart(): Promise<void> {
    await this.#part;
    this.#uploadId ??= await this.#requests.beginUpload(this.#id);
    const uploadId = this.#uploadId;
    const body = this.#takeBody();
    this.#part = this.#upload(uploadId, body);
    // Also awaited before the next one; until then a failure is not unhandled.
    this.#part.catch(() => {});
  }

  async #upload(uploadId: string, body: readonly Buffer<ArrayBuffer>[]): Promise<void> {
    const number = this.#parts.length + 1;
    this.#parts.push(await this.#requests.uploadPart(this.#id, uploadId, number, body));
    this.#free.push(...body.filter(({ byteLength }) => byteLength === stepBytes));
  }

  async #finish(): Promise<void> {
    if (this.#uploadId === undefined) {
      await this.#requests.put(this.#id, this.#takeBody());
      return;
    }
    await this.#sendPart();
    await this.#part;
    const { id, storedBytes } = { id: this.#id, storedBytes: this.#storedBytes };
    await this.#requests.completeUpload(id, this.#uploadId, this.#parts, storedBytes);
  }
}

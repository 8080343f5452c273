// The requests that a blob store makes to a bucket of another server. Each is tried again for a while when
// the server cannot be reached or says that it cannot answer now: all of them may be repeated. Uploads
// carry an MD5, which the other server verifies.

import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  elementText,
  RemoteUnreachableError,
  type RemoteAnswer,
  type RemoteBody,
  type RemoteRequest,
  type RemoteS3Client,
} from "../../remote/s3-client.ts";
import { BlobMissingError, StorageFullError, StorageUnavailableError } from "../storage-errors.ts";
import { isBlobId } from "./blob-id.ts";
import { checkOwner, formatOwner, ownerFileName, type BlobStoreOwner } from "./blob-store-owner.ts";
import type { BlobId } from "./blob-store.ts";

export interface BucketPlace {
  readonly bucketName: string;
  /** Before every key; a slash is put between. May be empty. */
  readonly prefix: string;
  /** Of the other server, which keeps the bytes in it; absent: its default. */
  readonly storageClass?: string | undefined;
  /** Who claims the place before it is written to, listed or swept; absent: nobody. */
  readonly owner?: BlobStoreOwner | undefined;
}

export interface ObjectRange {
  readonly bytes: Buffer;
  /** Of the whole object. */
  readonly objectBytes: number;
}

export interface UploadedPart {
  readonly number: number;
  readonly etag: string;
}

/** After all tries for one request have failed, others get a single one for so long. */
const doubtMilliseconds = 10_000;
const tries = 5;
const firstPauseMilliseconds = 100;
const listedAtOnce = 1000;
/** For one try, with all of its bytes. */
const tryMilliseconds = 120_000;

export class BucketRequests implements Disposable {
  readonly #client: RemoteS3Client;
  readonly #place: BucketPlace;
  readonly #prefix: string;
  #claim: Promise<void> | undefined;
  #doubtedUntil = 0;

  constructor(client: RemoteS3Client, place: BucketPlace) {
    this.#client = client;
    this.#place = place;
    this.#prefix = place.prefix === "" ? "" : `${place.prefix.replace(/\/+$/, "")}/`;
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  /**
   * Makes sure that the place is the owner's. Once it is, nothing more is asked. Throws
   * StorageUnavailableError, when it is somebody else's for good.
   */
  claim(): Promise<void> {
    const { owner } = this.#place;
    if (owner === undefined) return Promise.resolve();
    this.#claim ??= this.#claimFor(owner).catch((error: unknown) => {
      this.#claim = undefined;
      throw error;
    });
    return this.#claim;
  }

  async #claimFor(owner: BlobStoreOwner): Promise<void> {
    const { bucketName } = this.#place;
    const key = this.#prefix + ownerFileName;
    let found = await this.#send({ method: "GET", key });
    if (found.status === 404) {
      const names = await this.listObjects(undefined, 1);
      if (names.length > 0) {
        throw new StorageUnavailableError(`${bucketName} holds blobs that nobody has claimed`);
      }
      // Of two that claim it at once one writes, where the other server knows the condition.
      const claim = {
        method: "PUT",
        key,
        body: bodyOf([Buffer.from(formatOwner(owner))]),
      } as const;
      let claimed = await this.#send({ ...claim, headers: { "if-none-match": "*" } });
      if (claimed.status === 501) claimed = await this.#send(claim);
      found = await this.#send({ method: "GET", key });
      if (found.status === 404 && claimed.status >= 300) throw this.#failureOf(claimed);
    }
    if (found.status !== 200) throw this.#failureOf(found);
    try {
      checkOwner(found.body, owner, `${bucketName}/${key}`);
    } catch (error) {
      const message = error instanceof Error ? error.message : "a foreign blob store";
      throw new StorageUnavailableError(message, { cause: error });
    }
  }

  async put(id: BlobId, body: readonly Buffer[]): Promise<void> {
    const headers = { ...md5Of(body), "x-amz-storage-class": this.#place.storageClass };
    await this.#sendKnown({ method: "PUT", key: this.#keyOf(id), headers, body: bodyOf(body) });
  }

  async beginUpload(id: BlobId): Promise<string> {
    const headers = { "x-amz-storage-class": this.#place.storageClass };
    const query = [["uploads", ""]] as const;
    const { body } = await this.#sendKnown({
      method: "POST",
      key: this.#keyOf(id),
      headers,
      query,
    });
    const uploadId = elementText(body, "UploadId");
    if (uploadId === undefined) throw new StorageUnavailableError("an upload has no id");
    return uploadId;
  }

  async uploadPart(
    id: BlobId,
    uploadId: string,
    number: number,
    body: readonly Buffer[],
  ): Promise<UploadedPart> {
    const query = [
      ["partNumber", String(number)],
      ["uploadId", uploadId],
    ] as const;
    const { headers } = await this.#sendKnown({
      method: "PUT",
      key: this.#keyOf(id),
      query,
      headers: md5Of(body),
      body: bodyOf(body),
    });
    const { etag } = headers;
    if (etag === undefined) throw new StorageUnavailableError("a part has no entity tag");
    return { number, etag };
  }

  async completeUpload(
    id: BlobId,
    uploadId: string,
    parts: readonly UploadedPart[],
    lengthBytes: number,
  ): Promise<void> {
    const listed = parts.map(
      ({ number, etag }) =>
        `<Part><PartNumber>${number}</PartNumber><ETag>${etag.replaceAll('"', "&quot;")}</ETag></Part>`,
    );
    const body = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed.join("")}</CompleteMultipartUpload>`;
    const key = this.#keyOf(id);
    const query = [["uploadId", uploadId]] as const;
    const answer = await this.#send({ method: "POST", key, query, body });
    // An answer that began well may end in an error.
    if (answer.status === 200 && elementText(answer.body, "ETag") !== undefined) return;
    // A try before this one may have succeeded, and its answer was lost.
    const head = await this.#send({ method: "HEAD", key });
    if (head.status === 200 && Number(head.headers["content-length"]) === lengthBytes) return;
    throw this.#failureOf(answer);
  }

  /** Of one that is not there (any more) too. */
  async abortUpload(id: BlobId, uploadId: string): Promise<void> {
    const query = [["uploadId", uploadId]] as const;
    const answer = await this.#send({ method: "DELETE", key: this.#keyOf(id), query });
    if (answer.status >= 300 && answer.status !== 404) throw this.#failureOf(answer);
  }

  async remove(id: BlobId): Promise<void> {
    const answer = await this.#send({ method: "DELETE", key: this.#keyOf(id) });
    if (answer.status >= 300 && answer.status !== 404) throw this.#failureOf(answer);
  }

  /** Bytes `start` to `end` (exclusive), fewer at the end of the object. Throws BlobMissingError. */
  async read(id: BlobId, start: number, end: number): Promise<ObjectRange> {
    const headers = { range: `bytes=${start}-${end - 1}` };
    const answer = await this.#send({ method: "GET", key: this.#keyOf(id), headers });
    if (answer.status === 404) throw new BlobMissingError("the blob does not exist");
    const total = /\/(\d+)$/.exec(answer.headers["content-range"] ?? "")?.[1];
    if (answer.status !== 206 || total === undefined) throw this.#failureOf(answer);
    return { bytes: answer.bytes, objectBytes: Number(total) };
  }

  /** In ascending order. */
  async listObjects(after: BlobId | undefined, limit: number): Promise<readonly BlobId[]> {
    const ids: BlobId[] = [];
    let last: string | undefined = after;
    for (;;) {
      const { body } = await this.#sendKnown({
        method: "GET",
        query: [
          ["list-type", "2"],
          ["prefix", this.#prefix],
          ["max-keys", String(Math.min(listedAtOnce, limit - ids.length))],
          ...(last === undefined ? [] : [["start-after", this.#prefix + last] as const]),
        ],
      });
      const names = namesIn(body);
      ids.push(...names.filter((name) => isBlobId(name)));
      last = names.at(-1);
      const isLast = elementText(body, "IsTruncated") !== "true" || last === undefined;
      if (isLast || ids.length >= limit) return ids;
    }
  }

  /** Of writes that have not ended, by the order of their blobs. */
  async listUploads(
    after: BlobId | undefined,
    limit: number,
  ): Promise<readonly { readonly id: BlobId; readonly uploadId: string }[]> {
    const { body } = await this.#sendKnown({
      method: "GET",
      query: [
        ["uploads", ""],
        ["prefix", this.#prefix],
        ["max-uploads", String(Math.min(listedAtOnce, limit))],
        ...(after === undefined ? [] : [["key-marker", this.#prefix + after] as const]),
      ],
    });
    return [...body.matchAll(/<Upload>(.*?)<\/Upload>/gs)].flatMap(([, upload = ""]) => {
      const [id] = namesIn(upload);
      const uploadId = elementText(upload, "UploadId");
      if (id === undefined || !isBlobId(id) || uploadId === undefined) return [];
      // Not every server knows the marker.
      return after === undefined || id > after ? [{ id, uploadId }] : [];
    });
  }

  #keyOf(id: BlobId): string {
    return this.#prefix + id;
  }

  /** An answer of success. Throws StorageFullError, StorageUnavailableError. */
  async #sendKnown(request: Omit<RemoteRequest, "bucketName">): Promise<RemoteAnswer> {
    const answer = await this.#send(request);
    if (answer.status < 300) return answer;
    throw this.#failureOf(answer);
  }

  /** The code says enough; an answer's text may say what only the other server should know. */
  #failureOf({ status, body }: RemoteAnswer): Error {
    const code = elementText(body, "Code") ?? "no code";
    const text = `the blob store's bucket ${this.#place.bucketName} answered ${status} (${code})`;
    const isFull = status === 507 || code === "QuotaExceeded" || code === "InsufficientStorage";
    return isFull ? new StorageFullError(text) : new StorageUnavailableError(text);
  }

  async #send(request: Omit<RemoteRequest, "bucketName">): Promise<RemoteAnswer> {
    const { bucketName } = this.#place;
    const last = performance.now() < this.#doubtedUntil ? 1 : tries;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const timeout = AbortSignal.timeout(tryMilliseconds);
        const answer = await this.#client.send({ ...request, bucketName }, timeout);
        if (!mayPass(answer)) this.#doubtedUntil = 0;
        if (!mayPass(answer) || attempt >= last) return answer;
      } catch (error) {
        const isPassing = error instanceof RemoteUnreachableError || isTimeout(error);
        if (!isPassing) throw error;
        if (attempt >= last) {
          this.#doubtedUntil = performance.now() + doubtMilliseconds;
          const why =
            error instanceof RemoteUnreachableError ? error.message : "it does not answer";
          throw new StorageUnavailableError(`the blob store's bucket ${bucketName}: ${why}`, {
            cause: error,
          });
        }
      }
      await sleep(firstPauseMilliseconds * 2 ** (attempt - 1) * (0.5 + Math.random() / 2));
    }
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === "TimeoutError";
}

/** Whether the same request may be answered otherwise a moment later. */
function mayPass({ status, body }: RemoteAnswer): boolean {
  if (status === 429 || status === 500 || status === 502 || status === 503 || status === 504) {
    return true;
  }
  return status === 400 && /<Code>(?:RequestTimeout|BadDigest)<\/Code>/.test(body);
}

/** What follows the last slash of each key. */
function namesIn(xml: string): readonly string[] {
  return [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = ""]) =>
    key.slice(key.lastIndexOf("/") + 1),
  );
}

function md5Of(body: readonly Buffer[]): Record<string, string> {
  const hash = createHash("md5");
  for (const piece of body) hash.update(piece);
  return { "content-md5": hash.digest("base64") };
}

/** Can be sent again: each try reads it from the beginning. */
function bodyOf(body: readonly Buffer[]): RemoteBody {
  return {
    lengthBytes: body.reduce((sum, piece) => sum + piece.byteLength, 0),
    stream: {
      async *[Symbol.asyncIterator]() {
        yield* body;
      },
    },
  };
}

// The bytes of a version on their way to another server: in one request, or part by part as they were
// uploaded, so that the replica has the parts and the ETag of its source.

import { createHash } from "node:crypto";
import type { ByteStream } from "../../base/bytes.ts";
import type { ObjectRecord, StoredPart } from "../../objects/records/object-record.ts";
import type { RemoteAnswer, RemoteRequest, RemoteS3Client } from "../../remote/s3-client.ts";
import { elementText } from "../../remote/s3-client.ts";
import type { ReplicaWork } from "./destination.ts";
import { ReplicationRefusedError } from "./failure.ts";
import { checkAnswer, etagOf } from "./remote-answers.ts";
import {
  checksumHeader,
  checksumHeaders,
  completionDocument,
  integrityHeaders,
  isPlainEtag,
} from "./replica-headers.ts";

export interface RemotePlace {
  readonly bucketName: string;
  readonly key: string;
}

type Headers = NonNullable<RemoteRequest["headers"]>;

export class RemoteUpload {
  readonly #client: RemoteS3Client;
  readonly #place: RemotePlace;
  readonly #work: ReplicaWork;
  readonly #headers: Headers;

  constructor(options: {
    readonly client: RemoteS3Client;
    readonly place: RemotePlace;
    readonly work: ReplicaWork;
    readonly headers: Headers;
  }) {
    this.#client = options.client;
    this.#place = options.place;
    this.#work = options.work;
    this.#headers = options.headers;
  }

  /** The answer to the request that made the object. Throws ReplicationRefusedError and so on. */
  async send(parts: readonly StoredPart[] | undefined): Promise<RemoteAnswer> {
    const { record } = this.#work.source;
    const answer = parts === undefined ? await this.#put(record) : await this.#putParts(parts);
    // A server that encrypts under a key of KMS has ETags that say nothing.
    const isComparable =
      isPlainEtag(record) &&
      answer.headers["x-amz-server-side-encryption"]?.startsWith("aws:kms") !== true;
    const etag = etagOf(answer);
    if (isComparable && etag !== undefined && isMd5(etag) && etag !== record.etag) {
      throw new ReplicationRefusedError("DstRefused", "the destination holds other bytes");
    }
    return answer;
  }

  async #put(record: ObjectRecord): Promise<RemoteAnswer> {
    const body = await this.#body(0, record.sizeBytes);
    const headers = { ...this.#headers, ...integrityHeaders(record) };
    return this.#send({ method: "PUT", headers, body });
  }

  async #putParts(parts: readonly StoredPart[]): Promise<RemoteAnswer> {
    const { record } = this.#work.source;
    const algorithm = record.checksum?.algorithm;
    const headers = {
      ...this.#headers,
      "x-amz-checksum-algorithm": algorithm,
      "x-amz-checksum-type": algorithm === undefined ? undefined : record.checksum?.type,
    };
    const query = [["uploads", ""]] as const;
    const begun = await this.#send({ method: "POST", query, headers });
    const uploadId = elementText(begun.body, "UploadId");
    if (uploadId === undefined) {
      throw new ReplicationRefusedError("DstRefused", "the destination began no upload");
    }
    try {
      return await this.#complete(uploadId, parts, algorithm);
    } catch (error) {
      await this.#abort(uploadId);
      throw error;
    }
  }

  async #complete(
    uploadId: string,
    parts: readonly StoredPart[],
    algorithm: string | undefined,
  ): Promise<RemoteAnswer> {
    const sent: Parameters<typeof completionDocument>[0][number][] = [];
    let start = 0;
    for (const part of parts) {
      const end = start + part.sizeBytes;
      const etag = await this.#putPart(uploadId, part, { start, end, algorithm });
      const checksum =
        algorithm === undefined || part.checksum === undefined
          ? {}
          : { checksum: { [`Checksum${algorithm}`]: part.checksum } };
      sent.push({ number: part.number, etag: `"${etag}"`, ...checksum });
      start = end;
    }
    const { checksum } = this.#work.source.record;
    const headers =
      checksum?.type === "FULL_OBJECT"
        ? {
            [checksumHeader(checksum.algorithm)]: checksum.value,
            "x-amz-checksum-type": "FULL_OBJECT",
          }
        : {};
    const query = [["uploadId", uploadId]] as const;
    return this.#send({ method: "POST", query, headers, body: completionDocument(sent) });
  }

  async #putPart(
    uploadId: string,
    { number, checksum }: StoredPart,
    { start, end, algorithm }: { start: number; end: number; algorithm: string | undefined },
  ): Promise<string> {
    const md5 = createHash("md5");
    const body = await this.#body(start, end, (chunk) => md5.update(chunk));
    const headers =
      algorithm === undefined || checksum === undefined ? {} : checksumHeaders(algorithm, checksum);
    const query = [
      ["partNumber", String(number)],
      ["uploadId", uploadId],
    ] as const;
    const answer = await this.#send({ method: "PUT", query, headers, body });
    const etag = etagOf(answer) ?? "";
    const digest = md5.digest("hex");
    const isKms = answer.headers["x-amz-server-side-encryption"]?.startsWith("aws:kms") === true;
    if (!isKms && isMd5(etag) && etag !== digest) {
      throw new ReplicationRefusedError("DstRefused", "a part arrived with other bytes");
    }
    return etag;
  }

  async #body(
    start: number,
    end: number,
    digest?: (chunk: Uint8Array) => void,
  ): Promise<NonNullable<RemoteRequest["body"]>> {
    const { source, role, signal } = this.#work;
    const stream = await role.open(source, { start, end }, signal);
    const lengthBytes = end - start;
    if (digest === undefined) return { lengthBytes, stream };
    if (stream instanceof Uint8Array) {
      digest(stream);
      return { lengthBytes, stream };
    }
    return { lengthBytes, stream: digested(stream, digest) };
  }

  async #send(request: Omit<RemoteRequest, "bucketName" | "key">): Promise<RemoteAnswer> {
    const answer = await this.#client.send({ ...this.#place, ...request }, this.#work.signal);
    return checkAnswer(answer, "DstPutObjectNotPermitted");
  }

  /** What cannot be removed now is left to the destination's lifecycle rules. */
  async #abort(uploadId: string): Promise<void> {
    const query = [["uploadId", uploadId]] as const;
    const signal = AbortSignal.timeout(5000);
    await this.#client.send({ ...this.#place, method: "DELETE", query }, signal).catch(() => {});
  }
}

async function* digested(
  stream: ByteStream,
  digest: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of stream) {
    digest(chunk);
    yield chunk;
  }
}

function isMd5(etag: string): boolean {
  return /^[0-9a-f]{32}(?:-\d+)?$/.test(etag);
}

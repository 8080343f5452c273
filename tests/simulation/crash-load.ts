// A mixed load on a real server through the official SDK, by several clients that each own some keys,
// so that of every key at most one change is under way. Knows at every moment what must be stored.

import assert from "node:assert/strict";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectAnnotationCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectAnnotationCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { unknownId } from "./s3-model.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { Content, KnownVersion, Versions } from "./tracked-key.ts";
import { contentOf, TrackedKey } from "./tracked-key.ts";

export const buckets = { plain: "plain", versioned: "versioned" } as const;
const keysPerClient = 4;
const largestVersionCount = 6;
const uploadsPerClient = 2;

export interface LoadCounts {
  acknowledged: number;
  unknown: number;
  refused: number;
  reads: number;
  /** Uploads that were begun before a crash and completed after it. */
  resumedUploads: number;
}

/** Thrown by a request that got no answer: nobody knows whether it happened. */
class AnswerLostError extends Error {
  override readonly name = "AnswerLostError";
}

interface OpenUpload {
  readonly tracked: TrackedKey;
  readonly uploadId: string;
  readonly parts: {
    readonly PartNumber: number;
    readonly ETag: string;
    readonly body: Uint8Array;
  }[];
  readonly begunInLife: number;
}

export interface Connection {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export class CrashLoad {
  readonly counts: LoadCounts = {
    acknowledged: 0,
    unknown: 0,
    refused: 0,
    reads: 0,
    resumedUploads: 0,
  };
  readonly #random: SeededRandom;
  readonly #clientKeys: readonly (readonly TrackedKey[])[];
  readonly #uploads: OpenUpload[][];
  /** What the live version of a key was surely annotated with. */
  readonly #annotations = new Map<TrackedKey, string>();
  #client: S3Client | undefined;
  #writes = 0;
  #life = 0;
  #isStopped = true;

  constructor(random: SeededRandom, clientCount: number) {
    this.#random = random;
    this.#clientKeys = Array.from({ length: clientCount }, (_, client) =>
      Array.from({ length: keysPerClient }, (__, at) => {
        const bucket = at % 2 === 0 ? buckets.plain : buckets.versioned;
        return new TrackedKey(bucket, `client ${client}/key ${at} ü`);
      }),
    );
    this.#uploads = this.#clientKeys.map(() => []);
  }

  /** The server lives (again). */
  connect(connection: Connection): void {
    this.#life += 1;
    this.#client?.destroy();
    this.#client = new S3Client({
      endpoint: connection.endpoint,
      region: "us-east-1",
      credentials: connection.credentials,
      forcePathStyle: true,
      maxAttempts: 1,
    });
  }

  close(): void {
    this.#client?.destroy();
  }

  async createBuckets(): Promise<void> {
    for (const Bucket of Object.values(buckets)) {
      await this.#s3.send(new CreateBucketCommand({ Bucket }));
    }
    await this.#s3.send(
      new PutBucketVersioningCommand({
        Bucket: buckets.versioned,
        VersioningConfiguration: { Status: "Enabled" },
      }),
    );
  }

  /**
   * Writes and reads until `stop`. A client whose answer was lost finds out what happened, as long as
   * the server still answers; otherwise `verify` does it later.
   */
  async run(): Promise<void> {
    this.#isStopped = false;
    await Promise.all([...this.#clientKeys.map((_, client) => this.#write(client)), this.#read()]);
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Everything acknowledged is there, whole and listed; nothing else is. */
  async verify(): Promise<void> {
    for (const tracked of this.#clientKeys.flat()) await this.#resolve(tracked);
    for (const bucket of Object.values(buckets)) {
      const listed = await this.#listAll(bucket);
      const expected = this.#clientKeys
        .flat()
        .filter((tracked) => tracked.bucket === bucket && tracked.live !== undefined)
        .map((tracked) => `${tracked.key} ${tracked.live?.content.sizeBytes}`);
      assert.deepEqual(listed.toSorted(), expected.toSorted());
    }
    for (const [tracked, text] of this.#annotations) {
      const read = new GetObjectAnnotationCommand({ ...placeOf(tracked), AnnotationName: "note" });
      const { AnnotationPayload } = await this.#s3.send(read);
      const found = await AnnotationPayload?.transformToString();
      assert.ok(found === text, `the annotation of ${tracked.key} is another one`);
    }
    for (const uploads of this.#uploads) {
      for (const { tracked, uploadId } of uploads) {
        const found = await this.#s3.send(
          new ListMultipartUploadsCommand({ Bucket: tracked.bucket, Prefix: tracked.key }),
        );
        const ids = (found.Uploads ?? []).map((upload) => upload.UploadId);
        assert.ok(ids.includes(uploadId), `upload ${uploadId} of ${tracked.key} is gone`);
      }
    }
  }

  get #s3(): S3Client {
    assert.ok(this.#client);
    return this.#client;
  }

  async #write(client: number): Promise<void> {
    while (!this.#isStopped) {
      const tracked = this.#random.pick(this.#clientKeys[client] ?? []);
      try {
        if (!tracked.isCertain) await this.#resolve(tracked);
        else await this.#change(client, tracked);
      } catch (error) {
        if (!(error instanceof AnswerLostError)) throw error;
        // The server is dead, or the worker behind this connection: its successor answers soon.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  /** A reader without keys of its own: what it gets must be whole, whoever writes meanwhile. */
  async #read(): Promise<void> {
    while (!this.#isStopped) {
      const { bucket, key } = this.#random.pick(this.#clientKeys.flat());
      try {
        const body = await this.#get(bucket, key, undefined);
        if (body !== undefined) assert.ok(isWhole(body), `${bucket}/${key} is torn`);
        this.counts.reads += 1;
      } catch (error) {
        if (!(error instanceof AnswerLostError)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  async #change(client: number, tracked: TrackedKey): Promise<void> {
    const random = this.#random;
    const choice = random.below(100);
    const { versions } = tracked;
    if (versions.length > largestVersionCount || (choice < 12 && versions.length > 0)) {
      const isPermanent = versions.length > largestVersionCount || random.chance(0.5);
      if (tracked.bucket === buckets.versioned && isPermanent) await this.#deleteVersion(tracked);
      else await this.#delete(tracked);
    } else if (choice < 50) await this.#put(tracked);
    else if (choice < 65) await this.#conditionalPut(tracked);
    else if (choice < 78) await this.#copy(client, tracked);
    else if (choice < 86) await this.#annotate(tracked);
    else await this.#workOnUpload(client, tracked);
  }

  async #put(tracked: TrackedKey): Promise<void> {
    const body = this.#body(this.#randomSize());
    await this.#apply(tracked, adding(contentOf(body)), async () => {
      const put = new PutObjectCommand({ ...placeOf(tracked), Body: body });
      return (await this.#send(() => this.#s3.send(put))).VersionId;
    });
  }

  async #conditionalPut(tracked: TrackedKey): Promise<void> {
    const body = this.#body(this.#randomSize());
    const { live } = tracked;
    const isFitting = this.#random.chance(0.7);
    const isExpected = isFitting ? live !== undefined : live === undefined;
    const etag = isExpected && live !== undefined ? await this.#etag(tracked) : undefined;
    const condition =
      live === undefined && isFitting
        ? { IfNoneMatch: "*" }
        : { IfMatch: etag ?? `"${"0".repeat(32)}"` };
    const put = new PutObjectCommand({ ...placeOf(tracked), Body: body, ...condition });
    const send = async (): Promise<string | undefined> =>
      (await this.#send(() => this.#s3.send(put))).VersionId;
    if (isFitting) {
      await this.#apply(tracked, adding(contentOf(body)), send);
      return;
    }
    await assertRefused(send, live === undefined ? 404 : 412);
    this.counts.refused += 1;
  }

  async #etag(tracked: TrackedKey): Promise<string | undefined> {
    const head = new HeadObjectCommand(placeOf(tracked));
    return (await this.#send(() => this.#s3.send(head))).ETag;
  }

  async #copy(client: number, tracked: TrackedKey): Promise<void> {
    // A key of its own, whose content nobody else changes meanwhile.
    const source = this.#random.pick(this.#clientKeys[client] ?? []);
    if (source === tracked || !source.isCertain || source.live === undefined) return;
    const { live } = source;
    await this.#apply(tracked, adding(live.content), async () => {
      const copy = new CopyObjectCommand({ ...placeOf(tracked), CopySource: copySource(source) });
      return (await this.#send(() => this.#s3.send(copy))).VersionId;
    });
  }

  async #annotate(tracked: TrackedKey): Promise<void> {
    if (tracked.live === undefined) return;
    const text = Buffer.from(this.#body(this.#randomSize())).toString("latin1");
    if (text === "") return;
    const note = { AnnotationName: "note", AnnotationPayload: text };
    // Until the answer is there it may be either.
    this.#annotations.delete(tracked);
    const put = new PutObjectAnnotationCommand({ ...placeOf(tracked), ...note });
    await this.#send(() => this.#s3.send(put));
    this.#annotations.set(tracked, text);
    this.counts.acknowledged += 1;
  }

  async #delete(tracked: TrackedKey): Promise<void> {
    const isVersioned = tracked.bucket === buckets.versioned;
    const change = (versions: Versions, id: string): Versions =>
      isVersioned ? [{ id, content: "delete-marker" }, ...versions] : [];
    await this.#apply(tracked, change, async () => {
      const command = new DeleteObjectCommand(placeOf(tracked));
      return (await this.#send(() => this.#s3.send(command))).VersionId;
    });
  }

  async #deleteVersion(tracked: TrackedKey): Promise<void> {
    const { id } = this.#random.pick(tracked.versions);
    const change = (versions: Versions): Versions => versions.filter((each) => each.id !== id);
    await this.#apply(tracked, change, async () => {
      const command = new DeleteObjectCommand({ ...placeOf(tracked), VersionId: id });
      return (await this.#send(() => this.#s3.send(command))).VersionId;
    });
  }

  /** Begins, feeds, completes or aborts an upload; some stay open across a crash. */
  async #workOnUpload(client: number, tracked: TrackedKey): Promise<void> {
    const random = this.#random;
    const uploads = this.#uploads[client] ?? [];
    const upload = uploads.find((each) => each.tracked === tracked);
    if (upload === undefined) {
      if (uploads.length >= uploadsPerClient) return;
      const create = new CreateMultipartUploadCommand(placeOf(tracked));
      const { UploadId: uploadId } = await this.#send(() => this.#s3.send(create));
      assert.ok(uploadId);
      uploads.push({ tracked, uploadId, parts: [], begunInLife: this.#life });
      return;
    }
    if (upload.parts.length === 0) {
      await this.#putParts(client, upload);
      return;
    }
    if (random.chance(0.4)) return;
    // Whatever becomes of it, the upload is not tracked any more: the answer may be lost.
    uploads.splice(uploads.indexOf(upload), 1);
    const place = { ...placeOf(tracked), UploadId: upload.uploadId };
    if (random.chance(0.15)) {
      const abort = new AbortMultipartUploadCommand(place);
      await this.#send(() => this.#s3.send(abort));
      return;
    }
    const body = Buffer.concat(upload.parts.map((part) => part.body));
    const Parts = upload.parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    await this.#apply(tracked, adding(contentOf(body)), async () => {
      const complete = new CompleteMultipartUploadCommand({ ...place, MultipartUpload: { Parts } });
      return (await this.#send(() => this.#s3.send(complete))).VersionId;
    });
    if (upload.begunInLife < this.#life) this.counts.resumedUploads += 1;
  }

  async #putParts(client: number, upload: OpenUpload): Promise<void> {
    const { tracked, uploadId } = upload;
    const parts: OpenUpload["parts"] = [];
    const place = { ...placeOf(tracked), UploadId: uploadId };
    const isLarge = this.#random.chance(0.1);
    const sizes = isLarge ? [5 * 1024 * 1024, 1000] : [this.#randomSize() + 1];
    const whole = this.#body(sizes.reduce((sum, size) => sum + size, 0));
    const source = this.#random.pick(this.#clientKeys[client] ?? []);
    if (!isLarge && source.isCertain && source.live !== undefined && this.#random.chance(0.3)) {
      const body = await this.#get(source.bucket, source.key, undefined);
      if (body === undefined || body.byteLength === 0) return;
      const copy = new UploadPartCopyCommand({
        ...place,
        PartNumber: 1,
        CopySource: copySource(source),
      });
      const { CopyPartResult } = await this.#send(() => this.#s3.send(copy));
      parts.push({ PartNumber: 1, ETag: CopyPartResult?.ETag ?? "", body });
    } else {
      let offset = 0;
      for (const [at, size] of sizes.entries()) {
        const body = whole.subarray(offset, offset + size);
        offset += size;
        const command = new UploadPartCommand({ ...place, PartNumber: at + 1, Body: body });
        const { ETag } = await this.#send(() => this.#s3.send(command));
        parts.push({ PartNumber: at + 1, ETag: ETag ?? "", body });
      }
    }
    upload.parts.push(...parts);
  }

  async #apply(
    tracked: TrackedKey,
    change: (versions: Versions, id: string) => Versions,
    send: () => Promise<string | undefined>,
  ): Promise<void> {
    const isVersioned = tracked.bucket === buckets.versioned;
    this.#annotations.delete(tracked);
    try {
      const id = await send();
      tracked.acknowledge((versions) => change(versions, isVersioned ? (id ?? "missing") : "null"));
      this.counts.acknowledged += 1;
    } catch (error) {
      if (error instanceof AnswerLostError) {
        tracked.suspect((versions) => change(versions, isVersioned ? unknownId : "null"));
        this.counts.unknown += 1;
      }
      throw error;
    }
  }

  /** Looks what is stored under a key, and that each version is whole. */
  async #resolve(tracked: TrackedKey): Promise<void> {
    const list = new ListObjectVersionsCommand({ Bucket: tracked.bucket, Prefix: tracked.key });
    const page = await this.#send(() => this.#s3.send(list));
    assert.equal(page.IsTruncated ?? false, false);
    const found: {
      readonly version: KnownVersion;
      readonly time: number;
      readonly latest: boolean;
    }[] = [];
    for (const { VersionId: id = "", IsLatest: latest = false } of page.DeleteMarkers ?? []) {
      found.push({ version: { id, content: "delete-marker" }, time: orderOf(id), latest });
    }
    for (const { VersionId: id = "", IsLatest: latest = false, Size } of page.Versions ?? []) {
      const content = await this.#contentOf(tracked, id, Size);
      found.push({ version: { id, content }, time: orderOf(id), latest });
    }
    found.sort((left, right) => right.time - left.time);
    for (const [at, each] of found.entries()) assert.equal(each.latest, at === 0, "IsLatest");
    tracked.resolve(found.map((each) => each.version));
  }

  async #contentOf(tracked: TrackedKey, id: string, size: number | undefined): Promise<Content> {
    const body = await this.#get(tracked.bucket, tracked.key, id);
    assert.ok(body, `${tracked.bucket}/${tracked.key} is listed but not there`);
    assert.equal(body.byteLength, size);
    assert.ok(isWhole(body), `${tracked.bucket}/${tracked.key} is torn`);
    return contentOf(body);
  }

  /** `undefined`: there is no such object. */
  async #get(
    Bucket: string,
    Key: string,
    VersionId: string | undefined,
  ): Promise<Uint8Array | undefined> {
    const place = VersionId === undefined ? { Bucket, Key } : { Bucket, Key, VersionId };
    try {
      return await this.#send(async () => {
        const { Body } = await this.#s3.send(new GetObjectCommand(place));
        return await Body?.transformToByteArray();
      });
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  async #listAll(Bucket: string): Promise<string[]> {
    const found: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const list = new ListObjectsV2Command({ Bucket, MaxKeys: 7, ContinuationToken });
      const page = await this.#s3.send(list);
      for (const { Key, Size } of page.Contents ?? []) found.push(`${Key} ${Size}`);
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    return found;
  }

  /** Throws AnswerLostError when no answer came; other failures than refusals are a bug. */
  async #send<Output>(request: () => Promise<Output>): Promise<Output> {
    try {
      return await request();
    } catch (error) {
      const status = statusOf(error);
      if (status === undefined) throw new AnswerLostError("no answer", { cause: error });
      if (status >= 500) throw new Error(`the server answered ${status}`, { cause: error });
      throw error;
    }
  }

  #randomSize(): number {
    const random = this.#random;
    // Empty, inline, at the border of inline, in blobs of one and of several blocks.
    return random.pick([0, random.below(3000), 65_536, 65_537, 70_000 + random.below(400_000)]);
  }

  #body(sizeBytes: number): Uint8Array {
    this.#writes += 1;
    return Buffer.alloc(sizeBytes, `write-${this.#writes} `);
  }
}

/** A body is one label over and over: a mixture of two writes is none. */
export function isWhole(body: Uint8Array): boolean {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const end = bytes.indexOf(" ");
  if (end < 0) return bytes.toString("latin1").startsWith("write-".slice(0, bytes.byteLength));
  return bytes.equals(Buffer.alloc(bytes.byteLength, bytes.subarray(0, end + 1)));
}

function adding(content: Content): (versions: Versions, id: string) => Versions {
  return (versions, id) => [
    { id, content },
    ...versions.filter((version) => version.id !== "null" || id !== "null"),
  ];
}

function placeOf(tracked: TrackedKey): { readonly Bucket: string; readonly Key: string } {
  return { Bucket: tracked.bucket, Key: tracked.key };
}

function copySource(source: TrackedKey): string {
  return `${source.bucket}/${encodeURIComponent(source.key)}`;
}

/** Version ids of this server begin with their order; `null` stands alone in its bucket here. */
function orderOf(versionId: string): number {
  if (versionId === "null") return 0;
  return Buffer.from(versionId, "base64url").readUIntBE(0, 6);
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("$metadata" in error)) return undefined;
  return (error.$metadata as { readonly httpStatusCode?: number }).httpStatusCode;
}

async function assertRefused(send: () => Promise<unknown>, status: number): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (error instanceof AnswerLostError) throw error;
    assert.equal(statusOf(error), status);
    return;
  }
  assert.fail("a condition that does not hold was ignored");
}

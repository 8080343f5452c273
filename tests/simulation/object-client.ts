// What the operations do with the object layer, without HTTP: the simulations drive ObjectStore
// through this, so that a whole history of requests runs in one process in milliseconds.

import { createHash } from "node:crypto";
import type { ByteStream, TransientByteStream } from "../../src/base/bytes.ts";
import { collectBytes } from "../../src/base/bytes.ts";
import { sliceExtents } from "../../src/objects/extents.ts";
import type { ObjectStore } from "../../src/objects/object-store.ts";
import type { DeleteConditions, Written } from "../../src/objects/object-writes.ts";
import type { Completed } from "../../src/objects/multipart-uploads.ts";
import { listCurrent } from "../../src/objects/listing.ts";
import type { WriteConditions } from "../../src/objects/preconditions.ts";
import type { BucketRecord, VersioningState } from "../../src/objects/records/bucket-record.ts";
import type { ObjectRecord } from "../../src/objects/records/object-record.ts";
import type { PartRecord } from "../../src/objects/records/upload-record.ts";
import type { UploadItem } from "../../src/objects/upload-listing.ts";
import { listUploads } from "../../src/objects/upload-listing.ts";
import type { ListedVersion } from "../../src/objects/version-listing.ts";
import { listVersions } from "../../src/objects/version-listing.ts";
import type { DeletedVersion } from "../../src/objects/version-changes.ts";
import { causeFor } from "./cause.ts";

const owner = { id: "0".repeat(64), name: "root" };
const readLimitBytes = 64 * 1024 * 1024;

export function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

export function multipartEtag(etags: readonly string[]): string {
  const digests = Buffer.concat(etags.map((etag) => Buffer.from(etag, "hex")));
  return `${md5(digests)}-${etags.length}`;
}

export interface NamedVersion {
  readonly bucketName: string;
  readonly key: string;
  readonly versionId?: string;
}

export class ObjectClient {
  readonly objects: ObjectStore;
  /** Listings ask for pages of this size, so that short histories page too. */
  readonly #pageItems: number;

  constructor(objects: ObjectStore, pageItems = 3) {
    this.objects = objects;
    this.#pageItems = pageItems;
  }

  createBucket(
    name: string,
  ): Promise<{ readonly created: boolean; readonly record: BucketRecord }> {
    return this.objects.buckets.create({
      name,
      region: "us-east-1",
      ownerId: owner.id,
      ownerName: owner.name,
      ownerAccountId: "000000000000",
      versioning: "Unversioned",
      objectLockEnabled: false,
      objectOwnership: "BucketOwnerEnforced",
      tags: [],
    });
  }

  async setVersioning(name: string, versioning: VersioningState): Promise<void> {
    await this.objects.buckets.update(name, (record) => ({ ...record, versioning }));
  }

  deleteBucket(name: string): Promise<void> {
    return this.objects.buckets.delete(name, () => {});
  }

  async put(
    bucketName: string,
    key: string,
    bytes: Uint8Array,
    conditions: WriteConditions = {},
  ): Promise<Written> {
    const place = { bucketName, key };
    const begun = await this.objects.writes.begin(place, conditions);
    const received = await this.objects.contents.receive(chunksOf(bytes), bytes.byteLength);
    const cause = causeFor("ObjectCreated:Put");
    const version = { cause, etag: md5(bytes), checksum: undefined, attributes: {} };
    return this.objects.writes.put(place, begun, { received, version });
  }

  async copy(
    source: { readonly bucketName: string; readonly key: string; readonly versionId?: string },
    target: { readonly bucketName: string; readonly key: string },
  ): Promise<Written> {
    const { objects } = this;
    const found = await objects.versions.find(source.bucketName, source.key, source.versionId);
    const begun = await objects.writes.begin(target, {});
    const { sequence, encryption } = found.record;
    const { versionId } = source;
    const from = { place: source, versionId, sequence, encryption };
    return objects.writes.copy(target, begun, from, ({ etag }) => ({
      cause: causeFor("ObjectCreated:Copy"),
      etag,
      checksum: undefined,
      attributes: {},
      annotations: { source: from, prepared: undefined },
    }));
  }

  async annotate(place: NamedVersion, name: string, bytes: Uint8Array): Promise<Written> {
    const { contents, writes, annotations } = this.objects;
    const received = await contents.receive(chunksOf(bytes), bytes.byteLength);
    const checksum = { algorithm: "CRC64NVME", value: "", type: "FULL_OBJECT" } as const;
    const facts = { lastModifiedMilliseconds: 0, etag: md5(bytes), checksum };
    const cause = causeFor("ObjectAnnotation:Put");
    const { key } = place;
    return contents.commitOrDiscard(received, () =>
      writes.changeVersion(place, place.versionId, cause, (record, bucket, transaction) =>
        annotations.put(transaction, bucket, { key, record }, { name, received, facts }),
      ),
    );
  }

  removeAnnotation(place: NamedVersion, name: string): Promise<Written> {
    const { writes, annotations } = this.objects;
    const cause = causeFor("ObjectAnnotation:Delete");
    const { key } = place;
    return writes.changeVersion(place, place.versionId, cause, (record, bucket, transaction) =>
      annotations.remove(transaction, bucket, { key, record }, name),
    );
  }

  /** The texts of a version's annotations by name. */
  async annotations({ bucketName, key, versionId }: NamedVersion): Promise<Map<string, string>> {
    const { versions, annotations, contents } = this.objects;
    const { bucket, record } = await versions.find(bucketName, key, versionId);
    const found = new Map<string, string>();
    for (const each of await annotations.listAll({ bucket: bucket.id, key, record })) {
      const { extents, sizeBytes } = each.record;
      const bytes = await contents.open({ extents }, 0, sizeBytes);
      const text =
        bytes instanceof Uint8Array ? bytes : await collectBytes(copiesOf(bytes), readLimitBytes);
      found.set(each.name, Buffer.from(text).toString("latin1"));
    }
    return found;
  }

  delete(
    bucketName: string,
    key: string,
    versionId?: string,
    conditions: Omit<DeleteConditions, "cause"> = {},
  ): Promise<DeletedVersion> {
    const cause = causeFor("ObjectRemoved:Delete");
    return this.objects.writes.delete({ bucketName, key }, versionId, { cause, ...conditions });
  }

  async find(bucketName: string, key: string, versionId?: string): Promise<ObjectRecord> {
    return (await this.objects.versions.find(bucketName, key, versionId)).record;
  }

  async read(bucketName: string, key: string, versionId?: string): Promise<Uint8Array> {
    return this.readRecord(await this.find(bucketName, key, versionId));
  }

  async readRecord(record: ObjectRecord): Promise<Uint8Array> {
    const bytes = await this.objects.contents.open(record.content, 0, record.sizeBytes);
    return bytes instanceof Uint8Array ? bytes : collectBytes(copiesOf(bytes), readLimitBytes);
  }

  async createUpload(bucketName: string, key: string): Promise<string> {
    const upload = { attributes: {}, initiator: owner, owner };
    return (await this.objects.uploads.create(bucketName, key, upload)).uploadId;
  }

  async putPart(place: UploadName, number: number, bytes: Uint8Array): Promise<PartRecord> {
    const received = await this.objects.contents.receive(chunksOf(bytes), bytes.byteLength);
    const part = { number, etag: md5(bytes), checksum: undefined };
    return this.objects.uploads.putPart(place, received, part);
  }

  /** UploadPartCopy of the bytes `start` to `end` of a current version. */
  async copyPart(
    place: UploadName,
    number: number,
    source: { readonly bucketName: string; readonly key: string },
    range: { readonly start: number; readonly end: number },
  ): Promise<PartRecord> {
    const { objects } = this;
    const record = await this.find(source.bucketName, source.key);
    const bytes = (await this.readRecord(record)).subarray(range.start, range.end);
    const from = { place: source, versionId: undefined, sequence: record.sequence };
    const part = { number, etag: md5(bytes), checksum: undefined };
    return objects.uploads.putSharedPart(place, part, async (transaction) => {
      const { record: loaded } = await objects.versions.getSource(transaction, from);
      const extents = await objects.contents.extentsOf(loaded.content);
      return sliceExtents(extents, range.start, range.end);
    });
  }

  complete(
    place: UploadName,
    numbers: readonly number[],
    conditions: WriteConditions = {},
  ): Promise<Completed> {
    return this.objects.uploads.complete(place, {
      cause: causeFor("ObjectCreated:CompleteMultipartUpload"),
      conditions,
      assemble: (_upload, found) => {
        const parts = numbers.map((number) => {
          const part = found.find((each) => each.number === number);
          if (part === undefined) throw new PartNotFoundError(`part ${number}`);
          return part;
        });
        const etag = multipartEtag(parts.map((part) => part.etag));
        return { parts, etag, checksum: undefined };
      },
    });
  }

  abort(place: UploadName): Promise<void> {
    return this.objects.uploads.abort(place);
  }

  /** All current versions, page by page. */
  async list(bucketName: string): Promise<{ key: string; record: ObjectRecord }[]> {
    const { id: bucketId } = await this.objects.buckets.get(bucketName);
    const found: { key: string; record: ObjectRecord }[] = [];
    let after: string | undefined;
    for (;;) {
      const options = { bucketId, prefix: "", delimiter: undefined, after, limit: this.#pageItems };
      const page = await listCurrent(this.objects.keyValueStore, options);
      for (const item of page.items) if ("key" in item) found.push(item);
      if (page.next === undefined) return found;
      after = page.next;
    }
  }

  /** One page after another with a delimiter: keys, and common prefixes as they stand. */
  async listGrouped(bucketName: string, prefix: string, delimiter: string): Promise<string[]> {
    const { id: bucketId } = await this.objects.buckets.get(bucketName);
    const found: string[] = [];
    let after: string | undefined;
    for (;;) {
      const options = { bucketId, prefix, delimiter, after, limit: this.#pageItems };
      const page = await listCurrent(this.objects.keyValueStore, options);
      found.push(...page.items.map((item) => ("key" in item ? item.key : item.commonPrefix)));
      if (page.next === undefined) return found;
      after = page.next;
    }
  }

  async listVersions(bucketName: string): Promise<ListedVersion[]> {
    const { id: bucketId } = await this.objects.buckets.get(bucketName);
    const found: ListedVersion[] = [];
    let last: ListedVersion | undefined;
    for (;;) {
      const page = await listVersions(this.objects.keyValueStore, {
        bucketId,
        prefix: "",
        delimiter: undefined,
        afterKey: last?.key,
        afterSequence: last?.record.sequence,
        limit: this.#pageItems,
      });
      for (const item of page.items) if ("record" in item) found.push(item);
      if (!page.isTruncated) return found;
      last = found.at(-1);
    }
  }

  async listUploads(bucketName: string): Promise<UploadItem[]> {
    const { id: bucketId } = await this.objects.buckets.get(bucketName);
    const page = await listUploads(this.objects.keyValueStore, {
      bucketId,
      prefix: "",
      delimiter: undefined,
      afterKey: undefined,
      afterUpload: undefined,
      limit: 1000,
    });
    return [...page.items];
  }
}

/** In place of the InvalidPart that the operation would throw. */
export class PartNotFoundError extends Error {
  override readonly name = "PartNotFoundError";
}

export interface UploadName {
  readonly bucketName: string;
  readonly key: string;
  readonly uploadId: string;
}

/** Chunks that may be kept. */
async function* copiesOf(chunks: TransientByteStream): ByteStream {
  for await (const chunk of chunks) yield Uint8Array.from(chunk);
}

/** Two chunks, so that bodies are streams of more than one piece. */
async function* chunksOf(bytes: Uint8Array): ByteStream & AsyncGenerator<Uint8Array> {
  const middle = bytes.byteLength >> 1;
  if (middle > 0) yield bytes.slice(0, middle);
  yield bytes.slice(middle);
}

// Multipart uploads: beginning, parts, completion, abortion. Completing moves references from part
// records to the object's layout; no bytes move, and nothing but the listed parts is looked at.

import type { Clock } from "../base/clock.ts";
import { S3Error } from "../model/errors.ts";
import { decodeCounter } from "../storage/key-value/counter.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { transact } from "../storage/key-value/transaction.ts";
import type { Buckets } from "./buckets.ts";
import type { ChangeLog } from "./change-log.ts";
import type { Contents, SealChange } from "./contents.ts";
import type { ReceivedContent } from "./received-content.ts";
import type { Sequence } from "./identifiers.ts";
import { newUploadId, nextSequence, sequenceOfUploadId } from "./identifiers.ts";
import type { Quotas } from "./quotas.ts";
import type { WriteConditions } from "./preconditions.ts";
import { checkWrite } from "./preconditions.ts";
import { ReplicaExistsError } from "./replica.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import type { ChangeCause } from "./records/change-record.ts";
import { keys, ranges } from "./records/keyspace.ts";
import type { ObjectRecord, StoredChecksum, StoredPart } from "./records/object-record.ts";
import { isDeleteMarker } from "./records/object-record.ts";
import { encodeRecord } from "../storage/record-codec.ts";
import type { PartRecord, UploadRecord } from "./records/upload-record.ts";
import { decodePartRecord, decodeUploadRecord } from "./records/upload-record.ts";
import type { VersionMaking, VersionChanges } from "./version-changes.ts";
import type { VersionIdentity } from "./version-identity.ts";
import type { KeyState, Versions } from "./versions.ts";

/** An upload as a client names it. */
export interface UploadPlace {
  readonly bucketName: string;
  readonly key: string;
  readonly uploadId: string;
}

export type NewUpload = Omit<
  UploadRecord,
  "v" | "uploadId" | "initiatedSequence" | "initiatedMilliseconds"
>;

export interface NewPart {
  readonly number: number;
  readonly etag: string;
  readonly checksum: PartRecord["checksum"] | undefined;
}

/** What a completion makes of the parts that were found: computed by the caller, without I/O. */
export interface AssembledObject {
  /** In the order of the object's bytes; must be records that were handed to `assemble`. */
  readonly parts: readonly PartRecord[];
  readonly etag: string;
  readonly checksum: StoredChecksum | undefined;
}

export interface Completed {
  readonly bucket: BucketRecord;
  readonly record: ObjectRecord;
}

const partChunk = 1000;

export class MultipartUploads {
  readonly #store: KeyValueStore;
  readonly #buckets: Buckets;
  readonly #versions: Versions;
  readonly #versionChanges: VersionChanges;
  readonly #contents: Contents;
  readonly #clock: Clock;
  readonly #quotas: Quotas;
  readonly #changes: ChangeLog;

  constructor(options: {
    readonly store: KeyValueStore;
    readonly buckets: Buckets;
    readonly versions: Versions;
    readonly versionChanges: VersionChanges;
    readonly contents: Contents;
    readonly clock: Clock;
    readonly quotas: Quotas;
    readonly changes: ChangeLog;
  }) {
    this.#store = options.store;
    this.#buckets = options.buckets;
    this.#versions = options.versions;
    this.#versionChanges = options.versionChanges;
    this.#contents = options.contents;
    this.#clock = options.clock;
    this.#quotas = options.quotas;
    this.#changes = options.changes;
  }

  async create(bucketName: string, key: string, upload: NewUpload): Promise<UploadRecord> {
    return transact(this.#store, async (transaction) => {
      const bucket = await this.#buckets.getForWrite(transaction, bucketName);
      const now = this.#clock.now();
      const initiatedSequence = nextSequence(now, undefined);
      const record: UploadRecord = {
        v: 1,
        uploadId: newUploadId(initiatedSequence),
        initiatedSequence,
        initiatedMilliseconds: Math.floor(now / 1000) * 1000,
        ...upload,
      };
      const place = keys.upload(bucket.id, key, initiatedSequence, record.uploadId);
      transaction.set(place, encodeRecord(record));
      return record;
    });
  }

  /** Throws S3Error NoSuchBucket, NoSuchUpload. */
  async get(place: UploadPlace): Promise<{
    readonly bucket: BucketRecord;
    readonly upload: UploadRecord;
  }> {
    const bucket = await this.#buckets.get(place.bucketName);
    const key = uploadKey(bucket, place);
    const entry = key === undefined ? undefined : (await this.#store.read({ gets: [key] })).gets[0];
    if (entry === undefined) throw noSuchUpload(place);
    return { bucket, upload: decodeUploadRecord(entry.value) };
  }

  /** Adds or replaces a part with bytes that were received. Throws S3Error NoSuchUpload. */
  async putPart(place: UploadPlace, received: ReceivedContent, part: NewPart): Promise<PartRecord> {
    return this.#contents.commitOrDiscard(received, () =>
      transact(this.#store, async (transaction) => {
        const { bucket } = await this.#load(transaction, place);
        const extents = await this.#contents.attach(transaction, received);
        const stored = { extents, sizeBytes: received.sizeBytes };
        return this.#setPart(transaction, { ...place, bucket }, part, stored);
      }),
    );
  }

  /**
   * Adds or replaces a part with bytes that an object holds already. `find` loads the source's
   * extents inside the transaction, so that they cannot vanish before the commit.
   */
  async putSharedPart(
    place: UploadPlace,
    part: NewPart,
    find: (transaction: Transaction) => Promise<PartRecord["extents"]>,
    change?: SealChange,
  ): Promise<PartRecord> {
    return transact(this.#store, async (transaction) => {
      const { bucket } = await this.#load(transaction, place);
      const extents = await this.#contents.share(transaction, await find(transaction), change);
      const sizeBytes = extents.reduce((sum, extent) => sum + extent.lengthBytes, 0);
      return this.#setPart(transaction, { ...place, bucket }, part, { extents, sizeBytes });
    });
  }

  /**
   * Makes the object of an upload. `assemble` judges the parts that exist (ascending by number) and
   * may throw to refuse, which changes nothing. When the upload is gone because the same completion
   * succeeded before, its result is answered again. Throws S3Error NoSuchUpload.
   */
  async complete(
    place: UploadPlace,
    options: {
      readonly cause: ChangeCause;
      readonly conditions: WriteConditions;
      readonly assemble: (upload: UploadRecord, parts: readonly PartRecord[]) => AssembledObject;
    },
  ): Promise<Completed> {
    const completed = await this.#complete(place, options).catch(async (error: unknown) => {
      if (!(error instanceof ReplicaExistsError) || isDeleteMarker(error.record)) throw error;
      // Another attempt has made it, whose answer was lost: these parts are not needed.
      await this.abort(place);
      return { bucket: error.bucket, record: error.record };
    });
    if (this.#changes.isFor(completed.bucket)) this.#changes.announce();
    return completed;
  }

  #complete(
    place: UploadPlace,
    options: Parameters<MultipartUploads["complete"]>[1],
  ): Promise<Completed> {
    return transact(this.#store, async (transaction) => {
      const state = await this.#versions.load(transaction, place.bucketName, place.key);
      const uploadAt = uploadKey(state.bucket, place);
      const value = uploadAt === undefined ? undefined : await transaction.get(uploadAt);
      if (uploadAt === undefined || value === undefined) {
        const earlier = state.current;
        if (earlier?.uploadId !== place.uploadId) throw noSuchUpload(place);
        return { bucket: state.bucket, record: earlier };
      }
      checkWrite(options.conditions, state.current, place.key);
      const found = await this.#readParts(transaction, place.uploadId);
      const upload = decodeUploadRecord(value);
      const assembled = options.assemble(
        upload,
        found.map((each) => each.record),
      );
      transaction.delete(uploadAt);
      // Unlisted parts, and parts that land while this commit is under way, are swept by upload id:
      // no part can be added once the upload's record is gone.
      const garbage = { kind: "upload", uploadId: upload.uploadId } as const;
      this.#contents.addGarbage(transaction, garbage);
      this.#takeParts(transaction, place.uploadId, found, assembled.parts);
      const countedBytes = await this.#uncount(transaction, state.bucket, place.uploadId);
      const counted = { countedBytes, cause: options.cause, replica: upload.replica };
      const record = await this.#putObject(transaction, state, upload, assembled, counted);
      return { bucket: state.bucket, record };
    });
  }

  /** Ends an upload; its parts are swept. Throws S3Error NoSuchUpload. */
  async abort(place: UploadPlace, check: (upload: UploadRecord) => void = () => {}): Promise<void> {
    await transact(this.#store, async (transaction) => {
      const { key, upload, bucket } = await this.#load(transaction, place);
      check(upload);
      transaction.delete(key);
      await this.#uncount(transaction, bucket, upload.uploadId);
      this.#contents.addGarbage(transaction, { kind: "upload", uploadId: upload.uploadId });
    });
  }

  /** Parts with numbers above `after`, ascending, at most `limit`. */
  async listParts(uploadId: string, after: number, limit: number): Promise<readonly PartRecord[]> {
    if (limit === 0) return [];
    const range = { ...ranges.parts(uploadId, after), limit };
    const entries = (await this.#store.read({ ranges: [range] })).ranges[0] ?? [];
    return entries.map((entry) => decodePartRecord(entry.value));
  }

  async #load(
    transaction: Transaction,
    place: UploadPlace,
  ): Promise<{
    readonly key: Uint8Array;
    readonly upload: UploadRecord;
    readonly bucket: BucketRecord;
  }> {
    const bucket = await this.#buckets.getForWrite(transaction, place.bucketName);
    const key = uploadKey(bucket, place);
    const value = key === undefined ? undefined : await transaction.get(key);
    if (key === undefined || value === undefined) throw noSuchUpload(place);
    return { key, upload: decodeUploadRecord(value), bucket };
  }

  /** Throws S3Error QuotaExceeded. */
  async #setPart(
    transaction: Transaction,
    { bucket, uploadId }: { readonly bucket: BucketRecord; readonly uploadId: string },
    part: NewPart,
    { extents, sizeBytes }: Pick<PartRecord, "extents" | "sizeBytes">,
  ): Promise<PartRecord> {
    const key = keys.part(uploadId, part.number);
    const value = await transaction.get(key);
    const replaced = value === undefined ? undefined : decodePartRecord(value);
    if (replaced !== undefined) this.#contents.releaseExtents(transaction, replaced.extents);
    const growth = sizeBytes - (replaced?.sizeBytes ?? 0);
    await this.#quotas.check(bucket, { objects: 0, bytes: growth });
    if (growth !== 0) {
      transaction.add(keys.uploadBytes(uploadId), growth);
      transaction.add(keys.usagePending(bucket.id), growth);
    }
    const record: PartRecord = {
      v: 1,
      number: part.number,
      sizeBytes,
      etag: part.etag,
      lastModifiedMilliseconds: Math.floor(this.#clock.now() / 1000) * 1000,
      extents,
      ...(part.checksum === undefined ? {} : { checksum: part.checksum }),
    };
    transaction.set(key, encodeRecord(record));
    return record;
  }

  /**
   * Takes the parts of an upload that ends off the bucket's account, and answers their bytes. The check
   * on the counter lets no part land between: a completion sees all of them.
   */
  async #uncount(
    transaction: Transaction,
    bucket: BucketRecord,
    uploadId: string,
  ): Promise<number> {
    const key = keys.uploadBytes(uploadId);
    const value = await transaction.get(key);
    if (value === undefined) return 0;
    const bytes = decodeCounter(value);
    transaction.delete(key);
    if (bytes !== 0) transaction.add(keys.usagePending(bucket.id), -bytes);
    return bytes;
  }

  async #readParts(transaction: Transaction, uploadId: string): Promise<readonly FoundPart[]> {
    const found: FoundPart[] = [];
    let after = 0;
    for (;;) {
      const range = { ...ranges.parts(uploadId, after), limit: partChunk };
      const entries = await transaction.range(range);
      for (const entry of entries) {
        const record = decodePartRecord(entry.value);
        found.push({ record, key: entry.key, revision: entry.revision });
        after = record.number;
      }
      if (entries.length < partChunk) return found;
    }
  }

  /** Hands the references of the listed parts over to the object: their records go, the counts stay. */
  #takeParts(
    transaction: Transaction,
    uploadId: string,
    found: readonly FoundPart[],
    taken: readonly PartRecord[],
  ): void {
    const byNumber = new Map(found.map((each) => [each.record.number, each]));
    for (const part of taken) {
      const place = byNumber.get(part.number);
      if (place === undefined) throw noSuchUpload({ bucketName: "", key: "", uploadId });
      transaction.check(place.key, place.revision);
      transaction.delete(place.key);
    }
  }

  async #putObject(
    transaction: Transaction,
    state: KeyState,
    upload: UploadRecord,
    assembled: AssembledObject,
    counted: VersionMaking,
  ): Promise<ObjectRecord> {
    const parts: StoredPart[] = assembled.parts.map((part) => ({
      number: part.number,
      sizeBytes: part.sizeBytes,
      ...(part.checksum === undefined ? {} : { checksum: part.checksum.value }),
    }));
    const extents = assembled.parts.flatMap((part) => part.extents);
    const content = this.#contents.layouts.write(transaction, { extents, parts });
    const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
    const build = (identity: VersionIdentity): ObjectRecord => ({
      v: 1,
      ...identity,
      etag: assembled.etag,
      sizeBytes,
      content,
      ...(assembled.checksum === undefined ? {} : { checksum: assembled.checksum }),
      attributes: upload.attributes,
      ...upload.settings,
      uploadId: upload.uploadId,
    });
    return this.#versionChanges.put(transaction, state, build, counted);
  }
}

interface FoundPart {
  readonly record: PartRecord;
  readonly key: Uint8Array;
  readonly revision: number;
}

function uploadKey(bucket: BucketRecord, place: UploadPlace): Uint8Array | undefined {
  const sequence: Sequence | undefined = sequenceOfUploadId(place.uploadId);
  if (sequence === undefined) return undefined;
  return keys.upload(bucket.id, place.key, sequence, place.uploadId);
}

function noSuchUpload(place: UploadPlace): S3Error {
  return new S3Error("NoSuchUpload", { fields: { UploadId: place.uploadId } });
}

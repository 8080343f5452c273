// The heart: what versions a key has, and which one is current. What changes that: version-changes.ts.
//
// Of every key at most one row is its head: the live current version (keyspace `current`), or the
// delete marker that hides the key (`marker`). Everything older lies in `version`, newest first. Both
// head rows are read, and so checked, by every change of a versioned key: changes of one key are
// serial, and a version row is always older than the head.

import { isDeepStrictEqual } from "node:util";
import { S3Error } from "../model/errors.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { BlobMissingError } from "../storage/storage-errors.ts";
import type { Buckets } from "./buckets.ts";
import type { Sequence, VersionId } from "./identifiers.ts";
import { nullVersionId, parseVersionId } from "./identifiers.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import { keys, ranges } from "./records/keyspace.ts";
import type {
  DeleteMarkerRecord,
  ObjectEncryption,
  ObjectRecord,
  VersionRecord,
} from "./records/object-record.ts";
import {
  decodeDeleteMarkerRecord,
  decodeObjectRecord,
  decodeVersionRecord,
  isDeleteMarker,
} from "./records/object-record.ts";

/** What is known of a key inside a transaction. */
export interface KeyState {
  readonly bucket: BucketRecord;
  readonly key: string;
  /** The live current version. */
  readonly current: ObjectRecord | undefined;
  /** The delete marker that is the newest version. */
  readonly marker: DeleteMarkerRecord | undefined;
}

/** The object that a copy reads, as the request was judged by it. */
export interface SourceVersion {
  readonly place: { readonly bucketName: string; readonly key: string };
  readonly versionId: string | undefined;
  readonly sequence: Sequence;
  readonly encryption?: ObjectEncryption | undefined;
}

export interface FoundObject {
  readonly bucket: BucketRecord;
  readonly record: ObjectRecord;
}

export class Versions {
  readonly #store: KeyValueStore;
  readonly #buckets: Buckets;

  constructor(options: { readonly store: KeyValueStore; readonly buckets: Buckets }) {
    this.#store = options.store;
    this.#buckets = options.buckets;
  }

  /**
   * The version that a read means. Throws S3Error NoSuchBucket; NoSuchKey or, with a version id,
   * NoSuchVersion; MethodNotAllowed for a version that is a delete marker, with its headers.
   */
  async find(bucketName: string, key: string, versionId: string | undefined): Promise<FoundObject> {
    if (versionId !== undefined) return this.#findVersion(bucketName, key, versionId);
    // The bucket and the object are read in one snapshot by guessing that the bucket is still the one
    // of the last request; a wrong guess costs a second read, never a wrong answer.
    const guessed = this.#buckets.guess(bucketName);
    const gets = [keys.bucket(bucketName)];
    if (guessed !== undefined) gets.push(keys.current(guessed.id, key));
    const read = await this.#store.read({ gets });
    const bucket = this.#buckets.decode(bucketName, read.gets[0]);
    let entry = read.gets[1];
    if (guessed === undefined || guessed.id !== bucket.id) {
      entry = (await this.#store.read({ gets: [keys.current(bucket.id, key)] })).gets[0];
    }
    if (entry !== undefined) return { bucket, record: decodeObjectRecord(entry.value) };
    throw await this.#noSuchKey(bucket, key);
  }

  /** As `find`, but a missing key or version is `undefined`. Throws S3Error NoSuchBucket. */
  async findIfPresent(bucketName: string, key: string): Promise<ObjectRecord | undefined> {
    try {
      return (await this.find(bucketName, key, undefined)).record;
    } catch (error) {
      if (error instanceof S3Error && error.code === "NoSuchKey") return undefined;
      throw error;
    }
  }

  /** The head of a key, read (and so checked) inside a transaction. Throws S3Error NoSuchBucket. */
  async load(transaction: Transaction, bucketName: string, key: string): Promise<KeyState> {
    const guessed = this.#buckets.guess(bucketName);
    if (guessed !== undefined) {
      await transaction.getMany(headKeys(guessed, key, keys.bucket(bucketName)));
    }
    const bucket = await this.#buckets.getForWrite(transaction, bucketName);
    const current = await transaction.get(keys.current(bucket.id, key));
    const marker =
      bucket.versioning === "Unversioned"
        ? undefined
        : await transaction.get(keys.marker(bucket.id, key));
    return {
      bucket,
      key,
      current: current === undefined ? undefined : decodeObjectRecord(current),
      marker: marker === undefined ? undefined : decodeDeleteMarkerRecord(marker),
    };
  }

  /** One version of the key inside a transaction. Throws S3Error InvalidArgument for odd ids. */
  async loadVersion(
    transaction: Transaction,
    state: KeyState,
    versionId: string,
  ): Promise<VersionRecord | undefined> {
    const head = state.current ?? state.marker;
    if (head?.versionId === versionId) return head;
    const { bucket, key } = state;
    let sequence: Sequence;
    if (versionId === nullVersionId) {
      const pointer = await transaction.get(keys.nullVersion(bucket.id, key));
      if (pointer === undefined) return undefined;
      sequence = decodeSequence(pointer);
    } else {
      sequence = parseVersionId(versionId);
    }
    const value = await transaction.get(keys.version(bucket.id, key, sequence));
    if (value === undefined) return undefined;
    const record = decodeVersionRecord(value);
    return record.versionId === versionId ? record : undefined;
  }

  /**
   * The object that a change means: the current version, or the named one. Throws S3Error NoSuchKey,
   * NoSuchVersion, MethodNotAllowed for a delete marker, InvalidArgument for odd ids.
   */
  async getVersion(
    transaction: Transaction,
    state: KeyState,
    versionId: string | undefined,
  ): Promise<ObjectRecord> {
    const { key } = state;
    if (versionId === undefined) {
      if (state.current !== undefined) return state.current;
      throw noSuchKey(key, state.marker?.versionId);
    }
    const record = await this.loadVersion(transaction, state, versionId);
    if (record === undefined) {
      throw new S3Error("NoSuchVersion", { fields: { Key: key, VersionId: versionId } });
    }
    if (isDeleteMarker(record)) throw deleteMarkerRefusal(record);
    return record;
  }

  /**
   * The version that a copy reads, inside its transaction. Throws S3Error NoSuchKey, NoSuchVersion;
   * BlobMissingError when it is no longer the version that the request was judged by.
   */
  async getSource(transaction: Transaction, source: SourceVersion): Promise<FoundObject> {
    const { bucketName, key } = source.place;
    const state = await this.load(transaction, bucketName, key);
    const record: VersionRecord | undefined =
      source.versionId === undefined
        ? state.current
        : await this.loadVersion(transaction, state, source.versionId);
    if (record === undefined || isDeleteMarker(record)) {
      throw source.versionId === undefined
        ? new S3Error("NoSuchKey", { fields: { Key: key } })
        : new S3Error("NoSuchVersion", { fields: { Key: key, VersionId: source.versionId } });
    }
    // Replaced since the request was judged by it: the caller looks and judges again.
    if (record.sequence !== source.sequence) throw new BlobMissingError("source was replaced");
    if (!isDeepStrictEqual(record.encryption, source.encryption)) {
      throw new BlobMissingError("the source's key was changed");
    }
    return { bucket: state.bucket, record };
  }

  /** A version or delete marker as it is now; `undefined`: there is none of this id. */
  async findAny(
    bucket: BucketRecord,
    key: string,
    versionId: string,
  ): Promise<VersionRecord | undefined> {
    const gets = [keys.current(bucket.id, key), keys.marker(bucket.id, key)];
    const isNull = versionId === nullVersionId;
    if (isNull) gets.push(keys.nullVersion(bucket.id, key));
    else gets.push(keys.version(bucket.id, key, parseVersionId(versionId)));
    const read = await this.#store.read({ gets });
    let [current, marker, other] = read.gets;
    if (isNull && other !== undefined) {
      const place = keys.version(bucket.id, key, decodeSequence(other.value));
      other = (await this.#store.read({ gets: [place] })).gets[0];
    }
    for (const entry of [current, marker, other]) {
      if (entry === undefined) continue;
      const record = decodeVersionRecord(entry.value);
      if (record.versionId === versionId) return record;
    }
    return undefined;
  }

  /** Versions and delete markers of a key, newest first. */
  async history(
    bucket: BucketRecord,
    key: string,
    limit: number,
  ): Promise<readonly VersionRecord[]> {
    const gets = [keys.current(bucket.id, key), keys.marker(bucket.id, key)];
    const range = { ...ranges.versionsOfKey(bucket.id, key), limit };
    const read = await this.#store.read({ gets, ranges: [range] });
    const entries = [...read.gets, ...(read.ranges[0] ?? [])];
    return entries.flatMap((entry) =>
      entry === undefined ? [] : [decodeVersionRecord(entry.value)],
    );
  }

  /** The place of a key's null version in its history; `undefined` when it has none. */
  async findNullSequence(bucket: BucketRecord, key: string): Promise<Sequence | undefined> {
    const read = await this.#store.read({
      gets: [
        keys.current(bucket.id, key),
        keys.marker(bucket.id, key),
        keys.nullVersion(bucket.id, key),
      ],
    });
    const [current, marker, pointer] = read.gets;
    if (pointer !== undefined) return decodeSequence(pointer.value);
    const head = current ?? marker;
    const record = head === undefined ? undefined : decodeVersionRecord(head.value);
    return record?.versionId === nullVersionId ? record.sequence : undefined;
  }

  async #findVersion(bucketName: string, key: string, versionId: string): Promise<FoundObject> {
    const bucket = await this.#buckets.get(bucketName);
    const record = await this.findAny(bucket, key, versionId);
    if (record !== undefined) {
      if (!isDeleteMarker(record)) return { bucket, record };
      throw deleteMarkerRefusal(record);
    }
    throw new S3Error("NoSuchVersion", { fields: { Key: key, VersionId: versionId } });
  }

  async #noSuchKey(bucket: BucketRecord, key: string): Promise<S3Error> {
    if (bucket.versioning === "Unversioned") return noSuchKey(key, undefined);
    const read = await this.#store.read({ gets: [keys.marker(bucket.id, key)] });
    const entry = read.gets[0];
    return noSuchKey(
      key,
      entry === undefined ? undefined : decodeDeleteMarkerRecord(entry.value).versionId,
    );
  }
}

function noSuchKey(key: string, markerVersionId: VersionId | undefined): S3Error {
  const headers: Record<string, string> =
    markerVersionId === undefined
      ? {}
      : { "x-amz-delete-marker": "true", "x-amz-version-id": markerVersionId };
  return new S3Error("NoSuchKey", { fields: { Key: key }, headers });
}

function deleteMarkerRefusal(marker: DeleteMarkerRecord): S3Error {
  return new S3Error("MethodNotAllowed", {
    fields: { Method: "GET", ResourceType: "DeleteMarker" },
    headers: {
      "x-amz-delete-marker": "true",
      "x-amz-version-id": marker.versionId,
      "last-modified": new Date(marker.lastModifiedMilliseconds).toUTCString(),
      allow: "DELETE",
    },
  });
}

function headKeys(bucket: BucketRecord, key: string, bucketKey: Uint8Array): Uint8Array[] {
  const head = [bucketKey, keys.current(bucket.id, key)];
  if (bucket.versioning !== "Unversioned") head.push(keys.marker(bucket.id, key));
  return head;
}

/** What `nullVersion` points to. */
export function decodeSequence(value: Uint8Array): Sequence {
  return Number(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("latin1"));
}

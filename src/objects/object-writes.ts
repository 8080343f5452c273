// The writes of whole objects: put, copy and delete, each one transaction.

import { isDeepStrictEqual } from "node:util";
import { assert } from "../base/assert.ts";
import { S3Error } from "../model/errors.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { KeyedQueue, transact } from "../storage/key-value/transaction.ts";
import { BlobMissingError } from "../storage/storage-errors.ts";
import type { Annotations, CopiedAnnotations, SharedAnnotations } from "./annotations.ts";
import { BucketChangedError } from "./bucket-changed-error.ts";
import type { ChangeLog } from "./change-log.ts";
import type { Contents, SealChange } from "./contents.ts";
import type { ReceivedContent } from "./received-content.ts";
import type { Sequence } from "./identifiers.ts";
import { noPermits, type DeletionPermits } from "./deletion-permits.ts";
import type { DeletePreconditions, WriteConditions } from "./preconditions.ts";
import { checkDelete, checkWrite, isConditional } from "./preconditions.ts";
import type { RelocatedContent, Relocations } from "./relocations.ts";
import { ReplicaExistsError, type ReplicaIdentity } from "./replica.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import type { ChangeCause } from "./records/change-record.ts";
import type {
  Content,
  ObjectAttributes,
  ObjectEncryption,
  ObjectRecord,
  StoredChecksum,
  VersionRecord,
  VersionSettings,
} from "./records/object-record.ts";
import { isDeleteMarker } from "./records/object-record.ts";
import type { DeletedVersion, VersionChanges } from "./version-changes.ts";
import type { VersionIdentity } from "./version-identity.ts";
import type { KeyState, SourceVersion, Versions } from "./versions.ts";

export interface ObjectPlace {
  readonly bucketName: string;
  readonly key: string;
}

/** What a version is beside its bytes and its place in the key's history. */
export interface NewVersion {
  readonly cause: ChangeCause;
  readonly etag: string;
  readonly checksum: StoredChecksum | undefined;
  readonly attributes: ObjectAttributes;
  readonly encryption?: ObjectEncryption | undefined;
  /** Settled in the transaction, by the bucket as it is there. May throw BucketChangedError. */
  readonly settle?: (bucket: BucketRecord) => VersionSettings;
  /** The version is a replica, and takes the place of its source in the key's history. */
  readonly replica?: ReplicaIdentity | undefined;
  /** Of another version, which it gets too. */
  readonly annotations?: CopiedAnnotations | undefined;
}

export interface Upload {
  readonly received: ReceivedContent;
  readonly version: NewVersion;
}

export interface Written {
  readonly bucket: BucketRecord;
  readonly record: ObjectRecord;
}

/** The current version as it was before an upload's bytes were read; see `ObjectWrites.begin`. */
export interface BegunWrite {
  readonly conditions: WriteConditions;
  readonly sequence: Sequence | undefined;
}

export interface CopySource extends SourceVersion {
  /** The source's bytes, written anew for the copy, which then shares none. Removed when that fails. */
  readonly relocated?: RelocatedContent | undefined;
}

export interface DeleteConditions extends DeletePreconditions {
  readonly cause: ChangeCause;
  /** Who asks: the owner of a delete marker that is made. */
  readonly deleter?: VersionSettings["owner"];
  /** Judges, in the transaction, the version that is to go; may throw to refuse. */
  readonly judge?: (seen: SeenVersion) => void;
  /** The marker that is made is a replica. */
  readonly replica?: ReplicaIdentity | undefined;
}

/** What a deletion is about to remove or to hide, as it stands in the transaction. */
export interface SeenVersion {
  readonly bucket: BucketRecord;
  /** Absent: there is none any more. */
  readonly record: VersionRecord | undefined;
  /** Whether it is what the key is now. */
  readonly isHead: boolean;
}

/** Each fails only when the bucket's settings change in the very moment. */
const settleAttempts = 8;

export class ObjectWrites {
  readonly #store: KeyValueStore;
  readonly #contents: Contents;
  readonly #versions: Versions;
  readonly #versionChanges: VersionChanges;
  readonly #changes: ChangeLog;
  readonly #relocations: Relocations;
  readonly #annotations: Annotations;
  // Writers of one key in this process take turns: they would only make each other's commits fail.
  readonly #queue = new KeyedQueue();

  constructor(options: {
    readonly store: KeyValueStore;
    readonly contents: Contents;
    readonly versions: Versions;
    readonly versionChanges: VersionChanges;
    readonly changes: ChangeLog;
    readonly relocations: Relocations;
    readonly annotations: Annotations;
  }) {
    this.#store = options.store;
    this.#contents = options.contents;
    this.#versions = options.versions;
    this.#versionChanges = options.versionChanges;
    this.#changes = options.changes;
    this.#relocations = options.relocations;
    this.#annotations = options.annotations;
  }

  /**
   * Judges a conditional write before its bytes are read. What holds now and no longer at the commit
   * is S3's ConditionalRequestConflict (409): the client saw the right state, and somebody was faster.
   * Throws S3Error NoSuchBucket, PreconditionFailed, NoSuchKey.
   */
  async begin(place: ObjectPlace, conditions: WriteConditions): Promise<BegunWrite> {
    if (!isConditional(conditions)) return { conditions, sequence: undefined };
    const current = await this.#versions.findIfPresent(place.bucketName, place.key);
    checkWrite(conditions, current, place.key);
    return { conditions, sequence: current?.sequence };
  }

  /**
   * Makes received bytes the current version of a key, or removes them again. `settleAgain` is asked
   * when settling throws BucketChangedError; it answers for the same bytes, or others in their place.
   */
  async put(
    place: ObjectPlace,
    begun: BegunWrite,
    upload: Upload,
    settleAgain?: (bucket: BucketRecord, received: ReceivedContent) => Promise<Upload>,
  ): Promise<Written> {
    let { received, version } = upload;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#contents.commitOrDiscard(received, () =>
          this.#write(place, begun, async (transaction) => ({
            content: { extents: await this.#contents.attach(transaction, received) },
            sizeBytes: received.sizeBytes,
            version,
          })),
        );
      } catch (error) {
        if (error instanceof ReplicaExistsError) {
          await this.#contents.discard(received);
          return existing(error);
        }
        if (!(error instanceof BucketChangedError)) throw error;
        if (settleAgain === undefined || attempt === settleAttempts) {
          await this.#contents.discard(received);
          throw error;
        }
        ({ received, version } = await settleAgain(error.bucket, received));
      }
    }
  }

  /**
   * Makes the bytes of an existing version the current version of another key (or of its own), without
   * moving any. `describe` sees the source as it is in the transaction and may throw to refuse.
   */
  async copy(
    place: ObjectPlace,
    begun: BegunWrite,
    source: CopySource,
    describe: (record: ObjectRecord) => NewVersion,
    change?: SealChange,
  ): Promise<Written> {
    const { relocated } = source;
    const write = this.#write(place, begun, async (transaction) => {
      const { record } = await this.#versions.getSource(transaction, source);
      return {
        content:
          relocated === undefined
            ? await this.#shareContent(transaction, record.content, change)
            : await this.#relocations.attach(transaction, relocated),
        sizeBytes: record.sizeBytes,
        version: describe(record),
      };
    });
    const written =
      relocated === undefined ? write : this.#relocations.keepOrDiscard(relocated, write);
    return written.catch((error: unknown) => {
      if (error instanceof ReplicaExistsError) return existing(error);
      throw error;
    });
  }

  /**
   * Deletes an object, adds a delete marker, or removes one version for good. Throws S3Error AccessDenied
   * for what object lock or MFA delete protects.
   */
  async delete(
    place: ObjectPlace,
    versionId: string | undefined,
    conditions: DeleteConditions,
    permits: DeletionPermits = noPermits,
  ): Promise<DeletedVersion & { readonly bucket: BucketRecord }> {
    const { cause, deleter, replica } = conditions;
    return this.#change(place, async (transaction) => {
      const state = await this.#versions.load(transaction, place.bucketName, place.key);
      checkDelete(conditions, state);
      if (conditions.judge !== undefined) {
        conditions.judge(await this.#look(transaction, state, versionId));
      }
      if (replica !== undefined) return this.#putReplicaMarker(transaction, state, conditions);
      const deleted =
        versionId === undefined
          ? await this.#versionChanges.delete(transaction, state, deleter, cause)
          : await this.#versionChanges.deleteVersion(transaction, state, versionId, {
              permits,
              cause,
            });
      return { ...deleted, bucket: state.bucket };
    });
  }

  /**
   * Changes what is stored of one version beside its bytes (tags, lock, annotations, …): it makes
   * no version and leaves Last-Modified. `change` may throw to refuse. Throws S3Error NoSuchBucket,
   * NoSuchKey, NoSuchVersion, MethodNotAllowed for a delete marker.
   */
  async changeVersion(
    place: ObjectPlace,
    versionId: string | undefined,
    cause: ChangeCause,
    change: (
      record: ObjectRecord,
      bucket: BucketRecord,
      transaction: Transaction,
    ) => ObjectRecord | Promise<ObjectRecord>,
  ): Promise<Written> {
    return this.#change(place, async (transaction) => {
      const state = await this.#versions.load(transaction, place.bucketName, place.key);
      const before = await this.#versions.getVersion(transaction, state, versionId);
      const changed = await change(before, state.bucket, transaction);
      const record =
        changed === before
          ? before
          : await this.#versionChanges.replace(transaction, state, changed, cause);
      return { bucket: state.bucket, record };
    });
  }

  /**
   * Wraps the keys of a version's bytes anew: no bytes move, and nothing else of it changes. `judge` sees
   * the version and may throw to refuse; BlobMissingError: it is not encrypted as it was before.
   */
  async changeEncryption(
    place: ObjectPlace,
    versionId: string | undefined,
    change: SealChange & {
      readonly cause: ChangeCause;
      readonly before: ObjectEncryption | undefined;
      readonly after: ObjectEncryption;
      readonly judge: (record: ObjectRecord) => void;
    },
  ): Promise<void> {
    await this.#change(place, async (transaction) => {
      const state = await this.#versions.load(transaction, place.bucketName, place.key);
      const before = await this.#versions.getVersion(transaction, state, versionId);
      change.judge(before);
      if (!isDeepStrictEqual(before.encryption, change.before)) {
        throw new BlobMissingError("the version's key was changed");
      }
      const content = await this.#contents.rewrap(transaction, before.content, change);
      let record: ObjectRecord = { ...before, content, encryption: change.after };
      const { restore } = before;
      if (restore?.content !== undefined) {
        const copy = await this.#contents.rewrap(transaction, restore.content, change);
        record = { ...record, restore: { ...restore, content: copy } };
      }
      const version = { bucket: state.bucket.id, key: place.key, record };
      await this.#annotations.rewrap(transaction, version, change);
      await this.#versionChanges.replace(transaction, state, record, change.cause);
      return { bucket: state.bucket };
    });
  }

  async #look(
    transaction: Transaction,
    state: KeyState,
    versionId: string | undefined,
  ): Promise<SeenVersion> {
    const { bucket } = state;
    const head = state.current ?? state.marker;
    if (versionId === undefined) return { bucket, record: state.current, isHead: true };
    const record = await this.#versions.loadVersion(transaction, state, versionId);
    return { bucket, record, isHead: record !== undefined && record.sequence === head?.sequence };
  }

  async #write(
    place: ObjectPlace,
    begun: BegunWrite,
    store: (transaction: Transaction) => Stored | Promise<Stored>,
  ): Promise<Written> {
    return this.#change(place, async (transaction) => {
      const state = await this.#versions.load(transaction, place.bucketName, place.key);
      checkBegun(begun, state);
      const { content, sizeBytes, version } = await store(transaction);
      // Before the version is written, which may replace the one that they are of.
      const shared =
        version.annotations && (await this.#shareAnnotations(transaction, version.annotations));
      const build = (identity: VersionIdentity): ObjectRecord => ({
        v: 1,
        ...identity,
        etag: version.etag,
        sizeBytes,
        content,
        ...(version.checksum === undefined ? {} : { checksum: version.checksum }),
        attributes: version.attributes,
        ...(version.encryption === undefined ? {} : { encryption: version.encryption }),
        ...version.settle?.(state.bucket),
        ...(shared === undefined || shared.usage.count === 0 ? {} : { annotations: shared.usage }),
      });
      const record = await this.#versionChanges.put(transaction, state, build, version);
      if (shared !== undefined) {
        const { bucket, key } = state;
        const { sequence } = record;
        this.#annotations.write(transaction, { bucket: bucket.id, key, sequence }, shared);
      }
      return { bucket: state.bucket, record };
    });
  }

  async #shareAnnotations(
    transaction: Transaction,
    copied: CopiedAnnotations,
  ): Promise<SharedAnnotations> {
    const { bucket, record } = await this.#versions.getSource(transaction, copied.source);
    const version = { bucket: bucket.id, key: copied.source.place.key, record };
    return this.#annotations.share(transaction, version, copied);
  }

  async #shareContent(
    transaction: Transaction,
    content: Content,
    change: SealChange | undefined,
  ): Promise<Content> {
    if ("extents" in content) {
      return { extents: await this.#contents.share(transaction, content.extents, change) };
    }
    const layout = await this.#contents.layouts.load(transaction, content.layout);
    const extents = await this.#contents.share(transaction, layout.extents, change);
    return this.#contents.layouts.write(transaction, { extents, parts: layout.parts });
  }

  async #putReplicaMarker(
    transaction: Transaction,
    state: KeyState,
    { cause, deleter, replica }: DeleteConditions,
  ): Promise<DeletedVersion & { readonly bucket: BucketRecord }> {
    assert(replica !== undefined, "only replicas have a place of their own");
    const { bucket } = state;
    try {
      const made = { cause, deleter };
      const marked = await this.#versionChanges.putReplicaMarker(transaction, state, replica, made);
      return { ...marked, bucket };
    } catch (error) {
      if (!(error instanceof ReplicaExistsError)) throw error;
      return { versionId: error.record.versionId, isDeleteMarker: true, bucket };
    }
  }

  /** A transaction about one key, when its turn comes; then those who wait for changes hear of it. */
  async #change<Result extends { readonly bucket: BucketRecord }>(
    place: ObjectPlace,
    work: (transaction: Transaction) => Promise<Result>,
  ): Promise<Result> {
    const result = await this.#queue.run(`${place.bucketName}/${place.key}`, () =>
      transact(this.#store, work),
    );
    if (this.#changes.isFor(result.bucket)) this.#changes.announce();
    return result;
  }
}

interface Stored {
  readonly content: Content;
  readonly sizeBytes: number;
  readonly version: NewVersion;
}

/** Written already, by an attempt whose answer was lost. */
function existing({ bucket, record }: ReplicaExistsError): Written {
  assert(!isDeleteMarker(record), "an object and a delete marker have one version id");
  return { bucket, record };
}

function checkBegun(begun: BegunWrite, state: KeyState): void {
  try {
    checkWrite(begun.conditions, state.current, state.key);
  } catch (error) {
    if (begun.sequence === state.current?.sequence) throw error;
    throw new S3Error("ConditionalRequestConflict", { cause: error });
  }
}

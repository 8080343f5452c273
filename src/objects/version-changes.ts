// How a write, a deletion or a marker changes what versions a key has, on unversioned, versioned and
// suspended buckets; each inside a transaction that has loaded the key's head (versions.ts).

import type { Clock } from "../base/clock.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import type { Annotations } from "./annotations.ts";
import type { ChangeLog } from "./change-log.ts";
import { countClass, countMove } from "./class-usage.ts";
import type { Contents } from "./contents.ts";
import type { Sequence, VersionId } from "./identifiers.ts";
import { nextSequence, nullVersionId } from "./identifiers.ts";
import type { LockClock } from "./lock-clock.ts";
import { mfaRefusal, noPermits, type DeletionPermits } from "./deletion-permits.ts";
import { checkRemovable, settleLock } from "./object-lock.ts";
import type { Quotas } from "./quotas.ts";
import { replicaState, type ReplicaIdentity } from "./replica.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import type { ChangeCause } from "./records/change-record.ts";
import { keys, ranges } from "./records/keyspace.ts";
import type { DeleteMarkerRecord, ObjectRecord, VersionRecord } from "./records/object-record.ts";
import { decodeVersionRecord, isDeleteMarker, storedBytesOf } from "./records/object-record.ts";
import { scheduleTiering } from "./tiering-rules.ts";
import { encodeRecord } from "../storage/record-codec.ts";
import {
  identifyReplica,
  identifyVersion,
  isOlderThanHead,
  lastSequenceOf,
  type VersionIdentity,
} from "./version-identity.ts";
import { decodeSequence, type KeyState, type Versions } from "./versions.ts";

/** How a version comes to be. */
export interface VersionMaking {
  readonly cause: ChangeCause;
  readonly countedBytes?: number;
  /** Keeps the place of the version that it is a replica of. */
  readonly replica?: ReplicaIdentity | undefined;
}

export interface DeletedVersion {
  /** The version that was removed, or the delete marker that was made; `undefined`: nothing to do. */
  readonly versionId: VersionId | undefined;
  readonly isDeleteMarker: boolean;
  /** Of the object that is gone for good; absent: none is. */
  readonly removedBytes?: number;
}

export class VersionChanges {
  readonly #versions: Versions;
  readonly #contents: Contents;
  readonly #clock: Clock;
  readonly #lockClock: LockClock;
  readonly #quotas: Quotas;
  readonly #changes: ChangeLog;
  readonly #annotations: Annotations;

  constructor(options: {
    readonly versions: Versions;
    readonly contents: Contents;
    readonly clock: Clock;
    readonly lockClock: LockClock;
    readonly quotas: Quotas;
    readonly changes: ChangeLog;
    readonly annotations: Annotations;
  }) {
    this.#versions = options.versions;
    this.#contents = options.contents;
    this.#clock = options.clock;
    this.#lockClock = options.lockClock;
    this.#quotas = options.quotas;
    this.#changes = options.changes;
    this.#annotations = options.annotations;
  }

  /**
   * Makes a new current version; what it replaces is kept or released as the bucket's state says.
   * `countedBytes`: how many of its bytes this transaction takes off another counter. Throws S3Error
   * QuotaExceeded, AccessDenied for what object lock protects.
   */
  async put(
    transaction: Transaction,
    state: KeyState,
    build: (identity: VersionIdentity) => ObjectRecord,
    { cause, countedBytes = 0, replica }: VersionMaking,
  ): Promise<ObjectRecord> {
    const { bucket, key } = state;
    const identity =
      replica === undefined
        ? identifyVersion(state, this.#clock.now())
        : await this.#identifyReplica(transaction, state, replica);
    let record = build(identity);
    if (bucket.defaultLock !== undefined) record = this.#lock(transaction, state, record);
    if (this.#changes.isFor(bucket)) {
      const change = { bucket, key, cause, sequence: record.sequence };
      const logged = this.#changes.append(transaction, change, record);
      record = logged instanceof Promise ? await logged : logged;
    }
    const isOlder = isOlderThanHead(state, record.sequence);
    const replaced = isOlder ? undefined : await this.#makeRoom(transaction, state);
    await this.#quotas.check(bucket, {
      objects: replaced === undefined ? 1 : 0,
      bytes: storedBytesOf(record) - countedBytes - (replaced ? storedBytesOf(replaced) : 0),
    });
    if (isOlder) {
      transaction.set(keys.version(bucket.id, key, record.sequence), encodeRecord(record));
    } else {
      transaction.set(keys.current(bucket.id, key), encodeRecord(record));
      if (state.marker !== undefined) transaction.delete(keys.marker(bucket.id, key));
    }
    this.#countUsage(transaction, bucket, record, 1);
    if (record.attributes.storageClass === "INTELLIGENT_TIERING") {
      scheduleTiering(transaction, { bucket, key, record });
    }
    return record;
  }

  /**
   * Replaces a version's record by one with the same identity and bytes (its metadata changed). Answers
   * what was stored. Without a cause nobody is told of it.
   */
  async replace(
    transaction: Transaction,
    state: KeyState,
    changed: ObjectRecord,
    cause: ChangeCause | undefined,
  ): Promise<ObjectRecord> {
    const { bucket, key, current } = state;
    const record =
      cause === undefined ? changed : await this.#log(transaction, state, cause, changed);
    const isCurrent = current?.sequence === record.sequence;
    const place = isCurrent
      ? keys.current(bucket.id, key)
      : keys.version(bucket.id, key, record.sequence);
    const before = isCurrent ? current : await readVersion(transaction, place);
    if (before !== undefined) countMove(transaction, bucket.id, before, record);
    transaction.set(place, encodeRecord(record));
    return record;
  }

  /** A DELETE without a version id: removes the object, or hides it behind a delete marker. */
  async delete(
    transaction: Transaction,
    state: KeyState,
    deleter: DeleteMarkerRecord["owner"],
    cause: ChangeCause,
  ): Promise<DeletedVersion> {
    const { bucket, key, current } = state;
    if (bucket.versioning === "Unversioned") {
      if (current === undefined) return { versionId: undefined, isDeleteMarker: false };
      await this.#remove(transaction, state, current);
      transaction.delete(keys.current(bucket.id, key));
      await this.#log(transaction, state, cause, current);
      const { sizeBytes: removedBytes } = current;
      return { versionId: undefined, isDeleteMarker: false, removedBytes };
    }
    const identity = identifyVersion(state, this.#clock.now());
    const made: DeleteMarkerRecord = {
      v: 1,
      isDeleteMarker: true,
      ...identity,
      ...(deleter === undefined || deleter.id === bucket.ownerId ? {} : { owner: deleter }),
    };
    await this.#makeRoom(transaction, state);
    const marker = await this.#log(transaction, state, whenMarked(cause), made);
    if (current !== undefined) transaction.delete(keys.current(bucket.id, key));
    transaction.set(keys.marker(bucket.id, key), encodeRecord(marker));
    return { versionId: identity.versionId, isDeleteMarker: true };
  }

  /** The replica of a delete marker, at its place in the key's history. Throws ReplicaExistsError. */
  async putReplicaMarker(
    transaction: Transaction,
    state: KeyState,
    replica: ReplicaIdentity,
    {
      cause,
      deleter,
    }: { readonly cause: ChangeCause; readonly deleter: DeleteMarkerRecord["owner"] },
  ): Promise<DeletedVersion> {
    const { bucket, key, current } = state;
    const made: DeleteMarkerRecord = {
      v: 1,
      isDeleteMarker: true,
      ...(await this.#identifyReplica(transaction, state, replica)),
      ...(deleter === undefined || deleter.id === bucket.ownerId ? {} : { owner: deleter }),
      replication: replicaState,
    };
    const marker = await this.#log(transaction, state, whenMarked(cause), made);
    const { versionId, sequence } = marker;
    if (isOlderThanHead(state, sequence)) {
      transaction.set(keys.version(bucket.id, key, sequence), encodeRecord(marker));
      return { versionId, isDeleteMarker: true };
    }
    await this.#makeRoom(transaction, state);
    if (current !== undefined) transaction.delete(keys.current(bucket.id, key));
    transaction.set(keys.marker(bucket.id, key), encodeRecord(marker));
    return { versionId, isDeleteMarker: true };
  }

  /**
   * Removes one version for good. When it was the newest, the next older one takes its place.
   * A version that does not exist is no error in S3. Throws S3Error InvalidArgument for odd ids,
   * AccessDenied for what object lock protects, or MFA delete.
   */
  async deleteVersion(
    transaction: Transaction,
    state: KeyState,
    versionId: string,
    { permits, cause }: { readonly permits: DeletionPermits; readonly cause: ChangeCause },
  ): Promise<DeletedVersion> {
    if (state.bucket.mfaDelete === "Enabled" && !permits.isMfaVerified) throw mfaRefusal();
    const target = await this.#versions.loadVersion(transaction, state, versionId);
    if (target === undefined) {
      return { versionId: versionId as VersionId, isDeleteMarker: false };
    }
    const { bucket, key } = state;
    const isMarker = isDeleteMarker(target);
    if (!isMarker) await this.#remove(transaction, state, target, permits);
    if (target.sequence === (state.current ?? state.marker)?.sequence) {
      transaction.delete(isMarker ? keys.marker(bucket.id, key) : keys.current(bucket.id, key));
      await this.#promote(transaction, state);
    } else {
      transaction.delete(keys.version(bucket.id, key, target.sequence));
      if (target.versionId === nullVersionId) transaction.delete(keys.nullVersion(bucket.id, key));
    }
    await this.#log(transaction, state, cause, target);
    const removed = isDeleteMarker(target) ? {} : { removedBytes: target.sizeBytes };
    return { versionId: target.versionId, isDeleteMarker: isMarker, ...removed };
  }

  #identifyReplica(
    transaction: Transaction,
    state: KeyState,
    replica: ReplicaIdentity,
  ): Promise<VersionIdentity> {
    const known = { versions: this.#versions, transaction };
    return identifyReplica(state, replica, this.#clock.now(), known);
  }

  /**
   * Moves or removes the head, and in a null-writing bucket whichever version is the null one. Answers
   * the object that was removed.
   */
  async #makeRoom(transaction: Transaction, state: KeyState): Promise<ObjectRecord | undefined> {
    const { bucket, key } = state;
    const head = state.current ?? state.marker;
    const replacesNull = bucket.versioning !== "Enabled";
    if (head !== undefined) {
      if (replacesNull && head.versionId === nullVersionId) {
        if (isDeleteMarker(head)) return undefined;
        await this.#remove(transaction, state, head);
        return head;
      }
      transaction.set(keys.version(bucket.id, key, head.sequence), encodeRecord(head));
      if (head.versionId === nullVersionId) {
        transaction.set(keys.nullVersion(bucket.id, key), encodeSequence(head.sequence));
        return undefined;
      }
    }
    if (bucket.versioning !== "Suspended") return undefined;
    return this.#removeOldNull(transaction, state);
  }

  async #removeOldNull(
    transaction: Transaction,
    state: KeyState,
  ): Promise<ObjectRecord | undefined> {
    const { bucket, key } = state;
    const pointer = await transaction.get(keys.nullVersion(bucket.id, key));
    if (pointer === undefined) return undefined;
    const place = keys.version(bucket.id, key, decodeSequence(pointer));
    const value = await transaction.get(place);
    // Missing only when it was deleted between the two reads: the commit will fail and run again.
    if (value === undefined) return undefined;
    const record = decodeVersionRecord(value);
    transaction.delete(place);
    transaction.delete(keys.nullVersion(bucket.id, key));
    if (isDeleteMarker(record)) return undefined;
    await this.#remove(transaction, state, record);
    return record;
  }

  /** Makes the newest of the older versions the head, after the head was deleted. */
  async #promote(transaction: Transaction, state: KeyState): Promise<void> {
    const { bucket, key } = state;
    const range = ranges.versionsOfKey(bucket.id, key);
    const [entry] = await transaction.range({ ...range, limit: 1 });
    if (entry === undefined) return;
    // A range read checks nothing by itself: the row could be deleted by another transaction.
    transaction.check(entry.key, entry.revision);
    const record = decodeVersionRecord(entry.value);
    const place = isDeleteMarker(record)
      ? keys.marker(bucket.id, key)
      : keys.current(bucket.id, key);
    transaction.set(place, entry.value);
    transaction.delete(entry.key);
    if (record.versionId === nullVersionId) transaction.delete(keys.nullVersion(bucket.id, key));
  }

  /** The bucket's default for a version that is new, whichever way it came. */
  #lock(transaction: Transaction, { bucket }: KeyState, built: ObjectRecord): ObjectRecord {
    const { nowMilliseconds, startMilliseconds } = this.#lockClock.begin(transaction);
    // From the creation as S3 shows it, but where the clock was set back from the time that it was.
    const start =
      startMilliseconds > nowMilliseconds ? startMilliseconds : built.lastModifiedMilliseconds;
    const lock = settleLock(built.lock, bucket.defaultLock, start);
    return lock === undefined ? built : { ...built, lock };
  }

  /** The one place where a version ends. Throws S3Error AccessDenied for what object lock protects. */
  async #remove(
    transaction: Transaction,
    { bucket, key }: KeyState,
    record: ObjectRecord,
    { mayBypassGovernance }: DeletionPermits = noPermits,
  ): Promise<void> {
    if (record.lock !== undefined) {
      checkRemovable(record.lock, this.#clock.now(), mayBypassGovernance);
    }
    await this.#contents.release(transaction, record.content);
    const copy = record.restore?.content;
    if (copy !== undefined) await this.#contents.release(transaction, copy);
    if (record.annotations !== undefined) {
      await this.#annotations.removeAll(transaction, { bucket: bucket.id, key, record });
    }
    this.#countUsage(transaction, bucket, record, -1);
  }

  /** Tells who wants to know of a change that makes no version. Answers the record to store. */
  async #log<Version extends VersionRecord>(
    transaction: Transaction,
    { bucket, key }: KeyState,
    cause: ChangeCause,
    record: Version,
  ): Promise<Version> {
    if (!this.#changes.isFor(bucket)) return record;
    const sequence = nextSequence(cause.timeMilliseconds, lastSequenceOf(record));
    const change = { bucket, key, cause, sequence };
    const stored = await this.#changes.append(transaction, change, record);
    return isDeleteMarker(stored) ? stored : { ...stored, changeSequence: sequence };
  }

  #countUsage(
    transaction: Transaction,
    bucket: BucketRecord,
    record: ObjectRecord,
    sign: 1 | -1,
  ): void {
    const bytes = storedBytesOf(record);
    transaction.add(keys.usageObjects(bucket.id), sign);
    if (bytes !== 0) transaction.add(keys.usageBytes(bucket.id), sign * bytes);
    countClass(transaction, bucket.id, record, sign);
  }
}

async function readVersion(
  transaction: Transaction,
  place: Uint8Array,
): Promise<ObjectRecord | undefined> {
  const value = await transaction.get(place);
  const record = value === undefined ? undefined : decodeVersionRecord(value);
  return record === undefined || isDeleteMarker(record) ? undefined : record;
}

/** What happens when a deletion hides instead of removing. */
function whenMarked(cause: ChangeCause): ChangeCause {
  switch (cause.event) {
    case "ObjectRemoved:Delete":
      return { ...cause, event: "ObjectRemoved:DeleteMarkerCreated" };
    case "LifecycleExpiration:Delete":
      return { ...cause, event: "LifecycleExpiration:DeleteMarkerCreated" };
    default:
      return cause;
  }
}

function encodeSequence(sequence: Sequence): Uint8Array {
  return Buffer.from(String(sequence), "latin1");
}

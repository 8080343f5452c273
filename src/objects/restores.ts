// Restorations of archived versions: asked for, under way for as long as their tier takes, then a copy that
// can be read until its expiry. A version that Intelligent-Tiering archived goes back to frequent access
// instead, and stays there.
//
// The state is in the version's record. With every change of it the same commit writes a row that says
// when a worker has to look again; a row whose time the record does not know any more is dropped. So a
// restoration survives any crash, ends once, and nothing scans objects for it.

import { S3Error } from "../model/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { transact } from "../storage/key-value/transaction.ts";
import { BlobMissingError } from "../storage/storage-errors.ts";
import { archived, archiveOf, archiveTierOf, restorationOf, type Archive } from "./archives.ts";
import { serverCause, type ChangeLog } from "./change-log.ts";
import type { Contents } from "./contents.ts";
import { deleteDueRow, setDueRow, type DueRow } from "./due-rows.ts";
import type { ObjectPlace } from "./object-writes.ts";
import type { Restoration, RestoreTier } from "./records/archive-record.ts";
import type { ChangeCause } from "./records/change-record.ts";
import type { ObjectRecord } from "./records/object-record.ts";
import type { RelocatedContent, Relocations } from "./relocations.ts";
import { expiryOf, isFaster, type RestoreDelays } from "./restore-rules.ts";
import type { StorageTiers } from "./storage-tiers.ts";
import { isAbsence, isSameState, sealsInBackground, type Transitions } from "./transitions.ts";
import type { VersionChanges } from "./version-changes.ts";
import type { KeyState, Versions } from "./versions.ts";
import { scheduleTiering } from "./tiering-rules.ts";

export interface AskedRestoration {
  /** `undefined`: the request named none. */
  readonly days: number | undefined;
  readonly tier: RestoreTier;
}

/** What a worker's look at a version did. */
export type RestoreOutcome = "completed" | "expired" | "nothing";

/** Each fails only when the version's record changes while its bytes are copied. */
const attempts = 8;

export class Restores {
  readonly #store: KeyValueStore;
  readonly #clock: Clock;
  readonly #versions: Versions;
  readonly #versionChanges: VersionChanges;
  readonly #contents: Contents;
  readonly #relocations: Relocations;
  readonly #transitions: Transitions;
  readonly #tiers: StorageTiers;
  readonly #changes: ChangeLog;
  readonly #delays: RestoreDelays;
  readonly #listeners = new Set<() => void>();

  constructor(options: {
    readonly store: KeyValueStore;
    readonly clock: Clock;
    readonly versions: Versions;
    readonly versionChanges: VersionChanges;
    readonly contents: Contents;
    readonly relocations: Relocations;
    readonly transitions: Transitions;
    readonly tiers: StorageTiers;
    readonly changes: ChangeLog;
    readonly delays: RestoreDelays;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#versions = options.versions;
    this.#versionChanges = options.versionChanges;
    this.#contents = options.contents;
    this.#relocations = options.relocations;
    this.#transitions = options.transitions;
    this.#tiers = options.tiers;
    this.#changes = options.changes;
    this.#delays = options.delays;
  }

  /** `listener` is called whenever this process was asked for a restoration. */
  onRequest(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Begins a restoration, makes one under way faster, or gives a copy that is there another period.
   * Throws S3Error: NoSuchKey and its kin, InvalidObjectState, ObjectAlreadyInActiveTierError,
   * RestoreAlreadyInProgress, InvalidArgument, MalformedXML.
   */
  async request(
    place: ObjectPlace,
    versionId: string | undefined,
    asked: AskedRestoration,
    cause: ChangeCause,
  ): Promise<"begun" | "updated"> {
    const { bucket, result } = await transact(this.#store, async (transaction) => {
      const state = await this.#versions.load(transaction, place.bucketName, place.key);
      const before = await this.#versions.getVersion(transaction, state, versionId);
      const { restore, outcome } = await this.#judge(transaction, before, asked);
      const record = { ...before, restore };
      await this.#versionChanges.replace(transaction, state, record, cause);
      const due = restore.expiryMilliseconds ?? restore.dueMilliseconds;
      setDueRow(transaction, "restore", due, { bucket: state.bucket, key: place.key, record });
      return { bucket: state.bucket, result: outcome };
    });
    if (this.#changes.isFor(bucket)) this.#changes.announce();
    for (const listener of this.#listeners) listener();
    return result;
  }

  /** Does what is due of a version, and drops the row. May run twice, and be killed anywhere. */
  async look(row: DueRow, signal: AbortSignal): Promise<RestoreOutcome> {
    for (let attempt = 1; ; attempt += 1) {
      const record = await this.#find(row);
      const restore = record?.restore;
      const due = restore?.expiryMilliseconds ?? restore?.dueMilliseconds;
      if (record === undefined || due !== row.dueMilliseconds) {
        await deleteDueRow(this.#store, row);
        return "nothing";
      }
      try {
        if (restore?.expiryMilliseconds !== undefined) return await this.#expire(row, record);
        return await this.#complete(row, record, signal);
      } catch (error) {
        const isGone = error instanceof S3Error && isAbsence(error);
        if (!isGone && !(error instanceof BlobMissingError)) throw error;
        if (attempt === attempts) throw error;
      }
    }
  }

  async #judge(
    transaction: Transaction,
    record: ObjectRecord,
    { days, tier }: AskedRestoration,
  ): Promise<{ readonly restore: Restoration; readonly outcome: "begun" | "updated" }> {
    const archive = archiveOf(record);
    if (archive === undefined) throw notArchived(record);
    checkPeriod(archive, days);
    const now = this.#clock.now();
    const delay = this.#delays[archive][tier];
    // Not there for DEEP_ARCHIVE (RestoreObject, "Tier").
    if (delay === undefined) {
      throw new S3Error("InvalidArgument", {
        message: "Retrieval option is not supported by this storage class",
        fields: { ArgumentName: "Tier", ArgumentValue: tier },
      });
    }
    const { restore: before } = record;
    const begun: Restoration = {
      requestedMilliseconds: now,
      tier,
      dueMilliseconds: now + delay * 1000,
      ...(days === undefined ? {} : { days }),
    };
    const progress = restorationOf(record, now);
    if (before === undefined || progress === "none") {
      // A copy that has expired and was not swept yet.
      if (before?.content !== undefined) await this.#contents.release(transaction, before.content);
      return { restore: begun, outcome: "begun" };
    }
    if (progress === "ongoing") {
      if (before.days !== days || !isFaster(tier, before.tier)) {
        throw new S3Error("RestoreAlreadyInProgress");
      }
      const dueMilliseconds = Math.min(before.dueMilliseconds, begun.dueMilliseconds);
      return { restore: { ...before, tier, dueMilliseconds }, outcome: "begun" };
    }
    const expiryMilliseconds = expiryOf(now, days ?? 1);
    return { restore: { ...before, days: days ?? 1, expiryMilliseconds }, outcome: "updated" };
  }

  async #complete(row: DueRow, record: ObjectRecord, signal: AbortSignal): Promise<RestoreOutcome> {
    const cause = serverCause("ObjectRestore:Completed", this.#clock);
    if (archiveTierOf(record.tiering?.tier) !== undefined) {
      return this.#returnToAccess(row, cause, signal);
    }
    const tier = this.#tiers.standard;
    const seals = sealsInBackground(record, this.#contents);
    const isBeside = await this.#relocations.isAt(record.content, tier, seals);
    const copied = isBeside
      ? undefined
      : await this.#relocations.copy(record.content, tier, seals, signal);
    const commit = this.#commit(row, record, cause, async (transaction, state, before) => {
      const { restore } = before;
      if (restore === undefined) throw new BlobMissingError("the restoration was given up");
      const expiryMilliseconds = expiryOf(this.#clock.now(), restore.days ?? 1);
      const content = copied && (await this.#relocations.attach(transaction, copied));
      const after: ObjectRecord = {
        ...before,
        restore: {
          ...restore,
          expiryMilliseconds,
          ...(content === undefined ? {} : { content }),
        },
      };
      setDueRow(transaction, "restore", expiryMilliseconds, {
        bucket: state.bucket,
        key: row.key,
        record: after,
      });
      return after;
    });
    await this.#keep(copied, commit);
    return "completed";
  }

  async #returnToAccess(
    row: DueRow,
    cause: ChangeCause,
    signal: AbortSignal,
  ): Promise<RestoreOutcome> {
    const accessedMilliseconds = this.#clock.now();
    const result = await this.#transitions.moveTier(row, undefined, {
      cause,
      signal,
      change(before) {
        const { restore: _, ...rest } = before;
        return { ...rest, tiering: { accessedMilliseconds } };
      },
      more: (transaction, { bucket }, record) => {
        transaction.delete(row.rowKey);
        scheduleTiering(transaction, { bucket, key: row.key, record });
      },
    });
    if (result === "moved") return "completed";
    await deleteDueRow(this.#store, row);
    return "nothing";
  }

  async #expire(row: DueRow, record: ObjectRecord): Promise<RestoreOutcome> {
    const cause = serverCause("ObjectRestore:Delete", this.#clock);
    await this.#commit(row, record, cause, async (transaction, _state, before) => {
      const { restore, ...after } = before;
      if (restore?.content !== undefined) {
        await this.#contents.release(transaction, restore.content);
      }
      return after;
    });
    return "expired";
  }

  async #commit(
    row: DueRow,
    found: ObjectRecord,
    cause: ChangeCause,
    change: (
      transaction: Transaction,
      state: KeyState,
      before: ObjectRecord,
    ) => Promise<ObjectRecord>,
  ): Promise<void> {
    const bucket = await transact(this.#store, async (transaction) => {
      const state = await this.#versions.load(transaction, row.bucketName, row.key);
      const before = await this.#versions.getVersion(transaction, state, row.versionId);
      if (!isSameState(before, found)) throw new BlobMissingError("the version was changed");
      const record = await change(transaction, state, before);
      await this.#versionChanges.replace(transaction, state, record, cause);
      transaction.delete(row.rowKey);
      return state.bucket;
    });
    if (this.#changes.isFor(bucket)) this.#changes.announce();
  }

  #keep(copied: RelocatedContent | undefined, commit: Promise<void>): Promise<void> {
    return copied === undefined ? commit : this.#relocations.keepOrDiscard(copied, commit);
  }

  async #find({ bucketName, key, versionId, sequence }: DueRow): Promise<ObjectRecord | undefined> {
    try {
      const { record } = await this.#versions.find(bucketName, key, versionId);
      return record.sequence === sequence ? record : undefined;
    } catch (error) {
      if (error instanceof S3Error && (isAbsence(error) || error.code === "NoSuchBucket")) {
        return undefined;
      }
      throw error;
    }
  }
}

/** Days belong to a copy, and what goes back to an access tier is none. Throws S3Error. */
function checkPeriod(archive: Archive, days: number | undefined): void {
  if (archive === "GLACIER" || archive === "DEEP_ARCHIVE") {
    if (days === undefined) throw new S3Error("MalformedXML");
    return;
  }
  if (days === undefined) return;
  // Seen of the service: github.com/s3tools/s3cmd/issues/1377.
  throw new S3Error("InvalidArgument", {
    message:
      "INTELLIGENT_TIERING objects are not subject to restore expiry. Do not specify Days when restoring this object",
    fields: { ArgumentName: "Days", ArgumentValue: days },
  });
}

/** Seen of the service: github.com/getmoto/moto/pull/4670. Intelligent-Tiering has an error of its own. */
function notArchived(record: ObjectRecord): S3Error {
  if (record.attributes.storageClass === "INTELLIGENT_TIERING") {
    return new S3Error("ObjectAlreadyInActiveTierError");
  }
  return archived(record, "Restore is not allowed for the object's current storage class");
}

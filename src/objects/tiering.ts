// Intelligent-Tiering at work: accesses are noted, and versions move between tiers when a row in the queue
// says that it is time to look at them. Only versions of that class cost anything.
//
// An access is noted in memory, at most once a day a version, and written by a worker of the process a
// little later. A process that is killed forgets what it has not written: then a version may be taken for
// cold a day early at worst, for what counts is the last access of many.

import { S3Error } from "../model/errors.ts";
import type { IntelligentTieringConfiguration } from "../model/types.generated.ts";
import type { Clock } from "../base/clock.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import { transact } from "../storage/key-value/transaction.ts";
import { archiveTierOf } from "./archives.ts";
import type { BucketDocuments } from "./bucket-documents.ts";
import type { Buckets } from "./buckets.ts";
import { serverCause } from "./change-log.ts";
import { deleteDueRow, setDueRow, type DueRow } from "./due-rows.ts";
import type { ObjectPlace } from "./object-writes.ts";
import type { AccessTier, TieringState } from "./records/archive-record.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import type { ObjectRecord } from "./records/object-record.ts";
import {
  archiveDaysFor,
  dayMilliseconds,
  isMonitored,
  lastAccessOf,
  nextLook,
  parseTieringConfiguration,
  tierFor,
} from "./tiering-rules.ts";
import { isAbsence, type Transitions, type VersionPlace } from "./transitions.ts";
import type { VersionChanges } from "./version-changes.ts";
import type { Versions } from "./versions.ts";

/** Accesses that wait to be written; a version beyond is noted when it is read again. */
const notedAccesses = 10_000;

export class Tiering {
  readonly #store: KeyValueStore;
  readonly #clock: Clock;
  readonly #buckets: Buckets;
  readonly #documents: BucketDocuments;
  readonly #versions: Versions;
  readonly #versionChanges: VersionChanges;
  readonly #transitions: Transitions;
  #accesses = new Map<string, VersionPlace>();

  constructor(options: {
    readonly store: KeyValueStore;
    readonly clock: Clock;
    readonly buckets: Buckets;
    readonly documents: BucketDocuments;
    readonly versions: Versions;
    readonly versionChanges: VersionChanges;
    readonly transitions: Transitions;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#buckets = options.buckets;
    this.#documents = options.documents;
    this.#versions = options.versions;
    this.#versionChanges = options.versionChanges;
    this.#transitions = options.transitions;
  }

  /** To be called when a version's bytes are read. */
  noteAccess({ bucketName, key }: ObjectPlace, record: ObjectRecord): void {
    if (record.attributes.storageClass === undefined || !isMonitored(record)) return;
    const isCold = record.tiering?.tier !== undefined;
    if (!isCold && this.#clock.now() - lastAccessOf(record) < dayMilliseconds) return;
    if (this.#accesses.size >= notedAccesses) return;
    const { versionId, sequence } = record;
    this.#accesses.set(JSON.stringify([bucketName, key, sequence]), {
      bucketName,
      key,
      versionId,
      sequence,
    });
  }

  /** Writes the noted accesses down, and lets those versions be looked at that they warm. */
  async writeAccesses(signal: AbortSignal): Promise<number> {
    const accesses = this.#accesses;
    this.#accesses = new Map();
    let written = 0;
    for (const [id, place] of accesses) {
      if (signal.aborted) {
        if (!this.#accesses.has(id)) this.#accesses.set(id, place);
        continue;
      }
      if (await this.#writeAccess(place)) written += 1;
    }
    return written;
  }

  /** Moves a version to the tier where it belongs by now. May run twice, and be killed anywhere. */
  async look(row: DueRow, signal: AbortSignal): Promise<"moved" | "nothing"> {
    const found = await this.#find(row);
    if (found === undefined || !isMonitored(found.record)) {
      await deleteDueRow(this.#store, row);
      return "nothing";
    }
    const { bucket, record } = found;
    const now = this.#clock.now();
    const days = archiveDaysFor(await this.#configurations(bucket), row.key, record);
    // A restoration under way brings the version back; what would archive it deeper waits for the end.
    const isRestoring = record.restore !== undefined;
    const tier = isRestoring ? record.tiering?.tier : tierFor(record, now, days);
    if (tier === record.tiering?.tier) {
      await this.#lookAgain(row, bucket, record, nextLook(record, now, days));
      return "nothing";
    }
    const archive = archiveTierOf(tier);
    const result = await this.#transitions.moveTier(row, tier, {
      // Moves between tiers of instant access are no events.
      cause: archive === undefined ? undefined : serverCause("IntelligentTiering", this.#clock),
      signal,
      change: (before) => ({ ...before, tiering: tieringState(before, tier) }),
      more: (transaction, state, moved) => {
        transaction.delete(row.rowKey);
        const next = nextLook(moved, now, days);
        if (next === undefined) return;
        setDueRow(transaction, "tiering", next, {
          bucket: state.bucket,
          key: row.key,
          record: moved,
        });
      },
    });
    if (result === "moved") return "moved";
    await deleteDueRow(this.#store, row);
    return "nothing";
  }

  async #configurations(bucket: BucketRecord): Promise<readonly IntelligentTieringConfiguration[]> {
    const found: IntelligentTieringConfiguration[] = [];
    for (const id of this.#documents.namesOf(bucket, tieringDocument)) {
      const kind = `${tieringDocument}/${id}`;
      const each = await this.#documents.get(bucket, kind, parseTieringConfiguration);
      if (each !== undefined) found.push(each);
    }
    return found;
  }

  /** The row goes, and the next one comes, in one commit: a version is never without. */
  async #lookAgain(
    row: DueRow,
    bucket: BucketRecord,
    record: ObjectRecord,
    next: number | undefined,
  ): Promise<void> {
    await transact(this.#store, async (transaction) => {
      transaction.delete(row.rowKey);
      if (next !== undefined) {
        setDueRow(transaction, "tiering", next, { bucket, key: row.key, record });
      }
    });
  }

  async #writeAccess(place: VersionPlace): Promise<boolean> {
    const accessedMilliseconds = this.#clock.now();
    try {
      return await transact(this.#store, async (transaction) => {
        const state = await this.#versions.load(transaction, place.bucketName, place.key);
        const before = await this.#versions.getVersion(transaction, state, place.versionId);
        if (before.sequence !== place.sequence || !isMonitored(before)) return false;
        if (archiveTierOf(before.tiering?.tier) !== undefined) return false;
        const record = { ...before, tiering: { ...before.tiering, accessedMilliseconds } };
        await this.#versionChanges.replace(transaction, state, record, undefined);
        if (before.tiering?.tier !== undefined) {
          const { bucket } = state;
          setDueRow(transaction, "tiering", accessedMilliseconds, {
            bucket,
            key: place.key,
            record,
          });
        }
        return true;
      });
    } catch (error) {
      // Removed since.
      if (error instanceof S3Error && (isAbsence(error) || error.code === "NoSuchBucket")) {
        return false;
      }
      throw error;
    }
  }

  async #find(
    row: DueRow,
  ): Promise<{ readonly bucket: BucketRecord; readonly record: ObjectRecord } | undefined> {
    try {
      const bucket = await this.#buckets.get(row.bucketName);
      const { record } = await this.#versions.find(row.bucketName, row.key, row.versionId);
      return record.sequence === row.sequence ? { bucket, record } : undefined;
    } catch (error) {
      if (error instanceof S3Error && (isAbsence(error) || error.code === "NoSuchBucket")) {
        return undefined;
      }
      throw error;
    }
  }
}

/** The kind of a bucket's documents that hold its configurations. */
export const tieringDocument = "intelligent-tiering";

function tieringState({ tiering }: ObjectRecord, tier: AccessTier | undefined): TieringState {
  const { tier: _, ...rest } = tiering ?? {};
  return tier === undefined ? rest : { ...rest, tier };
}

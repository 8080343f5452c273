// Moves of a version from one storage class, or tier of Intelligent-Tiering, to another. Its version id,
// ETag and Last-Modified stay; where the classes lie in different stores its bytes move.
//
// In this order: the new bytes are durable; one commit names them, lets those before go as garbage, and
// says what the class is now; the sweeper removes the rest. Killed before the commit, nothing happened;
// who comes next does it again.

import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../base/clock.ts";
import { S3Error } from "../model/errors.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { transact } from "../storage/key-value/transaction.ts";
import { BlobMissingError, StorageUnavailableError } from "../storage/storage-errors.ts";
import { archiveTierOf, placingClass } from "./archives.ts";
import type { ChangeLog } from "./change-log.ts";
import type { Contents } from "./contents.ts";
import type { Sequence } from "./identifiers.ts";
import type { ObjectPlace } from "./object-writes.ts";
import type { AccessTier } from "./records/archive-record.ts";
import type { ChangeCause } from "./records/change-record.ts";
import type { ObjectRecord } from "./records/object-record.ts";
import type { RelocatedContent, Relocations, RelocationSeals } from "./relocations.ts";
import { mayTransition } from "./storage-class-order.ts";
import type { StorageTiers } from "./storage-tiers.ts";
import { scheduleTiering } from "./tiering-rules.ts";
import type { VersionChanges } from "./version-changes.ts";
import type { KeyState, Versions } from "./versions.ts";

/** Which version: an id alone does not tell a null version from one that took its place. */
export interface VersionPlace extends ObjectPlace {
  readonly versionId: string;
  readonly sequence: Sequence;
}

/** `gone`: the version is not there any more. `refused`: no version goes that way. */
export type TransitionResult = "moved" | "unchanged" | "gone" | "refused";

interface TransitionRules {
  readonly cause: ChangeCause | undefined;
  readonly judge: (record: ObjectRecord) => TransitionResult;
  readonly placing: (record: ObjectRecord) => string | undefined;
  readonly change: (record: ObjectRecord) => ObjectRecord;
  readonly more?: (transaction: Transaction, state: KeyState, record: ObjectRecord) => void;
}

/** Each fails only when the version's record changes while its bytes are copied. */
const attempts = 8;

export class Transitions {
  readonly #store: KeyValueStore;
  readonly #versions: Versions;
  readonly #versionChanges: VersionChanges;
  readonly #contents: Contents;
  readonly #relocations: Relocations;
  readonly #tiers: StorageTiers;
  readonly #changes: ChangeLog;
  readonly #clock: Clock;

  constructor(options: {
    readonly store: KeyValueStore;
    readonly versions: Versions;
    readonly versionChanges: VersionChanges;
    readonly contents: Contents;
    readonly relocations: Relocations;
    readonly tiers: StorageTiers;
    readonly changes: ChangeLog;
    readonly clock: Clock;
  }) {
    this.#store = options.store;
    this.#versions = options.versions;
    this.#versionChanges = options.versionChanges;
    this.#contents = options.contents;
    this.#relocations = options.relocations;
    this.#tiers = options.tiers;
    this.#changes = options.changes;
    this.#clock = options.clock;
  }

  /**
   * Moves one version into another class, if S3 lets versions go that way; may be run again, and by
   * several at once. Object lock forbids no transition. Throws S3Error NoSuchBucket, storage errors, and
   * the signal's reason.
   */
  async move(
    place: VersionPlace,
    storageClass: string,
    cause: ChangeCause,
    signal: AbortSignal = neverAborted,
  ): Promise<TransitionResult> {
    return this.change(
      place,
      {
        cause,
        judge: (record) => mayLeave(record, storageClass),
        placing: () => storageClass,
        change: (record) => this.#inClass(record, storageClass),
        more: (transaction, { bucket }, record) =>
          scheduleTiering(transaction, { bucket, key: place.key, record }),
      },
      signal,
    );
  }

  /** Moves a version between tiers of Intelligent-Tiering; `undefined` is that of frequent access. */
  async moveTier(
    place: VersionPlace,
    tier: AccessTier | undefined,
    options: {
      /** `undefined`: what nobody is told of. */
      readonly cause: ChangeCause | undefined;
      readonly signal: AbortSignal;
      /** What else the record becomes in the same commit. */
      readonly change: (record: ObjectRecord) => ObjectRecord;
      readonly more: (transaction: Transaction, state: KeyState, record: ObjectRecord) => void;
    },
  ): Promise<TransitionResult> {
    return this.change(
      place,
      {
        cause: options.cause,
        judge: (record) =>
          record.attributes.storageClass === "INTELLIGENT_TIERING" ? "moved" : "refused",
        placing: () => placingClass("INTELLIGENT_TIERING", tier),
        change: options.change,
        more: options.more,
      },
      options.signal,
    );
  }

  /** Intelligent-Tiering counts days from when an object came to it (Guide, "How it works"). */
  #inClass(record: ObjectRecord, storageClass: string): ObjectRecord {
    const { tiering: _, ...rest } = record;
    const moved = { ...rest, attributes: { ...record.attributes, storageClass } };
    if (storageClass !== "INTELLIGENT_TIERING") return moved;
    return { ...moved, tiering: { accessedMilliseconds: this.#clock.now() } };
  }

  /**
   * A version's record and the place of its bytes change in one commit. `judge` says whether that is to
   * be; `placing` names the class whose store the bytes are to lie in.
   */
  async change(
    place: VersionPlace,
    rules: TransitionRules,
    signal: AbortSignal,
  ): Promise<TransitionResult> {
    for (let attempt = 1; ; attempt += 1) {
      const found = await this.#find(place);
      if (found === undefined) return "gone";
      const judged = rules.judge(found);
      if (judged !== "moved") return judged;
      let relocated: RelocatedContent | undefined;
      try {
        relocated = await this.#relocate(found, rules.placing(found), signal);
        await this.#commit(place, found, rules, relocated);
        return "moved";
      } catch (error) {
        // When the outcome is unknown, a record may name the bytes: only the sweeper can tell.
        if (relocated !== undefined && !(error instanceof StorageUnavailableError)) {
          await this.#relocations.discard(relocated);
        }
        if (error instanceof S3Error && isAbsence(error)) return "gone";
        // The version was changed, or removed, while its bytes were copied.
        if (!(error instanceof BlobMissingError) || attempt === attempts) throw error;
      }
    }
  }

  /**
   * The bytes of a version in the store of another class; `undefined`: they lie there. They are waste until
   * a commit attaches them.
   */
  async #relocate(
    record: ObjectRecord,
    storageClass: string | undefined,
    signal: AbortSignal,
  ): Promise<RelocatedContent | undefined> {
    const tier = this.#tiers.of(storageClass);
    const seals = sealsInBackground(record, this.#contents);
    if (await this.#relocations.isAt(record.content, tier, seals)) return undefined;
    return this.#relocations.copy(record.content, tier, seals, signal);
  }

  async #commit(
    place: VersionPlace,
    found: ObjectRecord,
    rules: TransitionRules,
    relocated: RelocatedContent | undefined,
  ): Promise<void> {
    const bucket = await transact(this.#store, async (transaction) => {
      const state = await this.#versions.load(transaction, place.bucketName, place.key);
      const before = await this.#versions.getVersion(transaction, state, place.versionId);
      if (!isSameState(before, found)) throw new BlobMissingError("the version was changed");
      let content = before.content;
      if (relocated !== undefined) {
        content = await this.#relocations.attach(transaction, relocated);
        await this.#contents.release(transaction, before.content);
      }
      const record = rules.change({ ...before, content });
      await this.#versionChanges.replace(transaction, state, record, rules.cause);
      rules.more?.(transaction, state, record);
      return state.bucket;
    });
    if (this.#changes.isFor(bucket)) this.#changes.announce();
  }

  async #find({
    bucketName,
    key,
    versionId,
    sequence,
  }: VersionPlace): Promise<ObjectRecord | undefined> {
    try {
      const { record } = await this.#versions.find(bucketName, key, versionId);
      return record.sequence === sequence ? record : undefined;
    } catch (error) {
      if (error instanceof S3Error && isAbsence(error)) return undefined;
      throw error;
    }
  }
}

/**
 * Of a version whose keys a request would have to bring, or fetch for its caller, blobs move as they are.
 */
export function sealsInBackground(record: ObjectRecord, contents: Contents): RelocationSeals {
  const kind = record.encryption?.kind ?? "AES256";
  if (kind !== "AES256") return "as they are";
  return { from: contents.defaultSeal, to: contents.defaultSeal };
}

/** Whether what was judged and copied is still what is there. */
export function isSameState(before: ObjectRecord, found: ObjectRecord): boolean {
  return (
    before.sequence === found.sequence &&
    before.attributes.storageClass === found.attributes.storageClass &&
    isDeepStrictEqual(before.content, found.content) &&
    isDeepStrictEqual(before.restore, found.restore) &&
    isDeepStrictEqual(before.tiering?.tier, found.tiering?.tier)
  );
}

function mayLeave({ attributes, tiering }: ObjectRecord, to: string): TransitionResult {
  const { storageClass: from = "STANDARD" } = attributes;
  if (from === to) return "unchanged";
  if (!mayTransition(from, to)) return "refused";
  // What Intelligent-Tiering has archived goes into an archive that is at least as deep.
  const archive = from === "INTELLIGENT_TIERING" ? archiveTierOf(tiering?.tier) : undefined;
  if (archive === undefined || to === "DEEP_ARCHIVE") return "moved";
  return archive === "ARCHIVE_ACCESS" && to === "GLACIER" ? "moved" : "refused";
}

/** Whether an error says that the version is not there, or no object. */
export function isAbsence({ code }: S3Error): boolean {
  return code === "NoSuchKey" || code === "NoSuchVersion" || code === "MethodNotAllowed";
}

const neverAborted = new AbortController().signal;

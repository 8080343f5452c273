// Everything about buckets, objects and uploads behind one door: built once from the two stores,
// handed to every operation.

import { randomBytes, randomInt } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { WrappingKey } from "../keys/sealer.ts";
import type { BlobStore } from "../storage/blob/blob-store.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import { transact } from "../storage/key-value/transaction.ts";
import { AccountSettings } from "./account-settings.ts";
import { AnalyticsCounts } from "./analytics-counts.ts";
import { Annotations } from "./annotations.ts";
import { BucketDocuments } from "./bucket-documents.ts";
import { Buckets } from "./buckets.ts";
import { ChangeLog, type ChangeRoute } from "./change-log.ts";
import { changeRoutes } from "./change-routes.ts";
import { Contents, type ContentsOptions } from "./contents.ts";
import { InventoryStates } from "./inventory-states.ts";
import { Lifecycle } from "./lifecycle.ts";
import { calendarDays, type LifecycleDays } from "./lifecycle-days.ts";
import { LockClock } from "./lock-clock.ts";
import { MultipartUploads } from "./multipart-uploads.ts";
import { ObjectWrites } from "./object-writes.ts";
import { PieceHashes } from "./piece-hashes.ts";
import { NotificationDestinations } from "./notification-destinations.ts";
import { notificationFeedPrefix } from "./notification-rules.ts";
import { Quotas } from "./quotas.ts";
import { ReadPins } from "./read-pins.ts";
import { ReplicationResyncs } from "./replication-resyncs.ts";
import { ReplicationTargets } from "./replication-targets.ts";
import { keys } from "./records/keyspace.ts";
import type { StoreRecord } from "./records/store-record.ts";
import { decodeStoreRecord } from "./records/store-record.ts";
import { encodeRecord } from "../storage/record-codec.ts";
import { Relocations } from "./relocations.ts";
import { restoreDelays, type RestoreDelayOptions } from "./restore-rules.ts";
import { Restores } from "./restores.ts";
import { StorageTiers } from "./storage-tiers.ts";
import { Tiering } from "./tiering.ts";
import { Transitions } from "./transitions.ts";
import { VersionChanges } from "./version-changes.ts";
import { Versions } from "./versions.ts";
import { Writers } from "./writers.ts";

export interface ObjectStoreOptions {
  readonly store: KeyValueStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** Objects up to this size live in the key-value store; 0 puts every byte into blobs. */
  readonly inlineLimitBytes?: number;
  /** Whether so many more bytes of objects may be written; default: always. */
  readonly hasRoom?: ContentsOptions["hasRoom"];
  /** Who wants to know of changes; default: every configuration of buckets that does. For tests. */
  readonly changeRoutes?: readonly ChangeRoute[];
  /** The master keys; without them bytes are stored as they come. */
  readonly keys?: WrappingKey | undefined;
  /** How lifecycle rules count days; default: by the calendar. */
  readonly lifecycleDays?: LifecycleDays | undefined;
  /** Where each storage class keeps its bytes; default: all in `blobs`. */
  readonly tiers?: StorageTiers | undefined;
  /** How long restorations from archives take. */
  readonly restoreDelays?: RestoreDelayOptions | undefined;
}

/** The account that owns what is made with the root credentials. Made with the store, never changes. */
export interface RootAccount {
  readonly accountId: string;
  readonly canonicalId: string;
}

const defaultInlineLimitBytes = 64 * 1024;

export class ObjectStore {
  readonly keyValueStore: KeyValueStore;
  readonly blobStore: BlobStore;
  readonly clock: Clock;
  readonly rootAccount: RootAccount;
  readonly pins: ReadPins;
  readonly writers: Writers;
  readonly buckets: Buckets;
  readonly documents: BucketDocuments;
  readonly accountSettings: AccountSettings;
  readonly lifecycle: Lifecycle;
  readonly inventoryStates: InventoryStates;
  readonly analyticsCounts: AnalyticsCounts;
  readonly contents: Contents;
  readonly pieceHashes = new PieceHashes();
  readonly lockClock: LockClock;
  readonly quotas: Quotas;
  readonly changes: ChangeLog;
  readonly annotations: Annotations;
  readonly versions: Versions;
  readonly versionChanges: VersionChanges;
  readonly writes: ObjectWrites;
  readonly uploads: MultipartUploads;
  readonly replicationTargets: ReplicationTargets;
  readonly replicationResyncs: ReplicationResyncs;
  readonly tiers: StorageTiers;
  readonly relocations: Relocations;
  readonly transitions: Transitions;
  readonly restores: Restores;
  readonly tiering: Tiering;
  readonly notificationDestinations: NotificationDestinations;

  private constructor(options: ObjectStoreOptions, rootAccount: RootAccount, lockClock: LockClock) {
    const { store, blobs, clock } = options;
    const inlineLimitBytes = options.inlineLimitBytes ?? defaultInlineLimitBytes;
    this.keyValueStore = store;
    this.blobStore = blobs;
    this.clock = clock;
    this.rootAccount = rootAccount;
    this.pins = new ReadPins(clock);
    this.writers = new Writers({ store, clock, writerId: blobs.writerId, pins: this.pins });
    const hasRoom = options.hasRoom ?? (() => true);
    this.tiers = options.tiers ?? new StorageTiers(blobs, new Map());
    const { tiers } = this;
    this.contents = new Contents({
      store,
      blobs,
      clock,
      pins: this.pins,
      inlineLimitBytes,
      hasRoom,
      keys: options.keys,
      tiers,
    });
    const { contents } = this;
    this.buckets = new Buckets({ store, contents, clock });
    const { buckets } = this;
    this.documents = new BucketDocuments({ store, buckets });
    this.lifecycle = new Lifecycle({
      store,
      documents: this.documents,
      days: options.lifecycleDays ?? calendarDays,
    });
    this.inventoryStates = new InventoryStates(store);
    this.analyticsCounts = new AnalyticsCounts({ store, clock, documents: this.documents });
    this.accountSettings = new AccountSettings({ store });
    this.lockClock = lockClock;
    this.quotas = new Quotas({ store, buckets, accountSettings: this.accountSettings });
    const { quotas } = this;
    const routes = options.changeRoutes ?? changeRoutes;
    this.changes = new ChangeLog({
      store,
      documents: this.documents,
      routes,
      isQueue: (feed) => feed.startsWith(notificationFeedPrefix),
    });
    const { changes } = this;
    this.annotations = new Annotations({ store, contents, quotas });
    const { annotations } = this;
    this.versions = new Versions({ store, buckets });
    const { versions } = this;
    this.versionChanges = new VersionChanges({
      versions,
      contents,
      clock,
      lockClock,
      quotas,
      changes,
      annotations,
    });
    const { versionChanges } = this;
    this.relocations = new Relocations({ store, blobs, contents });
    const { relocations } = this;
    this.writes = new ObjectWrites({
      store,
      contents,
      versions,
      versionChanges,
      changes,
      relocations,
      annotations,
    });
    this.uploads = new MultipartUploads({
      store,
      buckets,
      versions,
      versionChanges,
      contents,
      clock,
      quotas,
      changes,
    });
    this.replicationTargets = new ReplicationTargets(store);
    this.replicationResyncs = new ReplicationResyncs(store);
    this.transitions = new Transitions({
      store,
      versions,
      versionChanges,
      contents,
      relocations,
      tiers,
      changes,
      clock,
    });
    const { transitions } = this;
    this.restores = new Restores({
      store,
      clock,
      versions,
      versionChanges,
      contents,
      relocations,
      transitions,
      tiers,
      changes,
      delays: restoreDelays(options.restoreDelays),
    });
    const { documents } = this;
    this.tiering = new Tiering({
      store,
      clock,
      buckets,
      documents,
      versions,
      versionChanges,
      transitions,
    });
    this.notificationDestinations = new NotificationDestinations(store);
  }

  /**
   * Opens a store for looking at records alone: nothing is written, and no bytes can be read. A store
   * that is new gets an account that nobody will see.
   */
  static async openToRead(options: ObjectStoreOptions): Promise<ObjectStore> {
    const { gets } = await options.store.read({ gets: [keys.store()] });
    const record = gets[0] === undefined ? undefined : decodeStoreRecord(gets[0].value);
    const rootAccount = {
      accountId: record?.rootAccountId ?? "000000000000",
      canonicalId: record?.rootCanonicalId ?? "",
    };
    return new ObjectStore(
      options,
      rootAccount,
      await LockClock.open(options.clock, options.store),
    );
  }

  /** Opens a store, making its format record when it is new, and registers this process's writer. */
  static async open(options: ObjectStoreOptions): Promise<ObjectStore> {
    const record = await ensureStoreRecord(options.store, options.clock);
    const rootAccount = {
      accountId: record.rootAccountId,
      canonicalId: record.rootCanonicalId,
    };
    const lockClock = await LockClock.open(options.clock, options.store);
    const opened = new ObjectStore(options, rootAccount, lockClock);
    await opened.writers.register();
    return opened;
  }
}

/** The record of the store itself, made when it is new. */
export async function ensureStoreRecord(store: KeyValueStore, clock: Clock): Promise<StoreRecord> {
  return transact(store, async (transaction) => {
    const value = await transaction.get(keys.store());
    if (value !== undefined) return decodeStoreRecord(value);
    const made: StoreRecord = {
      v: 1,
      createdMilliseconds: clock.now(),
      rootAccountId:
        String(randomInt(1_000_000)).padStart(6, "0") +
        String(randomInt(1_000_000)).padStart(6, "0"),
      rootCanonicalId: randomBytes(32).toString("hex"),
    };
    transaction.set(keys.store(), encodeRecord(made));
    return made;
  });
}

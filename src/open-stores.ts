// Builds the stores of one server process: key-value store, blob store, and the object layer above
// them. The one place that knows which engine a configuration means and where its files lie.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { Clock } from "./base/clock.ts";
import type { WrappingKey } from "./keys/sealer.ts";
import type { LifecycleDays } from "./objects/lifecycle-days.ts";
import { ensureStoreRecord, ObjectStore } from "./objects/object-store.ts";
import { Writers } from "./objects/writers.ts";
import type { BlobStore, WriterId } from "./storage/blob/blob-store.ts";
import { MeasuredFileSystem, type SyncStatistics } from "./storage/blob/measured-file-system.ts";
import { openFileBlobStore } from "./storage/blob/file-blob-store.ts";
import { MemoryBlobStore } from "./storage/blob/memory-blob-store.ts";
import type { KeyValueStore } from "./storage/key-value/key-value-store.ts";
import { FileSpool } from "./storage/spool/file-spool.ts";
import { MemorySpool } from "./storage/spool/memory-spool.ts";
import type { Spool } from "./storage/spool/spool.ts";
import { FreeSpace } from "./storage/free-space.ts";
import { MemoryKeyValueStore } from "./storage/key-value/memory-key-value-store.ts";
import {
  openSqliteKeyValueStore,
  SqliteKeyValueStore,
} from "./storage/key-value/sqlite-key-value-store.ts";
import type { WriterStatistics } from "./storage/key-value/sqlite-writer-client.ts";
import { TracedBlobStore, TracedKeyValueStore } from "./start-up/traced-stores.ts";
import type { Tracing } from "./telemetry/tracing.ts";
import { openTieredBlobs, type StorageOptions } from "./storage-options.ts";

const databaseName = "metadata.sqlite";

export type Durability = "strict" | "relaxed";

export interface StoresOptions {
  readonly store: "memory" | { readonly directory: string };
  readonly durability: Durability;
  readonly clock: Clock;
  /**
   * Writers known to be dead: `all` for the first process under the directory's lock, because every
   * process of an earlier server is gone then.
   */
  readonly deadWriters: "all" | readonly WriterId[];
  /** Stores beside this one for some storage classes; absent: there are none. */
  readonly storage?: StorageOptions | undefined;
  /** The master keys; a server always has them. Without them nothing can be sealed or opened. */
  readonly keys?: WrappingKey | undefined;
  /** Absent: requests are not traced. */
  readonly tracing?: Tracing | undefined;
  /** How lifecycle rules count days; default: by the calendar. */
  readonly lifecycleDays?: LifecycleDays | undefined;
}

/** What the engines count; a store in memory counts nothing. */
export interface StoreStatistics {
  readonly writer: WriterStatistics | undefined;
  readonly blobSyncs:
    | { readonly data: SyncStatistics; readonly directory: SyncStatistics }
    | undefined;
  readonly space: ReturnType<FreeSpace["measure"]>;
}

/** Disposing closes all of it; requests must have ended before. */
export interface Stores extends AsyncDisposable {
  readonly objects: ObjectStore;
  readonly writerId: WriterId;
  /** Where records of requests wait for their delivery. */
  readonly accessSpool: Spool;
  statistics(): StoreStatistics;
}

export async function openStores(options: StoresOptions): Promise<Stores> {
  await using opened = new AsyncDisposableStack();
  const { store, durability, clock, deadWriters, tracing } = options;
  const keyValueStore: KeyValueStore = opened.use(
    store === "memory" ? new MemoryKeyValueStore() : await openSqlite(store.directory, durability),
  );
  const measured = new MeasuredFileSystem();
  const main: BlobStore =
    store === "memory"
      ? new MemoryBlobStore()
      : await openFileBlobStore({
          directory: join(store.directory, "blobs"),
          durability,
          files: measured.files,
        });
  const { blobs, tiers } = await openTieredBlobs({
    storage: options.storage,
    main,
    mainDirectory: store === "memory" ? undefined : join(store.directory, "blobs"),
    durability,
    storeId: (await ensureStoreRecord(keyValueStore, clock)).rootCanonicalId,
    wrap: tracing === undefined ? undefined : (each) => new TracedBlobStore(each, tracing),
  });
  opened.use(blobs);
  if (deadWriters === "all") await Writers.forgetAll(keyValueStore);
  else await Writers.forget(keyValueStore, deadWriters);
  const space = store === "memory" ? undefined : freeSpaceOf(store.directory);
  const objects = await ObjectStore.open({
    store: tracing === undefined ? keyValueStore : new TracedKeyValueStore(keyValueStore, tracing),
    blobs,
    tiers,
    restoreDelays: options.storage?.restoreSeconds,
    clock,
    keys: options.keys,
    lifecycleDays: options.lifecycleDays,
    ...(space === undefined ? {} : { hasRoom: (lengthBytes) => space.hasRoom(lengthBytes) }),
  });
  const accessSpool: Spool = opened.use(
    store === "memory"
      ? new MemorySpool()
      : new FileSpool(join(store.directory, "access-log"), blobs.writerId),
  );
  opened.defer(() => objects.writers.unregister());
  const resources = opened.move();
  return {
    objects,
    writerId: blobs.writerId,
    accessSpool,
    statistics: () => ({
      writer: keyValueStore instanceof SqliteKeyValueStore ? keyValueStore.statistics : undefined,
      blobSyncs: store === "memory" ? undefined : measured.statistics,
      space: space?.measure(),
    }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function freeSpaceOf(directory: string): FreeSpace {
  return new FreeSpace(directory, join(directory, `${databaseName}-wal`));
}

async function openSqlite(directory: string, durability: Durability): Promise<KeyValueStore> {
  await mkdir(directory, { recursive: true });
  return openSqliteKeyValueStore({ path: join(directory, databaseName), durability });
}

// What a configuration says of storage classes: which blob stores there are beside the main one, which
// class lies in which, and how long restorations take. And the stores, opened as it says.

import { resolve } from "node:path";
import type { Compression } from "./objects/records/object-record.ts";
import type { RestoreDelayOptions } from "./objects/restore-rules.ts";
import { StorageTiers, type StorageTier } from "./objects/storage-tiers.ts";
import type { BlobStore } from "./storage/blob/blob-store.ts";
import { openFileBlobStore } from "./storage/blob/file-blob-store.ts";
import { MultiBlobStore } from "./storage/blob/multi-blob-store.ts";

/** Where the bytes of some classes lie. */
export interface BlobStoreOptions {
  /** On another disk, for example. Relative to the working directory. */
  readonly directory: string;
}

/** What an application says of one storage class. */
export interface StorageClassOptions {
  /** One of `stores`; absent: the main store. */
  readonly store?: string | undefined;
  /** Of what is written from now on. */
  readonly compression?: Compression | undefined;
}

export interface StorageOptions {
  /** By name: 1 to 32 characters of a-z and 0-9. A name is part of what is stored: never change it. */
  readonly stores?: Readonly<Record<string, BlobStoreOptions>> | undefined;
  /** By name of the storage class. */
  readonly classes?: Readonly<Record<string, StorageClassOptions>> | undefined;
  /** Seconds from a RestoreObject until the object can be read, by archive and tier. */
  readonly restoreSeconds?: RestoreDelayOptions | undefined;
}

export interface TieredBlobs {
  readonly blobs: BlobStore;
  readonly tiers: StorageTiers;
}

/**
 * The main store and those of the options behind one door, which closes them all: the main one is this
 * function's to close, also when it throws. `wrap` is put around each store. Throws Error for a class whose store is not among them.
 */
export async function openTieredBlobs(
  options: StorageOptions | undefined,
  main: BlobStore,
  durability: "strict" | "relaxed",
  wrap: (store: BlobStore) => BlobStore = (store) => store,
): Promise<TieredBlobs> {
  const { stores = {}, classes = {} } = options ?? {};
  const others = new Map<string, BlobStore>();
  await using opened = new AsyncDisposableStack();
  const wrapped = wrap(main);
  const { writerId } = opened.use(wrapped);
  for (const [name, { directory }] of Object.entries(stores)) {
    const path = resolve(directory);
    others.set(
      name,
      opened.use(wrap(await openFileBlobStore({ directory: path, durability, writerId }))),
    );
  }
  const multi = others.size === 0 ? undefined : new MultiBlobStore({ main: wrapped, others });
  const blobs = multi ?? wrapped;
  const tiers = new Map<string, StorageTier>();
  for (const [storageClass, { store, compression }] of Object.entries(classes)) {
    if (store !== undefined && !others.has(store)) {
      throw new Error(`storage class ${storageClass}: there is no store named ${store}`);
    }
    const writer: StorageTier["writer"] =
      store === undefined || multi === undefined
        ? blobs
        : { write: (source) => multi.writeInto(store, source) };
    tiers.set(storageClass, { storeName: store, compression, writer });
  }
  opened.move();
  return { blobs, tiers: new StorageTiers(blobs, tiers) };
}

// What a configuration says of storage classes: which blob stores there are beside the main one, which
// class lies in which, and how long restorations take. And the stores, opened as it says.

import { resolve } from "node:path";
import { systemClock } from "./base/clock.ts";
import type { Compression } from "./objects/records/object-record.ts";
import type { RestoreDelayOptions } from "./objects/restore-rules.ts";
import { StorageTiers, type StorageTier } from "./objects/storage-tiers.ts";
import { RemoteS3Client } from "./remote/s3-client.ts";
import type { BlobStore, WriterId } from "./storage/blob/blob-store.ts";
import { BucketBlobStore } from "./storage/blob/bucket-blob-store.ts";
import { BucketRequests } from "./storage/blob/bucket-requests.ts";
import { openFileBlobStore } from "./storage/blob/file-blob-store.ts";
import { MultiBlobStore } from "./storage/blob/multi-blob-store.ts";

/** Where the bytes of some classes lie: in a directory, or in a bucket of another S3 server. */
export type BlobStoreOptions =
  /** On another disk, for example. Relative to the working directory. */
  { readonly directory: string } | RemoteBucketOptions;

/** Nobody else may write below the prefix. */
export interface RemoteBucketOptions {
  /** `https://s3.example.com`; buckets are addressed by path. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly prefix?: string | undefined;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of the objects there; one that can be read at once. */
  readonly storageClass?: string | undefined;
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
  for (const [name, store] of Object.entries(stores)) {
    others.set(name, opened.use(wrap(await openBlobStore(store, durability, writerId))));
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

/** A bucket is not asked whether it is there: a server whose archive is away serves everything else. */
async function openBlobStore(
  store: BlobStoreOptions,
  durability: "strict" | "relaxed",
  writerId: WriterId,
): Promise<BlobStore> {
  if ("directory" in store) {
    return openFileBlobStore({ directory: resolve(store.directory), durability, writerId });
  }
  const { bucket: bucketName, prefix = "", storageClass } = store;
  // The other server judges signatures by the time that it is, whatever clock this one runs by.
  const client = new RemoteS3Client(store, systemClock);
  const requests = new BucketRequests(client, { bucketName, prefix, storageClass });
  return new BucketBlobStore({ requests, writerId });
}

// What a configuration says of storage classes: which blob stores there are beside the main one, which
// class lies in which, and how long restorations take. And the stores, opened as it says.

import { resolve } from "node:path";
import { systemClock } from "./base/clock.ts";
import type { Compression } from "./objects/records/object-record.ts";
import type { RestoreDelayOptions } from "./objects/restore-rules.ts";
import { StorageTiers, type StorageTier } from "./objects/storage-tiers.ts";
import { RemoteS3Client } from "./remote/s3-client.ts";
import type { BlobStore } from "./storage/blob/blob-store.ts";
import { claimDirectory } from "./storage/blob/blob-store-owner.ts";
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

export interface TieredBlobsOptions {
  readonly storage: StorageOptions | undefined;
  /** `openTieredBlobs` closes it, also when it throws. */
  readonly main: BlobStore;
  /** Of the main store, where it has one. */
  readonly mainDirectory: string | undefined;
  readonly durability: "strict" | "relaxed";
  /** What tells these metadata from all others; `undefined`: opened to read, and nothing is claimed. */
  readonly storeId: string | undefined;
  /** Put around each store. */
  readonly wrap?: ((store: BlobStore) => BlobStore) | undefined;
}

/**
 * The main store and those of the options behind one door, which closes them all. Throws Error for a class
 * whose store is not among them, and for a store that belongs to somebody else.
 */
export async function openTieredBlobs(options: TieredBlobsOptions): Promise<TieredBlobs> {
  const { main, wrap = (store) => store } = options;
  const { stores = {}, classes = {} } = options.storage ?? {};
  const others = new Map<string, BlobStore>();
  await using opened = new AsyncDisposableStack();
  const wrapped = wrap(main);
  opened.use(wrapped);
  for (const [name, store] of Object.entries(stores)) {
    others.set(name, opened.use(wrap(await openBlobStore(name, store, options))));
  }
  // Also without others: what lies in a store that the configuration forgot is no missing blob.
  const blobs = new MultiBlobStore({ main: wrapped, others });
  const tiers = new Map<string, StorageTier>();
  for (const [storageClass, { store, compression }] of Object.entries(classes)) {
    if (store !== undefined && !others.has(store)) {
      throw new Error(`storage class ${storageClass}: there is no store named ${store}`);
    }
    const writer: StorageTier["writer"] =
      store === undefined ? blobs : { write: (source) => blobs.writeInto(store, source) };
    tiers.set(storageClass, { storeName: store, compression, writer });
  }
  opened.move();
  return { blobs, tiers: new StorageTiers(blobs, tiers) };
}

async function openBlobStore(
  name: string,
  store: BlobStoreOptions,
  { main, mainDirectory, durability, storeId }: TieredBlobsOptions,
): Promise<BlobStore> {
  const { writerId } = main;
  const owner = storeId === undefined ? undefined : { storeId, name };
  if ("directory" in store) {
    const directory = resolve(store.directory);
    if (mainDirectory !== undefined && resolve(mainDirectory) === directory) {
      throw new Error(`storage store ${name}: ${directory} is where the main store lies`);
    }
    await using opened = new AsyncDisposableStack();
    const files = opened.use(await openFileBlobStore({ directory, durability, writerId }));
    if (owner !== undefined) await claimDirectory(directory, owner);
    opened.move();
    return files;
  }
  const { bucket: bucketName, prefix = "", storageClass } = store;
  // The other server judges signatures by the time that it is, whatever clock this one runs by.
  const client = new RemoteS3Client(store, systemClock);
  // A bucket is claimed when it is used first: a server whose archive is away serves everything else.
  const requests = new BucketRequests(client, { bucketName, prefix, storageClass, owner });
  return new BucketBlobStore({ requests, writerId });
}

// Opens the stores of a data directory for reading alone: no writer is registered, nothing is created,
// and a server may have them open at the same time.

import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { BlobStore } from "./storage/blob/blob-store.ts";
import { openFileBlobStore } from "./storage/blob/file-blob-store.ts";
import type { KeyValueStore } from "./storage/key-value/key-value-store.ts";
import { openReadConnection } from "./storage/key-value/sqlite-database.ts";
import { SqliteReader } from "./storage/key-value/sqlite-reader.ts";
import { openTieredBlobs, type StorageOptions } from "./storage-options.ts";

export interface ReadableStores extends AsyncDisposable {
  readonly store: Pick<KeyValueStore, "read">;
  readonly blobs: Pick<BlobStore, "open" | "list">;
}

const cacheBytes = 16 * 1024 * 1024;

/** Throws what the file system or SQLite throws when there is no store. */
export async function openStoresToRead(
  directory: string,
  storage?: StorageOptions,
): Promise<ReadableStores> {
  await using opened = new AsyncDisposableStack();
  const path = join(directory, "metadata.sqlite");
  const blobDirectory = join(directory, "blobs");
  // Opening the blob store would make its directory where there is none.
  await access(path);
  await access(blobDirectory);
  for (const each of Object.values(storage?.stores ?? {})) {
    if ("directory" in each) await access(resolve(each.directory));
  }
  const database = openReadConnection({
    path,
    durability: "relaxed",
    cacheBytes,
    maximumBytes: undefined,
  });
  const reader = new SqliteReader(database);
  opened.defer(() => reader.close());
  const main = await openFileBlobStore({ directory: blobDirectory, durability: "relaxed" });
  const { blobs } = await openTieredBlobs({
    storage,
    main,
    mainDirectory: blobDirectory,
    durability: "relaxed",
    storeId: undefined,
  });
  opened.use(blobs);
  const resources = opened.move();
  return {
    store: { read: async (request) => reader.read(request) },
    blobs,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

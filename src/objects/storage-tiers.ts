// Where each storage class keeps its bytes: in which of the blob stores, and how compressed. Without a
// configuration all are in one store, as they come.

import type { BlobStore } from "../storage/blob/blob-store.ts";
import type { Compression } from "./records/object-record.ts";

export interface StorageTier {
  /** Of a store that was named for the class; `undefined`: the main one. */
  readonly storeName: string | undefined;
  readonly compression: Compression | undefined;
  readonly writer: Pick<BlobStore, "write">;
}

export class StorageTiers {
  readonly standard: StorageTier;
  readonly #byClass: ReadonlyMap<string, StorageTier>;
  readonly #main: StorageTier;

  constructor(main: Pick<BlobStore, "write">, byClass: ReadonlyMap<string, StorageTier>) {
    this.#main = { storeName: undefined, compression: undefined, writer: main };
    this.#byClass = byClass;
    this.standard = byClass.get("STANDARD") ?? this.#main;
  }

  /** As an object's attributes name the class: `undefined` is STANDARD. */
  of(storageClass: string | undefined): StorageTier {
    if (storageClass === undefined) return this.standard;
    return this.#byClass.get(storageClass) ?? this.#main;
  }
}

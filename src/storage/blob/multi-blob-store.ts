// Several blob stores behind one contract: a main store, and others with names. The id of a blob says in
// which of them it lies: those of the main store are as it made them, others end in the store's name.
// So whoever reads, deletes or sweeps needs to know nothing of it; only who writes names a store.

import type { TransientByteStream } from "../../base/bytes.ts";
import { BlobMissingError, StorageUnavailableError } from "../storage-errors.ts";
import {
  partsOfMainId,
  storeNameOfBlob,
  type BlobId,
  type BlobReader,
  type BlobStore,
  type NamedBlobStores,
  type WriterId,
  type WrittenBlob,
} from "./blob-store.ts";

const namePattern = /^[a-z0-9]{1,32}$/;

export interface MultiBlobStoreOptions {
  readonly main: BlobStore;
  /** By name: 1 to 32 characters of a-z and 0-9. All have the main store's writer id. */
  readonly others: ReadonlyMap<string, BlobStore>;
}

export class MultiBlobStore implements BlobStore, NamedBlobStores {
  readonly writerId: WriterId;
  readonly #main: BlobStore;
  readonly #others: ReadonlyMap<string, BlobStore>;

  constructor({ main, others }: MultiBlobStoreOptions) {
    for (const [name, { writerId }] of others) {
      if (!namePattern.test(name)) {
        throw new TypeError("the name of a blob store is 1 to 32 characters of a-z and 0-9");
      }
      if (writerId !== main.writerId) throw new TypeError("stores behind one door share a writer");
    }
    this.writerId = main.writerId;
    this.#main = main;
    this.#others = others;
  }

  write(source: TransientByteStream): Promise<WrittenBlob> {
    return this.#main.write(source);
  }

  /** Writes into the store of that name. Throws StorageUnavailableError when there is none. */
  async writeInto(name: string, source: TransientByteStream): Promise<WrittenBlob> {
    const { id, lengthBytes } = await this.#named(name).write(source);
    return { id: `${id}-${name}` as BlobId, lengthBytes };
  }

  /**
   * A blob in a store that the configuration does not name any more is no missing blob: it throws
   * StorageUnavailableError.
   */
  async open(id: BlobId): Promise<BlobReader> {
    const { store, innerId } = this.#find(id);
    if (store === undefined) throw new BlobMissingError("no blob can have this id");
    return store.open(innerId);
  }

  async delete(id: BlobId): Promise<void> {
    const { store, innerId } = this.#find(id);
    await store?.delete(innerId);
  }

  /**
   * Merged: a name behind an id changes nothing in the order of one store's ids, because none of these
   * is the beginning of another.
   */
  async list(after: BlobId | undefined, limit: number): Promise<readonly BlobId[]> {
    const innerAfter = after === undefined ? undefined : innerIdOf(after);
    const lists = [this.#main.list(innerAfter, limit)];
    for (const [name, store] of this.#others) {
      lists.push(
        store.list(innerAfter, limit).then((ids) => ids.map((id) => `${id}-${name}` as BlobId)),
      );
    }
    return (await Promise.all(lists)).flat().toSorted().slice(0, limit);
  }

  /** Closes all of them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await using stack = new AsyncDisposableStack();
    for (const store of [this.#main, ...this.#others.values()]) stack.use(store);
  }

  #find(id: BlobId): { readonly store: BlobStore | undefined; readonly innerId: BlobId } {
    const name = storeNameOfBlob(id);
    if (name === undefined) return { store: this.#main, innerId: id };
    if (!namePattern.test(name)) return { store: undefined, innerId: id };
    return { store: this.#named(name), innerId: innerIdOf(id) };
  }

  #named(name: string): BlobStore {
    const store = this.#others.get(name);
    if (store !== undefined) return store;
    throw new StorageUnavailableError(`the configuration has no blob store named ${name}`);
  }
}

function innerIdOf(id: BlobId): BlobId {
  return id.split("-").slice(0, partsOfMainId).join("-") as BlobId;
}

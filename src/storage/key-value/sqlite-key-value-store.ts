// The embedded store: one SQLite file that several processes may share. Reads happen on the calling
// thread; writes and checkpoints have threads of their own, so that no sync blocks the event loop.
import { Worker } from "node:worker_threads";
import { StorageUnavailableError } from "../storage-errors.ts";
import type {
  KeyValueStore,
  ReadRequest,
  ReadResult,
  WriteRequest,
  WriteResult,
} from "./key-value-store.ts";
import {
  type Durability,
  openReadConnection,
  type SqliteDatabaseOptions,
  toStorageError,
} from "./sqlite-database.ts";
import { SqliteReader } from "./sqlite-reader.ts";
import {
  closeCommand,
  fromFailure,
  threadUrl,
  type WriterMessage,
} from "./sqlite-thread-messages.ts";
import { SqliteWriterClient, type WriterStatistics } from "./sqlite-writer-client.ts";
import { checkRangeRead, checkWriteRequest } from "./write-request.ts";

export interface SqliteKeyValueStoreOptions {
  /** The database file; created when absent, in a directory that exists. */
  readonly path: string;
  readonly durability: Durability;
  /**
   * Page cache of the writer thread. The reading side keeps at most 16 MiB: SQLite empties it after
   * every commit of somebody else, at a cost that grows with its size.
   */
  readonly cacheBytes?: number;
  /** A quota for the file: past it, writes fail with StorageFullError. */
  readonly maximumBytes?: number;
  /** Gives up the opening. */
  readonly signal?: AbortSignal;
}

const defaultCacheBytes = 64 * 1024 * 1024;
const largestReaderCacheBytes = 16 * 1024 * 1024;

/** Throws StorageUnavailableError or StorageFullError, or the reason of an aborted signal. */
export async function openSqliteKeyValueStore(
  options: SqliteKeyValueStoreOptions,
): Promise<SqliteKeyValueStore> {
  options.signal?.throwIfAborted();
  const database: SqliteDatabaseOptions = {
    path: options.path,
    durability: options.durability,
    cacheBytes: options.cacheBytes ?? defaultCacheBytes,
    maximumBytes: options.maximumBytes,
  };
  const writer = new Worker(threadUrl("./sqlite-writer-thread"), { workerData: database });
  try {
    await waitUntilReady(writer, options.signal);
    const cacheBytes = Math.min(database.cacheBytes, largestReaderCacheBytes);
    const reader = new SqliteReader(openReadConnection({ ...database, cacheBytes }));
    return new SqliteKeyValueStore(reader, writer);
  } catch (error) {
    await writer.terminate();
    options.signal?.throwIfAborted();
    throw toStorageError(error);
  }
}

interface AskedRead {
  readonly request: ReadRequest;
  readonly resolve: (result: ReadResult) => void;
  readonly reject: (error: Error) => void;
}

export class SqliteKeyValueStore implements KeyValueStore {
  readonly #reader: SqliteReader;
  readonly #client: SqliteWriterClient;
  readonly #writer: Worker;
  #asked: AskedRead[] = [];
  #closing: Promise<void> | undefined;

  constructor(reader: SqliteReader, writer: Worker) {
    this.#reader = reader;
    this.#writer = writer;
    this.#client = new SqliteWriterClient(writer);
    // An idle store keeps no process alive; the client refers to the thread while it waits.
    writer.unref();
    writer.on("error", (error) => this.#onThreadLost(error));
    writer.on("exit", () => this.#onThreadLost(undefined));
  }

  get statistics(): WriterStatistics {
    return this.#client.statistics;
  }

  async read(request: ReadRequest): Promise<ReadResult> {
    this.#checkOpen();
    for (const range of request.ranges ?? []) checkRangeRead(range);
    return new Promise((resolve, reject) => {
      // Requests that are handled side by side come here one right after the other: the reads of one
      // turn share a snapshot, taken after the last of them was asked for.
      if (this.#asked.length === 0) queueMicrotask(() => this.#readAsked());
      this.#asked.push({ request, resolve, reject });
    });
  }

  async write(request: WriteRequest): Promise<WriteResult> {
    this.#checkOpen();
    checkWriteRequest(request);
    return this.#client.write(request);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#client.drain();
    this.#reader.close();
    // The writer closes last: SQLite then empties the log into the file and removes it.
    await endThread(this.#writer);
  }

  #readAsked(): void {
    const asked = this.#asked;
    this.#asked = [];
    let results: readonly (ReadResult | Error)[];
    try {
      results = this.#reader.readTogether(asked.map(({ request }) => request));
    } catch (error) {
      // The reader throws errors of storage alone.
      for (const { reject } of asked) reject(error as Error);
      return;
    }
    for (const [index, { resolve, reject }] of asked.entries()) {
      const result = results[index] as ReadResult | Error;
      if (result instanceof Error) reject(result);
      else resolve(result);
    }
  }

  #onThreadLost(cause: unknown): void {
    this.#client.fail(new StorageUnavailableError("the writer thread has ended", { cause }));
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new StorageUnavailableError("the store is closed");
  }
}

async function waitUntilReady(writer: Worker, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = (): void => reject(new StorageUnavailableError("opening was aborted"));
  const onExit = (): void => reject(new StorageUnavailableError("the writer thread has ended"));
  signal?.addEventListener("abort", onAbort, { once: true });
  writer.once("error", reject);
  writer.once("exit", onExit);
  writer.once("message", (message: WriterMessage) => {
    if (message.kind === "failed") reject(fromFailure(message.failure));
    else resolve();
  });
  try {
    await promise;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    writer.off("error", reject);
    writer.off("exit", onExit);
  }
}

async function endThread(thread: Worker): Promise<void> {
  // A thread that has ended by itself has no id any more, and says nothing.
  if (thread.threadId === -1) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  thread.ref();
  thread.once("exit", () => resolve());
  thread.postMessage(closeCommand, []);
  await promise;
}

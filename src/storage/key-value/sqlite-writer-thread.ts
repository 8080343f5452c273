// The thread that owns all writes of this process to one SQLite store. It takes everything that has
// arrived while the last commit was under way into one transaction: group commit, without waiting.
import {
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  workerData,
} from "node:worker_threads";
import { assert } from "../../base/assert.ts";
import { StorageFullError } from "../storage-errors.ts";
import type { WriteRequest } from "./key-value-store.ts";
import {
  openWriteConnection,
  type SqliteDatabaseOptions,
  toStorageError,
} from "./sqlite-database.ts";
import { SqliteLogKeeper } from "./sqlite-log-keeper.ts";
import {
  closeCommand,
  toFailure,
  type WriterCommand,
  type WriterMessage,
} from "./sqlite-thread-messages.ts";
import { SqliteWriteBatch } from "./sqlite-write-batch.ts";
import { unpackWriteBatch } from "./write-batch-codec.ts";

// One transaction. More would not make the sync cheaper for each, and others wait for the lock.
const largestBatchWrites = 1024;
const largestBatchBytes = 16 * 1024 * 1024;

assert(parentPort !== null, "the writer runs as a thread");
startWriter(parentPort, workerData as SqliteDatabaseOptions);

function startWriter(port: MessagePort, options: SqliteDatabaseOptions): void {
  const answer = (message: WriterMessage): void => port.postMessage(message);
  let writer: Writer;
  try {
    const database = openWriteConnection(options);
    const keeper = new SqliteLogKeeper(database, options);
    const batch = new SqliteWriteBatch(database);
    const close = async (): Promise<void> => {
      port.close();
      await keeper.close();
      // SQLite itself brings the whole log into the file when the last connection closes.
      database.close();
    };
    writer = { port, batch, keeper, answer, close };
  } catch (error) {
    answer({ kind: "failed", count: 0, failure: toFailure(toStorageError(error)) });
    return;
  }
  port.on("message", (command: WriterCommand) => serve(writer, command));
  answer({ kind: "ready" });
}

interface Writer {
  readonly port: MessagePort;
  readonly batch: SqliteWriteBatch;
  readonly keeper: SqliteLogKeeper;
  readonly answer: (message: WriterMessage) => void;
  readonly close: () => Promise<void>;
}

/** Works until the port is empty, without going back to the event loop between two commits. */
function serve(writer: Writer, first: WriterCommand): void {
  let command: WriterCommand | undefined = first;
  while (command !== undefined) {
    if (command === closeCommand) {
      void writer.close();
      return;
    }
    const requests: WriteRequest[] = [];
    let bytes = 0;
    while (command instanceof ArrayBuffer) {
      // Not spread into `push`: the arguments of a call have a bound of their own.
      for (const request of unpackWriteBatch(command)) requests.push(request);
      bytes += command.byteLength;
      command = nextCommand(writer.port);
      if (requests.length >= largestBatchWrites || bytes >= largestBatchBytes) break;
    }
    commit(writer, requests);
    writer.keeper.afterCommit();
  }
}

function nextCommand(port: MessagePort): WriterCommand | undefined {
  const received = receiveMessageOnPort(port);
  return received === undefined ? undefined : (received.message as WriterCommand);
}

function commit({ batch, keeper, answer }: Writer, requests: readonly WriteRequest[]): void {
  try {
    const outcomes = applyWithin(batch, keeper, requests);
    answer({ kind: "applied", outcomes, commitMilliseconds: batch.commitMilliseconds });
  } catch (error) {
    const failure = toFailure(toStorageError(error));
    answer({ kind: "failed", count: requests.length, failure });
  }
}

/** When the log cannot grow any more, starting it anew may give it room: a full disk can be emptied. */
function applyWithin(
  batch: SqliteWriteBatch,
  keeper: SqliteLogKeeper,
  requests: readonly WriteRequest[],
): Float64Array {
  try {
    return batch.apply(requests);
  } catch (error) {
    const isFull = toStorageError(error) instanceof StorageFullError;
    if (!isFull || !keeper.restartWhenFull()) throw error;
    return batch.apply(requests);
  }
}

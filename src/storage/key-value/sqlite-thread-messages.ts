// What the threads of a SQLite store say to each other, and how they are started.
import type { MessagePort } from "node:worker_threads";
import { StorageFullError, StorageUnavailableError } from "../storage-errors.ts";
import type { SqliteDatabaseOptions } from "./sqlite-database.ts";

/** What the checkpoint thread is started with; the writer thread gets the bare options. */
export interface CheckpointThreadData {
  readonly options: SqliteDatabaseOptions;
  /** Its line to the writer thread. */
  readonly port: MessagePort;
}

/** To the writer thread: a packed write batch, or the wish that it ends. */
export type WriterCommand = ArrayBuffer | typeof closeCommand;

/** From the writer thread. Answers come in the order of the writes. */
export type WriterMessage =
  | { readonly kind: "ready" }
  /** One number for each write: its revision, or an outcome of `sqlite-write-batch.ts`. */
  | {
      readonly kind: "applied";
      readonly outcomes: Float64Array;
      /** What the commit alone took: in strict durability the wait for the disk. */
      readonly commitMilliseconds: number;
    }
  /** As many writes have all failed for the same reason. */
  | { readonly kind: "failed"; readonly count: number; readonly failure: Failure };

/** From the writer thread to the checkpoint thread. */
export type CheckpointCommand = typeof checkpointCommand | typeof closeCommand;

export const checkpointCommand = "checkpoint";
export const closeCommand = "close";

/** From the checkpoint thread to the writer thread, once for each command. */
export interface CheckpointReport {
  readonly succeeded: boolean;
}

/** An error in a form that crosses threads with its class. */
export interface Failure {
  readonly full: boolean;
  readonly text: string;
  readonly cause: string;
}

export function toFailure(error: Error): Failure {
  return {
    full: error instanceof StorageFullError,
    text: error.message,
    cause: error.cause instanceof Error ? error.cause.message : "",
  };
}

export function fromFailure(failure: Failure): Error {
  const options = failure.cause === "" ? undefined : { cause: new Error(failure.cause) };
  return failure.full
    ? new StorageFullError(failure.text, options)
    : new StorageUnavailableError(failure.text, options);
}

/** The file of a thread beside this one: TypeScript in development, JavaScript once compiled. */
export function threadUrl(name: string): URL {
  const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  return new URL(name + extension, import.meta.url);
}

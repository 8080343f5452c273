// Decides, inside the writer thread, when the write-ahead log is brought into the database file.
// The copying itself happens in the checkpoint thread, beside the commits; only starting the log
// anew happens here, between two commits, once next to nothing is left to copy.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { pageBytes } from "./sqlite-database.ts";
import { checkpointCommand, type CheckpointReport } from "./sqlite-thread-messages.ts";

const mebibyte = 1024 * 1024;
/** So much uncopied log asks for a checkpoint. */
const checkpointBytes = 16 * mebibyte;
/** A log of this length starts anew. Reads look pages up in it, and it never shrinks by itself. */
const restartBytes = 64 * mebibyte;
/** The most that is copied while writes wait, unless the log has grown past `forcedRestartBytes`. */
const restartRemainderBytes = 2 * mebibyte;
const forcedRestartBytes = 256 * mebibyte;
const idleMilliseconds = 500;
/** After a checkpoint that failed (a full disk), so that the thread does not spin. */
const failurePauseMilliseconds = 1000;

type LogStatus = [busy: number, logPages: number, copiedPages: number];

export class SqliteLogKeeper {
  readonly #port: MessagePort;
  readonly #status: StatementSync;
  readonly #restart: StatementSync;
  readonly #idleTimer: NodeJS.Timeout;
  #running = false;
  #notBefore = 0;

  constructor(database: DatabaseSync, port: MessagePort) {
    const rows = { returnArrays: true };
    this.#port = port;
    // NOOP reports the length of the log and copies nothing.
    this.#status = database.prepare("PRAGMA wal_checkpoint(NOOP)", rows);
    this.#restart = database.prepare("PRAGMA wal_checkpoint(RESTART)", rows);
    this.#port.on("message", (report: CheckpointReport) => this.#onReport(report));
    // Also after opening: another process may have left a log behind when it was killed.
    this.#idleTimer = setTimeout(() => this.#onIdle(), idleMilliseconds);
  }

  afterCommit(): void {
    // While commits follow each other without a pause, the event loop delivers nothing.
    const received = receiveMessageOnPort(this.#port);
    if (received !== undefined) this.#onReport(received.message as CheckpointReport);
    const { logBytes, remainderBytes } = this.#measure();
    if (remainderBytes > checkpointBytes || logBytes > restartBytes) this.#requestCheckpoint();
    this.#idleTimer.refresh();
  }

  close(): void {
    clearTimeout(this.#idleTimer);
    this.#port.close();
  }

  #onIdle(): void {
    if (this.#measure().remainderBytes > 0) this.#requestCheckpoint();
  }

  #requestCheckpoint(): void {
    if (this.#running || performance.now() < this.#notBefore) return;
    this.#running = true;
    this.#port.postMessage(checkpointCommand, []);
  }

  #onReport({ succeeded }: CheckpointReport): void {
    this.#running = false;
    if (!succeeded) {
      this.#notBefore = performance.now() + failurePauseMilliseconds;
      return;
    }
    const { logBytes, remainderBytes } = this.#measure();
    if (logBytes < restartBytes) return;
    if (remainderBytes > restartRemainderBytes && logBytes < forcedRestartBytes) return;
    // When another process reads or writes at this moment it answers "busy": then the next time.
    try {
      this.#restart.get();
    } catch {
      // Copying failed, so the log stays as it is: nothing is lost, and commits go on.
      this.#notBefore = performance.now() + failurePauseMilliseconds;
    }
  }

  #measure(): { logBytes: number; remainderBytes: number } {
    const [, logPages, copiedPages] = this.#status.get() as unknown as LogStatus;
    return { logBytes: logPages * pageBytes, remainderBytes: (logPages - copiedPages) * pageBytes };
  }
}

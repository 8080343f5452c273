// Decides, inside the writer thread, when the write-ahead log is brought into the database file.
// The copying itself happens in the checkpoint thread, beside the commits; only starting the log
// anew happens here, between two commits, once next to nothing is left to copy.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from "node:worker_threads";
import { pageBytes, pauseThread, type SqliteDatabaseOptions } from "./sqlite-database.ts";
import {
  checkpointCommand,
  type CheckpointReport,
  type CheckpointThreadData,
  closeCommand,
  threadUrl,
} from "./sqlite-thread-messages.ts";

const mebibyte = 1024 * 1024;
/** So much uncopied log asks for a checkpoint. */
const checkpointBytes = 16 * mebibyte;
/** A log of this length starts anew, as soon as little is left to copy; until then it only grows. */
const restartBytes = 128 * mebibyte;
const restartRemainderBytes = 2 * mebibyte;
/** At this length writes wait for the copying: they come in faster than the disk takes them. */
const longestLogBytes = 256 * mebibyte;
/** How long one commit waits for it at most, should a checkpoint hang or another process be at it. */
const longestStallMilliseconds = 2000;
const stallStepMilliseconds = 1;
const idleMilliseconds = 500;
/** After a checkpoint that failed (a full disk), so that the thread does not spin. */
const failurePauseMilliseconds = 1000;
/** The checkpoint thread reads each page once; a cache would only hold memory. */
const checkpointCacheBytes = mebibyte;

type LogStatus = [busy: number, logPages: number, copiedPages: number];

interface CheckpointThread {
  readonly worker: Worker;
  readonly port: MessagePort;
}

export class SqliteLogKeeper {
  readonly #options: SqliteDatabaseOptions;
  readonly #status: StatementSync;
  readonly #restart: StatementSync;
  readonly #idleTimer: NodeJS.Timeout;
  /** Started at the first checkpoint: a store of a few writes does without. */
  #thread: CheckpointThread | undefined;
  #running = false;
  #notBefore = 0;

  constructor(database: DatabaseSync, options: SqliteDatabaseOptions) {
    const rows = { returnArrays: true };
    this.#options = { ...options, cacheBytes: checkpointCacheBytes };
    // NOOP reports the length of the log and copies nothing.
    this.#status = database.prepare("PRAGMA wal_checkpoint(NOOP)", rows);
    this.#restart = database.prepare("PRAGMA wal_checkpoint(RESTART)", rows);
    // Also after opening: another process may have left a log behind when it was killed.
    this.#idleTimer = setTimeout(() => this.#onIdle(), idleMilliseconds);
  }

  afterCommit(): void {
    this.#takeReport();
    const { logBytes, remainderBytes } = this.#measure();
    if (remainderBytes > checkpointBytes || logBytes > restartBytes) this.#requestCheckpoint();
    if (logBytes > longestLogBytes) this.#stall();
    this.#idleTimer.refresh();
  }

  /**
   * Brings the log into the file and starts it anew, here and now, because the disk has no room for
   * more log. `false`: nothing was gained, or it was tried a moment ago.
   */
  restartWhenFull(): boolean {
    if (performance.now() < this.#notBefore) return false;
    try {
      const [busy] = this.#restart.get() as unknown as LogStatus;
      if (busy === 0) return true;
    } catch {
      // The file cannot grow either: what the log holds stays in the log.
    }
    this.#notBefore = performance.now() + failurePauseMilliseconds;
    return false;
  }

  /** Ends the checkpoint thread, after the checkpoint that it may be at. */
  async close(): Promise<void> {
    clearTimeout(this.#idleTimer);
    if (this.#thread === undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#thread.worker.once("exit", () => resolve());
    this.#thread.port.postMessage(closeCommand, []);
    await promise;
  }

  /** While commits follow each other without a pause, the event loop delivers nothing. */
  #takeReport(): void {
    const received = this.#thread && receiveMessageOnPort(this.#thread.port);
    if (received !== undefined) this.#onReport(received.message as CheckpointReport);
  }

  #stall(): void {
    const deadline = performance.now() + longestStallMilliseconds;
    while (this.#running && performance.now() < deadline) {
      pauseThread(stallStepMilliseconds);
      this.#takeReport();
    }
  }

  #onIdle(): void {
    if (this.#measure().remainderBytes > 0) this.#requestCheckpoint();
  }

  #requestCheckpoint(): void {
    if (this.#running || performance.now() < this.#notBefore) return;
    this.#running = true;
    this.#thread ??= this.#startThread();
    this.#thread.port.postMessage(checkpointCommand, []);
  }

  #startThread(): CheckpointThread {
    const { port1, port2 } = new MessageChannel();
    port1.on("message", (report: CheckpointReport) => this.#onReport(report));
    const workerData: CheckpointThreadData = { options: this.#options, port: port2 };
    const worker = new Worker(threadUrl("./sqlite-checkpoint-thread"), {
      workerData,
      transferList: [port2],
    });
    // It could not open the file, or ran out of memory: the next request starts another one.
    worker.on("error", () => this.#onReport({ succeeded: false }));
    worker.on("exit", () => {
      port1.close();
      this.#thread = undefined;
    });
    return { worker, port: port1 };
  }

  #onReport({ succeeded }: CheckpointReport): void {
    this.#running = false;
    if (!succeeded) {
      this.#notBefore = performance.now() + failurePauseMilliseconds;
      return;
    }
    const { logBytes, remainderBytes } = this.#measure();
    if (logBytes < restartBytes) return;
    if (remainderBytes > restartRemainderBytes && logBytes < longestLogBytes) return;
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

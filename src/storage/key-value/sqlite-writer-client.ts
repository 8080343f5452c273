// The main thread's side of the writer thread: gathers the writes of one turn of the event loop,
// hands them over as one message, and settles each with its answer.
import type { Worker } from "node:worker_threads";
import { AssertionError } from "../../base/assert.ts";
import {
  batchBounds,
  durationBoundsSeconds,
  Histogram,
  type HistogramState,
} from "../../base/histogram.ts";
import { StorageUnavailableError } from "../storage-errors.ts";
import type { WriteRequest, WriteResult } from "./key-value-store.ts";
import { fromFailure, type WriterMessage } from "./sqlite-thread-messages.ts";
import { conflictOutcome, noCounterOutcome } from "./sqlite-write-batch.ts";
import { packedBytes, packWriteBatch } from "./write-batch-codec.ts";

// Writes that nobody has answered yet, and the bytes that they hold. What comes on top is refused at
// once: whoever sends it has long lost sight of the disk.
const largestQueueWrites = 16_384;
const largestQueueBytes = 128 * 1024 * 1024;

// One message; the writer thread puts several into one transaction.
const largestMessageWrites = 256;
const largestMessageBytes = 4 * 1024 * 1024;

export interface WriterStatistics {
  readonly commits: number;
  readonly failedCommits: number;
  readonly committedWrites: number;
  readonly conflictingWrites: number;
  readonly failedWrites: number;
  /** The queue was full. */
  readonly refusedWrites: number;
  readonly queueWrites: number;
  readonly queueBytes: number;
  /** In buckets of `batchBounds`. */
  readonly batchWrites: HistogramState;
  /** These two in buckets of `durationBoundsSeconds`. */
  readonly commitSeconds: HistogramState;
  readonly waitSeconds: HistogramState;
}

interface PendingWrite {
  readonly request: WriteRequest;
  readonly bytes: number;
  readonly sinceMilliseconds: number;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: Error) => void;
}

export class SqliteWriterClient {
  readonly #worker: Worker;
  /** Not handed over yet. */
  #gathered: PendingWrite[] = [];
  /** Handed over, in order; answered ones before `#nextAnswer` are cut off from time to time. */
  #sent: PendingWrite[] = [];
  #nextAnswer = 0;
  #outstandingWrites = 0;
  #outstandingBytes = 0;
  #failure: Error | undefined;
  #gatheredSinceMilliseconds = 0;
  #commits = 0;
  #failedCommits = 0;
  #committedWrites = 0;
  #conflictingWrites = 0;
  #failedWrites = 0;
  #refusedWrites = 0;
  readonly #batchWrites = new Histogram(batchBounds);
  readonly #commitSeconds = new Histogram(durationBoundsSeconds);
  readonly #waitSeconds = new Histogram(durationBoundsSeconds);
  #onDrained: (() => void) | undefined;

  /** Takes over a thread that has said that it is ready. */
  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (message: WriterMessage) => this.#onMessage(message));
  }

  write(request: WriteRequest): Promise<WriteResult> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const bytes = packedBytes(request);
    const isFull =
      this.#outstandingWrites >= largestQueueWrites ||
      // A single write may be larger than the bound, but then it is alone.
      (this.#outstandingWrites > 0 && this.#outstandingBytes + bytes > largestQueueBytes);
    if (isFull) {
      this.#refusedWrites += 1;
      return Promise.reject(new StorageUnavailableError("the queue of writes is full"));
    }
    // An idle store keeps no process alive; a write under way does.
    if (this.#outstandingWrites === 0) this.#worker.ref();
    this.#outstandingWrites++;
    this.#outstandingBytes += bytes;
    const { promise, resolve, reject } = Promise.withResolvers<WriteResult>();
    if (this.#gathered.length === 0) {
      // One look at the clock serves all writes of a turn.
      this.#gatheredSinceMilliseconds = performance.now();
      setImmediate(() => this.#send());
    }
    const sinceMilliseconds = this.#gatheredSinceMilliseconds;
    this.#gathered.push({ request, bytes, sinceMilliseconds, resolve, reject });
    return promise;
  }

  get statistics(): WriterStatistics {
    return {
      commits: this.#commits,
      failedCommits: this.#failedCommits,
      committedWrites: this.#committedWrites,
      conflictingWrites: this.#conflictingWrites,
      failedWrites: this.#failedWrites,
      refusedWrites: this.#refusedWrites,
      queueWrites: this.#outstandingWrites,
      queueBytes: this.#outstandingBytes,
      batchWrites: this.#batchWrites.state,
      commitSeconds: this.#commitSeconds.state,
      waitSeconds: this.#waitSeconds.state,
    };
  }

  /** Resolves when every write that was accepted has its answer. */
  async drain(): Promise<void> {
    if (this.#outstandingWrites === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onDrained = resolve;
    await promise;
  }

  /** From now on every write is refused, and those without an answer fail: the outcome is unknown. */
  fail(error: Error): void {
    this.#failure ??= error;
    const unanswered = [...this.#sent.slice(this.#nextAnswer), ...this.#gathered];
    this.#sent = [];
    this.#nextAnswer = 0;
    this.#gathered = [];
    for (const pending of unanswered) {
      this.#release(pending);
      this.#failedWrites += 1;
      pending.reject(error);
    }
  }

  #send(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    let message: PendingWrite[] = [];
    let bytes = 0;
    for (const pending of gathered) {
      const isFull =
        message.length >= largestMessageWrites || bytes + pending.bytes > largestMessageBytes;
      if (isFull && message.length > 0) {
        this.#post(message, bytes);
        message = [];
        bytes = 0;
      }
      message.push(pending);
      bytes += pending.bytes;
    }
    if (message.length > 0) this.#post(message, bytes);
  }

  #post(message: readonly PendingWrite[], bytes: number): void {
    let buffer: ArrayBuffer;
    try {
      buffer = packWriteBatch(
        message.map((pending) => pending.request),
        bytes,
      );
    } catch (error) {
      // Only arrays that were changed or detached under way, or more than memory, get here.
      for (const pending of message) {
        this.#release(pending);
        this.#failedWrites += 1;
        pending.reject(new StorageUnavailableError("cannot pack the writes", { cause: error }));
      }
      return;
    }
    for (const pending of message) this.#sent.push(pending);
    this.#worker.postMessage(buffer, [buffer]);
  }

  #onMessage(message: WriterMessage): void {
    if (message.kind === "applied") {
      this.#countCommit(message);
      for (const outcome of message.outcomes) settle(this.#takeNext(), outcome);
    } else if (message.kind === "failed") {
      const error = fromFailure(message.failure);
      this.#failedCommits += 1;
      this.#failedWrites += message.count;
      for (let index = 0; index < message.count; index++) this.#takeNext().reject(error);
    }
    if (this.#nextAnswer === this.#sent.length || this.#nextAnswer > 4096) {
      this.#sent = this.#sent.slice(this.#nextAnswer);
      this.#nextAnswer = 0;
    }
  }

  /** Before the writes are settled: those at the head of the line are this commit's. */
  #countCommit({ outcomes, commitMilliseconds }: WriterMessage & { kind: "applied" }): void {
    const nowMilliseconds = performance.now();
    this.#commits += 1;
    this.#batchWrites.record(outcomes.length);
    this.#commitSeconds.record(commitMilliseconds / 1000);
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome >= 0) this.#committedWrites += 1;
      else if (outcome === conflictOutcome) this.#conflictingWrites += 1;
      else this.#failedWrites += 1;
      const pending = this.#sent[this.#nextAnswer + index];
      if (pending === undefined) continue;
      this.#waitSeconds.record((nowMilliseconds - pending.sinceMilliseconds) / 1000);
    }
  }

  #takeNext(): PendingWrite {
    const pending = this.#sent[this.#nextAnswer++];
    if (pending === undefined) throw new AssertionError("an answer without a write");
    this.#release(pending);
    return pending;
  }

  #release(pending: PendingWrite): void {
    this.#outstandingWrites--;
    this.#outstandingBytes -= pending.bytes;
    if (this.#outstandingWrites > 0) return;
    this.#worker.unref();
    this.#onDrained?.();
  }
}

function settle(pending: PendingWrite, outcome: number): void {
  if (outcome >= 0) pending.resolve({ committed: true, revision: outcome });
  else if (outcome === conflictOutcome) pending.resolve({ committed: false });
  else if (outcome === noCounterOutcome) {
    pending.reject(new AssertionError("value is not a counter, or the sum is out of range"));
  } else pending.reject(new AssertionError("unknown outcome of a write"));
}

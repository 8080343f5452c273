// Server access logging: entries are spooled before their requests are answered, and delivered as objects
// in batches. A kill at any moment delays them; a delivery that is repeated finds its object there. What a
// target refuses (it is gone, its policy does not allow it) is dropped and counted, as S3 drops it.

import { inOnePiece } from "../base/bytes.ts";
import { S3Error } from "../model/errors.ts";
import {
  composeLogObjects,
  type AccessEntry,
  type AccessOutcome,
  type LogObject,
  type MovedEntry,
} from "../objects/access-log.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { Spool, SpoolSegment } from "../storage/spool/spool.ts";
import type { ObjectDeliverer } from "./object-delivery.ts";
import type { BackgroundWorker, WorkerReport } from "./worker.ts";

export interface AccessLogOptions {
  readonly spool: Spool;
  readonly objects: Pick<ObjectStore, "versions" | "writers">;
  readonly deliverer: ObjectDeliverer;
  readonly region: string;
  readonly intervalMilliseconds: number;
  /** A target that refuses what is delivered to it. */
  readonly onRefused: (target: string, error: S3Error) => void;
}

/** While the store does not answer, more than these are left out. */
const mostDeferred = 10_000;
/** Beyond this a segment is put aside at once: it is read into memory as a whole. */
const segmentBytes = 8 * 1024 * 1024;

export class AccessLogWorker implements BackgroundWorker {
  readonly name = "access-log";
  /** Each process delivers what it wrote itself, and what dead ones left. */
  readonly scope = "process";
  readonly intervalMilliseconds: number;
  readonly #options: AccessLogOptions;
  /** Requests whose entries are spooled and whose answers are leaving. */
  readonly #open = new Map<string, AccessEntry>();
  /**
   * Written with the next entry: a record whose outcome dies with the process says what is known without
   * it.
   */
  #outcomes: string[] = [];
  #sealing: Promise<unknown> = Promise.resolve();
  readonly #deferred = new Set<Promise<void>>();

  constructor(options: AccessLogOptions) {
    this.#options = options;
    this.intervalMilliseconds = options.intervalMilliseconds;
  }

  /** The entry survives the process when this returns. Throws the system's error. */
  begin(entry: AccessEntry): void {
    this.#options.spool.append(...this.#takeOutcomes(), JSON.stringify(entry));
    this.#open.set(entry.requestId, entry);
  }

  /** Entries that have no answer to wait for. */
  add(...entries: readonly AccessEntry[]): void {
    this.#options.spool.append(...entries.map(toLine));
  }

  end(requestId: string, end: Omit<AccessOutcome, "requestId">): void {
    if (!this.#open.delete(requestId)) return;
    const outcome: AccessOutcome = { requestId, ...end };
    this.#outcomes.push(JSON.stringify(outcome));
    if (this.#options.spool.openBytes >= segmentBytes) {
      // A failure shows in the next pass.
      this.#seal().catch(() => {});
    }
  }

  /** Entries that come after their answers, because the store has to be asked about the bucket first. */
  defer(work: () => Promise<void>): void {
    if (this.#deferred.size >= mostDeferred) return;
    // A store that fails has more to tell than this.
    const deferred = work()
      .catch(() => {})
      .finally(() => this.#deferred.delete(deferred));
    this.#deferred.add(deferred);
  }

  /** Resolves when everything is written down that was deferred before. */
  async deferred(): Promise<void> {
    await Promise.all(this.#deferred);
  }

  /** Writes what waits to be written: the server ends. */
  flush(): void {
    this.#options.spool.append(...this.#takeOutcomes());
  }

  #takeOutcomes(): readonly string[] {
    const taken = this.#outcomes;
    this.#outcomes = [];
    return taken;
  }

  async runOnce(signal: AbortSignal): Promise<WorkerReport> {
    const { spool, objects } = this.#options;
    await this.deferred();
    await this.#seal();
    const writers = new Set(
      (await objects.writers.list()).map(({ writerId }) => writerId as string),
    );
    const done = { segments: 0, objects: 0, records: 0, refused: 0 };
    for (const segment of await spool.list((owner) => writers.has(owner))) {
      if (signal.aborted) break;
      await this.#deliver(segment, done, signal);
      await spool.remove(segment);
      done.segments += 1;
    }
    return { fields: done };
  }

  /** Entries whose answers are still leaving go on in the new segment: their outcome will be there. */
  #seal(): Promise<unknown> {
    const { spool } = this.#options;
    this.flush();
    if (spool.openBytes === 0) return this.#sealing;
    const open = [...this.#open.values()];
    const moved = open.map(({ requestId }): MovedEntry => ({ requestId, isMoved: true }));
    const sealed = spool.seal(open.map(toLine), moved.map(toLine));
    this.#sealing = Promise.all([this.#sealing, sealed]);
    return this.#sealing;
  }

  async #deliver(
    segment: SpoolSegment,
    done: { objects: number; records: number; refused: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { spool, region } = this.#options;
    const lines = await spool.read(segment);
    for (const object of composeLogObjects(segment.id, lines, { region })) {
      const records = object.text.split("\n").length - 1;
      if (await this.#put(object, signal)) {
        done.objects += 1;
        done.records += records;
      } else done.refused += records;
    }
  }

  /** `false`: refused. Throws what may be better the next time. */
  async #put(object: LogObject, signal: AbortSignal): Promise<boolean> {
    const { objects, deliverer, onRefused } = this.#options;
    const { target, key } = object;
    const body = Buffer.from(object.text, "utf8");
    try {
      if ((await objects.versions.findIfPresent(target.targetBucket, key)) !== undefined)
        return true;
      await deliverer.deliver({
        service: "logging.s3.amazonaws.com",
        bucketName: target.targetBucket,
        key,
        body: inOnePiece(body),
        lengthBytes: body.byteLength,
        contentType: "text/plain",
        sourceBucket: object.sourceBucket,
        sourceAccount: object.sourceAccount,
        ...(target.grants === undefined ? {} : { grants: target.grants }),
        signal,
      });
      return true;
    } catch (error) {
      if (!(error instanceof S3Error) || error.status >= 500) throw error;
      onRefused(target.targetBucket, error);
      return false;
    }
  }
}

function toLine(value: AccessEntry | MovedEntry): string {
  return JSON.stringify(value);
}

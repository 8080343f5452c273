// Hands bodies to the digest thread: one thread for the process, started by the first long body, each
// body on a lane of its own. MD5 alone takes 1.3 ms for a MiB, more than all else that an upload costs.

import { Worker } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { checksumLengthBytes } from "./checksum.ts";
import type { ChecksumAlgorithm } from "./checksum.ts";
import {
  Bell,
  createDigestMemory,
  laneCount,
  LaneMemory,
  slotBytes,
  slotsPerLane,
} from "./digest-memory.ts";
import type { Digester, Digests } from "./digester.ts";

let thread: DigestThread | undefined;

/** `undefined` while the thread starts and while all lanes are taken: then digest the body elsewhere. */
export function openLane(algorithms: ReadonlySet<ChecksumAlgorithm>): Digester | undefined {
  if (thread === undefined || thread.hasFailed) thread = new DigestThread();
  return thread.open(algorithms);
}

/** Keeps the process alive only while it has work; ends with the process. */
export class DigestThread {
  readonly #worker: Worker;
  readonly #lanes: readonly LaneMemory[];
  readonly #freeLanes: LaneMemory[];
  readonly bell: Bell;
  #isReady = false;
  hasFailed = false;

  constructor(script: URL = threadUrl()) {
    const memory = createDigestMemory();
    this.bell = new Bell(memory);
    this.#lanes = Array.from({ length: laneCount }, (_, lane) => new LaneMemory(memory, lane));
    this.#freeLanes = this.#lanes.toReversed();
    this.#worker = new Worker(script, { workerData: memory });
    this.#worker.on("message", () => {
      this.#isReady = true;
    });
    const fail = (): void => {
      this.hasFailed = true;
      for (const lane of this.#lanes) lane.wake();
    };
    this.#worker.on("error", fail);
    this.#worker.on("exit", fail);
    this.#worker.unref();
  }

  open(algorithms: ReadonlySet<ChecksumAlgorithm>): Digester | undefined {
    const lane = this.#isReady && !this.hasFailed ? this.#freeLanes.pop() : undefined;
    if (lane === undefined) return undefined;
    if (this.#freeLanes.length === laneCount - 1) this.#worker.ref();
    return new LaneDigester(this, lane, algorithms);
  }

  giveLane(lane: LaneMemory): void {
    this.#freeLanes.push(lane);
    if (this.#freeLanes.length === laneCount) this.#worker.unref();
  }
}

/** The source runs as it is, or compiled. */
function threadUrl(): URL {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
  return new URL(`./digest-thread${extension}`, import.meta.url);
}

class LaneDigester implements Digester {
  readonly #thread: DigestThread;
  readonly #algorithms: ReadonlySet<ChecksumAlgorithm>;
  #lane: LaneMemory | undefined;
  #filledBytes = 0;
  #isBegun = false;

  constructor(thread: DigestThread, lane: LaneMemory, algorithms: ReadonlySet<ChecksumAlgorithm>) {
    this.#thread = thread;
    this.#lane = lane;
    this.#algorithms = algorithms;
  }

  update(bytes: Uint8Array): Promise<void> | undefined {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const taken = this.#copy(buffer, 0);
    return taken === buffer.byteLength ? undefined : this.#copyRest(buffer, taken);
  }

  async finish(): Promise<Digests> {
    const lane = this.#openLane();
    await this.#drainTo(lane, slotsPerLane - 1);
    this.#publish(lane, true);
    await this.#drainTo(lane, 0);
    const digests = new Map<ChecksumAlgorithm, Uint8Array>();
    for (const algorithm of this.#algorithms) {
      digests.set(algorithm, lane.result(algorithm, checksumLengthBytes[algorithm]));
    }
    return digests;
  }

  /** Slots that are still pending are digested for nobody: the lane's next user begins anew. */
  release(): void {
    if (this.#lane !== undefined) this.#thread.giveLane(this.#lane);
    this.#lane = undefined;
  }

  #openLane(): LaneMemory {
    assert(this.#lane !== undefined, "a digester is used after its release");
    return this.#lane;
  }

  /** Returns where it stopped because every slot is full. */
  #copy(bytes: Buffer, start: number): number {
    const lane = this.#openLane();
    let offset = start;
    while (offset < bytes.byteLength && lane.pendingSlots < slotsPerLane) {
      const end = Math.min(bytes.byteLength, offset + slotBytes - this.#filledBytes);
      lane.fill(bytes, offset, end, this.#filledBytes);
      this.#filledBytes += end - offset;
      offset = end;
      if (this.#filledBytes === slotBytes) this.#publish(lane, false);
    }
    return offset;
  }

  async #copyRest(bytes: Buffer, start: number): Promise<void> {
    let offset = start;
    while (offset < bytes.byteLength) {
      await this.#drainTo(this.#openLane(), slotsPerLane - 1);
      offset = this.#copy(bytes, offset);
    }
  }

  #publish(lane: LaneMemory, ends: boolean): void {
    lane.publish(this.#filledBytes, { begins: this.#isBegun ? undefined : this.#algorithms, ends });
    this.#thread.bell.ring();
    this.#filledBytes = 0;
    this.#isBegun = true;
  }

  async #drainTo(lane: LaneMemory, limit: number): Promise<void> {
    while (lane.pendingSlots > limit) {
      if (this.#thread.hasFailed) throw new Error("the digest thread has failed");
      await lane.change();
    }
  }
}

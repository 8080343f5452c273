// The memory that the event loop and the digest thread share: lanes, each a ring of slots that the event
// loop fills with one body's bytes and the thread empties. Every number that both look at is an atomic.

import type { ChecksumAlgorithm } from "./checksum.ts";

/** Bodies that are digested on the thread at one time; any more are digested on the event loop. */
export const laneCount = 32;
/** A power of two, since counts of slots wrap around. */
export const slotsPerLane = 8;
export const slotBytes = 64 * 1024;
/** Who waits for a full lane is woken when so many slots are left, not for each: waking costs more. */
const refillSlots = slotsPerLane / 4;

/** Bit `n` of a demand stands for the algorithm at place `n`. */
const algorithmsByBit: readonly ChecksumAlgorithm[] = [
  "MD5",
  "SHA256",
  "CRC32",
  "CRC32C",
  "CRC64NVME",
  "SHA1",
  "SHA512",
  "XXHASH64",
  "XXHASH3",
  "XXHASH128",
];
const resultBytes = 64;
const resultsPerLane = algorithmsByBit.length;

/** What a slot is besides bytes of a body. */
export interface SlotMeaning {
  /** A body begins, of which these digests are wanted. */
  readonly begins?: Iterable<ChecksumAlgorithm> | undefined;
  /** It ends. */
  readonly ends?: boolean;
}

// Per lane: slots filled, slots emptied, and for each slot its length and its meaning as bits.
const filledPlace = 0;
const emptiedPlace = 1;
const lengthPlace = 2;
const meaningPlace = lengthPlace + slotsPerLane;
const beginsBit = 1;
const endsBit = 2;
const firstDemandBit = 2;
/** Room for all of these, in whole lines of the processor's cache. */
const laneControls = 32;

const controlBytes = (laneCount + 1) * laneControls * Int32Array.BYTES_PER_ELEMENT;
const laneResultBytes = resultsPerLane * resultBytes;
const laneSlotBytes = slotsPerLane * slotBytes;
const slotsOffset = controlBytes + laneCount * laneResultBytes;

/** Pages are taken from the system when they are first used. */
export function createDigestMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(slotsOffset + laneCount * laneSlotBytes);
}

/** Changes whenever a slot was filled: what the thread sleeps on. */
export class Bell {
  readonly #control: Int32Array<SharedArrayBuffer>;

  constructor(memory: SharedArrayBuffer) {
    this.#control = new Int32Array(memory, 0, 1);
  }

  get rings(): number {
    return Atomics.load(this.#control, 0);
  }

  ring(): void {
    Atomics.add(this.#control, 0, 1);
    Atomics.notify(this.#control, 0);
  }

  /** Blocks until it rings for the next time after `rings` was read. */
  wait(rings: number): void {
    Atomics.wait(this.#control, 0, rings);
  }
}

/** One lane, as both sides see it. Counts of slots wrap around together. */
export class LaneMemory {
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #slots: readonly Buffer[];
  readonly #results: Uint8Array;

  constructor(memory: SharedArrayBuffer, lane: number) {
    const control = (lane + 1) * laneControls * Int32Array.BYTES_PER_ELEMENT;
    this.#control = new Int32Array(memory, control, laneControls);
    this.#results = new Uint8Array(memory, controlBytes + lane * laneResultBytes, laneResultBytes);
    const start = slotsOffset + lane * laneSlotBytes;
    this.#slots = Array.from({ length: slotsPerLane }, (_, slot) =>
      Buffer.from(memory, start + slot * slotBytes, slotBytes),
    );
  }

  /** Slots that the thread has not emptied yet. */
  get pendingSlots(): number {
    return (this.#filled - Atomics.load(this.#control, emptiedPlace)) | 0;
  }

  get #filled(): number {
    return Atomics.load(this.#control, filledPlace);
  }

  // The event loop's side.

  /** Puts bytes into the slot that is filled next; only while fewer than all slots are pending. */
  fill(bytes: Buffer, start: number, end: number, place: number): void {
    const slot = this.#slots[this.#filled & (slotsPerLane - 1)] as Buffer;
    // In two parts, because a whole buffer goes through `set`, which copies shared memory three times
    // slower; nobody looks at the slot before it is published.
    const middle = (start + end) >> 1;
    bytes.copy(slot, place, start, middle);
    bytes.copy(slot, place + middle - start, middle, end);
  }

  publish(lengthBytes: number, { begins, ends = false }: SlotMeaning): void {
    let bits = ends ? endsBit : 0;
    if (begins !== undefined) {
      bits |= beginsBit;
      for (const algorithm of begins) bits |= demandBit(algorithmsByBit.indexOf(algorithm));
    }
    const slot = this.#filled & (slotsPerLane - 1);
    Atomics.store(this.#control, lengthPlace + slot, lengthBytes);
    Atomics.store(this.#control, meaningPlace + slot, bits);
    Atomics.add(this.#control, filledPlace, 1);
  }

  /** Resolves when the thread has emptied slots and few are left, or after `wake`. */
  async change(): Promise<void> {
    const emptied = Atomics.load(this.#control, emptiedPlace);
    if (this.#filled === emptied) return;
    const wait = Atomics.waitAsync(this.#control, emptiedPlace, emptied);
    if (wait.async) await wait.value;
  }

  wake(): void {
    Atomics.notify(this.#control, emptiedPlace);
  }

  /** A copy of what the thread computed. */
  result(algorithm: ChecksumAlgorithm, lengthBytes: number): Uint8Array {
    const start = algorithmsByBit.indexOf(algorithm) * resultBytes;
    return this.#results.slice(start, start + lengthBytes);
  }

  // The thread's side.

  /** The slot to empty next; only while any is pending. */
  get nextSlot(): { readonly bytes: Uint8Array } & SlotMeaning {
    const slot = Atomics.load(this.#control, emptiedPlace) & (slotsPerLane - 1);
    const length = Atomics.load(this.#control, lengthPlace + slot);
    const bytes = (this.#slots[slot] as Buffer).subarray(0, length);
    const bits = Atomics.load(this.#control, meaningPlace + slot);
    const demanded = algorithmsByBit.filter((_, place) => (bits & demandBit(place)) !== 0);
    const begins = (bits & beginsBit) === 0 ? undefined : demanded;
    return { bytes, begins, ends: (bits & endsBit) !== 0 };
  }

  setResult(algorithm: ChecksumAlgorithm, value: Uint8Array): void {
    this.#results.set(value, algorithmsByBit.indexOf(algorithm) * resultBytes);
  }

  emptied(): void {
    Atomics.add(this.#control, emptiedPlace, 1);
    if (this.pendingSlots <= refillSlots) Atomics.notify(this.#control, emptiedPlace);
  }
}

function demandBit(place: number): number {
  return 1 << (firstDemandBit + place);
}

// Balances what exists against what is named, for millions of identifiers in bounded memory: a hash
// table of 20 bytes a slot instead of the identifiers. What does not balance is looked at again by
// name, so two identifiers with the same 64 bits of hash can cause work, never a false finding.
//
// When the table is full at its largest, it forgets half of the identifiers (by a bit of their hash)
// and goes on with the rest; the forgotten half takes a pass over the store of its own. So a store of
// any size is checked in passes of some three million identifiers, with about 84 MB.

export interface TallyOptions {
  /** A power of two. */
  readonly largestSlotCount?: number;
}

/** One share of all identifiers: those whose hash leaves `index` when divided by `count`. */
export interface TallyShare {
  readonly index: number;
  readonly count: number;
}

export interface Imbalance {
  readonly hash: string;
  /** How many names more than things. */
  readonly balance: number;
}

const defaultLargestSlotCount = 2 ** 22;
const smallestSlotCount = 2 ** 12;
const largestLoad = 0.75;

export class ReferenceTally {
  readonly #largestSlotCount: number;
  /** Shares that were forgotten and need a pass of their own. */
  readonly forgotten: TallyShare[] = [];
  #share: TallyShare;
  #mask = 0;
  #used = 0;
  #high = new Uint32Array(0);
  #low = new Uint32Array(0);
  #balance = new Int32Array(0);
  #end = new Float64Array(0);

  constructor(share: TallyShare, options: TallyOptions = {}) {
    this.#share = share;
    this.#largestSlotCount = options.largestSlotCount ?? defaultLargestSlotCount;
    this.#allocate(Math.min(smallestSlotCount, this.#largestSlotCount));
  }

  get share(): TallyShare {
    return this.#share;
  }

  /** Whether the identifier belongs to this pass. */
  covers(identifier: string): boolean {
    return this.#isShared(hashOf(identifier).low);
  }

  /** `end`: the position in the identified bytes up to which a record names them. */
  add(identifier: string, delta: number, end: number): void {
    const { high, low } = hashOf(identifier);
    if (!this.#isShared(low)) return;
    const slot = this.#slotOf(high, low);
    if (this.#high[slot] === 0 && this.#low[slot] === 0) {
      this.#high[slot] = high;
      this.#low[slot] = low;
      this.#used += 1;
    }
    this.#balance[slot] = (this.#balance[slot] ?? 0) + delta;
    this.#end[slot] = Math.max(this.#end[slot] ?? 0, end);
    if (this.#used > (this.#mask + 1) * largestLoad) this.#makeRoom();
  }

  /** The greatest `end` that was added; 0 for what was never named. */
  endOf(identifier: string): number {
    const { high, low } = hashOf(identifier);
    return this.#end[this.#slotOf(high, low)] ?? 0;
  }

  *imbalances(): Generator<Imbalance, undefined> {
    for (let slot = 0; slot <= this.#mask; slot += 1) {
      const balance = this.#balance[slot] ?? 0;
      if (balance === 0) continue;
      yield { hash: nameOfHash(this.#high[slot] ?? 0, this.#low[slot] ?? 0), balance };
    }
    return undefined;
  }

  #isShared(low: number): boolean {
    return low % this.#share.count === this.#share.index;
  }

  #slotOf(high: number, low: number): number {
    // The low bits decide the share, so the high ones choose the slot.
    let slot = high & this.#mask;
    for (;;) {
      const isFree = this.#high[slot] === 0 && this.#low[slot] === 0;
      if (isFree || (this.#high[slot] === high && this.#low[slot] === low)) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }

  #makeRoom(): void {
    const slotCount = this.#mask + 1;
    if (slotCount < this.#largestSlotCount) {
      this.#rebuild(slotCount * 2);
      return;
    }
    const { index, count } = this.#share;
    this.forgotten.push({ index: index + count, count: count * 2 });
    this.#share = { index, count: count * 2 };
    this.#rebuild(slotCount);
  }

  #rebuild(slotCount: number): void {
    const high = this.#high;
    const low = this.#low;
    const balance = this.#balance;
    const end = this.#end;
    this.#allocate(slotCount);
    for (let old = 0; old < high.length; old += 1) {
      const oldHigh = high[old] ?? 0;
      const oldLow = low[old] ?? 0;
      if ((oldHigh === 0 && oldLow === 0) || !this.#isShared(oldLow)) continue;
      const slot = this.#slotOf(oldHigh, oldLow);
      this.#high[slot] = oldHigh;
      this.#low[slot] = oldLow;
      this.#balance[slot] = balance[old] ?? 0;
      this.#end[slot] = end[old] ?? 0;
      this.#used += 1;
    }
  }

  #allocate(slotCount: number): void {
    this.#mask = slotCount - 1;
    this.#used = 0;
    this.#high = new Uint32Array(slotCount);
    this.#low = new Uint32Array(slotCount);
    this.#balance = new Int32Array(slotCount);
    this.#end = new Float64Array(slotCount);
  }
}

export function hashNameOf(identifier: string): string {
  const { high, low } = hashOf(identifier);
  return nameOfHash(high, low);
}

function nameOfHash(high: number, low: number): string {
  return `${high.toString(16)}-${low.toString(16)}`;
}

/** Two mixed multiplicative hashes (after cyrb53); never both zero, which marks a free slot. */
function hashOf(identifier: string): { readonly high: number; readonly low: number } {
  let first = 0xdeadbeef;
  let second = 0x41c6ce57;
  for (let at = 0; at < identifier.length; at += 1) {
    const code = identifier.charCodeAt(at);
    first = Math.imul(first ^ code, 0x9e3779b1);
    second = Math.imul(second ^ code, 0x5f356495);
  }
  first =
    Math.imul(first ^ (first >>> 16), 0x85ebca6b) ^ Math.imul(second ^ (second >>> 13), 0xc2b2ae35);
  second =
    Math.imul(second ^ (second >>> 16), 0x85ebca6b) ^ Math.imul(first ^ (first >>> 13), 0xc2b2ae35);
  return { high: first >>> 0 || 1, low: second >>> 0 };
}

// An ordered map from byte keys to values: sorted blocks in a sorted list. Insertion moves at most
// one block's entries and, rarely, the list of blocks, so it stays fast at millions of keys.
import { compareBytes } from "../../base/bytes.ts";

const largestBlock = 512;
const smallestBlock = 64;

interface Block<Value> {
  readonly keys: Uint8Array[];
  readonly values: Value[];
}

interface Position {
  readonly block: number;
  /** Index of the first key that is not smaller than the one looked for. */
  readonly index: number;
  readonly found: boolean;
}

export class SortedMap<Value> {
  /** No block is empty; every key of a block is smaller than every key of the next. */
  readonly #blocks: Block<Value>[] = [];

  get(key: Uint8Array): Value | undefined {
    const { block, index, found } = this.#locate(key);
    return found ? this.#blocks[block]?.values[index] : undefined;
  }

  /** Keeps `key` itself: the caller hands over an array that nobody changes. */
  set(key: Uint8Array, value: Value): void {
    const position = this.#locate(key);
    const block = this.#blocks[position.block];
    if (block === undefined) {
      this.#blocks.push({ keys: [key], values: [value] });
      return;
    }
    if (position.found) {
      block.values[position.index] = value;
      return;
    }
    block.keys.splice(position.index, 0, key);
    block.values.splice(position.index, 0, value);
    if (block.keys.length > largestBlock) this.#split(position.block);
  }

  delete(key: Uint8Array): void {
    const position = this.#locate(key);
    const block = this.#blocks[position.block];
    if (block === undefined || !position.found) return;
    block.keys.splice(position.index, 1);
    block.values.splice(position.index, 1);
    if (block.keys.length < smallestBlock) this.#mergeWithNext(position.block);
  }

  /** Up to `limit` entries with `start <= key < end`, in order. */
  scan(start: Uint8Array, end: Uint8Array, limit: number): [Uint8Array, Value][] {
    const result: [Uint8Array, Value][] = [];
    let { block, index } = this.#locate(start);
    while (result.length < limit) {
      const current = this.#blocks[block];
      if (current === undefined) break;
      const key = current.keys[index];
      if (key === undefined) {
        block++;
        index = 0;
        continue;
      }
      if (compareBytes(key, end) >= 0) break;
      result.push([key, current.values[index] as Value]);
      index++;
    }
    return result;
  }

  /** Up to `limit` entries with `start <= key < end`, the last one first. */
  scanReverse(start: Uint8Array, end: Uint8Array, limit: number): [Uint8Array, Value][] {
    const result: [Uint8Array, Value][] = [];
    let { block, index } = this.#locate(end);
    while (result.length < limit) {
      index--;
      if (index < 0) {
        block--;
        const previous = this.#blocks[block];
        if (previous === undefined) break;
        index = previous.keys.length;
        continue;
      }
      const current = this.#blocks[block];
      const key = current?.keys[index];
      if (current === undefined || key === undefined || compareBytes(key, start) < 0) break;
      result.push([key, current.values[index] as Value]);
    }
    return result;
  }

  #locate(key: Uint8Array): Position {
    const blocks = this.#blocks;
    // The last block whose first key is not greater; the first block takes what sorts before it.
    let low = 0;
    let high = blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const first = blocks[middle]?.keys[0] as Uint8Array;
      if (compareBytes(first, key) <= 0) low = middle;
      else high = middle - 1;
    }
    const keys = blocks[low]?.keys ?? [];
    let from = 0;
    let to = keys.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      const order = compareBytes(keys[middle] as Uint8Array, key);
      if (order === 0) return { block: low, index: middle, found: true };
      if (order < 0) from = middle + 1;
      else to = middle;
    }
    return { block: low, index: from, found: false };
  }

  #split(position: number): void {
    const block = this.#blocks[position] as Block<Value>;
    const middle = block.keys.length >> 1;
    const upper = { keys: block.keys.splice(middle), values: block.values.splice(middle) };
    this.#blocks.splice(position + 1, 0, upper);
  }

  #mergeWithNext(position: number): void {
    const block = this.#blocks[position] as Block<Value>;
    const next = this.#blocks[position + 1];
    if (block.keys.length === 0) {
      this.#blocks.splice(position, 1);
    } else if (next !== undefined && block.keys.length + next.keys.length <= largestBlock / 2) {
      block.keys.push(...next.keys);
      block.values.push(...next.values);
      this.#blocks.splice(position + 1, 1);
    }
  }
}

// The text of an object as blocks of bytes: decompressed, known to be UTF-8, without the mark at its
// beginning, and counted.

import { decompress } from "./decompress.ts";
import type { Compression, ObjectBytes, ScanRange } from "./select-request.ts";
import { Utf8Check } from "./utf8-check.ts";

export interface ByteCounts {
  /** Of the object. */
  scannedBytes: number;
  /** Decompressed. */
  processedBytes: number;
}

export interface TextOptions {
  readonly object: ObjectBytes;
  /** Only of an object that is not compressed it begins at another byte than 0. */
  readonly range: ScanRange | undefined;
  /** Ends a record: the first one of a range begins behind it. */
  readonly recordDelimiter: Buffer;
  readonly compression: Compression;
  readonly counts: ByteCounts;
}

export interface OpenedText {
  /** Each block is good until the next one is asked for. */
  readonly blocks: AsyncGenerator<Uint8Array>;
  /** Where the first of them begins in the object. */
  readonly offset: number;
  /** Also for blocks of which none was read. */
  readonly close: () => Promise<void>;
}

export async function openText(options: TextOptions): Promise<OpenedText> {
  const { object, range, recordDelimiter, compression, counts } = options;
  const rangeStart = range?.start ?? 0;
  const start = Math.max(0, rangeStart - recordDelimiter.length);
  const bytes = (await object.open(start, object.sizeBytes))[Symbol.asyncIterator]();
  const blocks = checked(decompress(compression, counted(bytes, counts)), start > 0, counts);
  const close = async () => {
    await blocks.return(undefined);
    await bytes.return?.();
  };
  if (rangeStart === 0) return { blocks, offset: 0, close };
  try {
    const [skipped, rest] = await skipPast(blocks, recordDelimiter);
    return { blocks: rest, offset: start + skipped, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const blockBytes = 256 * 1024;

async function* counted(
  bytes: AsyncIterator<Uint8Array>,
  counts: ByteCounts,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of { [Symbol.asyncIterator]: () => bytes }) {
    // What is done with a block at once must not take long.
    for (let start = 0; start < chunk.length; start += blockBytes) {
      const block = chunk.subarray(start, start + blockBytes);
      counts.scannedBytes += block.length;
      yield block;
    }
  }
}

const byteOrderMark = Buffer.from("\uFEFF");

async function* checked(
  blocks: AsyncIterable<Uint8Array>,
  beginsAnywhere: boolean,
  counts: ByteCounts,
): AsyncGenerator<Uint8Array> {
  const check = new Utf8Check(beginsAnywhere);
  // The first bytes, until there are enough to know whether they are the mark.
  let head: Buffer | undefined = beginsAnywhere ? undefined : Buffer.alloc(0);
  for await (const block of blocks) {
    counts.processedBytes += block.length;
    check.push(block);
    if (head === undefined) {
      yield block;
      continue;
    }
    head = Buffer.concat([head, block]);
    if (head.length < byteOrderMark.length) continue;
    const hasMark = head.subarray(0, byteOrderMark.length).equals(byteOrderMark);
    yield hasMark ? head.subarray(byteOrderMark.length) : head;
    head = undefined;
  }
  check.finish();
  if (head !== undefined && head.length > 0) yield head;
}

/** What is behind the first delimiter, and how many bytes were before it. */
async function skipPast(
  blocks: AsyncGenerator<Uint8Array>,
  delimiter: Buffer,
): Promise<readonly [number, AsyncGenerator<Uint8Array>]> {
  let skipped = 0;
  let rest = Buffer.alloc(0);
  for (;;) {
    const { done, value } = await blocks.next();
    if (done === true) return [skipped + rest.length, blocks];
    rest = Buffer.concat([rest, value]);
    const found = rest.indexOf(delimiter);
    if (found >= 0) {
      const end = found + delimiter.length;
      return [skipped + end, resumed(rest.subarray(end), blocks)];
    }
    // The last bytes may be the beginning of the delimiter.
    const passed = Math.max(0, rest.length - delimiter.length + 1);
    skipped += passed;
    rest = rest.subarray(passed);
  }
}

async function* resumed(
  first: Uint8Array,
  blocks: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    if (first.length > 0) yield first;
    yield* blocks;
  } finally {
    await blocks.return(undefined);
  }
}

// ORC's run-length encodings, version 1: of integers, of bytes, and of bits. (ORC Specification v1,
// "Run Length Encoding".)

const shortestRun = 3;
const longestRun = 130;
const longestLiterals = 128;
/** Of a number below 2⁵³ that is zigzagged. */
const largestVarintBytes = 8;

/** Integers that are never negative: lengths. */
export function encodeUnsigned(values: ArrayLike<number>): Buffer {
  return encodeIntegers(values, (value) => value);
}

export function encodeSigned(values: ArrayLike<number>): Buffer {
  // Zigzag; by multiplication, because shifts end at 32 bits.
  return encodeIntegers(values, (value) => (value < 0 ? -2 * value - 1 : 2 * value));
}

/** Bits that are 1 or 0, the first of eight in the highest place. */
export function encodeBits(values: ArrayLike<number>): Buffer {
  const bytes = new Uint8Array(Math.ceil(values.length / 8));
  for (let index = 0; index < values.length; index += 1) {
    if (values[index] === 1)
      bytes[index >> 3] = (bytes[index >> 3] as number) | (0x80 >> (index & 7));
  }
  return encodeBytes(bytes);
}

/** A run has a length, a difference of one signed byte, and a first value. */
function encodeIntegers(values: ArrayLike<number>, unsigned: (value: number) => number): Buffer {
  // At most a byte in front of every value.
  const bytes = Buffer.allocUnsafe(values.length * (largestVarintBytes + 1));
  let end = 0;
  const append = (value: number): void => {
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes[end++] = (rest % 128) + 128;
    bytes[end++] = rest;
  };
  forEachRun(values.length, (start) => runOfIntegers(values, start), {
    run: (start, length) => {
      const first = values[start] as number;
      bytes[end++] = length - shortestRun;
      bytes[end++] = ((values[start + 1] as number) - first) & 0xff;
      append(unsigned(first));
    },
    literals: (start, length) => {
      bytes[end++] = 256 - length;
      for (let at = start; at < start + length; at += 1) append(unsigned(values[at] as number));
    },
  });
  return bytes.subarray(0, end);
}

function encodeBytes(values: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 2);
  let end = 0;
  forEachRun(values.length, (start) => runOfBytes(values, start), {
    run: (start, length) => {
      bytes[end++] = length - shortestRun;
      bytes[end++] = values[start] as number;
    },
    literals: (start, length) => {
      bytes[end++] = 256 - length;
      bytes.set(values.subarray(start, start + length), end);
      end += length;
    },
  });
  return bytes.subarray(0, end);
}

function runOfIntegers(values: ArrayLike<number>, start: number): number {
  const difference = (values[start + 1] as number) - (values[start] as number);
  if (!(difference >= -128 && difference <= 127)) return 1;
  let end = start + 1;
  while (end < values.length && end - start < longestRun) {
    if ((values[end] as number) - (values[end - 1] as number) !== difference) break;
    end += 1;
  }
  return end - start;
}

function runOfBytes(values: Uint8Array, start: number): number {
  let end = start + 1;
  while (end < values.length && end - start < longestRun && values[end] === values[start]) end += 1;
  return end - start;
}

/** Takes values apart into runs that are worth it and literals between them. */
function forEachRun(
  count: number,
  runAt: (start: number) => number,
  on: {
    readonly run: (start: number, length: number) => void;
    readonly literals: (start: number, length: number) => void;
  },
): void {
  let literals = 0;
  let at = 0;
  const flush = (): void => {
    if (literals > 0) on.literals(at - literals, literals);
    literals = 0;
  };
  while (at < count) {
    const length = runAt(at);
    if (length >= shortestRun) {
      flush();
      on.run(at, length);
      at += length;
      continue;
    }
    at += 1;
    literals += 1;
    if (literals === longestLiterals) flush();
  }
  flush();
}

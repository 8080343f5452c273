// A column's values of one stripe as the streams that ORC keeps for them. (ORC Specification v1, "Column
// Encodings", all direct.)

import type { ColumnValues } from "../column-batch.ts";
import { encodeBits, encodeSigned, encodeUnsigned } from "./run-lengths.ts";

/** Numbers as the format has them. */
const streamKinds = { present: 0, data: 1, length: 2, secondary: 5 } as const;

export interface ColumnStream {
  readonly kind: number;
  readonly bytes: Buffer;
}

/** Timestamps count seconds from here. */
const epochSeconds = Date.UTC(2015, 0, 1) / 1000;

/** Values that are absent have a bit in a stream of their own, and no place in the others. */
export function encodeColumn(values: ColumnValues): readonly ColumnStream[] {
  const streams = encodePresent(values);
  if (values.count === values.present.length) return streams;
  return [{ kind: streamKinds.present, bytes: encodeBits(values.present) }, ...streams];
}

function encodePresent(values: ColumnValues): readonly ColumnStream[] {
  const { numbers } = values;
  switch (values.kind) {
    case "string":
      return [
        { kind: streamKinds.data, bytes: values.text },
        { kind: streamKinds.length, bytes: encodeUnsigned(values.lengths) },
      ];
    case "boolean":
      return [{ kind: streamKinds.data, bytes: encodeBits(numbers) }];
    case "bigint":
      return [{ kind: streamKinds.data, bytes: encodeSigned(numbers) }];
    default:
      return [
        { kind: streamKinds.data, bytes: encodeSigned(numbers.map(secondsOf)) },
        { kind: streamKinds.secondary, bytes: encodeUnsigned(numbers.map(fractionOf)) },
      ];
  }
}

/** Readers take a second from a time before 1970 that has a fraction: so the first writer did it. */
function secondsOf(milliseconds: number): number {
  const seconds = Math.floor(milliseconds / 1000);
  const hasFraction = milliseconds % 1000 !== 0;
  return (seconds < 0 && hasFraction ? seconds + 1 : seconds) - epochSeconds;
}

/** Nanoseconds without their zeros at the end; how many these were, less one, in the last three bits. */
function fractionOf(milliseconds: number): number {
  let fraction = ((milliseconds % 1000) + 1000) % 1000;
  if (fraction === 0) return 0;
  let zeros = 6;
  while (fraction % 10 === 0) {
    fraction /= 10;
    zeros += 1;
  }
  return fraction * 8 + (zeros - 1);
}

// A column's values of one stripe as the streams that ORC keeps for them. (ORC Specification v1, "Column
// Encodings", all direct.)

import type { ColumnKind, ColumnValue } from "../report-columns.ts";
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
export function encodeColumn(
  kind: ColumnKind,
  values: readonly ColumnValue[],
): readonly ColumnStream[] {
  const present = values.filter((value) => value !== undefined);
  const streams = encodePresent(kind, present);
  if (present.length === values.length) return streams;
  const bits = encodeBits(values.map((value) => value !== undefined));
  return [{ kind: streamKinds.present, bytes: bits }, ...streams];
}

function encodePresent(
  kind: ColumnKind,
  values: readonly (string | boolean | number)[],
): readonly ColumnStream[] {
  switch (kind) {
    case "string": {
      const texts = values.map((value) => Buffer.from(String(value), "utf8"));
      const lengths = texts.map((text) => text.byteLength);
      return [
        { kind: streamKinds.data, bytes: Buffer.concat(texts) },
        { kind: streamKinds.length, bytes: encodeUnsigned(lengths) },
      ];
    }
    case "boolean":
      return [{ kind: streamKinds.data, bytes: encodeBits(values.map((value) => value === true)) }];
    case "bigint":
      return [{ kind: streamKinds.data, bytes: encodeSigned(values.map(Number)) }];
    default: {
      const times = values.map(Number);
      return [
        { kind: streamKinds.data, bytes: encodeSigned(times.map(secondsOf)) },
        { kind: streamKinds.secondary, bytes: encodeUnsigned(times.map(fractionOf)) },
      ];
    }
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

// The Range header as S3 takes it: one range of bytes; everything else is ignored, not refused.

import { S3Error } from "../model/errors.ts";

/** Bytes `start` to `end` (exclusive). */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const rangePattern = /^bytes\s*=\s*(\d*)\s*-\s*(\d*)$/i;

/**
 * The range that a request asks of `sizeBytes` bytes; `undefined`: the whole object, because the
 * header is none, has several ranges, another unit or no sense (RFC 9110 14.2; S3 serves one range).
 * Throws S3Error InvalidRange when no byte of the object lies in it.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  if (header === undefined) return undefined;
  const match = rangePattern.exec(header.trim());
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const suffix = Number(last);
    if (suffix === 0 || sizeBytes === 0) throw invalidRange(header, sizeBytes);
    return { start: Math.max(0, sizeBytes - suffix), end: sizeBytes };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= sizeBytes) throw invalidRange(header, sizeBytes);
  const end = last === "" ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  return { start, end };
}

/** `bytes 0-9/43`. */
export function formatContentRange(range: ByteRange, sizeBytes: number): string {
  return `bytes ${range.start}-${range.end - 1}/${sizeBytes}`;
}

function invalidRange(header: string, sizeBytes: number): S3Error {
  return new S3Error("InvalidRange", {
    fields: { RangeRequested: header, ActualObjectSize: sizeBytes },
    headers: { "content-range": `bytes */${sizeBytes}` },
  });
}

// How records become bytes: JSON with a version marker. Readable in a dump, cheap to parse, and each
// type upgrades its own older versions when it is read (`decode…` beside each type).

import { assert } from "../base/assert.ts";

interface Versioned {
  readonly v: number;
}

export function encodeRecord(record: Versioned): Uint8Array {
  return Buffer.from(JSON.stringify(record), "utf8");
}

/** Parses stored bytes. What was stored by a newer Holdfast is refused rather than misread. */
export function decodeRecord(value: Uint8Array, newestVersion: number): Versioned {
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const record = JSON.parse(buffer.toString("utf8")) as Versioned;
  assert(record.v >= 1 && record.v <= newestVersion, "record was written by a newer version");
  return record;
}

// The identifiers that Holdfast makes: what they contain, and how unguessable they are.

import { randomBytes } from "node:crypto";
import { S3Error } from "../model/errors.ts";

/** Lives as long as one bucket: a bucket that is made again under the same name gets a new one. */
export type BucketId = string & { readonly brand: "BucketId" };
/** Names inline bytes or a layout; grows with time, so that new ones are stored side by side. */
export type ContentId = string & { readonly brand: "ContentId" };
/** S3's version id: `null`, or 22 characters that hold the sequence and 72 random bits. */
export type VersionId = string & { readonly brand: "VersionId" };
/** S3's upload id: holds the time of initiation (listings are ordered by it) and 72 random bits. */
export type UploadId = string & { readonly brand: "UploadId" };

/**
 * The order of the versions of one key: microseconds since the epoch, raised where needed so that a
 * later version of a key always has a greater one, whatever the clock does.
 */
export type Sequence = number;

export const nullVersionId = "null" as VersionId;

const sequenceByteCount = 7;
const randomByteCount = 9;
const encodedLength = 22;
const encodedPattern = /^[A-Za-z0-9_-]{22}$/;

export function newBucketId(): BucketId {
  return randomBytes(9).toString("base64url") as BucketId;
}

/** A sequence for something that happens now, greater than `previous`. */
export function nextSequence(nowMilliseconds: number, previous: Sequence | undefined): Sequence {
  const now = nowMilliseconds * 1000 + subMillisecond();
  return previous !== undefined && previous >= now ? previous + 1 : now;
}

export function newContentId(nowMilliseconds: number): ContentId {
  return encodeTimed(nowMilliseconds * 1000 + subMillisecond()).toString("hex") as ContentId;
}

export function newVersionId(sequence: Sequence): VersionId {
  return encodeTimed(sequence).toString("base64url") as VersionId;
}

export function newUploadId(initiatedSequence: Sequence): UploadId {
  return encodeTimed(initiatedSequence).toString("base64url") as UploadId;
}

/** The sequence inside a version id. Throws S3Error InvalidArgument for what no server ever made. */
export function parseVersionId(text: string): Sequence {
  const sequence = decodeSequence(text);
  if (sequence === undefined) {
    const isEmpty = text === "";
    throw new S3Error("InvalidArgument", {
      message: isEmpty ? "Version id cannot be the empty string" : "Invalid version id specified",
      fields: { ArgumentName: "versionId", ArgumentValue: text },
    });
  }
  return sequence;
}

/** The moment of initiation inside an upload id; `undefined` for a text that is no upload id. */
export function sequenceOfUploadId(text: string): Sequence | undefined {
  return decodeSequence(text);
}

// The low digits of a sequence come from the process's own fine clock: enough to keep the order of
// what one process does within a millisecond, and harmless where it is wrong.
let lastSubMillisecond = 0;
function subMillisecond(): number {
  lastSubMillisecond = (lastSubMillisecond + 1) % 1000;
  return lastSubMillisecond;
}

// Random bytes are drawn in bulk: one call for each identifier is a system call's cost per request.
// (State of the module, but of no request: the bytes are random whoever takes them.)
const pool = { bytes: Buffer.alloc(0), position: 0 };
function encodeTimed(sequence: Sequence): Buffer {
  if (pool.position + randomByteCount > pool.bytes.byteLength) {
    pool.bytes = randomBytes(randomByteCount * 512);
    pool.position = 0;
  }
  const bytes = Buffer.allocUnsafe(sequenceByteCount + randomByteCount);
  bytes.writeUIntBE(Math.floor(sequence / 0x100), 0, 6);
  bytes.writeUInt8(sequence % 0x100, 6);
  pool.bytes.copy(bytes, sequenceByteCount, pool.position, pool.position + randomByteCount);
  pool.position += randomByteCount;
  return bytes;
}

function decodeSequence(text: string): Sequence | undefined {
  if (text.length !== encodedLength || !encodedPattern.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  if (bytes.byteLength !== sequenceByteCount + randomByteCount) return undefined;
  const sequence = bytes.readUIntBE(0, 6) * 0x100 + bytes.readUInt8(6);
  return Number.isSafeInteger(sequence) ? sequence : undefined;
}

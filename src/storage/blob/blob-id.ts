// Makes and checks blob ids. The sequence has a fixed width, so that the order of ids is the order in
// which one writer began its blobs, and so that an id alone says in which directory a file lies.

import type { BlobId, WriterId } from "./blob-store.ts";

/** Fills with unpredictable bytes; `node:crypto`'s `randomBytes` outside of tests. */
export type RandomBytes = (lengthBytes: number) => Uint8Array;

/** 2^40 blobs per opening of the store: a thousand a second for thirty years. */
const sequenceDigits = 10;
const largestSequence = 16 ** sequenceDigits - 1;
/** 80 bits: nobody who knows other ids guesses the next one. */
const randomLengthBytes = 10;
const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
const writerPattern = /^[a-z0-9]{1,64}$/;
const blobPattern = /^[a-z0-9]{1,64}-[0-9a-f]{10}-[a-z2-7]{16}$/;

export function makeWriterId(random: RandomBytes): WriterId {
  return encodeBase32(random(randomLengthBytes)) as WriterId;
}

export function isWriterId(text: string): text is WriterId {
  return writerPattern.test(text);
}

/** Whether `text` has the form of an id. Nothing else may ever become part of a path. */
export function isBlobId(text: string): text is BlobId {
  return blobPattern.test(text);
}

export function checkWriterId(text: string): void {
  if (!isWriterId(text)) throw new TypeError("a writer id is 1 to 64 characters of a-z and 0-9");
}

/** `<writer id>-<sequence in hexadecimal>-<random part>`. */
export function makeBlobId(writerId: WriterId, sequence: number, random: RandomBytes): BlobId {
  if (sequence > largestSequence) throw new RangeError("this writer has used up its sequence");
  const digits = sequence.toString(16).padStart(sequenceDigits, "0");
  return `${writerId}-${digits}-${encodeBase32(random(randomLengthBytes))}` as BlobId;
}

/** How many consecutive blobs of one writer share a directory: three hexadecimal digits. */
export const blobsPerDirectory = 4096;

/** The part of the sequence that names the directory: everything but its last three digits. */
export function directoryOfBlob(id: BlobId): string {
  const sequenceStart = id.indexOf("-") + 1;
  return id.slice(sequenceStart, sequenceStart + sequenceDigits - 3);
}

const directoryPattern = /^[0-9a-f]{7}$/;

export function isBlobDirectory(name: string): boolean {
  return directoryPattern.test(name);
}

function encodeBase32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let bitCount = 0;
  for (const byte of bytes) {
    bits = (bits << 8) | byte;
    bitCount += 8;
    while (bitCount >= 5) {
      bitCount -= 5;
      text += alphabet[(bits >>> bitCount) & 31];
    }
    bits &= (1 << bitCount) - 1;
  }
  return text;
}

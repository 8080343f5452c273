// Whether a stream is UTF-8, block by block: a character may be cut in two.

import { isUtf8 } from "node:buffer";
import { S3Error } from "../model/errors.ts";

export class Utf8Check {
  /** The bytes of a character that the last block has begun. */
  #begun: Buffer = Buffer.alloc(0);
  #isFirst: boolean;

  /** Of a stream that begins anywhere, what may be the end of a character is passed over. */
  constructor(beginsAnywhere = false) {
    this.#isFirst = beginsAnywhere;
  }

  /** Throws S3Error InvalidTextEncoding. */
  push(block: Uint8Array): void {
    let start = 0;
    if (this.#isFirst) {
      this.#isFirst = false;
      while (start < 3 && isContinuation(block[start])) start += 1;
    }
    if (this.#begun.length > 0) {
      while (start < block.length && isContinuation(block[start])) start += 1;
      this.#begun = Buffer.concat([this.#begun, block.subarray(0, start)]);
      if (start === block.length && begunBytes(this.#begun) > 0) return;
      check(this.#begun);
      this.#begun = Buffer.alloc(0);
    }
    const begun = begunBytes(block.subarray(start));
    check(block.subarray(start, block.length - begun));
    this.#begun = Buffer.from(block.subarray(block.length - begun));
  }

  finish(): void {
    if (this.#begun.length > 0) throw new S3Error("InvalidTextEncoding");
  }
}

function check(block: Uint8Array): void {
  if (!isUtf8(block)) throw new S3Error("InvalidTextEncoding");
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** How many bytes at the end are a character of which some are lacking. */
function begunBytes(block: Uint8Array): number {
  for (let length = 1; length <= 3 && length <= block.length; length += 1) {
    const byte = block[block.length - length] as number;
    if (isContinuation(byte)) continue;
    let whole = 1;
    if (byte >= 0xf0) whole = 4;
    else if (byte >= 0xe0) whole = 3;
    else if (byte >= 0xc0) whole = 2;
    return whole > length ? length : 0;
  }
  return 0;
}

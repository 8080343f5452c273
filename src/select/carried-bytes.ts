// What one block leaves over and the next one continues, in memory that is used again and again.

import { S3Error } from "../model/errors.ts";
import { selectRecordBytes } from "../model/limits.ts";

export class CarriedBytes {
  #own = Buffer.allocUnsafe(0);

  /**
   * Copies the rest of a block, so that the block's memory is free. The rest may be an answer of this.
   * Throws S3Error OverMaxRecordSize: it is the beginning of a record.
   */
  keep(rest: Buffer): Buffer {
    if (rest.length > selectRecordBytes) throw new S3Error("OverMaxRecordSize");
    this.#grow(rest.length);
    rest.copy(this.#own, 0);
    return this.#own.subarray(0, rest.length);
  }

  /** The rest with the next block behind it; good until the next call. Nothing is copied without a rest. */
  join(rest: Buffer, block: Buffer): Buffer {
    if (rest.length === 0) return block;
    const length = rest.length + block.length;
    this.#grow(length);
    rest.copy(this.#own, 0);
    block.copy(this.#own, rest.length);
    return this.#own.subarray(0, length);
  }

  #grow(length: number): void {
    if (length > this.#own.length)
      this.#own = Buffer.allocUnsafe(Math.max(length, 2 * this.#own.length));
  }
}

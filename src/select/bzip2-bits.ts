// The bits of a stream, the highest of a byte first. Reads never wait: whoever reads has filled up before.

import { S3Error } from "../model/errors.ts";

export class Bzip2Bits {
  readonly #bytes: AsyncIterator<Uint8Array>;
  #buffer = Buffer.alloc(0);
  #position = 0;
  #isEnded = false;
  #bits = 0;
  #bitCount = 0;

  constructor(bytes: AsyncIterator<Uint8Array>) {
    this.#bytes = bytes;
  }

  /** Has at least so many bytes at hand unless the stream ends before. `false`: there is nothing left. */
  async fill(count: number): Promise<boolean> {
    while (!this.#isEnded && this.#buffer.length - this.#position < count) {
      const { done, value } = await this.#bytes.next();
      if (done === true) this.#isEnded = true;
      else {
        this.#buffer = Buffer.concat([this.#buffer.subarray(this.#position), value]);
        this.#position = 0;
      }
    }
    return this.#position < this.#buffer.length;
  }

  /** Up to 32 bits. Throws S3Error TruncatedInput. */
  read(count: number): number {
    if (count > 24) {
      const high = this.read(count - 16);
      return high * 0x10000 + this.read(16);
    }
    this.#need(count);
    this.#bitCount -= count;
    return (this.#bits >>> this.#bitCount) & ((1 << count) - 1);
  }

  /** The next 20 bits without taking them; zeros behind the end. */
  peekCode(): number {
    while (this.#bitCount < 20) {
      const byte = this.#buffer[this.#position];
      if (byte === undefined) {
        return (this.#bits << (20 - this.#bitCount)) & 0xfffff;
      }
      this.#take(byte);
    }
    return (this.#bits >>> (this.#bitCount - 20)) & 0xfffff;
  }

  skip(count: number): void {
    this.#need(count);
    this.#bitCount -= count;
  }

  alignToByte(): void {
    this.#bitCount -= this.#bitCount % 8;
    // Whole bytes go back, so that `fill` sees them.
    this.#position -= this.#bitCount / 8;
    this.#bitCount = 0;
  }

  /** Nothing more is read. */
  finish(): void {
    this.#isEnded = true;
    this.#position = this.#buffer.length;
    this.#bitCount = 0;
  }

  #need(count: number): void {
    while (this.#bitCount < count) {
      const byte = this.#buffer[this.#position];
      if (byte === undefined) throw new S3Error("TruncatedInput");
      this.#take(byte);
    }
  }

  #take(byte: number): void {
    this.#bits = (this.#bits << 8) | byte;
    this.#position += 1;
    this.#bitCount += 8;
  }
}

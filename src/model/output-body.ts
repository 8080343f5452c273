// The bytes that an operation answers with: what a streaming output member holds.

/** A streaming output member: the bytes and how many there will be. */
export interface OutputBody {
  readonly stream: AsyncIterable<Uint8Array> | Uint8Array;
  readonly lengthBytes: number;
}

// Sends a byte stream as the body of a response: each chunk is handed to the system before the next one
// is asked for, and the stream is closed when the client goes away. Judges nothing; the caller decides
// what a failure means.

import { isBatched, type ByteStream } from "../base/bytes.ts";

export interface StreamTarget {
  readonly isGone: boolean;
  /**
   * Writes pieces in one call. `undefined` when the system took it at once; otherwise resolves when it has, or
   * when the client is gone.
   */
  write(head: string, pieces: readonly Uint8Array[], tail: string): Promise<void> | undefined;
}

export interface StreamSending {
  readonly body: ByteStream;
  /** Leaves together with the first chunk. */
  readonly head: string;
  readonly isChunked: boolean;
  /** By the response's Content-Length. */
  readonly declaredBytes: number | undefined;
  readonly target: StreamTarget;
}

export interface StreamOutcome {
  readonly bodyBytes: number;
  /** Why the body is not whole, or `undefined`. */
  readonly failure: unknown;
}

/** The client closed the connection before it had its answer. */
export class ClientGoneError extends Error {
  override readonly name = "ClientGoneError";
}

/** Never rejects. */
export async function sendByteStream(sending: StreamSending): Promise<StreamOutcome> {
  const { body, isChunked, declaredBytes, target } = sending;
  let head = sending.head;
  let iterator: AsyncIterator<Uint8Array | readonly Uint8Array[]> | undefined;
  let bodyBytes = 0;
  let isDone = false;
  try {
    iterator = isBatched(body) ? body.batches() : body[Symbol.asyncIterator]();
    for (;;) {
      const result = await iterator.next();
      if (result.done === true) break;
      const pieces = result.value instanceof Uint8Array ? [result.value] : result.value;
      if (target.isGone) throw new ClientGoneError("the client went away during the answer");
      let chunkBytes = 0;
      for (const { byteLength } of pieces) chunkBytes += byteLength;
      if (chunkBytes === 0) continue;
      bodyBytes += chunkBytes;
      if (declaredBytes !== undefined && bodyBytes > declaredBytes) {
        throw new Error("the body is longer than its declared length");
      }
      const prefix = isChunked ? `${head}${chunkBytes.toString(16)}\r\n` : head;
      head = "";
      const written = target.write(prefix, pieces, isChunked ? "\r\n" : "");
      if (written !== undefined) await written;
    }
    isDone = true;
    if (declaredBytes !== undefined && bodyBytes < declaredBytes) {
      throw new Error("the body is shorter than its declared length");
    }
    if (target.isGone) throw new ClientGoneError("the client went away during the answer");
    const rest = isChunked ? `${head}0\r\n\r\n` : head;
    if (rest !== "") await target.write(rest, [], "");
    return { bodyBytes, failure: undefined };
  } catch (error) {
    if (!isDone) await close(iterator);
    return { bodyBytes, failure: error };
  }
}

async function close(iterator: AsyncIterator<unknown> | undefined): Promise<void> {
  try {
    await iterator?.return?.();
  } catch {
    // The failure that led here is the one to report.
  }
}

/** Lets a body that nobody will read release what it holds. */
export function closeUnread(body: ByteStream): void {
  try {
    Promise.resolve(body[Symbol.asyncIterator]().return?.()).catch(ignore);
  } catch {
    // A body that cannot even be asked holds nothing that could be released.
  }
}

function ignore(): void {}

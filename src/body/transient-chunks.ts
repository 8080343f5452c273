// Gives the memory of a long body's chunks back as soon as they have been used.

import type { ByteStream, TransientByteStream } from "../base/bytes.ts";
import { longBodyBytes } from "../model/limits.ts";

/** A chunk that fills less memory than this may share it with others. */
const smallestOwnBytes = 16 * 1024;

/**
 * The same chunks, each only until the next one is asked for when the body is long. A network chunk's
 * memory lies outside the heap, where only a full collection frees it: one for every 25 MiB received,
 * which took a third of an upload's CPU time. `raw` must not use a chunk after it has yielded it.
 */
export function transientChunks(
  raw: ByteStream,
  lengthBytes: number | undefined,
): TransientByteStream {
  return lengthBytes !== undefined && lengthBytes > longBodyBytes ? freeing(raw) : raw;
}

async function* freeing(raw: ByteStream): AsyncGenerator<Uint8Array> {
  for await (const chunk of raw) {
    yield chunk;
    free(chunk);
  }
}

function free({ buffer, byteLength }: Uint8Array): void {
  const isOwner = byteLength >= smallestOwnBytes && byteLength === buffer.byteLength;
  if (isOwner && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

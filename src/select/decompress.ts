// Opens GZIP and BZIP2 as bytes come. Throws S3Error TruncatedInput, InvalidCompressionFormat.

import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { S3Error } from "../model/errors.ts";
import { decompressBzip2 } from "./bzip2.ts";
import type { Compression } from "./select-request.ts";

export function decompress(
  compression: Compression,
  bytes: AsyncGenerator<Uint8Array>,
): AsyncIterable<Uint8Array> {
  if (compression === "gzip") return gunzip(bytes);
  return compression === "bzip2" ? decompressBzip2(bytes) : bytes;
}

async function* gunzip(bytes: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const first = await bytes.next();
  if (first.done === true) return;
  if (first.value[0] !== 0x1f) throw new S3Error("InvalidCompressionFormat");
  const source = Readable.from(ownChunks(first.value, bytes), { objectMode: false });
  const gunzipped = source.compose(createGunzip());
  try {
    for await (const chunk of gunzipped) yield chunk as Uint8Array;
  } catch (error) {
    const code = (error as { readonly code?: unknown }).code;
    if (code === "Z_BUF_ERROR") throw new S3Error("TruncatedInput", { cause: error });
    if (code === "Z_DATA_ERROR") throw new S3Error("InvalidCompressionFormat", { cause: error });
    throw error;
  } finally {
    source.destroy();
    await bytes.return(undefined);
  }
}

/** Copies, for the stream reads ahead while it works. */
async function* ownChunks(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield Uint8Array.from(first);
  for await (const chunk of rest) yield Uint8Array.from(chunk);
}

// Makes aws-chunked bodies, right ones and broken ones: a right body is first taken apart into pieces,
// so that a test can damage exactly one of them.

import { chunkSignature, trailerSignature, type HeaderField, type Seed } from "./raw-signer.ts";

export type StreamingMode = "signed" | "signed-trailer" | "unsigned-trailer";

export const modeNames: Readonly<Record<StreamingMode, string>> = {
  signed: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
  "signed-trailer": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
  "unsigned-trailer": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
};

/** One chunk as it is written; joined, the pieces are the body. */
export interface ChunkPieces {
  size: string;
  /** Without `;chunk-signature=`; empty in an unsigned mode. */
  signature: string;
  lineEnd: string;
  data: Buffer;
  dataEnd: string;
}

export interface BodyPieces {
  /** The last one is empty. */
  chunks: ChunkPieces[];
  trailers: { name: string; value: string }[];
  /** Empty in modes that have none. */
  trailerSignature: string;
  end: string;
}

export function makePieces(
  mode: StreamingMode,
  seed: Seed,
  chunks: readonly Buffer[],
  trailers: readonly HeaderField[],
): BodyPieces {
  const isSigned = mode !== "unsigned-trailer";
  let previous = seed.signature;
  const pieces = [...chunks, Buffer.alloc(0)].map((data) => {
    if (isSigned) previous = chunkSignature(seed, previous, data);
    return {
      size: data.byteLength.toString(16),
      signature: isSigned ? previous : "",
      lineEnd: "\r\n",
      data,
      dataEnd: data.byteLength === 0 ? "" : "\r\n",
    };
  });
  const text = trailers
    .map(([name, value]) => `${name}:${value}\n`)
    .toSorted()
    .join("");
  return {
    chunks: pieces,
    trailers: trailers.map(([name, value]) => ({ name, value })),
    trailerSignature: mode === "signed-trailer" ? trailerSignature(seed, previous, text) : "",
    end: "\r\n",
  };
}

export function joinPieces(pieces: BodyPieces): Buffer {
  const parts: Buffer[] = [];
  for (const { size, signature, lineEnd, data, dataEnd } of pieces.chunks) {
    const extension = signature === "" ? "" : `;chunk-signature=${signature}`;
    parts.push(Buffer.from(`${size}${extension}${lineEnd}`, "latin1"), data, Buffer.from(dataEnd));
  }
  const fields = pieces.trailers.map(({ name, value }) => `${name}:${value}\r\n`);
  if (pieces.trailerSignature !== "") {
    fields.push(`x-amz-trailer-signature:${pieces.trailerSignature}\r\n`);
  }
  return Buffer.concat([...parts, Buffer.from(`${fields.join("")}${pieces.end}`, "latin1")]);
}

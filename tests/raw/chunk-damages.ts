// Everything that can be wrong with an aws-chunked body, each as a change of one that was right, with the
// answer that it gets.

import { crc32 } from "node:zlib";
import { patternBytes } from "../s3/test-server.ts";
import {
  joinPieces,
  type BodyPieces,
  type ChunkPieces,
  type StreamingMode,
} from "./chunked-body.ts";
import type { Expectation } from "./raw-client.ts";
import { chunkSignature, type Seed } from "./raw-signer.ts";

/** More than is stored inline, so that there is a blob that could be left behind. */
const chunkBytes = 64 * 1024;
export const content = patternBytes(3 * chunkBytes + 100);
export const chunks = [0, 1, 2, 3].map((index) =>
  content.subarray(index * chunkBytes, (index + 1) * chunkBytes),
);

export function crc32Of(bytes: Uint8Array): string {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(bytes));
  return value.toString("base64");
}

export const trailerName = "x-amz-checksum-crc32";
/** Changes the pieces, or makes the body itself. */
export type Damage = (pieces: BodyPieces, seed: Seed) => Buffer | void;

function chunk(pieces: BodyPieces, index: number): ChunkPieces {
  return pieces.chunks.at(index) as ChunkPieces;
}

export const incomplete: Expectation = { status: 400, code: "IncompleteBody" };
const badSignature: Expectation = { status: 403, code: "SignatureDoesNotMatch" };
const badTrailer: Expectation = { status: 400, code: "MalformedTrailerError" };

export type Case = readonly [
  name: string,
  modes: readonly StreamingMode[],
  damage: Damage,
  expected: Expectation,
];

export const everyMode = ["signed", "signed-trailer", "unsigned-trailer"] as const;
const signedModes = ["signed", "signed-trailer"] as const;
const trailerModes = ["signed-trailer", "unsigned-trailer"] as const;

function flip(signature: string): string {
  return (signature.startsWith("0") ? "1" : "0") + signature.slice(1);
}

function wrongSignature(index: number): Damage {
  return (pieces) => {
    const piece = chunk(pieces, index);
    piece.signature = flip(piece.signature);
  };
}

function changedByte(index: number): Damage {
  return (pieces) => {
    const piece = chunk(pieces, index);
    piece.data = Buffer.from(piece.data);
    piece.data[piece.data.byteLength - 1] = (piece.data.at(-1) as number) ^ 1;
  };
}

export const damages: readonly Case[] = [
  ["a wrong signature of the first chunk", signedModes, wrongSignature(0), badSignature],
  ["a wrong signature of a middle chunk", signedModes, wrongSignature(2), badSignature],
  ["a wrong signature of the last chunk", signedModes, wrongSignature(-1), badSignature],
  ["a changed byte in the first chunk", signedModes, changedByte(0), badSignature],
  ["a changed byte in the last full chunk", signedModes, changedByte(-2), badSignature],
  [
    "a changed byte and no signature to see it",
    ["unsigned-trailer"],
    changedByte(1),
    {
      status: 400,
      code: "BadDigest",
      message: "The CRC32 you specified did not match the calculated checksum.",
    },
  ],
  [
    "two chunks in each other's place",
    signedModes,
    (pieces) => {
      const [first, second] = pieces.chunks as [ChunkPieces, ChunkPieces];
      pieces.chunks.splice(0, 2, second, first);
    },
    badSignature,
  ],
  [
    "a chunk without signature",
    signedModes,
    (pieces) => {
      chunk(pieces, 1).signature = "";
    },
    incomplete,
  ],
  [
    "an empty chunk signature",
    signedModes,
    (pieces) => {
      const piece = chunk(pieces, 1);
      piece.size += ";chunk-signature=";
      piece.signature = "";
    },
    badSignature,
  ],
  [
    "a chunk signature where none belongs",
    ["unsigned-trailer"],
    (pieces) => {
      chunk(pieces, 0).signature = "0".repeat(64);
    },
    incomplete,
  ],
  [
    "a chunk extension that nobody knows",
    ["unsigned-trailer"],
    (pieces) => {
      chunk(pieces, 0).size += ";name=value";
    },
    incomplete,
  ],
  [
    "a wrong trailer signature",
    ["signed-trailer"],
    (pieces) => {
      pieces.trailerSignature = flip(pieces.trailerSignature);
    },
    badSignature,
  ],
  [
    "no trailer signature",
    ["signed-trailer"],
    (pieces) => {
      pieces.trailerSignature = "";
    },
    incomplete,
  ],
  [
    "a trailer of another value than was signed",
    ["signed-trailer"],
    (pieces) => {
      pieces.trailers = [{ name: trailerName, value: "AAAAAA==" }];
    },
    badSignature,
  ],
  [
    "a trailer of a wrong checksum",
    ["unsigned-trailer"],
    (pieces) => {
      pieces.trailers = [{ name: trailerName, value: "AAAAAA==" }];
    },
    { status: 400, code: "BadDigest" },
  ],
  [
    "a trailer that is no checksum",
    ["unsigned-trailer"],
    (pieces) => {
      pieces.trailers = [{ name: trailerName, value: "abc" }];
    },
    {
      status: 400,
      code: "InvalidRequest",
      message: `Value for ${trailerName} trailing header is invalid.`,
    },
  ],
  [
    "no trailer where one was announced",
    trailerModes,
    (pieces) => {
      pieces.trailers = [];
    },
    badTrailer,
  ],
  [
    "a trailer of another name",
    trailerModes,
    (pieces) => {
      pieces.trailers = [{ name: "x-amz-checksum-sha1", value: "AAAAAA==" }];
    },
    badTrailer,
  ],
  [
    "a trailer too many",
    trailerModes,
    (pieces) => {
      pieces.trailers.push({ name: "x-amz-meta-evil", value: "1" });
    },
    badTrailer,
  ],
  [
    "the same trailer twice",
    trailerModes,
    (pieces) => {
      pieces.trailers.push({ name: trailerName, value: crc32Of(content) });
    },
    badTrailer,
  ],
  [
    "a trailer in a mode that has none",
    ["signed"],
    (pieces) => {
      pieces.trailers.push({ name: trailerName, value: crc32Of(content) });
    },
    badTrailer,
  ],
  [
    "a trailer without colon",
    trailerModes,
    (pieces) => {
      pieces.end = "what is this\r\n\r\n";
    },
    badTrailer,
  ],
  [
    "a trailer of endless length",
    trailerModes,
    (pieces) => {
      pieces.trailers = [{ name: trailerName, value: "A".repeat(4096) }];
    },
    badTrailer,
  ],
  [
    "an end in the middle of a chunk",
    everyMode,
    (pieces) => joinPieces(pieces).subarray(0, chunkBytes + 1000),
    incomplete,
  ],
  [
    "no last chunk",
    everyMode,
    (pieces) => {
      pieces.chunks.pop();
      pieces.trailers = [];
      pieces.trailerSignature = "";
      pieces.end = "";
    },
    incomplete,
  ],
  [
    "no end after the last chunk",
    everyMode,
    (pieces) => {
      pieces.end = "";
    },
    incomplete,
  ],
  [
    "a last chunk too early",
    everyMode,
    (pieces, seed) => {
      const signature =
        chunk(pieces, 0).signature === ""
          ? ""
          : chunkSignature(seed, chunk(pieces, 1).signature, Buffer.alloc(0));
      pieces.chunks.splice(2, 3, { ...chunk(pieces, -1), signature });
    },
    incomplete,
  ],
  [
    "a chunk shorter than its size",
    everyMode,
    (pieces) => {
      const piece = chunk(pieces, 1);
      piece.data = piece.data.subarray(0, -5);
    },
    incomplete,
  ],
  [
    "a chunk longer than its size",
    everyMode,
    (pieces) => {
      const piece = chunk(pieces, 1);
      piece.data = Buffer.concat([piece.data, Buffer.from("evil")]);
    },
    incomplete,
  ],
  [
    "a size that is no number",
    everyMode,
    (pieces) => {
      chunk(pieces, 1).size = "many";
    },
    incomplete,
  ],
  [
    "a negative size",
    everyMode,
    (pieces) => {
      chunk(pieces, 1).size = "-10000";
    },
    incomplete,
  ],
  [
    "a size with a prefix",
    everyMode,
    (pieces) => {
      chunk(pieces, 1).size = "0x10000";
    },
    incomplete,
  ],
  [
    "a size of exabytes",
    everyMode,
    (pieces) => {
      chunk(pieces, 1).size = "ffffffffffffffff";
    },
    incomplete,
  ],
  [
    "a size of more digits than any number",
    everyMode,
    (pieces) => {
      chunk(pieces, 0).size = "0".repeat(200_000);
    },
    incomplete,
  ],
  [
    "a line feed in place of the end of a chunk's line",
    everyMode,
    (pieces) => {
      chunk(pieces, 0).lineEnd = "\n";
    },
    incomplete,
  ],
  [
    "a line feed in place of the end of a chunk's data",
    everyMode,
    (pieces) => {
      chunk(pieces, 0).dataEnd = "\n";
    },
    incomplete,
  ],
  [
    "bytes after the end",
    everyMode,
    (pieces) => {
      pieces.end = "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
    },
    incomplete,
  ],
  [
    "a second body after the end",
    everyMode,
    (pieces) => Buffer.concat([joinPieces(pieces), joinPieces(pieces)]),
    incomplete,
  ],
  ["no framing at all", everyMode, () => content, incomplete],
];

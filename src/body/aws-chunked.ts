// Decodes the aws-chunked coding: the object's bytes in chunks that may be signed, and trailing fields.
// Takes the bytes in pieces of any size, keeps at most one line of them, hands on views of the rest.
//
// Sources: the S3 API reference ("Signature Calculations for the Authorization Header: Transferring
// Payload in Multiple Chunks", and with trailing headers), and S3's own answers to broken bodies as
// quoted in github.com/versity/versitygw issues 1600, 1626, 1656, 1660, 1665, 1666, 1676, 1684, 1690,
// 1691, and scality/Arsenal#2596.

import { createHash, hash } from "node:crypto";
import type { Hash } from "node:crypto";
import { S3Error } from "../model/errors.ts";

export interface ChunkVerifier {
  verifyChunk(signature: string, chunkSha256Hex: string): void;
  verifyTrailer(signature: string, canonicalTrailerText: string): void;
}

/**
 * Who signs the chunks: "signed" ones carry a signature that is verified, "unsigned" ones none, and
 * "unverifiable" ones may carry one that nobody can check, because the request itself was not signed
 * over a stream.
 */
export type ChunkSigning =
  | { readonly kind: "signed"; readonly verifier: ChunkVerifier }
  | { readonly kind: "unsigned" }
  | { readonly kind: "unverifiable" };

export interface AwsChunkedOptions {
  readonly signing: ChunkSigning;
  /** The value of `x-amz-decoded-content-length`. */
  readonly decodedLengthBytes: number;
  /** Lower-case names from `x-amz-trailer`. */
  readonly announcedTrailers: readonly string[];
  /** Whether trailing fields may follow at all. */
  readonly allowsTrailers: boolean;
}

/** S3's rule for every chunk but the last. */
const minimumChunkSizeBytes = 8192;
/** Sixteen digits, the extension and a signature come to 97. */
const maximumChunkLineBytes = 256;
const maximumTrailerLineBytes = 1024;
const maximumTrailerLines = 8;

const carriageReturn = 13;
const lineFeed = 10;
const signatureExtension = "chunk-signature=";
const trailerSignatureName = "x-amz-trailer-signature";

type State = "chunk-line" | "data" | "data-end" | "trailer-line" | "ended";

export class AwsChunkedDecoder {
  readonly #options: AwsChunkedOptions;
  readonly #trailers = new Map<string, string>();
  #state: State = "chunk-line";
  /** The beginning of a line whose end has not arrived yet, bytes as Latin-1 characters. */
  #line = "";
  #lineCount = 0;
  #chunkNumber = 0;
  #chunkSizeBytes = 0;
  #chunkLeftBytes = 0;
  #chunkSignature = "";
  #chunkHash: Hash | undefined;
  #chunkHashHex = "";
  #trailerSignature: string | undefined;
  #decodedBytes = 0;

  constructor(options: AwsChunkedOptions) {
    this.#options = options;
  }

  /** The trailing fields by lower-case name; complete after `end`. */
  get trailers(): ReadonlyMap<string, string> {
    return this.#trailers;
  }

  /**
   * The decoded bytes of the next piece, as views of it. A chunk's bytes are handed on before its
   * signature could be checked: the caller must not let them take effect before `end` has returned.
   */
  push(piece: Uint8Array): Uint8Array[] {
    const decoded: Uint8Array[] = [];
    let offset = 0;
    while (offset < piece.byteLength) {
      if (this.#state === "data") {
        const end = Math.min(piece.byteLength, offset + this.#chunkLeftBytes);
        const bytes = piece.subarray(offset, end);
        this.#takeData(bytes);
        decoded.push(bytes);
        offset = end;
      } else if (this.#state === "ended") {
        throw incompleteBody();
      } else {
        offset = this.#takeLine(piece, offset);
      }
    }
    return decoded;
  }

  /** The encoded body has ended. Throws unless it was complete. */
  end(): void {
    if (this.#state !== "ended") throw incompleteBody();
  }

  #takeData(bytes: Uint8Array): void {
    this.#decodedBytes += bytes.byteLength;
    this.#chunkLeftBytes -= bytes.byteLength;
    if (this.#options.signing.kind === "signed") this.#hashData(bytes);
    if (this.#chunkLeftBytes === 0) this.#state = "data-end";
  }

  #hashData(bytes: Uint8Array): void {
    if (bytes.byteLength === this.#chunkSizeBytes) {
      this.#chunkHashHex = hash("sha256", bytes, "hex");
      return;
    }
    this.#chunkHash ??= createHash("sha256");
    this.#chunkHash.update(bytes);
    if (this.#chunkLeftBytes > 0) return;
    this.#chunkHashHex = this.#chunkHash.digest("hex");
    this.#chunkHash = undefined;
  }

  /** Reads up to the end of a line or of the piece; returns where to go on. */
  #takeLine(piece: Uint8Array, offset: number): number {
    const limit = this.#lineLimit();
    const newline = piece.indexOf(lineFeed, offset);
    const end = newline === -1 ? piece.byteLength : newline + 1;
    if (this.#line.length + end - offset > limit) throw this.#malformed();
    this.#line += Buffer.from(piece.buffer, piece.byteOffset + offset, end - offset).toString(
      "latin1",
    );
    if (newline === -1) return end;
    const { length } = this.#line;
    if (length >= 2 && this.#line.charCodeAt(length - 2) === carriageReturn) {
      const line = this.#line.slice(0, -2);
      this.#line = "";
      this.#endLine(line);
      return end;
    }
    // A bare line feed: the documentation ends a trailing field with `\n\r\n`, so that what belongs to
    // the line may still follow; nowhere else is it allowed.
    if (this.#state !== "trailer-line" || length === 1) throw this.#malformed();
    return end;
  }

  #lineLimit(): number {
    switch (this.#state) {
      case "chunk-line":
        return maximumChunkLineBytes;
      case "trailer-line":
        return maximumTrailerLineBytes;
      default:
        return 2;
    }
  }

  #endLine(line: string): void {
    switch (this.#state) {
      case "chunk-line":
        this.#beginChunk(line);
        break;
      case "data-end":
        if (line !== "") throw incompleteBody();
        this.#verifyChunk(this.#chunkHashHex);
        this.#state = "chunk-line";
        break;
      default:
        this.#takeTrailerLine(line.endsWith("\n") ? line.slice(0, -1) : line);
    }
  }

  #beginChunk(line: string): void {
    const semicolon = line.indexOf(";");
    const sizeText = semicolon === -1 ? line : line.slice(0, semicolon);
    if (!/^[0-9A-Fa-f]{1,16}$/.test(sizeText)) throw incompleteBody();
    this.#chunkSignature = this.#parseExtension(semicolon === -1 ? "" : line.slice(semicolon + 1));
    const sizeBytes = Number.parseInt(sizeText, 16);
    const previousSizeBytes = this.#chunkSizeBytes;
    this.#chunkNumber += 1;
    if (sizeBytes > 0 && this.#chunkNumber > 1 && previousSizeBytes < minimumChunkSizeBytes) {
      throw new S3Error("InvalidChunkSizeError", {
        fields: { Chunk: this.#chunkNumber, BadChunkSize: previousSizeBytes },
      });
    }
    const { decodedLengthBytes } = this.#options;
    const expected = this.#decodedBytes + sizeBytes;
    if (expected > decodedLengthBytes || (sizeBytes === 0 && expected < decodedLengthBytes)) {
      throw wrongLength(decodedLengthBytes, expected);
    }
    this.#chunkSizeBytes = sizeBytes;
    this.#chunkLeftBytes = sizeBytes;
    if (sizeBytes > 0) {
      this.#state = "data";
      return;
    }
    this.#verifyChunk(emptySha256);
    this.#state = "trailer-line";
  }

  /** What follows the size of a chunk: its signature, and nothing else is known. */
  #parseExtension(extension: string): string {
    const { kind } = this.#options.signing;
    const isSignature = extension.startsWith(signatureExtension);
    if (kind === "unsigned" ? extension !== "" : extension !== "" && !isSignature) {
      throw incompleteBody();
    }
    if (kind === "signed" && !isSignature) throw incompleteBody();
    return extension.slice(signatureExtension.length);
  }

  #verifyChunk(sha256Hex: string): void {
    const { signing } = this.#options;
    if (signing.kind === "signed") signing.verifier.verifyChunk(this.#chunkSignature, sha256Hex);
  }

  #takeTrailerLine(line: string): void {
    if (line === "") {
      this.#endTrailers();
      this.#state = "ended";
      return;
    }
    this.#lineCount += 1;
    const colon = line.indexOf(":");
    if (this.#lineCount > maximumTrailerLines || colon <= 0 || line.includes("\n")) {
      throw malformedTrailer();
    }
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === trailerSignatureName && this.#options.signing.kind !== "unsigned") {
      if (this.#trailerSignature !== undefined) throw malformedTrailer();
      this.#trailerSignature = value;
      return;
    }
    // The signature covers the fields before it, and closes them.
    const isClosed = this.#trailerSignature !== undefined;
    const isExpected =
      this.#options.allowsTrailers && this.#options.announcedTrailers.includes(name);
    if (isClosed || !isExpected || this.#trailers.has(name)) throw malformedTrailer();
    this.#trailers.set(name, value);
  }

  #endTrailers(): void {
    const { signing, announcedTrailers, allowsTrailers } = this.#options;
    if (!allowsTrailers) {
      if (this.#trailerSignature !== undefined) throw malformedTrailer();
      return;
    }
    if (this.#trailers.size !== announcedTrailers.length) throw malformedTrailer();
    if (signing.kind !== "signed") return;
    if (this.#trailerSignature === undefined) throw incompleteBody();
    const names = [...this.#trailers.keys()].toSorted();
    const text = names.map((name) => `${name}:${this.#trailers.get(name) ?? ""}\n`).join("");
    signing.verifier.verifyTrailer(this.#trailerSignature, text);
  }

  #malformed(): S3Error {
    return this.#state === "trailer-line" ? malformedTrailer() : incompleteBody();
  }
}

const emptySha256 = hash("sha256", "", "hex");

function incompleteBody(): S3Error {
  return new S3Error("IncompleteBody");
}

function malformedTrailer(): S3Error {
  return new S3Error("MalformedTrailerError");
}

/** S3's answer when the bytes are not as many as their announcement says. */
export function wrongLength(expectedBytes: number, providedBytes: number): S3Error {
  return new S3Error("IncompleteBody", {
    message: "You did not provide the number of bytes specified by the Content-Length HTTP header",
    fields: { NumberBytesExpected: expectedBytes, NumberBytesProvided: providedBytes },
  });
}

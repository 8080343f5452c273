// Takes the framing off a request's body and checks what the signature says about it.

import { createHash, hash } from "node:crypto";
import type { Hash } from "node:crypto";
import type { ByteStream } from "../base/bytes.ts";
import { S3Error } from "../model/errors.ts";
import { AwsChunkedDecoder, wrongLength } from "./aws-chunked.ts";
import type { AwsChunkedOptions, ChunkVerifier } from "./aws-chunked.ts";
import { checksumAlgorithmOfHeader } from "./checksum.ts";
import { checkSignedSha256 } from "./request-payload.ts";
import type { RequestPayload, UndigestedBody } from "./request-payload.ts";
import { transientChunks } from "./transient-chunks.ts";

export interface PayloadHeaders {
  get(name: string): string | undefined;
  has(name: string): boolean;
}

/** The same shape as access's PayloadIntegrity: body may not import access. */
export type BodyIntegrity =
  | { readonly kind: "unsigned" }
  | { readonly kind: "digest"; readonly sha256Hex: string }
  | {
      readonly kind: "chunked";
      readonly trailer: boolean;
      readonly chunkSignatures: ChunkVerifier | undefined;
    };

/**
 * Nothing is read before the payload's stream is iterated. Throws S3Error at once for what the headers
 * alone give away: MissingContentLength, InvalidRequest for an unknown `x-amz-trailer`.
 */
export function openPayload(
  raw: ByteStream,
  headers: PayloadHeaders,
  integrity: BodyIntegrity,
): RequestPayload {
  const chunked = chunkedOptions(headers, integrity);
  if (chunked === undefined) return new PlainPayload(raw, headers, integrity);
  return new ChunkedPayload(raw, headers, chunked);
}

/** How the body is framed; `undefined` for a body that is the object's bytes as they are. */
function chunkedOptions(
  headers: PayloadHeaders,
  integrity: BodyIntegrity,
): AwsChunkedOptions | undefined {
  if (integrity.kind === "digest") return undefined;
  if (integrity.kind === "unsigned") return legacyChunkedOptions(headers);
  const decodedLengthBytes = parseLength(headers.get("x-amz-decoded-content-length"));
  // S3 answers the same whether the header is missing or no number.
  if (decodedLengthBytes === undefined) throw new S3Error("MissingContentLength");
  const verifier = integrity.chunkSignatures;
  return {
    signing: verifier === undefined ? { kind: "unsigned" } : { kind: "signed", verifier },
    decodedLengthBytes,
    announcedTrailers: integrity.trailer ? announcedTrailers(headers) : [],
    allowsTrailers: integrity.trailer,
  };
}

/**
 * Clients that sign with another version, or not at all, announce the coding in Content-Encoding only.
 * The framing always adds bytes, so that equal lengths tell a body that was not framed after all.
 */
function legacyChunkedOptions(headers: PayloadHeaders): AwsChunkedOptions | undefined {
  const encoding = headers.get("content-encoding");
  if (encoding === undefined || !encoding.toLowerCase().includes("aws-chunked")) return undefined;
  const decodedLengthBytes = parseLength(headers.get("x-amz-decoded-content-length"));
  if (decodedLengthBytes === undefined) return undefined;
  if (decodedLengthBytes === parseLength(headers.get("content-length"))) return undefined;
  return {
    signing: { kind: "unverifiable" },
    decodedLengthBytes,
    announcedTrailers: announcedTrailers(headers),
    allowsTrailers: true,
  };
}

/** S3 knows no trailing fields but checksums (github.com/versity/versitygw/issues/1161). */
function announcedTrailers(headers: PayloadHeaders): readonly string[] {
  const announced = headers.get("x-amz-trailer");
  if (announced === undefined) return [];
  const names = announced.split(",").map((name) => name.trim().toLowerCase());
  const areKnown = names.every((name) => checksumAlgorithmOfHeader(name) !== undefined);
  if (!areKnown || new Set(names).size !== names.length) {
    throw new S3Error("InvalidRequest", {
      message: "The value specified in the x-amz-trailer header is not supported",
    });
  }
  return names;
}

class ChunkedPayload implements RequestPayload {
  readonly #raw: ByteStream;
  readonly #decoder: AwsChunkedDecoder;
  readonly lengthBytes: number;
  readonly isTransferCoded: boolean;
  readonly announcedTrailers: readonly string[];

  constructor(raw: ByteStream, headers: PayloadHeaders, options: AwsChunkedOptions) {
    this.#raw = raw;
    this.isTransferCoded = headers.has("transfer-encoding");
    this.#decoder = new AwsChunkedDecoder(options);
    this.lengthBytes = options.decodedLengthBytes;
    this.announcedTrailers = options.announcedTrailers;
  }

  get trailers(): ReadonlyMap<string, string> {
    return this.#decoder.trailers;
  }

  get stream(): ByteStream {
    return decodeChunked(this.#raw, this.#decoder);
  }

  get undigested(): UndigestedBody {
    const raw = transientChunks(this.#raw, this.lengthBytes);
    return { stream: decodeChunked(raw, this.#decoder), sha256Hex: undefined };
  }
}

async function* decodeChunked(
  raw: ByteStream,
  decoder: AwsChunkedDecoder,
): AsyncGenerator<Uint8Array> {
  for await (const piece of raw) yield* decoder.push(piece);
  decoder.end();
}

const noTrailers: ReadonlyMap<string, string> = new Map();
const noNames: readonly string[] = [];

class PlainPayload implements RequestPayload {
  readonly #raw: ByteStream;
  readonly #sha256Hex: string | undefined;
  readonly lengthBytes: number | undefined;
  readonly isTransferCoded: boolean;
  readonly announcedTrailers = noNames;
  readonly trailers = noTrailers;

  constructor(raw: ByteStream, headers: PayloadHeaders, integrity: BodyIntegrity) {
    this.#raw = raw;
    this.#sha256Hex = integrity.kind === "digest" ? integrity.sha256Hex : undefined;
    this.lengthBytes = parseLength(headers.get("content-length"));
    this.isTransferCoded = headers.has("transfer-encoding");
  }

  get stream(): ByteStream {
    const stream = checkLength(this.#raw, this.lengthBytes);
    const sha256Hex = this.#sha256Hex;
    return sha256Hex === undefined ? stream : checkSha256(stream, this.lengthBytes, sha256Hex);
  }

  get undigested(): UndigestedBody {
    const raw = transientChunks(this.#raw, this.lengthBytes);
    return { stream: checkLength(raw, this.lengthBytes), sha256Hex: this.#sha256Hex };
  }
}

async function* checkLength(
  raw: ByteStream,
  lengthBytes: number | undefined,
): AsyncGenerator<Uint8Array> {
  let received = 0;
  for await (const piece of raw) {
    received += piece.byteLength;
    if (lengthBytes !== undefined && received > lengthBytes)
      throw wrongLength(lengthBytes, received);
    yield piece;
  }
  if (lengthBytes !== undefined && received < lengthBytes) throw wrongLength(lengthBytes, received);
}

async function* checkSha256(
  stream: ByteStream,
  lengthBytes: number | undefined,
  sha256Hex: string,
): AsyncGenerator<Uint8Array> {
  let computed: string | undefined;
  let running: Hash | undefined;
  for await (const piece of stream) {
    // A small body arrives whole, and hashing it at once is cheaper.
    if (piece.byteLength === lengthBytes) computed = hash("sha256", piece, "hex");
    else (running ??= createHash("sha256")).update(piece);
    yield piece;
  }
  computed ??= (running ?? createHash("sha256")).digest("hex");
  checkSignedSha256(sha256Hex, computed);
}

/** A length header: digits, of a size that a number holds exactly. */
function parseLength(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,15}$/.test(text)) return undefined;
  return Number(text);
}

// Verifies the signatures inside a chunked upload: each signs its chunk and the signature before it,
// the first one hangs on the signature of the request.

import { hash } from "node:crypto";
import { signatureMismatch } from "./authentication-errors.ts";
import type { ChunkSeed } from "./payload-integrity.ts";
import { signaturesEqual, signText } from "./signing-keys.ts";
import type { ChunkSignatures } from "./signed-request.ts";

const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

export class ChunkSignatureChain implements ChunkSignatures {
  readonly #seed: ChunkSeed;
  #previous: string;

  constructor(seed: ChunkSeed) {
    this.#seed = seed;
    this.#previous = seed.signature;
  }

  verifyChunk(signature: string, chunkSha256Hex: string): void {
    const { timestamp, scope } = this.#seed;
    this.#verify(
      signature,
      `AWS4-HMAC-SHA256-PAYLOAD\n${timestamp}\n${scope}\n${this.#previous}\n${emptySha256}\n${chunkSha256Hex}`,
    );
  }

  verifyTrailer(signature: string, canonicalTrailerText: string): void {
    const { timestamp, scope } = this.#seed;
    const trailerHash = hash("sha256", Buffer.from(canonicalTrailerText, "latin1"), "hex");
    this.#verify(
      signature,
      `AWS4-HMAC-SHA256-TRAILER\n${timestamp}\n${scope}\n${this.#previous}\n${trailerHash}`,
    );
  }

  #verify(signature: string, stringToSign: string): void {
    const { accessKeyId, key } = this.#seed;
    if (!signaturesEqual(signText(key, stringToSign), signature)) {
      throw signatureMismatch({ accessKeyId, stringToSign, signature });
    }
    this.#previous = signature;
  }
}

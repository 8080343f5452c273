import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { S3Error } from "../model/errors.ts";
import { AwsChunkedDecoder } from "./aws-chunked.ts";
import type { AwsChunkedOptions, ChunkSigning, ChunkVerifier } from "./aws-chunked.ts";

/** Signs like Signature Version 4 in all that matters here: every link covers the one before. */
class ChainVerifier implements ChunkVerifier {
  #previous = "seed";

  verifyChunk(signature: string, chunkSha256Hex: string): void {
    this.#verify(signature, linkOf(this.#previous, chunkSha256Hex));
  }

  verifyTrailer(signature: string, canonicalTrailerText: string): void {
    this.#verify(signature, linkOf(this.#previous, canonicalTrailerText));
  }

  #verify(signature: string, expected: string): void {
    if (signature !== expected) throw new S3Error("SignatureDoesNotMatch");
    this.#previous = expected;
  }
}

function linkOf(previous: string, content: string): string {
  return createHash("sha256").update(`${previous}\n${content}`).digest("hex");
}

interface Encoded {
  readonly chunks: readonly Uint8Array[];
  readonly trailers?: readonly (readonly [string, string])[];
  readonly signed: boolean;
}

function encode({ chunks, trailers = [], signed }: Encoded): Buffer {
  const parts: Uint8Array[] = [];
  let previous = "seed";
  const extension = (bytes: Uint8Array): string => {
    if (!signed) return "";
    previous = linkOf(previous, createHash("sha256").update(bytes).digest("hex"));
    return `;chunk-signature=${previous}`;
  };
  for (const chunk of chunks) {
    const line = `${chunk.byteLength.toString(16)}${extension(chunk)}\r\n`;
    parts.push(Buffer.from(line), chunk, Buffer.from("\r\n"));
  }
  parts.push(Buffer.from(`0${extension(Buffer.alloc(0))}\r\n`));
  for (const [name, value] of trailers) parts.push(Buffer.from(`${name}:${value}\r\n`));
  if (signed && trailers.length > 0) {
    const text = trailers.map(([name, value]) => `${name}:${value}\n`).join("");
    parts.push(Buffer.from(`x-amz-trailer-signature:${linkOf(previous, text)}\r\n`));
  }
  parts.push(Buffer.from("\r\n"));
  return Buffer.concat(parts);
}

const unsigned: ChunkSigning = { kind: "unsigned" };

function signedChain(): ChunkSigning {
  return { kind: "signed", verifier: new ChainVerifier() };
}

interface Outcome {
  readonly bytes?: string;
  readonly trailers?: Readonly<Record<string, string>>;
  readonly error?: S3Error;
}

/** Decodes `encoded` in the pieces that `cuts` make. */
function decode(
  encoded: Uint8Array,
  options: Partial<AwsChunkedOptions>,
  cuts: readonly number[] = [],
): Outcome {
  const decoder = new AwsChunkedDecoder({
    signing: unsigned,
    decodedLengthBytes: 0,
    announcedTrailers: [],
    allowsTrailers: true,
    ...options,
  });
  const decoded: Uint8Array[] = [];
  const positions = [...cuts.map((cut) => cut % (encoded.byteLength + 1)), encoded.byteLength];
  try {
    let start = 0;
    for (const end of positions.toSorted((left, right) => left - right)) {
      decoded.push(...decoder.push(encoded.subarray(start, end)));
      start = end;
    }
    decoder.end();
  } catch (error) {
    assert.ok(error instanceof S3Error, String(error));
    return { error };
  }
  return {
    bytes: Buffer.concat(decoded).toString("latin1"),
    trailers: Object.fromEntries(decoder.trailers),
  };
}

const trailerName = "x-amz-checksum-crc32";
const bigChunk = fc
  .tuple(fc.integer({ min: 8192, max: 9000 }), fc.nat({ max: 255 }))
  .map(([length, fill]) => Buffer.alloc(length, fill));
const upload = fc.record({
  big: fc.array(bigChunk, { maxLength: 3 }),
  last: fc.uint8Array({ minLength: 1, maxLength: 100 }),
  hasTrailer: fc.boolean(),
  signed: fc.boolean(),
});

test("however the bytes are cut, the same comes out", () => {
  fc.assert(
    fc.property(upload, fc.array(fc.nat(), { maxLength: 30 }), (sent, cuts) => {
      const chunks = [...sent.big, sent.last];
      const trailers: readonly (readonly [string, string])[] = sent.hasTrailer
        ? [[trailerName, "AAAAAA=="]]
        : [];
      const encoded = encode({ chunks, trailers, signed: sent.signed });
      const whole = Buffer.concat(chunks);
      const signing: ChunkSigning = sent.signed ? signedChain() : unsigned;
      const outcome = decode(
        encoded,
        {
          signing,
          decodedLengthBytes: whole.byteLength,
          announcedTrailers: trailers.map(([name]) => name),
          allowsTrailers: sent.hasTrailer,
        },
        cuts,
      );
      assert.deepEqual(outcome, {
        bytes: whole.toString("latin1"),
        trailers: Object.fromEntries(trailers),
      });
    }),
    { numRuns: 150 },
  );
});

test("every piece of one byte works too", () => {
  const chunks = [Buffer.from("hello")];
  const encoded = encode({ chunks, trailers: [[trailerName, "NhCmhg=="]], signed: true });
  const options: Partial<AwsChunkedOptions> = {
    decodedLengthBytes: 5,
    announcedTrailers: [trailerName],
  };
  const cuts = Array.from({ length: encoded.byteLength }, (_, index) => index);
  const signing: ChunkSigning = signedChain();
  assert.deepEqual(decode(encoded, { ...options, signing }, cuts), {
    bytes: "hello",
    trailers: { [trailerName]: "NhCmhg==" },
  });
});

test("any changed, lost or added byte of a signed body is noticed", () => {
  const chunks = [Buffer.alloc(8192, "a"), Buffer.from("rest")];
  const encoded = encode({ chunks, trailers: [[trailerName, "NhCmhg=="]], signed: true });
  const base: Partial<AwsChunkedOptions> = {
    decodedLengthBytes: 8196,
    announcedTrailers: [trailerName],
  };
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat({ max: 2 }), (at, by, how) => {
      const position = at % encoded.byteLength;
      const before = encoded.subarray(0, position);
      const byte = encoded[position] as number;
      const changed = [
        Buffer.concat([before, Buffer.from([byte ^ by]), encoded.subarray(position + 1)]),
        Buffer.concat([before, encoded.subarray(position + 1)]),
        Buffer.concat([before, Buffer.from([by]), encoded.subarray(position)]),
      ][how] as Buffer;
      const signing: ChunkSigning = signedChain();
      const outcome = decode(changed, { ...base, signing });
      if (outcome.error !== undefined) return;
      // Case, blanks and leading zeros of the framing carry no meaning; the bytes must be untouched.
      assert.equal(outcome.bytes, Buffer.concat(chunks).toString("latin1"));
      assert.deepEqual(outcome.trailers, { [trailerName]: "NhCmhg==" });
    }),
    { numRuns: 3000 },
  );
});

const fragments = fc.constantFrom(
  ..."0 5 a ; : hello chunk-signature= 0;chunk-signature= ffffffffffffffff -1".split(" "),
  ..."x-amz-checksum-crc32 x-amz-trailer-signature: 5\r\nhello\r\n 0\r\n \r\n \r \n".split(" "),
  " ",
  "\u0000",
  "x".repeat(300),
  "y:".repeat(700),
);

test("malformed framing ends in an S3 error, whatever the bytes and the cuts", () => {
  const kinds = fc.constantFrom<ChunkSigning["kind"]>("signed", "unsigned", "unverifiable");
  fc.assert(
    fc.property(
      fc.array(fragments, { maxLength: 12 }),
      fc.array(fc.nat(), { maxLength: 6 }),
      kinds,
      fc.boolean(),
      (pieces, cuts, kind, announced) => {
        const signing: ChunkSigning = kind === "signed" ? signedChain() : { kind };
        const options: Partial<AwsChunkedOptions> = {
          signing,
          decodedLengthBytes: 5,
          announcedTrailers: announced ? [trailerName] : [],
        };
        const encoded = Buffer.from(pieces.join(""), "latin1");
        const outcome = decode(encoded, options, cuts);
        if (outcome.error === undefined) assert.equal(outcome.bytes?.length, 5);
        if (kind === "signed") return;
        const inOnePiece = decode(encoded, options);
        assert.equal(inOnePiece.error?.code, outcome.error?.code);
        assert.equal(inOnePiece.bytes, outcome.bytes);
      },
    ),
    { numRuns: 3000 },
  );
});

interface Refusal {
  readonly name: string;
  readonly body: string;
  readonly options?: Partial<AwsChunkedOptions>;
  readonly code: string;
  readonly fields?: Readonly<Record<string, number>>;
}

const announced: Partial<AwsChunkedOptions> = { announcedTrailers: [trailerName] };

// The answers of S3 itself are quoted in the issues that aws-chunked.ts names.
const refusals: readonly Refusal[] = [
  { name: "nothing at all", body: "", code: "IncompleteBody" },
  { name: "a chunk that is cut off", body: "5\r\nhel", code: "IncompleteBody" },
  { name: "no last chunk", body: "5\r\nhello\r\n", code: "IncompleteBody" },
  { name: "no end", body: "5\r\nhello\r\n0\r\n", code: "IncompleteBody" },
  { name: "another last byte", body: "5\r\nhello\r\n0\r\n\rX", code: "IncompleteBody" },
  { name: "bytes after the end", body: "5\r\nhello\r\n0\r\n\r\n\r\n", code: "IncompleteBody" },
  { name: "a size that is too small", body: "3\r\nhello\r\n0\r\n\r\n", code: "IncompleteBody" },
  { name: "a size that is none", body: "five\r\nhello\r\n0\r\n\r\n", code: "IncompleteBody" },
  { name: "a negative size", body: "-5\r\nhello\r\n0\r\n\r\n", code: "IncompleteBody" },
  { name: "a size without end", body: `${"0".repeat(300)}5\r\nhello`, code: "IncompleteBody" },
  { name: "a missing delimiter", body: "5\r\nhello0\r\n\r\n", code: "IncompleteBody" },
  { name: "a bare line feed", body: "5\nhello\r\n0\r\n\r\n", code: "IncompleteBody" },
  {
    name: "a signature where none is due",
    body: "5;chunk-signature=abc\r\nhello\r\n0\r\n\r\n",
    code: "IncompleteBody",
  },
  {
    name: "more bytes than announced",
    body: "6\r\nhello!\r\n0\r\n\r\n",
    code: "IncompleteBody",
    fields: { NumberBytesExpected: 5, NumberBytesProvided: 6 },
  },
  {
    name: "fewer bytes than announced",
    body: "4\r\nhell\r\n0\r\n\r\n",
    code: "IncompleteBody",
    fields: { NumberBytesExpected: 5, NumberBytesProvided: 4 },
  },
  {
    name: "a small chunk that is not the last",
    body: "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
    code: "InvalidChunkSizeError",
    fields: { Chunk: 2, BadChunkSize: 5 },
  },
  {
    name: "an announced trailer that is missing",
    body: "5\r\nhello\r\n0\r\n\r\n",
    options: announced,
    code: "MalformedTrailerError",
  },
  {
    name: "a trailer that was not announced",
    body: "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
    code: "MalformedTrailerError",
  },
  {
    name: "another trailer than was announced",
    body: "5\r\nhello\r\n0\r\nx-amz-checksum-crc32c:mnG7TA==\r\n\r\n",
    options: announced,
    code: "MalformedTrailerError",
  },
  {
    name: "a trailer without a name",
    body: "5\r\nhello\r\n0\r\n:NhCmhg==\r\n\r\n",
    options: announced,
    code: "MalformedTrailerError",
  },
  {
    name: "a trailer without a colon",
    body: "5\r\nhello\r\n0\r\nx-amz-checksum-crc32NhCmhg==\r\n\r\n",
    options: announced,
    code: "MalformedTrailerError",
  },
  {
    name: "a trailer that comes twice",
    body: "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
    options: announced,
    code: "MalformedTrailerError",
  },
  {
    name: "a trailer without end",
    body: `5\r\nhello\r\n0\r\nx-amz-checksum-crc32:${"A".repeat(2000)}\r\n\r\n`,
    options: announced,
    code: "MalformedTrailerError",
  },
];

for (const { name, body, options, code, fields } of refusals) {
  test(`refused: ${name}`, () => {
    const { error } = decode(Buffer.from(body), { decodedLengthBytes: 5, ...options });
    assert.equal(error?.code, code);
    if (fields !== undefined) assert.deepEqual(error?.fields, fields);
  });
}

test("a signed mode needs its signatures", () => {
  const bare = decode(Buffer.from("5\r\nhello\r\n0\r\n\r\n"), {
    decodedLengthBytes: 5,
    signing: signedChain(),
  });
  assert.equal(bare.error?.code, "IncompleteBody");
  const encoded = encode({
    chunks: [Buffer.from("hello")],
    trailers: [[trailerName, "NhCmhg=="]],
    signed: true,
  }).toString();
  const options = { ...announced, decodedLengthBytes: 5 };
  const unsignedTrailer = encoded.replace(/x-amz-trailer-signature:.*\r\n/, "");
  const lost = decode(Buffer.from(unsignedTrailer), { ...options, signing: signedChain() });
  assert.equal(lost.error?.code, "IncompleteBody");
  const other = encoded.replace("NhCmhg==", "AAAAAA==");
  const changed = decode(Buffer.from(other), { ...options, signing: signedChain() });
  assert.equal(changed.error?.code, "SignatureDoesNotMatch");
});

test("the documentation's own ending of a trailing field is understood", () => {
  const body = "5\r\nhello\r\n0\r\nX-Amz-Checksum-Crc32: NhCmhg==\n\r\n\r\n";
  assert.deepEqual(decode(Buffer.from(body), { ...announced, decodedLengthBytes: 5 }), {
    bytes: "hello",
    trailers: { [trailerName]: "NhCmhg==" },
  });
});

test("an empty object is one empty chunk", () => {
  assert.deepEqual(decode(Buffer.from("0\r\n\r\n"), {}), { bytes: "", trailers: {} });
});

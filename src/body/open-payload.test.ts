import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { collectBytes } from "../base/bytes.ts";
import type { ByteStream } from "../base/bytes.ts";
import { openPayload } from "./open-payload.ts";
import type { BodyIntegrity } from "./open-payload.ts";

async function* streamOf(...pieces: readonly string[]): ByteStream {
  for (const piece of pieces) yield Buffer.from(piece);
}

const unsigned: BodyIntegrity = { kind: "unsigned" };
const unsignedTrailer: BodyIntegrity = {
  kind: "chunked",
  trailer: true,
  chunkSignatures: undefined,
};

interface Read {
  readonly text: string;
  readonly lengthBytes: number | undefined;
  readonly trailers: Readonly<Record<string, string>>;
}

async function read(
  headers: Readonly<Record<string, string>>,
  integrity: BodyIntegrity,
  ...pieces: readonly string[]
): Promise<Read> {
  const payload = openPayload(streamOf(...pieces), new Map(Object.entries(headers)), integrity);
  const bytes = await collectBytes(payload.stream, 100_000);
  return {
    text: Buffer.from(bytes).toString(),
    lengthBytes: payload.lengthBytes,
    trailers: Object.fromEntries(payload.trailers),
  };
}

test("a plain body passes as it is", async () => {
  assert.deepEqual(await read({ "content-length": "5" }, unsigned, "he", "llo"), {
    text: "hello",
    lengthBytes: 5,
    trailers: {},
  });
  const chunked = await read({ "transfer-encoding": "chunked" }, unsigned, "hello");
  assert.equal(chunked.lengthBytes, undefined);
});

test("a plain body of another length than announced is refused", async () => {
  await assert.rejects(read({ "content-length": "6" }, unsigned, "hello"), {
    code: "IncompleteBody",
    fields: { NumberBytesExpected: 6, NumberBytesProvided: 5 },
  });
  await assert.rejects(read({ "content-length": "4" }, unsigned, "hello"), {
    code: "IncompleteBody",
  });
});

test("a signed hash is compared at the end, in one piece or in several", async () => {
  const sha256Hex = createHash("sha256").update("hello").digest("hex");
  const integrity: BodyIntegrity = { kind: "digest", sha256Hex };
  for (const pieces of [["hello"], ["he", "llo"], ["", "hello"]]) {
    const { text } = await read({ "content-length": "5" }, integrity, ...pieces);
    assert.equal(text, "hello");
  }
  await read({}, integrity, "hel", "lo");
  await assert.rejects(read({ "content-length": "5" }, integrity, "hellO"), {
    code: "XAmzContentSHA256Mismatch",
    status: 400,
    fields: {
      ClientComputedContentSHA256: sha256Hex,
      S3ComputedContentSHA256: createHash("sha256").update("hellO").digest("hex"),
    },
  });
  await assert.rejects(read({ "content-length": "5" }, integrity, "he", "llO"), {
    code: "XAmzContentSHA256Mismatch",
  });
  await assert.rejects(read({}, integrity), { code: "XAmzContentSHA256Mismatch" });
  const emptySha256 = createHash("sha256").digest("hex");
  await read({ "content-length": "0" }, { kind: "digest", sha256Hex: emptySha256 });
});

const trailerHeaders = {
  "content-encoding": "aws-chunked",
  "x-amz-decoded-content-length": "5",
  "x-amz-trailer": "X-Amz-Checksum-CRC32",
};
const framed = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";

test("an unsigned stream with a trailing checksum is decoded", async () => {
  assert.deepEqual(await read(trailerHeaders, unsignedTrailer, framed), {
    text: "hello",
    lengthBytes: 5,
    trailers: { "x-amz-checksum-crc32": "NhCmhg==" },
  });
});

test("an unsigned stream may do without a trailer", async () => {
  const headers = { "x-amz-decoded-content-length": "5" };
  const { text } = await read(headers, unsignedTrailer, "5\r\nhello\r\n0\r\n\r\n");
  assert.equal(text, "hello");
});

test("a mode without trailers accepts none", async () => {
  const accepted = { verifyChunk: () => {}, verifyTrailer: () => {} };
  const integrity: BodyIntegrity = { kind: "chunked", trailer: false, chunkSignatures: accepted };
  const body = framed.replaceAll("\r\nhello", ";chunk-signature=a\r\nhello");
  const signed = body.replace("\r\n0\r\n", "\r\n0;chunk-signature=b\r\n");
  await assert.rejects(read(trailerHeaders, integrity, signed), { code: "MalformedTrailerError" });
  const without = signed.replace(/x-amz-checksum.*\r\n/, "");
  assert.equal((await read(trailerHeaders, integrity, without)).text, "hello");
});

test("a failing chunk signature ends the stream before it looks complete", async () => {
  const integrity: BodyIntegrity = {
    kind: "chunked",
    trailer: false,
    chunkSignatures: {
      verifyChunk: () => {
        throw new Error("bad signature");
      },
      verifyTrailer: () => {},
    },
  };
  const body = "5;chunk-signature=a\r\nhello\r\n0;chunk-signature=b\r\n\r\n";
  await assert.rejects(read(trailerHeaders, integrity, body), { message: "bad signature" });
});

test("a stream must announce its decoded length", () => {
  for (const headers of [{}, { "x-amz-decoded-content-length": "abc" }]) {
    const open = (): unknown =>
      openPayload(streamOf(), new Map(Object.entries(headers)), unsignedTrailer);
    assert.throws(open, { code: "MissingContentLength", status: 411 });
  }
});

test("only checksums are known as trailers", () => {
  for (const announced of ["x-amz-checksum-sha10", "x-amz-meta-a", "", "x-amz-checksum-crc32,"]) {
    const headers = new Map(Object.entries({ ...trailerHeaders, "x-amz-trailer": announced }));
    assert.throws(() => openPayload(streamOf(), headers, unsignedTrailer), {
      code: "InvalidRequest",
      message: "The value specified in the x-amz-trailer header is not supported",
    });
  }
});

test("aws-chunked is decoded also where only Content-Encoding says so", async () => {
  const headers = { ...trailerHeaders, "content-encoding": "gzip,AWS-Chunked" };
  const { text } = await read(headers, unsigned, framed);
  assert.equal(text, "hello");
  const signed = "5;chunk-signature=abc\r\nhello\r\n0;chunk-signature=def\r\n\r\n";
  const old = { "content-encoding": "aws-chunked", "x-amz-decoded-content-length": "5" };
  assert.equal((await read(old, unsigned, signed)).text, "hello");
});

test("a body that only claims to be aws-chunked passes as it is", async () => {
  const same = {
    "content-encoding": "aws-chunked",
    "content-length": "5",
    "x-amz-decoded-content-length": "5",
  };
  assert.equal((await read(same, unsigned, "hello")).text, "hello");
  const lengthless = { "content-encoding": "aws-chunked", "content-length": "5" };
  assert.equal((await read(lengthless, unsigned, "hello")).text, "hello");
});

test("nothing is read before the stream is iterated", async () => {
  let reads = 0;
  const raw: ByteStream = {
    async *[Symbol.asyncIterator]() {
      reads += 1;
      yield Buffer.from("hello");
    },
  };
  const payload = openPayload(raw, new Map([["content-length", "5"]]), unsigned);
  await Promise.resolve();
  assert.equal(reads, 0);
  await collectBytes(payload.stream, 10);
  assert.equal(reads, 1);
});

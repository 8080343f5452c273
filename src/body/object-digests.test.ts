import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { collectBytes } from "../base/bytes.ts";
import type { ByteStream } from "../base/bytes.ts";
import { checksumHeaderNames, computeChecksum } from "./checksum.ts";
import type { ChecksumAlgorithm } from "./checksum.ts";
import { checkChecksumHeaderNames, digestPayload } from "./object-digests.ts";
import type { DigestOptions, ObjectDigests } from "./object-digests.ts";
import type { RequestPayload } from "./request-payload.ts";

const algorithms = Object.keys(checksumHeaderNames) as ChecksumAlgorithm[]; // Its only keys.

const nothing: DigestOptions = {
  contentMd5: undefined,
  checksums: {},
  sdkAlgorithm: undefined,
  defaultAlgorithm: undefined,
  needsMd5: false,
  maximumBytes: 1_000_000,
};

async function* streamOf(pieces: readonly Uint8Array[]): ByteStream {
  yield* pieces;
}

function payloadOf(
  pieces: readonly Uint8Array[],
  more: Partial<RequestPayload> = {},
): RequestPayload {
  return {
    stream: streamOf(pieces),
    lengthBytes: undefined,
    isTransferCoded: false,
    announcedTrailers: [],
    trailers: new Map(),
    ...more,
  };
}

async function digestsOf(
  payload: RequestPayload,
  options: Partial<DigestOptions>,
): Promise<ObjectDigests> {
  const digested = digestPayload(payload, { ...nothing, ...options });
  await collectBytes(digested.stream, 10_000_000);
  return digested.result();
}

const hello = Buffer.from("hello");
const md5Base64 = createHash("md5").update(hello).digest("base64");

function base64(algorithm: ChecksumAlgorithm, bytes: Uint8Array): string {
  return Buffer.from(computeChecksum(algorithm, bytes)).toString("base64");
}

function hello5(more: Partial<RequestPayload> = {}): RequestPayload {
  return payloadOf([hello], { lengthBytes: 5, ...more });
}

test("the digests do not depend on the pieces, nor on the length being known", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }),
      fc.constantFrom(...algorithms),
      fc.boolean(),
      async (pieces, algorithm, isLengthKnown) => {
        const whole = Buffer.concat(pieces);
        const lengthBytes = isLengthKnown ? whole.byteLength : undefined;
        const digested = digestPayload(payloadOf(pieces, { lengthBytes }), {
          ...nothing,
          needsMd5: true,
          defaultAlgorithm: algorithm,
        });
        const passed = await collectBytes(digested.stream, 10_000);
        assert.equal(Buffer.from(passed).toString("hex"), whole.toString("hex"));
        assert.deepEqual(digested.result(), {
          lengthBytes: whole.byteLength,
          md5Hex: createHash("md5").update(whole).digest("hex"),
          checksum: { algorithm, value: base64(algorithm, whole) },
        });
      },
    ),
    { numRuns: 150 },
  );
});

test("nothing is computed that nobody asked for", async () => {
  assert.deepEqual(await digestsOf(hello5(), {}), {
    lengthBytes: 5,
    md5Hex: undefined,
    checksum: undefined,
  });
});

test("the result is not to be had before the end", async () => {
  const digested = digestPayload(hello5(), nothing);
  assert.throws(() => digested.result(), { name: "AssertionError" });
});

for (const algorithm of algorithms) {
  test(`${algorithm} in a header and in a trailing field`, async () => {
    const value = base64(algorithm, hello);
    const name = checksumHeaderNames[algorithm];
    const wrong = base64(algorithm, Buffer.from("other"));
    const expected = { algorithm, value };
    const sdkAlgorithm = algorithm;

    const fromHeader = await digestsOf(hello5(), {
      checksums: { [algorithm]: value },
      sdkAlgorithm,
      defaultAlgorithm: "CRC64NVME",
    });
    assert.deepEqual(fromHeader.checksum, expected);
    await assert.rejects(digestsOf(hello5(), { checksums: { [algorithm]: wrong } }), {
      code: "BadDigest",
      message: `The ${algorithm} you specified did not match the calculated checksum.`,
    });
    assert.throws(
      () => digestPayload(hello5(), { ...nothing, checksums: { [algorithm]: "abc" } }),
      {
        code: "InvalidRequest",
        message: `Value for ${name} header is invalid.`,
      },
    );

    const trailing = (text: string): RequestPayload =>
      hello5({ announcedTrailers: [name], trailers: new Map([[name, text]]) });
    const fromTrailer = await digestsOf(trailing(value), { sdkAlgorithm });
    assert.deepEqual(fromTrailer.checksum, expected);
    await assert.rejects(digestsOf(trailing(wrong), {}), { code: "BadDigest" });
    await assert.rejects(digestsOf(trailing("abc"), {}), {
      code: "InvalidRequest",
      message: `Value for ${name} trailing header is invalid.`,
    });
  });
}

test("an announced trailer that did not come is refused", async () => {
  const payload = hello5({ announcedTrailers: ["x-amz-checksum-crc32"] });
  await assert.rejects(digestsOf(payload, {}), { code: "MalformedTrailerError" });
});

test("Content-MD5 is checked in form and in value", async () => {
  const right = await digestsOf(hello5(), { contentMd5: md5Base64 });
  assert.equal(right.md5Hex, "5d41402abc4b2a76b9719d911017c592");
  for (const contentMd5 of ["", "abc", `${md5Base64}=`, "5d41402abc4b2a76b9719d911017c592"]) {
    assert.throws(() => digestPayload(hello5(), { ...nothing, contentMd5 }), {
      code: "InvalidDigest",
      fields: { "Content-MD5": contentMd5 },
    });
  }
  const other = createHash("md5").update("other").digest("base64");
  await assert.rejects(digestsOf(hello5(), { contentMd5: other }), {
    code: "BadDigest",
    message: "The Content-MD5 you specified did not match what we received.",
    fields: { CalculatedDigest: md5Base64, ExpectedDigest: other },
  });
});

function refusedAtOnce(options: Partial<DigestOptions>, payload = hello5()): RegExp | string {
  let message = "";
  assert.throws(
    () => digestPayload(payload, { ...nothing, ...options }),
    (error: Error & { code?: string }) => {
      message = error.message;
      return error.code === "InvalidRequest";
    },
  );
  return message;
}

test("several checksums are refused, also empty ones and one in a trailing field", () => {
  const several =
    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
  assert.equal(refusedAtOnce({ checksums: { CRC32: "", SHA1: "" } }), several);
  const trailing = hello5({ announcedTrailers: ["x-amz-checksum-crc32"] });
  const sha1 = base64("SHA1", hello);
  assert.equal(refusedAtOnce({ checksums: { SHA1: sha1 } }, trailing), several);
});

test("a checksum that does not exist is refused, unless a real one is beside it", () => {
  const unknown = "x-amz-checksum-sha256a";
  checkChecksumHeaderNames(["host", "x-amz-checksum-type", "x-amz-checksum-algorithm"]);
  checkChecksumHeaderNames([unknown, "x-amz-checksum-crc32"]);
  assert.throws(() => checkChecksumHeaderNames(["host", unknown]), {
    code: "InvalidRequest",
    message: "The algorithm type you specified in x-amz-checksum- header is invalid.",
  });
});

test("x-amz-sdk-checksum-algorithm must name the checksum that is sent", () => {
  const invalid = "Value for x-amz-sdk-checksum-algorithm header is invalid.";
  const crc32 = base64("CRC32", hello);
  assert.equal(
    refusedAtOnce({ sdkAlgorithm: "CRC32" }),
    "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
  );
  assert.equal(refusedAtOnce({ sdkAlgorithm: "CRC32C", checksums: { CRC32: crc32 } }), invalid);
  assert.equal(refusedAtOnce({ sdkAlgorithm: "SHA10", checksums: { CRC32: crc32 } }), invalid);
  const trailing = hello5({ announcedTrailers: ["x-amz-checksum-crc32"] });
  assert.equal(refusedAtOnce({ sdkAlgorithm: "SHA1" }, trailing), invalid);
  digestPayload(hello5(), { ...nothing, sdkAlgorithm: "crc32", checksums: { CRC32: crc32 } });
});

test("a part comes with the checksum that its upload was created with", async () => {
  const crc32 = base64("CRC32", hello);
  assert.equal(
    refusedAtOnce({ requiredAlgorithm: "SHA256", checksums: { CRC32: crc32 } }),
    "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: crc32",
  );
  assert.equal(
    refusedAtOnce({ requiredAlgorithm: "SHA256" }),
    "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: null",
  );
  const filled = await digestsOf(hello5(), {
    requiredAlgorithm: "CRC32",
    defaultAlgorithm: "CRC32",
  });
  assert.deepEqual(filled.checksum, { algorithm: "CRC32", value: crc32 });
});

test("too much is refused at once where the length is known, and else when it has come", async () => {
  assert.throws(() => digestPayload(hello5(), { ...nothing, maximumBytes: 4 }), {
    code: "EntityTooLarge",
    fields: { ProposedSize: 5, MaxSizeAllowed: 4 },
  });
  await assert.rejects(digestsOf(payloadOf([hello, hello]), { maximumBytes: 9 }), {
    code: "EntityTooLarge",
    fields: { ProposedSize: 10, MaxSizeAllowed: 9 },
  });
  const { lengthBytes } = await digestsOf(payloadOf([hello, hello]), { maximumBytes: 10 });
  assert.equal(lengthBytes, 10);
});

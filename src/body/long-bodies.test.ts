// Bodies long enough for the digest thread, from the framed bytes to the verdict. The first of a process
// is digested on the event loop, because the thread is still starting: each case runs often enough.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ByteStream } from "../base/bytes.ts";
import { computeChecksum } from "./checksum.ts";
import { digestPayload } from "./object-digests.ts";
import type { DigestOptions, ObjectDigests } from "./object-digests.ts";
import { openPayload } from "./open-payload.ts";
import type { BodyIntegrity } from "./open-payload.ts";

const body = Buffer.alloc(2_300_001, "long bodies ");
const md5 = createHash("md5").update(body).digest();
const sha256 = createHash("sha256").update(body).digest();
const crc32 = Buffer.from(computeChecksum("CRC32", body)).toString("base64");

const options: DigestOptions = {
  contentMd5: undefined,
  checksums: {},
  sdkAlgorithm: undefined,
  defaultAlgorithm: "CRC32",
  needsMd5: true,
  maximumBytes: 10_000_000,
};

/** Chunks as a socket brings them: each with memory of its own. */
async function* received(bytes: Buffer): ByteStream {
  for (let offset = 0; offset < bytes.byteLength; offset += 65_536) {
    const piece = bytes.subarray(offset, offset + 65_536);
    const chunk = Buffer.allocUnsafeSlow(piece.byteLength);
    piece.copy(chunk);
    yield chunk;
  }
}

interface Upload {
  readonly bytes?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly integrity?: BodyIntegrity;
  readonly options?: Partial<DigestOptions>;
}

/** Also compares the bytes that come out. */
async function upload(given: Upload): Promise<ObjectDigests> {
  const bytes = given.bytes ?? body;
  const headers = new Map(
    Object.entries({ "content-length": String(bytes.byteLength), ...given.headers }),
  );
  const payload = openPayload(received(bytes), headers, given.integrity ?? { kind: "unsigned" });
  const digested = digestPayload(payload, { ...options, ...given.options });
  const passed = createHash("sha256");
  for await (const chunk of digested.stream) passed.update(chunk);
  assert.deepEqual(passed.digest(), sha256);
  return digested.result();
}

const expected: ObjectDigests = {
  lengthBytes: body.byteLength,
  md5Hex: md5.toString("hex"),
  checksum: { algorithm: "CRC32", value: crc32 },
};

/** Until the thread has surely taken over. */
async function repeatedly(attempt: () => Promise<void>): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    await attempt();
    await sleep(50);
  }
}

test("a long body has the digests of its bytes, on the event loop and on the thread", async () => {
  await repeatedly(async () => assert.deepEqual(await upload({}), expected));
});

test("many long bodies at once, more than there are lanes", async () => {
  const results = await Promise.all(Array.from({ length: 40 }, () => upload({})));
  for (const result of results) assert.deepEqual(result, expected);
});

test("a long body in signed chunks with a trailing checksum", async () => {
  const accepted = { verifyChunk: () => {}, verifyTrailer: () => {} };
  const chunkBytes = 100_000;
  const parts: Buffer[] = [];
  for (let offset = 0; offset < body.byteLength; offset += chunkBytes) {
    const chunk = body.subarray(offset, offset + chunkBytes);
    const line = `${chunk.byteLength.toString(16)};chunk-signature=a\r\n`;
    parts.push(Buffer.from(line), chunk, Buffer.from("\r\n"));
  }
  const trailer = `x-amz-checksum-crc32:${crc32}\r\nx-amz-trailer-signature:c\r\n\r\n`;
  parts.push(Buffer.from(`0;chunk-signature=b\r\n${trailer}`));
  const headers = {
    "x-amz-decoded-content-length": String(body.byteLength),
    "x-amz-trailer": "x-amz-checksum-crc32",
  };
  const integrity: BodyIntegrity = { kind: "chunked", trailer: true, chunkSignatures: accepted };
  await repeatedly(async () => {
    const bytes = Buffer.concat(parts);
    assert.deepEqual(await upload({ bytes, headers, integrity }), expected);
  });
});

test("a long body that is not what was promised is refused at its end", async () => {
  await repeatedly(async () => {
    await upload({ integrity: { kind: "digest", sha256Hex: sha256.toString("hex") } });
    const signed: BodyIntegrity = { kind: "digest", sha256Hex: "0".repeat(64) };
    await assert.rejects(upload({ integrity: signed }), {
      code: "XAmzContentSHA256Mismatch",
      fields: {
        ClientComputedContentSHA256: "0".repeat(64),
        S3ComputedContentSHA256: sha256.toString("hex"),
      },
    });
    await assert.rejects(upload({ options: { checksums: { CRC32: "AAAAAA==" } } }), {
      code: "BadDigest",
    });
    const contentMd5 = Buffer.alloc(16).toString("base64");
    await assert.rejects(upload({ options: { contentMd5 } }), {
      code: "BadDigest",
      fields: { CalculatedDigest: md5.toString("base64"), ExpectedDigest: contentMd5 },
    });
    await assert.rejects(upload({ headers: { "content-length": String(body.byteLength + 1) } }), {
      code: "IncompleteBody",
    });
  });
});

test("the signature and the checksum may both name the SHA-256", async () => {
  const value = sha256.toString("base64");
  const result = await upload({
    integrity: { kind: "digest", sha256Hex: sha256.toString("hex") },
    options: { checksums: { SHA256: value } },
  });
  assert.deepEqual(result.checksum, { algorithm: "SHA256", value });
});

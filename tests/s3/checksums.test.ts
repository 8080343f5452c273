// Checksums of single uploads: all ten algorithms, in headers and in trailers; right ones are kept,
// wrong ones leave no object.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { xxhash128, xxhash3, xxhash64 } from "hash-wasm";
import {
  assertErrorAnswer,
  assertRefused,
  elementOf,
  md5Hex,
  patternBytes,
  startTestServer,
  textOf,
  type RawAnswer,
} from "./test-server.ts";

const { s3, plainS3, newBucket, send } = await startTestServer();
const Bucket = await newBucket();

// The check values of the CRC catalogue are those of this text.
const text = "123456789";
const digest = (name: string): string => createHash(name).update(text).digest("base64");
const fromHex = (hex: string): string => Buffer.from(hex, "hex").toString("base64");
const values: Readonly<Record<string, string>> = {
  crc32: fromHex("cbf43926"),
  crc32c: fromHex("e3069283"),
  crc64nvme: fromHex("ae8b14860a799888"),
  sha1: digest("sha1"),
  sha256: digest("sha256"),
  sha512: digest("sha512"),
  md5: digest("md5"),
  xxhash64: fromHex(await xxhash64(text)),
  xxhash3: fromHex(await xxhash3(text)),
  xxhash128: fromHex(await xxhash128(text)),
};

/** The same number of bytes with another value. */
function wrongValue(value: string): string {
  const bytes = Buffer.from(value, "base64");
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return bytes.toString("base64");
}

function putTrailing(key: string, name: string, value: string): Promise<RawAnswer> {
  const body = `${text.length.toString(16)}\r\n${text}\r\n0\r\n${name}:${value}\r\n\r\n`;
  const headers = {
    "content-encoding": "aws-chunked",
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x-amz-decoded-content-length": String(text.length),
    "x-amz-trailer": name,
  };
  return send({ method: "PUT", path: `/${Bucket}/${key}`, headers, body });
}

async function checksumHeaders(key: string): Promise<Readonly<Record<string, string>>> {
  const headers = { "x-amz-checksum-mode": "ENABLED" };
  const answer = await send({ method: "HEAD", path: `/${Bucket}/${key}`, headers });
  return Object.fromEntries(
    [...answer.headers].filter(([name]) => name.startsWith("x-amz-checksum-")),
  );
}

for (const [algorithm, value] of Object.entries(values)) {
  const name = `x-amz-checksum-${algorithm}`;

  test(`${algorithm} in a header is verified, kept and told`, async () => {
    const path = `/${Bucket}/header-${algorithm}`;
    const answer = await send({ method: "PUT", path, headers: { [name]: value }, body: text });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers.get(name), value);
    assert.equal(answer.headers.get("x-amz-checksum-type"), "FULL_OBJECT");
    const kept = { [name]: value, "x-amz-checksum-type": "FULL_OBJECT" };
    assert.deepEqual(await checksumHeaders(`header-${algorithm}`), kept);
  });

  test(`${algorithm} in a trailer is verified, kept and told`, async () => {
    const answer = await putTrailing(`trailer-${algorithm}`, name, value);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers.get(name), value);
    const kept = { [name]: value, "x-amz-checksum-type": "FULL_OBJECT" };
    assert.deepEqual(await checksumHeaders(`trailer-${algorithm}`), kept);
    const read = await send({ path: `/${Bucket}/trailer-${algorithm}` });
    assert.equal(read.text, text);
    assert.equal(read.headers.get("content-encoding"), undefined);
  });

  test(`a wrong ${algorithm} leaves no object, in a header nor in a trailer`, async () => {
    const key = `wrong-${algorithm}`;
    const path = `/${Bucket}/${key}`;
    const headers = { [name]: wrongValue(value) };
    const bad = {
      code: "BadDigest",
      status: 400,
      message: `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
    };
    assertErrorAnswer(await send({ method: "PUT", path, headers, body: text }), bad);
    assertErrorAnswer(await putTrailing(key, name, wrongValue(value)), bad);
    assert.equal((await send({ method: "HEAD", path })).status, 404);
  });

  test(`what cannot be a ${algorithm} is refused`, async () => {
    const path = `/${Bucket}/invalid`;
    for (const invalid of ["", "AA==", "no base64!", `${value}AAAA`]) {
      const headers = { [name]: invalid };
      assertErrorAnswer(await send({ method: "PUT", path, headers, body: text }), {
        code: "InvalidRequest",
        status: 400,
        message: `Value for ${name} header is invalid.`,
      });
    }
    assert.equal((await send({ method: "HEAD", path })).status, 404);
  });
}

test("an upload without checksum gets CRC64NVME", async () => {
  const written = await plainS3.putObject({ Bucket, Key: "default", Body: text });
  assert.equal(written.ChecksumCRC64NVME, values["crc64nvme"]);
  assert.equal(written.ChecksumType, "FULL_OBJECT");
  const expected = {
    "x-amz-checksum-crc64nvme": values["crc64nvme"],
    "x-amz-checksum-type": "FULL_OBJECT",
  };
  assert.deepEqual(await checksumHeaders("default"), expected);
});

test("an empty object has a checksum too", async () => {
  const written = await plainS3.putObject({ Bucket, Key: "empty", Body: "" });
  assert.equal(written.ChecksumCRC64NVME, "AAAAAAAAAAA=");
});

test("checksums are told on demand only", async () => {
  await s3.putObject({ Bucket, Key: "silent", Body: text });
  const answer = await send({ path: `/${Bucket}/silent` });
  assert.equal(answer.headers.get("x-amz-checksum-crc32"), undefined);
  assert.equal(answer.headers.get("x-amz-checksum-type"), undefined);
  // The SDK verifies what it reads.
  assert.equal(await textOf(await s3.getObject({ Bucket, Key: "silent" })), text);
});

test("the SDK's own checksums are accepted for every algorithm that it has", async () => {
  for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const) {
    const Body = patternBytes(100_000);
    const Key = `sdk-${ChecksumAlgorithm}`;
    const written = await s3.putObject({ Bucket, Key, Body, ChecksumAlgorithm });
    const head = await s3.headObject({ Bucket, Key, ChecksumMode: "ENABLED" });
    const member = `Checksum${ChecksumAlgorithm}` as const;
    assert.ok(written[member] !== undefined);
    assert.equal(head[member], written[member]);
  }
});

test("listings name the algorithm and the kind", async () => {
  const { Contents = [] } = await s3.listObjectsV2({ Bucket, Prefix: "header-" });
  assert.equal(Contents.length, 10);
  for (const { Key = "", ChecksumAlgorithm, ChecksumType } of Contents) {
    assert.deepEqual(ChecksumAlgorithm, [Key.slice("header-".length).toUpperCase()]);
    assert.equal(ChecksumType, "FULL_OBJECT");
  }
});

test("only one checksum may be sent", async () => {
  const headers = {
    "x-amz-checksum-crc32": values["crc32"] ?? "",
    "x-amz-checksum-sha1": values["sha1"] ?? "",
  };
  assertErrorAnswer(await send({ method: "PUT", path: `/${Bucket}/two`, headers, body: text }), {
    code: "InvalidRequest",
    status: 400,
    message: "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
  });
});

test("the named algorithm must be that of the checksum, and there must be one", async () => {
  const path = `/${Bucket}/named`;
  const sdk = "x-amz-sdk-checksum-algorithm";
  const other = { [sdk]: "SHA1", "x-amz-checksum-crc32": values["crc32"] ?? "" };
  assertErrorAnswer(await send({ method: "PUT", path, headers: other, body: text }), {
    code: "InvalidRequest",
    status: 400,
    message: "Value for x-amz-sdk-checksum-algorithm header is invalid.",
  });
  assertErrorAnswer(await send({ method: "PUT", path, headers: { [sdk]: "SHA1" }, body: text }), {
    code: "InvalidRequest",
    status: 400,
    message:
      "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
  });
});

test("Content-MD5 is verified beside any checksum", async () => {
  const path = `/${Bucket}/md5`;
  const right = Buffer.from(md5Hex(text), "hex").toString("base64");
  const answer = await send({ method: "PUT", path, headers: { "content-md5": right }, body: text });
  assert.equal(answer.status, 200);
  const wrong = Buffer.from(md5Hex("other"), "hex").toString("base64");
  for (const body of [text, patternBytes(100_000)]) {
    const refused = await send({ method: "PUT", path, headers: { "content-md5": wrong }, body });
    assertErrorAnswer(refused, {
      code: "BadDigest",
      status: 400,
      message: "The Content-MD5 you specified did not match what we received.",
      fields: { ExpectedDigest: wrong },
    });
    const calculated = Buffer.from(md5Hex(body), "hex").toString("base64");
    assert.equal(elementOf(refused.text, "CalculatedDigest"), calculated);
  }
  for (const invalid of ["", "abc", right.slice(4)]) {
    const headers = { "content-md5": invalid };
    const refused = await send({ method: "PUT", path, headers, body: text });
    assertErrorAnswer(refused, { code: "InvalidDigest", status: 400 });
  }
  assert.equal((await send({ path })).text, text, "the object is still the first one");
});

test("a wrong payload hash leaves no object", async () => {
  const path = `/${Bucket}/sha`;
  const headers = { "x-amz-content-sha256": createHash("sha256").update("other").digest("hex") };
  assertErrorAnswer(await send({ method: "PUT", path, headers, body: text }), {
    code: "XAmzContentSHA256Mismatch",
    status: 400,
    message: "The provided 'x-amz-content-sha256' header does not match what was computed.",
  });
  assert.equal((await send({ method: "HEAD", path })).status, 404);
});

test("a refused upload leaves the object that was there", async () => {
  const Key = "kept";
  await s3.putObject({ Bucket, Key, Body: "first" });
  await assertRefused(
    s3.putObject({ Bucket, Key, Body: patternBytes(300_000), ContentMD5: values["md5"] }),
    {
      code: "BadDigest",
      status: 400,
    },
  );
  assert.equal(await textOf(await s3.getObject({ Bucket, Key })), "first");
});

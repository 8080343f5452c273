// Checksums of multipart uploads: of the whole bytes (FULL_OBJECT) or of the parts' checksums
// (COMPOSITE), for every algorithm that can be either.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import {
  createCRC32,
  createCRC64,
  createXXHash128,
  createXXHash3,
  createXXHash64,
  type IHasher,
} from "hash-wasm";
import {
  assertErrorAnswer,
  assertRefused,
  elementOf,
  patternBytes,
  smallestPartBytes,
  startTestServer,
  type RawAnswer,
} from "./test-server.ts";

const { s3, plainS3, newBucket, upload, send } = await startTestServer();
const Bucket = await newBucket();
const bodies = [patternBytes(smallestPartBytes, 1), patternBytes(70_001, 2)];
const whole = Buffer.concat(bodies);

const wasm =
  (hasher: IHasher) =>
  (bytes: Uint8Array): Buffer =>
    Buffer.from(hasher.init().update(bytes).digest("binary"));
const node =
  (name: string) =>
  (bytes: Uint8Array): Buffer =>
    createHash(name).update(bytes).digest();

const algorithms: Readonly<Record<string, (bytes: Uint8Array) => Buffer>> = {
  CRC32: wasm(await createCRC32()),
  CRC32C: wasm(await createCRC32(0x82f63b78)),
  CRC64NVME: wasm(await createCRC64("9a6c9329ac4bc9b5")),
  SHA1: node("sha1"),
  SHA256: node("sha256"),
  SHA512: node("sha512"),
  MD5: node("md5"),
  XXHASH64: wasm(await createXXHash64()),
  XXHASH3: wasm(await createXXHash3()),
  XXHASH128: wasm(await createXXHash128()),
};

const base64 = (algorithm: string, bytes: Uint8Array): string =>
  (algorithms[algorithm] as (bytes: Uint8Array) => Buffer)(bytes).toString("base64");

function expectedChecksum(algorithm: string, type: string): string {
  if (type === "FULL_OBJECT") return base64(algorithm, whole);
  const values = bodies.map((body) => Buffer.from(base64(algorithm, body), "base64"));
  return `${base64(algorithm, Buffer.concat(values))}-${bodies.length}`;
}

const headerOf = (algorithm: string): string => `x-amz-checksum-${algorithm.toLowerCase()}`;

/** Raw requests: the SDK has no members for the newer algorithms' computation. */
async function create(
  key: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly answer: RawAnswer; readonly uploadId: string }> {
  const path = `/${Bucket}/${key}`;
  const answer = await send({ method: "POST", path, query: "uploads", headers });
  return { answer, uploadId: elementOf(answer.text, "UploadId") ?? "" };
}

function putPart(
  key: string,
  uploadId: string,
  number: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  const query = `partNumber=${number}&uploadId=${uploadId}`;
  const body = bodies[number - 1] ?? "";
  return send({ method: "PUT", path: `/${Bucket}/${key}`, query, headers, body });
}

function completeParts(
  key: string,
  uploadId: string,
  etags: readonly string[],
  extra: (number: number) => string = () => "",
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  const parts = etags.map((etag, index) => {
    const number = index + 1;
    return `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag>${extra(number)}</Part>`;
  });
  const body = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
  const query = `uploadId=${uploadId}`;
  return send({ method: "POST", path: `/${Bucket}/${key}`, query, headers, body });
}

const combinations: readonly (readonly [algorithm: string, type: string])[] = [
  ...["CRC32", "CRC32C", "CRC64NVME"].map((name) => [name, "FULL_OBJECT"] as const),
  ...Object.keys(algorithms)
    .filter((name) => name !== "CRC64NVME")
    .map((name) => [name, "COMPOSITE"] as const),
];

for (const [algorithm, type] of combinations) {
  test(`${type} ${algorithm} is verified for each part and told of the object`, async () => {
    const key = `${algorithm}-${type}`;
    const element = `Checksum${algorithm}`;
    const { answer, uploadId } = await create(key, {
      "x-amz-checksum-algorithm": algorithm,
      "x-amz-checksum-type": type,
    });
    assert.equal(answer.headers.get("x-amz-checksum-algorithm"), algorithm, answer.text);
    assert.equal(answer.headers.get("x-amz-checksum-type"), type);
    const etags: string[] = [];
    for (const [index, body] of bodies.entries()) {
      const value = base64(algorithm, body);
      const headers = { [headerOf(algorithm)]: value };
      const part = await putPart(key, uploadId, index + 1, headers);
      assert.equal(part.headers.get(headerOf(algorithm)), value, part.text);
      etags.push(part.headers.get("etag") ?? "");
    }
    const expected = expectedChecksum(algorithm, type);
    const done = await completeParts(
      key,
      uploadId,
      etags,
      (number) => `<${element}>${base64(algorithm, bodies[number - 1] as Uint8Array)}</${element}>`,
      { [headerOf(algorithm)]: expected, "x-amz-checksum-type": type },
    );
    assert.equal(done.status, 200, done.text);
    assert.equal(elementOf(done.text, element), expected);
    assert.equal(elementOf(done.text, "ChecksumType"), type);
    const headers = { "x-amz-checksum-mode": "ENABLED" };
    const head = await send({ method: "HEAD", path: `/${Bucket}/${key}`, headers });
    assert.equal(head.headers.get(headerOf(algorithm)), expected);
    assert.equal(head.headers.get("x-amz-checksum-type"), type);
  });
}

test("without a type CRC64NVME is of the whole object, every other one of the parts", async () => {
  for (const algorithm of Object.keys(algorithms)) {
    const { answer } = await create("typeless", { "x-amz-checksum-algorithm": algorithm });
    const type = algorithm === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE";
    assert.equal(answer.headers.get("x-amz-checksum-type"), type, algorithm);
  }
});

// The words are those of real S3 (github.com/floci-io/floci/pull/3093).
test("combinations that cannot be are refused", async () => {
  for (const [algorithm, type, message] of [
    [
      "SHA256",
      "FULL_OBJECT",
      "The FULL_OBJECT checksum type cannot be used with the sha256 checksum algorithm.",
    ],
    [
      "CRC64NVME",
      "COMPOSITE",
      "The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm.",
    ],
    ["CRC32", "HALF", "Value for x-amz-checksum-type header is invalid."],
    [
      undefined,
      "FULL_OBJECT",
      "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
    ],
    ["CRC31", undefined, /^Checksum algorithm provided is unsupported/],
  ] as const) {
    const { answer } = await create("refused", {
      ...(algorithm === undefined ? {} : { "x-amz-checksum-algorithm": algorithm }),
      ...(type === undefined ? {} : { "x-amz-checksum-type": type }),
    });
    assertErrorAnswer(answer, { code: "InvalidRequest", status: 400, message });
  }
});

test("an upload that names no algorithm gets CRC64NVME of the whole object", async () => {
  const { parts, ...place } = await upload(Bucket, "default", bodies);
  const done = await plainS3.completeMultipartUpload({
    ...place,
    MultipartUpload: { Parts: parts },
  });
  assert.equal(done.ChecksumCRC64NVME, expectedChecksum("CRC64NVME", "FULL_OBJECT"));
  assert.equal(done.ChecksumType, "FULL_OBJECT");
  const { Parts = [], ChecksumAlgorithm } = await (async () => {
    const again = await upload(Bucket, "listed", bodies.slice(1));
    return s3.listParts({ Bucket, Key: "listed", UploadId: again.UploadId });
  })();
  // github.com/versity/versitygw/issues/1288
  assert.equal(ChecksumAlgorithm, undefined);
  assert.equal(Parts[0]?.ChecksumCRC64NVME, undefined);
});

test("clients that send checksums with parts alone can complete without naming them", async () => {
  // What boto3 does by default: no algorithm at the beginning, CRC32 with each part, ETags at the end.
  const { uploadId } = await create("undeclared", {});
  const etags: string[] = [];
  for (const [index, body] of bodies.entries()) {
    const headers = {
      "x-amz-checksum-crc32": base64("CRC32", body),
      "x-amz-sdk-checksum-algorithm": "CRC32",
    };
    const part = await putPart("undeclared", uploadId, index + 1, headers);
    assert.equal(part.status, 200, part.text);
    etags.push(part.headers.get("etag") ?? "");
  }
  const done = await completeParts("undeclared", uploadId, etags);
  assert.equal(done.status, 200, done.text);
  assert.equal(elementOf(done.text, "ChecksumType"), "FULL_OBJECT");
});

test("a part of a COMPOSITE upload must bring its checksum, that of a FULL_OBJECT need not", async () => {
  // github.com/versity/versitygw/issues/1342
  const composite = await create("composite", { "x-amz-checksum-algorithm": "CRC32" });
  assertErrorAnswer(await putPart("composite", composite.uploadId, 1), {
    code: "InvalidRequest",
    status: 400,
    message:
      "Checksum Type mismatch occurred, expected checksum Type: crc32, actual checksum Type: null",
  });
  const full = await create("full", {
    "x-amz-checksum-algorithm": "CRC32",
    "x-amz-checksum-type": "FULL_OBJECT",
  });
  const etags: string[] = [];
  for (const number of [1, 2]) {
    const part = await putPart("full", full.uploadId, number);
    assert.equal(part.status, 200, part.text);
    etags.push(part.headers.get("etag") ?? "");
  }
  const done = await completeParts("full", full.uploadId, etags);
  assert.equal(elementOf(done.text, "ChecksumCRC32"), expectedChecksum("CRC32", "FULL_OBJECT"));
});

test("a part with another algorithm than the upload's is refused", async () => {
  const { uploadId } = await create("other", { "x-amz-checksum-algorithm": "SHA256" });
  const headers = { "x-amz-checksum-crc32": base64("CRC32", bodies[0] as Uint8Array) };
  assertErrorAnswer(await putPart("other", uploadId, 1, headers), {
    code: "InvalidRequest",
    status: 400,
    message:
      "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: crc32",
  });
});

test("a part with a wrong checksum is not stored", async () => {
  const { uploadId } = await create("wrong", { "x-amz-checksum-algorithm": "SHA1" });
  const headers = { "x-amz-checksum-sha1": base64("SHA1", Buffer.from("other")) };
  assertErrorAnswer(await putPart("wrong", uploadId, 1, headers), {
    code: "BadDigest",
    status: 400,
    message: "The SHA1 you specified did not match the calculated checksum.",
  });
  const listed = await s3.listParts({ Bucket, Key: "wrong", UploadId: uploadId });
  assert.equal(listed.Parts, undefined);
});

/** A COMPOSITE SHA256 upload with both parts there. */
async function composite(key: string): Promise<{ uploadId: string; etags: readonly string[] }> {
  const { uploadId } = await create(key, { "x-amz-checksum-algorithm": "SHA256" });
  const etags: string[] = [];
  for (const [index, body] of bodies.entries()) {
    const headers = { "x-amz-checksum-sha256": base64("SHA256", body) };
    const part = await putPart(key, uploadId, index + 1, headers);
    etags.push(part.headers.get("etag") ?? "");
  }
  return { uploadId, etags };
}

const sha256Of = (number: number): string =>
  `<ChecksumSHA256>${base64("SHA256", bodies[number - 1] as Uint8Array)}</ChecksumSHA256>`;

test("the completion of a COMPOSITE upload names each part's checksum", async () => {
  const { uploadId, etags } = await composite("named");
  const partly = (number: number) => (number === 1 ? sha256Of(1) : "");
  assertErrorAnswer(await completeParts("named", uploadId, etags, partly), {
    code: "InvalidRequest",
    status: 400,
    message:
      "The upload was created using a sha256 checksum. The complete request must include the checksum for each part. It was missing for part 2 in the request.",
  });
  const swapped = (number: number) => sha256Of(3 - number);
  assertErrorAnswer(await completeParts("named", uploadId, etags, swapped), {
    code: "InvalidPart",
    status: 400,
  });
  const done = await completeParts("named", uploadId, etags, sha256Of);
  assert.equal(done.status, 200, done.text);
});

test("parts of an upload with checksums run from 1 without a gap", async () => {
  const { uploadId, etags } = await composite("gapped");
  const body = `<CompleteMultipartUpload><Part><PartNumber>2</PartNumber><ETag>${etags[1]}</ETag>${sha256Of(2)}</Part></CompleteMultipartUpload>`;
  const query = `uploadId=${uploadId}`;
  // Reference, CompleteMultipartUpload (s3-api.md 3.2).
  assertErrorAnswer(await send({ method: "POST", path: `/${Bucket}/gapped`, query, body }), {
    code: "InvalidPartOrder",
    status: 400,
  });
});

test("a wrong checksum of the whole object makes none", async () => {
  const full = await create("whole", {
    "x-amz-checksum-algorithm": "CRC32C",
    "x-amz-checksum-type": "FULL_OBJECT",
  });
  const etags: string[] = [];
  for (const number of [1, 2]) {
    const part = await putPart("whole", full.uploadId, number);
    etags.push(part.headers.get("etag") ?? "");
  }
  const wrong = { "x-amz-checksum-crc32c": base64("CRC32C", Buffer.from("other")) };
  assertErrorAnswer(await completeParts("whole", full.uploadId, etags, undefined, wrong), {
    code: "BadDigest",
    status: 400,
    message: "The crc32c you specified did not match the calculated checksum.",
  });
  const composed = { "x-amz-checksum-type": "COMPOSITE" };
  assertErrorAnswer(await completeParts("whole", full.uploadId, etags, undefined, composed), {
    code: "InvalidRequest",
    status: 400,
    message:
      "The upload was created using the FULL_OBJECT checksum mode. The complete request must use the same checksum mode.",
  });
  assert.equal((await send({ method: "HEAD", path: `/${Bucket}/whole` })).status, 404);
  const right = { "x-amz-checksum-crc32c": expectedChecksum("CRC32C", "FULL_OBJECT") };
  const done = await completeParts("whole", full.uploadId, etags, undefined, right);
  assert.equal(done.status, 200, done.text);
});

test("the SDK's managed way of sending checksums works for each of its algorithms", async () => {
  for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const) {
    const place = { Bucket, Key: `sdk-${ChecksumAlgorithm}` };
    const { UploadId } = await s3.createMultipartUpload({ ...place, ChecksumAlgorithm });
    const Parts = [];
    for (const [index, Body] of bodies.entries()) {
      const PartNumber = index + 1;
      const part = await s3.uploadPart({ ...place, UploadId, PartNumber, Body, ChecksumAlgorithm });
      const member = `Checksum${ChecksumAlgorithm}` as const;
      Parts.push({ PartNumber, ETag: part.ETag, [member]: part[member] });
    }
    const done = await s3.completeMultipartUpload({
      ...place,
      UploadId,
      MultipartUpload: { Parts },
    });
    const type = ChecksumAlgorithm === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE";
    const expected = expectedChecksum(ChecksumAlgorithm, type);
    assert.equal(done[`Checksum${ChecksumAlgorithm}`], expected);
  }
});

test("an object that completed without a checksum is no place for one", async () => {
  const begun = await upload(Bucket, "plain", [Buffer.from("x")]);
  const { parts, ...place } = begun;
  const request = s3.completeMultipartUpload({
    ...place,
    MultipartUpload: { Parts: parts },
    ChecksumSHA1: base64("SHA1", Buffer.from("x")),
  });
  await assertRefused(request, {
    code: "InvalidRequest",
    status: 400,
    message:
      "Checksum Type mismatch occurred, expected checksum Type: null, actual checksum Type: sha1",
  });
});

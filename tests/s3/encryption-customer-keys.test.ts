// SSE-C: the customer brings the key with every request; the server keeps only what tells whether it is
// the same one.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import {
  assertErrorAnswer,
  assertRefused,
  bytesOf,
  md5Hex,
  patternBytes,
  smallestPartBytes,
  startTestServer,
  textOf,
  unquoted,
} from "./test-server.ts";

const { s3, plainS3, newBucket, put, send } = await startTestServer({ customerKeys: "anywhere" });
const Bucket = await newBucket();

interface KeyMembers {
  readonly SSECustomerAlgorithm: string;
  readonly SSECustomerKey: string;
  readonly SSECustomerKeyMD5: string;
}

function newKey(): KeyMembers {
  const bytes = randomBytes(32);
  return {
    SSECustomerAlgorithm: "AES256",
    SSECustomerKey: bytes.toString("base64"),
    SSECustomerKeyMD5: createHash("md5").update(bytes).digest("base64"),
  };
}

function asSource(key: KeyMembers) {
  return {
    CopySourceSSECustomerAlgorithm: key.SSECustomerAlgorithm,
    CopySourceSSECustomerKey: key.SSECustomerKey,
    CopySourceSSECustomerKeyMD5: key.SSECustomerKeyMD5,
  };
}

const key = newKey();
const otherKey = newKey();
const shown = { SSECustomerAlgorithm: "AES256", SSECustomerKeyMD5: key.SSECustomerKeyMD5 };
const missingKey = {
  code: "InvalidRequest",
  status: 400,
  message:
    "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
};

function assertShows(output: object, expected: object): void {
  for (const [name, value] of Object.entries(expected)) {
    assert.equal(Reflect.get(output, name), value, name);
  }
}

describe("an object with a customer's key", () => {
  for (const size of [0, 1000, 65_536, 300_000]) {
    test(`of ${size} bytes is read with the key alone`, async () => {
      const Key = `object-${size}`;
      const Body = patternBytes(size);
      const written = await s3.putObject({ Bucket, Key, Body, ...key });
      assertShows(written, { ...shown, ServerSideEncryption: undefined });
      assert.match(unquoted(written.ETag), /^[0-9a-f]{32}$/);
      assert.notEqual(unquoted(written.ETag), md5Hex(Body), "the ETag says nothing of the content");
      const read = await s3.getObject({ Bucket, Key, ...key });
      assertShows(read, { ...shown, ServerSideEncryption: undefined, ETag: written.ETag });
      assert.deepEqual(await bytesOf(read), Body);
      const head = await s3.headObject({ Bucket, Key, ...key });
      assertShows(head, { ...shown, ContentLength: size, ETag: written.ETag });
      await assertRefused(s3.getObject({ Bucket, Key }), missingKey);
      await assertRefused(s3.getObject({ Bucket, Key, ...otherKey }), {
        code: "AccessDenied",
        status: 403,
      });
      for (const wrong of [{}, otherKey]) {
        const heading = s3.headObject({ Bucket, Key, ...wrong });
        await assert.rejects(heading, (error: { $metadata: { httpStatusCode: number } }) => {
          return error.$metadata.httpStatusCode === (wrong === otherKey ? 403 : 400);
        });
      }
      const attributes = { Bucket, Key, ObjectAttributes: ["ETag", "ObjectSize"] as const };
      const input = { ...attributes, ObjectAttributes: [...attributes.ObjectAttributes] };
      await assertRefused(s3.getObjectAttributes(input), missingKey);
      const found = await s3.getObjectAttributes({ ...input, ...key });
      assert.equal(found.ObjectSize, size);
      const listed = await s3.listObjectsV2({ Bucket, Prefix: Key });
      assert.equal(listed.Contents?.[0]?.Size, size);
    });
  }

  test("gives ranges of it", async () => {
    const Body = patternBytes(200_000);
    await s3.putObject({ Bucket, Key: "ranges", Body, ...key });
    for (const [first, last] of [
      [0, 0],
      [65_535, 65_536],
      [100, 150_000],
      [199_999, 199_999],
    ] as const) {
      const Range = `bytes=${first}-${last}`;
      const read = await s3.getObject({ Bucket, Key: "ranges", Range, ...key });
      assert.deepEqual(await bytesOf(read), Body.subarray(first, last + 1));
    }
  });

  test("may be replaced without it, and then needs it no more", async () => {
    await s3.putObject({ Bucket, Key: "replaced", Body: "old", ...key });
    await put(Bucket, "replaced", "new");
    assert.equal(await textOf(await s3.getObject({ Bucket, Key: "replaced" })), "new");
    await assertRefused(s3.getObject({ Bucket, Key: "replaced", ...key }), {
      code: "InvalidRequest",
      status: 400,
      message: "The encryption parameters are not applicable to this object.",
    });
  });
});

describe("an upload with a customer's key", () => {
  const bodies = [patternBytes(smallestPartBytes, 1), patternBytes(100_000, 2)];

  test("takes parts with the key, and makes an object of them", async () => {
    const Key = "upload";
    const created = await plainS3.createMultipartUpload({ Bucket, Key, ...key });
    assertShows(created, shown);
    const place = { Bucket, Key, UploadId: created.UploadId };
    const first = { ...place, PartNumber: 1, Body: "x" };
    const message =
      "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.";
    await assertRefused(plainS3.uploadPart(first), {
      code: "InvalidRequest",
      status: 400,
      message,
    });
    await assertRefused(plainS3.uploadPart({ ...first, ...otherKey }), {
      code: "InvalidRequest",
      status: 400,
      message: "The provided encryption parameters did not match the ones used originally.",
    });
    const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
    for (const [index, Body] of bodies.entries()) {
      const PartNumber = index + 1;
      const part = await plainS3.uploadPart({ ...place, PartNumber, Body, ...key });
      assertShows(part, shown);
      assert.notEqual(unquoted(part.ETag), md5Hex(Body));
      const again = await plainS3.uploadPart({ ...place, PartNumber, Body, ...key });
      assert.equal(again.ETag, part.ETag, "who lost an answer may send the part again");
      Parts.push({ PartNumber, ETag: part.ETag });
    }
    const completed = await plainS3.completeMultipartUpload({
      ...place,
      MultipartUpload: { Parts },
      ...key,
    });
    assert.match(unquoted(completed.ETag), /^[0-9a-f]{32}-2$/);
    const whole = Buffer.concat(bodies);
    const read = await s3.getObject({ Bucket, Key, ...key });
    assert.ok((await bytesOf(read)).equals(whole));
    const second = await s3.getObject({ Bucket, Key, PartNumber: 2, ...key });
    assert.ok((await bytesOf(second)).equals(bodies[1] as Buffer));
    const across = {
      Bucket,
      Key,
      Range: `bytes=${smallestPartBytes - 10}-${smallestPartBytes + 9}`,
    };
    const range = await s3.getObject({ ...across, ...key });
    assert.ok(
      (await bytesOf(range)).equals(whole.subarray(smallestPartBytes - 10, smallestPartBytes + 10)),
    );
  });

  test("with checksums is completed with the key alone", async () => {
    const place = { Bucket, Key: "checksums" };
    const settings = { ...place, ChecksumAlgorithm: "CRC32", ...key } as const;
    const { UploadId } = await s3.createMultipartUpload(settings);
    const part = await s3.uploadPart({ ...place, UploadId, PartNumber: 1, Body: "x", ...key });
    const Parts = [{ PartNumber: 1, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 }];
    const completion = { ...place, UploadId, MultipartUpload: { Parts } };
    for (const wrong of [{}, otherKey]) {
      await assertRefused(s3.completeMultipartUpload({ ...completion, ...wrong }), {
        code: "InvalidRequest",
        status: 400,
      });
    }
    await s3.completeMultipartUpload({ ...completion, ...key });
    assert.equal(await textOf(await s3.getObject({ ...place, ...key })), "x");
  });

  test("of another kind takes none with it", async () => {
    const { UploadId } = await plainS3.createMultipartUpload({ Bucket, Key: "clear" });
    const part = { Bucket, Key: "clear", UploadId, PartNumber: 1, Body: "x", ...key };
    await assertRefused(plainS3.uploadPart(part), {
      code: "InvalidRequest",
      status: 400,
      message:
        "The multipart upload initiate did not request encryption. Please resend the request without sending encryption parameters.",
    });
  });

  test("takes copied parts under its own key", async () => {
    const Body = patternBytes(150_000);
    await s3.putObject({ Bucket, Key: "part-source", Body, ...otherKey });
    const Key = "copied-parts";
    const { UploadId } = await plainS3.createMultipartUpload({ Bucket, Key, ...key });
    const copy = {
      Bucket,
      Key,
      UploadId,
      PartNumber: 1,
      CopySource: `${Bucket}/part-source`,
      CopySourceRange: "bytes=1000-99999",
      ...key,
    };
    await assertRefused(plainS3.uploadPartCopy(copy), missingKey);
    const copied = await plainS3.uploadPartCopy({ ...copy, ...asSource(otherKey) });
    assertShows(copied, shown);
    const Parts = [{ PartNumber: 1, ETag: copied.CopyPartResult?.ETag }];
    await plainS3.completeMultipartUpload({ Bucket, Key, UploadId, MultipartUpload: { Parts } });
    const read = await s3.getObject({ Bucket, Key, ...key });
    assert.ok((await bytesOf(read)).equals(Body.subarray(1000, 100_000)));
  });
});

describe("a copy", () => {
  for (const size of [500, 150_000]) {
    test(`of ${size} bytes goes from and to every key`, async () => {
      const Body = patternBytes(size);
      await s3.putObject({ Bucket, Key: "from", Body, ...key });
      const copy = { Bucket, CopySource: `${Bucket}/from` };
      await assertRefused(s3.copyObject({ ...copy, Key: "to" }), missingKey);
      await assertRefused(s3.copyObject({ ...copy, Key: "to", ...asSource(otherKey) }), {
        code: "AccessDenied",
        status: 403,
      });
      const toKey = { ...copy, Key: "to-key", ...asSource(key), ...otherKey };
      const rekeyed = await s3.copyObject(toKey);
      assertShows(rekeyed, { SSECustomerKeyMD5: otherKey.SSECustomerKeyMD5 });
      const read = await s3.getObject({ Bucket, Key: "to-key", ...otherKey });
      assert.ok((await bytesOf(read)).equals(Body));
      const toServer = await s3.copyObject({ ...copy, Key: "to-server", ...asSource(key) });
      assert.equal(toServer.ServerSideEncryption, "AES256");
      assert.equal(unquoted(toServer.CopyObjectResult?.ETag), md5Hex(Body), "S3 promises the MD5");
      assert.ok((await bytesOf(await s3.getObject({ Bucket, Key: "to-server" }))).equals(Body));
      const back = { Bucket, Key: "back", CopySource: `${Bucket}/to-server`, ...key };
      const returned = await s3.copyObject(back);
      assert.notEqual(unquoted(returned.CopyObjectResult?.ETag), md5Hex(Body));
      const readBack = await s3.getObject({ Bucket, Key: "back", ...key });
      assert.ok((await bytesOf(readBack)).equals(Body));
      await assertRefused(s3.getObject({ Bucket, Key: "back" }), missingKey);
    });
  }

  test("onto itself changes the key", async () => {
    await s3.putObject({ Bucket, Key: "rotated", Body: "bytes", ...key });
    const copy = { Bucket, Key: "rotated", CopySource: `${Bucket}/rotated` };
    await s3.copyObject({ ...copy, ...asSource(key), ...otherKey });
    const read = await s3.getObject({ Bucket, Key: "rotated", ...otherKey });
    assert.equal(await textOf(read), "bytes");
  });
});

describe("what a customer's key must be", () => {
  const names = {
    algorithm: "x-amz-server-side-encryption-customer-algorithm",
    key: "x-amz-server-side-encryption-customer-key",
    md5: "x-amz-server-side-encryption-customer-key-md5",
  };
  const good = {
    [names.algorithm]: "AES256",
    [names.key]: key.SSECustomerKey,
    [names.md5]: key.SSECustomerKeyMD5,
  };
  const without = (name: string): Record<string, string> => {
    return Object.fromEntries(Object.entries(good).filter(([each]) => each !== name));
  };
  const short = randomBytes(16);
  const invalid = { code: "InvalidArgument", status: 400 };
  const must =
    "Requests specifying Server Side Encryption with Customer provided keys must provide";
  const cases = [
    [
      "with an algorithm",
      without(names.algorithm),
      { ...invalid, message: `${must} a valid encryption algorithm.` },
    ],
    [
      "with a key",
      without(names.key),
      { ...invalid, message: `${must} an appropriate secret key.` },
    ],
    [
      "with its MD5",
      without(names.md5),
      { ...invalid, message: `${must} the client calculated MD5 of the secret key.` },
    ],
    [
      "for AES256",
      { ...good, [names.algorithm]: "AES251" },
      {
        code: "InvalidEncryptionAlgorithmError",
        status: 400,
        message: "The Encryption request you specified is not valid. Supported value: AES256.",
      },
    ],
    [
      "of 256 bits",
      {
        ...good,
        [names.key]: short.toString("base64"),
        [names.md5]: createHash("md5").update(short).digest("base64"),
      },
      { ...invalid, message: "The secret key was invalid for the specified algorithm." },
    ],
    [
      "the one whose MD5 it brings",
      { ...good, [names.md5]: otherKey.SSECustomerKeyMD5 },
      {
        ...invalid,
        message: "The calculated MD5 hash of the key did not match the hash that was provided.",
      },
    ],
    [
      "alone",
      { ...good, "x-amz-server-side-encryption": "AES256" },
      {
        ...invalid,
        message:
          "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
      },
    ],
  ] as const;
  for (const [name, headers, expected] of cases) {
    test(name, async () => {
      const answer = await send({ method: "PUT", path: `/${Bucket}/bad`, headers, body: "x" });
      assertErrorAnswer(answer, expected);
      assert.ok(!answer.text.includes(key.SSECustomerKey), "no key stands in an answer");
    });
  }
});

describe("a server that keeps to S3's defaults", async () => {
  const strict = await startTestServer();

  test("wants a secure connection", async () => {
    const bucket = await strict.newBucket();
    const open = { EncryptionType: ["NONE" as const] };
    const Rules = [{ BlockedEncryptionTypes: open }];
    const ServerSideEncryptionConfiguration = { Rules };
    await strict.s3.putBucketEncryption({ Bucket: bucket, ServerSideEncryptionConfiguration });
    const input = { Bucket: bucket, Key: "k", Body: "x", ...key };
    await assertRefused(strict.s3.putObject(input), {
      code: "InvalidRequest",
      status: 400,
      message:
        "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.",
    });
  });

  test("refuses customers' keys in new buckets", async () => {
    const bucket = await strict.newBucket();
    const refusal = { code: "AccessDenied", status: 403 };
    const place = { Bucket: bucket, Key: "k" };
    await assertRefused(strict.s3.putObject({ ...place, Body: "x", ...key }), refusal);
    await assertRefused(strict.s3.createMultipartUpload({ ...place, ...key }), refusal);
    await strict.put(bucket, "source");
    const copy = { ...place, CopySource: `${bucket}/source`, ...key };
    await assertRefused(strict.s3.copyObject(copy), refusal);
  });
});

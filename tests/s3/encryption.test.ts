// What every object and every bucket shows of encryption; SSE-S3, and the settings of buckets.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  assertRefused,
  bytesOf,
  md5Hex,
  patternBytes,
  startTestServer,
  textOf,
  unquoted,
} from "./test-server.ts";

const { s3, plainS3, newBucket, put, send } = await startTestServer();
const Bucket = await newBucket();

describe("objects without a wish", () => {
  test("are encrypted by the server, and every answer says so", async () => {
    const Key = "plain";
    const Body = patternBytes(200_000);
    const written = await s3.putObject({ Bucket, Key, Body });
    assert.equal(written.ServerSideEncryption, "AES256");
    assert.equal(unquoted(written.ETag), md5Hex(Body));
    const read = await s3.getObject({ Bucket, Key });
    assert.equal(read.ServerSideEncryption, "AES256");
    assert.deepEqual(await bytesOf(read), Body);
    assert.equal((await s3.headObject({ Bucket, Key })).ServerSideEncryption, "AES256");
    const copied = await s3.copyObject({ Bucket, Key: "copy", CopySource: `${Bucket}/${Key}` });
    assert.equal(copied.ServerSideEncryption, "AES256");
    assert.equal(unquoted(copied.CopyObjectResult?.ETag), md5Hex(Body));
  });

  test("with parts too", async () => {
    const Key = "parts";
    const created = await plainS3.createMultipartUpload({ Bucket, Key });
    assert.equal(created.ServerSideEncryption, "AES256");
    const { UploadId } = created;
    const part = { Bucket, Key, UploadId, PartNumber: 1 };
    const uploaded = await plainS3.uploadPart({ ...part, Body: "bytes" });
    assert.equal(uploaded.ServerSideEncryption, "AES256");
    assert.equal(unquoted(uploaded.ETag), md5Hex("bytes"));
    const CopySource = `${Bucket}/plain`;
    await put(Bucket, "plain", "source");
    const copied = await plainS3.uploadPartCopy({ ...part, CopySource });
    assert.equal(copied.ServerSideEncryption, "AES256");
    const Parts = [{ PartNumber: 1, ETag: copied.CopyPartResult?.ETag }];
    const completed = await plainS3.completeMultipartUpload({
      Bucket,
      Key,
      UploadId,
      MultipartUpload: { Parts },
    });
    assert.equal(completed.ServerSideEncryption, "AES256");
    assert.equal(await textOf(await s3.getObject({ Bucket, Key })), "source");
  });

  test("may ask for what they would get anyway", async () => {
    const input = { Bucket, Key: "asked", Body: "x", ServerSideEncryption: "AES256" } as const;
    assert.equal((await s3.putObject(input)).ServerSideEncryption, "AES256");
  });

  test("may be copied onto themselves to be encrypted anew", async () => {
    await put(Bucket, "self");
    const CopySource = `${Bucket}/self`;
    await s3.copyObject({ Bucket, Key: "self", CopySource, ServerSideEncryption: "AES256" });
    assert.equal(await textOf(await s3.getObject({ Bucket, Key: "self" })), "self");
  });
});

function putWith(headers: Record<string, string>): ReturnType<typeof send> {
  return send({ method: "PUT", path: `/${Bucket}/refused`, headers, body: "x" });
}

describe("what cannot be meant is refused", () => {
  const cases: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    [
      "an unknown method",
      { "x-amz-server-side-encryption": "ROT13" },
      /<Code>InvalidArgument<\/Code><Message>The encryption method specified is not supported<.*<ArgumentName>x-amz-server-side-encryption<\/ArgumentName><ArgumentValue>ROT13</,
    ],
    [
      "a KMS key without the method",
      { "x-amz-server-side-encryption-aws-kms-key-id": "key" },
      /<Code>InvalidArgument<\/Code><Message>Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms</,
    ],
    [
      "a KMS key with another method",
      {
        "x-amz-server-side-encryption": "AES256",
        "x-amz-server-side-encryption-aws-kms-key-id": "k",
      },
      /requires HTTP header x-amz-server-side-encryption : aws:kms<.*<ArgumentValue>AES256</,
    ],
    [
      "a context that is no map of strings",
      {
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-context": Buffer.from('{"a":1}').toString("base64"),
      },
      /<Code>InvalidArgument<\/Code><Message>The header &apos;x-amz-server-side-encryption-context&apos; shall be Base64-encoded|<Message>The header 'x-amz-server-side-encryption-context' shall be/,
    ],
    [
      "both kinds of keys",
      {
        "x-amz-server-side-encryption": "AES256",
        "x-amz-server-side-encryption-customer-algorithm": "AES256",
      },
      /AccessDenied/,
    ],
  ];
  for (const [name, headers, expected] of cases) {
    test(name, async () => {
      const answer = await putWith(headers);
      assert.match(answer.text, expected);
      await assertRefused(s3.getObject({ Bucket, Key: "refused" }), {
        code: "NoSuchKey",
        status: 404,
      });
    });
  }

  test("a method in a request that only reads", async () => {
    await put(Bucket, "read");
    for (const method of ["GET", "HEAD"]) {
      const headers = { "x-amz-server-side-encryption": "AES256" };
      const answer = await send({ method, path: `/${Bucket}/read`, headers });
      assert.equal(answer.status, 400);
    }
  });
});

function set(rules: unknown): Promise<unknown> {
  const configuration = { Rules: rules } as never; // also what the types forbid
  return s3.putBucketEncryption({ Bucket, ServerSideEncryptionConfiguration: configuration });
}

describe("a bucket's default encryption", () => {
  test("is there from the beginning, with customers' keys blocked", async () => {
    const fresh = await newBucket();
    const { ServerSideEncryptionConfiguration } = await s3.getBucketEncryption({ Bucket: fresh });
    assert.deepEqual(ServerSideEncryptionConfiguration, {
      Rules: [
        {
          ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" },
          BucketKeyEnabled: false,
          BlockedEncryptionTypes: { EncryptionType: ["SSE-C"] },
        },
      ],
    });
  });

  test("is read as it was written, and reset by its deletion", async () => {
    const fresh = await newBucket();
    const rule = {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: "alias/own" },
      BucketKeyEnabled: true,
      BlockedEncryptionTypes: { EncryptionType: ["NONE"] },
    } as const;
    const configuration = { Rules: [rule] };
    await s3.putBucketEncryption({
      Bucket: fresh,
      ServerSideEncryptionConfiguration: configuration as never,
    });
    const read = await s3.getBucketEncryption({ Bucket: fresh });
    assert.deepEqual(read.ServerSideEncryptionConfiguration, configuration);
    await s3.deleteBucketEncryption({ Bucket: fresh });
    const reset = await s3.getBucketEncryption({ Bucket: fresh });
    const [first] = reset.ServerSideEncryptionConfiguration?.Rules ?? [];
    assert.equal(first?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm, "AES256");
    assert.deepEqual(first?.BlockedEncryptionTypes, { EncryptionType: ["SSE-C"] });
  });

  test("must make sense", async () => {
    await assertRefused(set([]), { code: "MalformedXML", status: 400 });
    await assertRefused(set([{}]), { code: "MalformedXML", status: 400 });
    const named = { SSEAlgorithm: "AES256", KMSMasterKeyID: "k" };
    await assertRefused(set([{ ApplyServerSideEncryptionByDefault: named }]), {
      code: "InvalidArgument",
      status: 400,
    });
    const other = { SSEAlgorithm: "ROT13" };
    await assertRefused(set([{ ApplyServerSideEncryptionByDefault: other }]), {
      code: "MalformedXML",
      status: 400,
    });
  });
});

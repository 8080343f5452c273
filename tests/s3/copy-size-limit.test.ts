// The greatest source of a copy, made of parts that share one object's bytes.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertRefused,
  bytesOf,
  mebibyte,
  patternBytes,
  startTestServer,
  unquoted,
} from "./test-server.ts";

const { s3, plainS3, newBucket } = await startTestServer();
const Bucket = await newBucket();

test("a source of 5 GiB is copied without its bytes moving, one of more is refused", async () => {
  // Parts that are copies of one object make the size without the bytes.
  const Body = patternBytes(64 * mebibyte);
  await plainS3.putObject({ Bucket, Key: "block", Body });
  const sized = async (Key: string, count: number): Promise<void> => {
    const { UploadId = "" } = await plainS3.createMultipartUpload({ Bucket, Key });
    const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
    for (let PartNumber = 1; PartNumber <= count; PartNumber += 1) {
      const place = { Bucket, Key, UploadId, PartNumber };
      const { CopyPartResult } = await s3.uploadPartCopy({
        ...place,
        CopySource: `${Bucket}/block`,
      });
      Parts.push({ PartNumber, ETag: CopyPartResult?.ETag });
    }
    await s3.completeMultipartUpload({ Bucket, Key, UploadId, MultipartUpload: { Parts } });
  };
  await sized("largest", 80);
  const copied = await s3.copyObject({ Bucket, Key: "target", CopySource: `${Bucket}/largest` });
  assert.match(unquoted(copied.CopyObjectResult?.ETag), /-80$/);
  assert.equal((await s3.headObject({ Bucket, Key: "target" })).ContentLength, 5 * 1024 * mebibyte);
  const Range = `bytes=${4096 * mebibyte - 2}-${4096 * mebibyte + 1}`;
  const border = await bytesOf(await s3.getObject({ Bucket, Key: "target", Range }));
  assert.ok(border.equals(Buffer.concat([Body.subarray(-2), Body.subarray(0, 2)])));
  await sized("too-large", 81);
  const tooLarge = {
    code: "InvalidRequest",
    status: 400,
    message:
      "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120",
  };
  const CopySource = `${Bucket}/too-large`;
  await assertRefused(s3.copyObject({ Bucket, Key: "target", CopySource }), tooLarge);
  const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "part" });
  const part = { Bucket, Key: "part", UploadId, PartNumber: 1, CopySource };
  await assertRefused(s3.uploadPartCopy(part), tooLarge);
});

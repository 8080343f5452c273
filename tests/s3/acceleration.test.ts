// Transfer acceleration: its states, and the endpoint that takes only buckets where it is enabled.

import assert from "node:assert/strict";
import { Agent } from "node:http";
import { after, test } from "node:test";
import { GetObjectCommand, S3, type BucketAccelerateStatus } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { assertErrorAnswer, assertRefused, startTestServer, textOf } from "./test-server.ts";

const { server, s3, plainS3, client, newBucket, newBucketName, put, send } =
  await startTestServer();

// Names below localhost that the system may not know.
const httpAgent = new Agent({
  lookup: (_name, options, found) => {
    if (options.all === true) found(null, [{ address: "127.0.0.1", family: 4 }]);
    else found(null, "127.0.0.1", 4);
  },
});
after(() => httpAgent.destroy());

/** As an application is configured for it: requests go to `bucket.s3-accelerate.localhost`. */
function acceleratedClient(label = "s3-accelerate"): S3 {
  return client({
    endpoint: `http://${label}.localhost:${server.port}`,
    forcePathStyle: false,
    requestHandler: { httpAgent },
    requestChecksumCalculation: "WHEN_REQUIRED",
  });
}

const accelerated = acceleratedClient();

async function setAcceleration(Bucket: string, Status: BucketAccelerateStatus): Promise<void> {
  await s3.putBucketAccelerateConfiguration({ Bucket, AccelerateConfiguration: { Status } });
}

test("never, enabled, suspended, and never again never", async () => {
  const Bucket = await newBucket();
  const statusOf = async (): Promise<string | undefined> =>
    (await s3.getBucketAccelerateConfiguration({ Bucket })).Status;
  assert.equal(await statusOf(), undefined);
  await setAcceleration(Bucket, "Enabled");
  assert.equal(await statusOf(), "Enabled");
  await setAcceleration(Bucket, "Suspended");
  assert.equal(await statusOf(), "Suspended");
  for (const status of ["Disabled", "enabled"]) {
    await assertRefused(setAcceleration(Bucket, status as "Enabled"), {
      code: "MalformedXML",
      status: 400,
    });
  }
  await assertRefused(
    s3.putBucketAccelerateConfiguration({ Bucket, AccelerateConfiguration: {} }),
    { code: "MalformedXML", status: 400 },
  );
  assert.equal(await statusOf(), "Suspended");
});

test("a bucket with periods in its name has none", async () => {
  await s3.createBucket({ Bucket: "with.periods" });
  for (const status of ["Enabled", "Suspended"] as const) {
    await assertRefused(setAcceleration("with.periods", status), {
      code: "InvalidRequest",
      status: 400,
      message:
        "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names",
    });
  }
  assert.equal(
    (await s3.getBucketAccelerateConfiguration({ Bucket: "with.periods" })).Status,
    undefined,
  );
});

test("the endpoint takes what its bucket has enabled, and no longer", async () => {
  const Bucket = await newBucket();
  const write = (of: S3): Promise<unknown> => of.putObject({ Bucket, Key: "a b", Body: "fast" });
  await assertRefused(write(accelerated), {
    code: "InvalidRequest",
    status: 400,
    message: "S3 Transfer Acceleration is not configured on this bucket",
  });
  await setAcceleration(Bucket, "Enabled");
  await write(accelerated);
  assert.equal(await textOf(await accelerated.getObject({ Bucket, Key: "a b" })), "fast");
  assert.equal((await accelerated.listObjectsV2({ Bucket })).KeyCount, 1);
  const dual = acceleratedClient("s3-accelerate.dualstack");
  assert.equal((await dual.headObject({ Bucket, Key: "a b" })).ContentLength, 4);
  const url = await getSignedUrl(accelerated, new GetObjectCommand({ Bucket, Key: "a b" }));
  const { host } = new URL(url);
  assert.equal(host, `${Bucket}.s3-accelerate.localhost:${server.port}`);
  const { pathname, search } = new URL(url);
  const shared = await send({
    path: pathname,
    query: search.slice(1),
    headers: { host },
    isSigned: false,
  });
  assert.deepEqual([shared.status, shared.text], [200, "fast"]);
  await setAcceleration(Bucket, "Suspended");
  await assertRefused(write(accelerated), {
    code: "InvalidRequest",
    status: 400,
    message: "S3 Transfer Acceleration is disabled on this bucket",
  });
  await write(plainS3);
});

test("buckets are neither made, removed nor listed there, nor named in paths", async () => {
  const Bucket = await newBucket();
  await setAcceleration(Bucket, "Enabled");
  await put(Bucket, "key");
  const refused = { code: "MethodNotAllowed", status: 405 };
  await assertRefused(accelerated.deleteBucket({ Bucket }), refused);
  await assertRefused(accelerated.createBucket({ Bucket: newBucketName() }), refused);
  const notVirtual = {
    code: "InvalidRequest",
    status: 400,
    message: "S3 Transfer Accelerate endpoint only supports virtual style requests",
  };
  await assertRefused(accelerated.listBuckets({}), notVirtual);
  const inPath = await send({
    path: `/${Bucket}/key`,
    headers: { host: `s3-accelerate.localhost:${server.port}` },
  });
  assertErrorAnswer(inPath, notVirtual);
  await assertRefused(accelerated.listObjectsV2({ Bucket: newBucketName() }), {
    code: "NoSuchBucket",
    status: 404,
  });
});

// Block Public Access of an account on a server of several worker processes: what one worker changes
// holds for the next request to any of them.

import assert from "node:assert/strict";
import { Agent } from "node:http";
import { test } from "node:test";
import { S3, type S3ServiceException } from "@aws-sdk/client-s3";
import { STS } from "@aws-sdk/client-sts";
import { newControlClient } from "../s3/control-client.ts";
import {
  rootAccessKey,
  rootSecretKey,
  ServerProcess,
  TemporaryDirectory,
} from "./server-process.ts";

/** Requests, each on a connection of its own: some worker takes each. */
const requests = 24;

test("what an account blocks is closed to everybody at once, and open again at once", async () => {
  using directory = new TemporaryDirectory();
  const parameters = ["--data", directory.path, "--workers", "2", "--durability", "relaxed"];
  const own = ["--port", "0", "--admin-port", "0", "--default-public-access-block", "off"];
  await using server = new ServerProcess([...parameters, ...own], {
    HOLDFAST_ROOT_ACCESS_KEY: rootAccessKey,
    HOLDFAST_ROOT_SECRET_KEY: rootSecretKey,
  });
  const endpoint = await server.endpoint();
  const credentials = { accessKeyId: rootAccessKey, secretAccessKey: rootSecretKey };
  const settings = { endpoint, region: "us-east-1", maxAttempts: 1, credentials };
  const sts = new STS(settings);
  const { Account: AccountId = "" } = await sts.getCallerIdentity({});
  const s3 = new S3({ ...settings, forcePathStyle: true });
  const control = newControlClient({ ...settings, port: Number(new URL(endpoint).port) });
  const Bucket = "open-to-all";
  await s3.createBucket({ Bucket });
  await s3.putObject({ Bucket, Key: "page", Body: "hello" });
  const Statement = [
    {
      Effect: "Allow",
      Principal: "*",
      Action: "s3:GetObject",
      Resource: `arn:aws:s3:::${Bucket}/*`,
    },
  ];
  await s3.putBucketPolicy({
    Bucket,
    Policy: JSON.stringify({ Version: "2012-10-17", Statement }),
  });
  const anonymous = new S3({
    ...settings,
    forcePathStyle: true,
    signer: { sign: async (request) => request },
    requestHandler: { httpAgent: new Agent({ keepAlive: false }) },
  });
  const outcomes = async (): Promise<readonly number[]> => {
    const statuses = await Promise.all(
      Array.from({ length: requests }, () =>
        anonymous.headObject({ Bucket, Key: "page" }).then(
          () => 200,
          (error: S3ServiceException) => error.$metadata.httpStatusCode ?? 0,
        ),
      ),
    );
    return [...new Set(statuses)];
  };
  assert.deepEqual(await outcomes(), [200]);
  for (let round = 0; round < 5; round += 1) {
    await control.putPublicAccessBlock({
      AccountId,
      PublicAccessBlockConfiguration: { RestrictPublicBuckets: true },
    });
    assert.deepEqual(await outcomes(), [403]);
    await control.deletePublicAccessBlock({ AccountId });
    assert.deepEqual(await outcomes(), [200]);
  }
  for (const client of [sts, s3, control, anonymous]) client.destroy();
});

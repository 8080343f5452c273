// Keys of users on a server of several worker processes: what one worker changes, every other knows by
// the next request.

import assert from "node:assert/strict";
import { Agent } from "node:http";
import { test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import {
  rootAccessKey,
  rootSecretKey,
  ServerProcess,
  TemporaryDirectory,
} from "./server-process.ts";

/** Requests, each on a connection of its own: some worker takes each. */
const requests = 24;

test("a key that was made inactive is refused by every worker, and taken again when active", async () => {
  using directory = new TemporaryDirectory();
  const parameters = ["--data", directory.path, "--workers", "2", "--durability", "relaxed"];
  await using server = new ServerProcess([...parameters, "--port", "0", "--admin-port", "0"], {
    HOLDFAST_ROOT_ACCESS_KEY: rootAccessKey,
    HOLDFAST_ROOT_SECRET_KEY: rootSecretKey,
  });
  const endpoint = await server.endpoint();
  const settings = { endpoint, region: "us-east-1", maxAttempts: 1 };
  const root = { accessKeyId: rootAccessKey, secretAccessKey: rootSecretKey };
  const iam = new IAM({
    ...settings,
    credentials: root,
    requestHandler: { httpAgent: new Agent({ keepAlive: false }) },
  });
  const UserName = "bob";
  await iam.createUser({ UserName });
  const PolicyArn = "arn:aws:iam::aws:policy/AmazonS3FullAccess";
  await iam.attachUserPolicy({ UserName, PolicyArn });
  const { AccessKey: { AccessKeyId = "", SecretAccessKey = "" } = {} } = await iam.createAccessKey({
    UserName,
  });
  const bob = new S3Client({
    ...settings,
    credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey },
    requestHandler: { httpAgent: new Agent({ keepAlive: false }) },
  });
  const outcomes = async (): Promise<readonly string[]> => {
    const names = await Promise.all(
      Array.from({ length: requests }, async () => {
        try {
          await bob.send(new ListBucketsCommand({}));
          return "allowed";
        } catch (error) {
          return (error as Error).name;
        }
      }),
    );
    return [...new Set(names)];
  };
  assert.deepEqual(await outcomes(), ["allowed"]);
  for (let round = 0; round < 5; round += 1) {
    await iam.updateAccessKey({ UserName, AccessKeyId, Status: "Inactive" });
    assert.deepEqual(await outcomes(), ["InvalidAccessKeyId"]);
    await iam.updateAccessKey({ UserName, AccessKeyId, Status: "Active" });
    assert.deepEqual(await outcomes(), ["allowed"]);
    await iam.detachUserPolicy({ UserName, PolicyArn });
    assert.deepEqual(await outcomes(), ["AccessDenied"]);
    await iam.attachUserPolicy({ UserName, PolicyArn });
    assert.deepEqual(await outcomes(), ["allowed"]);
  }
  iam.destroy();
  bob.destroy();
});

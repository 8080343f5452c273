// Single tags of a bucket by its ARN, through S3 Control's official client: the way to change the tags
// of a bucket that is enabled for ABAC, and the permissions that stand before it.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { S3Control, S3ControlServiceException, Tag } from "@aws-sdk/client-s3-control";
import { newControlClient } from "./control-client.ts";
import { startIdentityServer, type Pair } from "./identity-server.ts";
import { assertRefused } from "./test-server.ts";

const server = await startIdentityServer();
after(() => server[Symbol.asyncDispose]());
const s3 = server.client(server.root);
const control = controlOf(server.root);
const AccountId = server.accountId;

let count = 0;

function controlOf(credentials: Pair): S3Control {
  const { port } = server.serving.address;
  const client = newControlClient({ port, region: "us-east-1", credentials });
  after(() => client.destroy());
  return client;
}

async function newBucket(): Promise<{ readonly Bucket: string; readonly ResourceArn: string }> {
  const Bucket = `tagged-${(count += 1)}`;
  await s3.createBucket({ Bucket });
  return { Bucket, ResourceArn: `arn:aws:s3:::${Bucket}` };
}

async function userWith(...statements: readonly object[]): Promise<S3Control> {
  const name = `user-${(count += 1)}`;
  const pair = await server.newUser(name);
  const document = JSON.stringify({
    Version: "2012-10-17",
    Statement: statements.map((statement) => ({ Effect: "Allow", ...statement })),
  });
  const entity = { kind: "user", accountId: server.accountId, name } as const;
  await server.identities.entityPolicies.putInline(entity, "inline", document);
  return controlOf(pair);
}

async function assertControlRefused(
  request: Promise<unknown>,
  { code, status, message }: { readonly code: string; readonly status: number; message?: string },
): Promise<void> {
  await assert.rejects(request, (error: S3ControlServiceException) => {
    assert.equal(error.name, code);
    assert.equal(error.$metadata.httpStatusCode, status);
    if (message !== undefined) assert.equal(error.message, message);
    return true;
  });
}

const tag = (Key: string, Value: string): Tag => ({ Key, Value });

test("tags are added, replaced, listed and taken away one by one", async () => {
  const { Bucket, ResourceArn } = await newBucket();
  const of = { AccountId, ResourceArn };
  assert.deepEqual((await control.listTagsForResource(of)).Tags, []);
  const added = await control.tagResource({ ...of, Tags: [tag("a", "1"), tag("b", "2")] });
  assert.equal(added.$metadata.httpStatusCode, 204);
  await control.tagResource({ ...of, Tags: [tag("c", ""), tag("a", "3")] });
  const three = [tag("a", "3"), tag("b", "2"), tag("c", "")];
  assert.deepEqual((await control.listTagsForResource(of)).Tags, three);
  assert.deepEqual((await s3.getBucketTagging({ Bucket })).TagSet, three);
  const taken = await control.untagResource({ ...of, TagKeys: ["a", "c", "never there"] });
  assert.equal(taken.$metadata.httpStatusCode, 204);
  assert.deepEqual((await control.listTagsForResource(of)).Tags, [tag("b", "2")]);
  await control.untagResource({ ...of, TagKeys: ["b"] });
  await assertRefused(s3.getBucketTagging({ Bucket }), { code: "NoSuchTagSet", status: 404 });
});

test("a bucket that is enabled for ABAC is tagged this way alone", async () => {
  const { Bucket, ResourceArn } = await newBucket();
  const of = { AccountId, ResourceArn };
  await s3.putBucketAbac({ Bucket, AbacStatus: { Status: "Enabled" } });
  const whole = { Bucket, Tagging: { TagSet: [{ Key: "a", Value: "1" }] } };
  await assertRefused(s3.putBucketTagging(whole), { code: "MethodNotAllowed", status: 405 });
  await control.tagResource({ ...of, Tags: [tag("team", "red")] });
  assert.deepEqual((await control.listTagsForResource(of)).Tags, [tag("team", "red")]);
  const reds = await userWith({
    Action: ["s3:TagResource", "s3:UntagResource", "s3:ListTagsForResource"],
    Resource: "*",
    Condition: { StringEquals: { "aws:ResourceTag/team": "red" } },
  });
  assert.deepEqual((await reds.listTagsForResource(of)).Tags, [tag("team", "red")]);
  await reds.tagResource({ ...of, Tags: [tag("team", "blue")] });
  // The tag that let them in is gone.
  const denied = { code: "AccessDenied", status: 403 };
  await assertControlRefused(reds.listTagsForResource(of), denied);
  await assertControlRefused(reds.untagResource({ ...of, TagKeys: ["team"] }), denied);
});

test("each call needs its own permission, and conditions see its tags", async () => {
  const { Bucket, ResourceArn } = await newBucket();
  const of = { AccountId, ResourceArn };
  const denied = { code: "AccessDenied", status: 403 };
  const tagging = await userWith({
    Action: ["s3:PutBucketTagging", "s3:GetBucketTagging"],
    Resource: "*",
  });
  await assertControlRefused(tagging.listTagsForResource(of), denied);
  await assertControlRefused(tagging.tagResource({ ...of, Tags: [tag("a", "1")] }), denied);
  await assertControlRefused(tagging.untagResource({ ...of, TagKeys: ["a"] }), denied);

  const conditioned = await userWith(
    {
      Action: "s3:TagResource",
      Resource: ResourceArn,
      Condition: { StringEquals: { "aws:RequestTag/colour": ["red", "blue"] } },
    },
    {
      Action: "s3:UntagResource",
      Resource: ResourceArn,
      Condition: { "ForAllValues:StringEquals": { "aws:TagKeys": ["colour"] } },
    },
  );
  await conditioned.tagResource({ ...of, Tags: [tag("colour", "red"), tag("shape", "round")] });
  const green = { ...of, Tags: [tag("colour", "green")] };
  await assertControlRefused(conditioned.tagResource(green), denied);
  await assertControlRefused(
    conditioned.untagResource({ ...of, TagKeys: ["colour", "shape"] }),
    denied,
  );
  await conditioned.untagResource({ ...of, TagKeys: ["colour"] });
  assert.deepEqual((await s3.getBucketTagging({ Bucket })).TagSet, [tag("shape", "round")]);
  const other = await newBucket();
  const elsewhere = { AccountId, ResourceArn: other.ResourceArn, Tags: [tag("colour", "red")] };
  await assertControlRefused(conditioned.tagResource(elsewhere), denied);
});

test("a bucket's policy denies its tags to its own account", async () => {
  const { Bucket, ResourceArn } = await newBucket();
  await s3.putBucketPolicy({
    Bucket,
    Policy: JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Deny",
          Principal: "*",
          Action: "s3:UntagResource",
          Resource: ResourceArn,
          Condition: { "ForAnyValue:StringEquals": { "aws:TagKeys": "kept" } },
        },
      ],
    }),
  });
  const of = { AccountId, ResourceArn };
  await control.tagResource({ ...of, Tags: [tag("kept", "1"), tag("free", "1")] });
  await control.untagResource({ ...of, TagKeys: ["free"] });
  await assertControlRefused(control.untagResource({ ...of, TagKeys: ["kept"] }), {
    code: "AccessDenied",
    status: 403,
  });
});

test("wrong tags are refused and change nothing; fifty are the most", async () => {
  const { ResourceArn } = await newBucket();
  const of = { AccountId, ResourceArn };
  const fifty = Array.from({ length: 50 }, (_, index) => tag(`k${index}`, "v"));
  await control.tagResource({ ...of, Tags: fifty });
  await assertControlRefused(control.tagResource({ ...of, Tags: [tag("one more", "v")] }), {
    code: "BadRequest",
    status: 400,
    message: "Bucket tag count cannot be greater than 50",
  });
  await control.tagResource({ ...of, Tags: [tag("k0", "changed")] });
  const wrong = { code: "InvalidTag", status: 400 };
  const twice = [tag("k1", "x"), tag("k1", "y")];
  await assertControlRefused(control.tagResource({ ...of, Tags: twice }), wrong);
  await assertControlRefused(control.tagResource({ ...of, Tags: [tag("aws:x", "v")] }), wrong);
  const { Tags = [] } = await control.listTagsForResource(of);
  assert.equal(Tags.length, 50);
  assert.deepEqual(Tags.slice(0, 2), [tag("k0", "changed"), tag("k1", "v")]);
});

test("what is not there, is no bucket, or is of another account", async () => {
  const { ResourceArn } = await newBucket();
  const list = (arn: string, account: string = AccountId) =>
    control.listTagsForResource({ AccountId: account, ResourceArn: arn });
  await assertControlRefused(list("arn:aws:s3:::never-made"), {
    code: "NoSuchBucket",
    status: 404,
  });
  for (const arn of ["something", `${ResourceArn}/key`, "arn:aws:sqs:::queue"]) {
    await assertControlRefused(list(arn), { code: "InvalidRequest", status: 400 });
  }
  await assertControlRefused(list(`arn:aws:s3:us-east-1:${AccountId}:accesspoint/mine`), {
    code: "NotImplemented",
    status: 501,
  });
  await assertControlRefused(list(ResourceArn, "999999999999"), {
    code: "AccessDenied",
    status: 403,
  });
  // Every partition is this server's.
  const chinese = ResourceArn.replace("arn:aws:", "arn:aws-cn:");
  assert.deepEqual((await list(chinese)).Tags, []);
});

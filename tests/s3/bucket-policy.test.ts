// Bucket policies as clients meet them: kept word for word, judged at once, and what they let in or keep
// out: the owner's root, and anybody without a signature.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { assertErrorAnswer, assertRefused, startTestServer } from "./test-server.ts";

const { s3, server, newBucket, put, send } = await startTestServer();

interface Statement {
  readonly Effect: "Allow" | "Deny";
  readonly Principal: unknown;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: unknown;
}

function policyOf(...statements: readonly Statement[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** A bucket whose policy may let in everybody. */
async function openBucket(...statements: readonly Statement[]): Promise<string> {
  const Bucket = await newBucket();
  await s3.deletePublicAccessBlock({ Bucket }).catch(() => {});
  const named = JSON.parse(policyOf(...statements).replaceAll("BUCKET", Bucket)) as object;
  await s3.putBucketPolicy({ Bucket, Policy: JSON.stringify(named) });
  return Bucket;
}

const everybodyReads: Statement = {
  Effect: "Allow",
  Principal: "*",
  Action: "s3:GetObject",
  Resource: "arn:aws:s3:::BUCKET/*",
};

const anonymous = (path: string, method = "GET", query = "", headers = {}) =>
  send({ method, path, query, headers, isSigned: false });

describe("the document", () => {
  test("is read back word for word, and gone after its deletion", async () => {
    const Bucket = await newBucket();
    await assertRefused(s3.getBucketPolicy({ Bucket }), {
      code: "NoSuchBucketPolicy",
      status: 404,
    });
    const Policy = `{ "Version": "2012-10-17",  "Statement": [{"Sid":"ü","Effect":"Deny","Principal":"*","Action":"s3:DeleteBucket","Resource":"arn:aws:s3:::${Bucket}"}]}`;
    await s3.putBucketPolicy({ Bucket, Policy });
    assert.equal((await s3.getBucketPolicy({ Bucket })).Policy, Policy);
    await assertRefused(s3.deleteBucket({ Bucket }), { code: "AccessDenied", status: 403 });
    await s3.deleteBucketPolicy({ Bucket });
    await assertRefused(s3.getBucketPolicy({ Bucket }), {
      code: "NoSuchBucketPolicy",
      status: 404,
    });
    // Deleting what is not there is no error.
    await s3.deleteBucketPolicy({ Bucket });
    await s3.deleteBucket({ Bucket });
  });

  const malformed: readonly (readonly [string, string, RegExp?])[] = [
    ["no JSON", "<Policy/>", /must be valid JSON and the first byte must be '\{'/],
    ["an empty object", "{}"],
    ["no principal", policyOf({ ...everybodyReads, Principal: undefined }), /principal/i],
    [
      "another bucket",
      policyOf({ ...everybodyReads, Resource: "arn:aws:s3:::other/*" }),
      /resource/i,
    ],
    ["an unknown action", policyOf({ ...everybodyReads, Action: "s3:Fly" }), /action/i],
    [
      "an account that is not there",
      policyOf({ ...everybodyReads, Principal: { AWS: "arn:aws:iam::999999999999:root" } }),
      /Invalid principal in policy/,
    ],
    [
      "a user that is not there",
      policyOf({
        ...everybodyReads,
        Principal: { AWS: `arn:aws:iam::${server.accountId}:user/nobody` },
      }),
      /Invalid principal in policy/,
    ],
    [
      "an unknown principal",
      policyOf({ ...everybodyReads, Principal: { AWS: "nobody" } }),
      /principal/i,
    ],
  ];
  for (const [name, document, message] of malformed) {
    test(`with ${name} is MalformedPolicy and changes nothing`, async () => {
      const Bucket = await newBucket();
      const Policy = document.replaceAll("BUCKET", Bucket);
      const expected = { code: "MalformedPolicy", status: 400 };
      const refused = s3.putBucketPolicy({ Bucket, Policy });
      await assertRefused(refused, message === undefined ? expected : { ...expected, message });
      await assertRefused(s3.getBucketPolicy({ Bucket }), {
        code: "NoSuchBucketPolicy",
        status: 404,
      });
    });
  }
});

describe("strangers", () => {
  test("read what a policy lets everybody read, and nothing else", async () => {
    const Bucket = await openBucket(everybodyReads);
    await put(Bucket, "k", "hello");
    const answer = await anonymous(`/${Bucket}/k`);
    assert.equal(answer.status, 200);
    assert.equal(answer.text, "hello");
    assert.equal((await anonymous(`/${Bucket}/k`, "HEAD")).status, 200);
    const refused = { code: "AccessDenied", status: 403, message: "Access Denied" };
    assertErrorAnswer(await anonymous(`/${Bucket}`), refused);
    assertErrorAnswer(await anonymous(`/${Bucket}/k`, "DELETE"), refused);
    assertErrorAnswer(await anonymous(`/${Bucket}/k`, "GET", "acl"), refused);
    assertErrorAnswer(await anonymous(`/${Bucket}`, "GET", "policy"), refused);
  });

  test("are told of a missing key only where they may list", async () => {
    const closed = await openBucket(everybodyReads);
    assertErrorAnswer(await anonymous(`/${closed}/none`), { code: "AccessDenied", status: 403 });
    const list = { ...everybodyReads, Action: "s3:ListBucket", Resource: "arn:aws:s3:::BUCKET" };
    const open = await openBucket(everybodyReads, list);
    assertErrorAnswer(await anonymous(`/${open}/none`), { code: "NoSuchKey", status: 404 });
    assert.equal((await anonymous(`/${open}`)).status, 200);
  });

  test("are held to the conditions", async () => {
    const Bucket = await openBucket({
      ...everybodyReads,
      Condition: { StringEquals: { "aws:UserAgent": "friend" } },
    });
    await put(Bucket, "k");
    const friend = await anonymous(`/${Bucket}/k`, "GET", "", { "user-agent": "friend" });
    assert.equal(friend.status, 200);
    assert.equal((await anonymous(`/${Bucket}/k`)).status, 403);
  });

  test("are let in by the tags that an object has", async () => {
    const Bucket = await openBucket({
      ...everybodyReads,
      Condition: { StringEquals: { "s3:ExistingObjectTag/public": "yes" } },
    });
    await s3.putObject({ Bucket, Key: "open", Body: "1", Tagging: "public=yes" });
    await s3.putObject({ Bucket, Key: "closed", Body: "1", Tagging: "public=no" });
    assert.equal((await anonymous(`/${Bucket}/open`)).status, 200);
    assert.equal((await anonymous(`/${Bucket}/closed`)).status, 403);
    await s3.deleteObjectTagging({ Bucket, Key: "open" });
    assert.equal((await anonymous(`/${Bucket}/open`)).status, 403);
  });

  test("delete only the keys of a list that they may", async () => {
    const Bucket = await openBucket({
      ...everybodyReads,
      Action: "s3:DeleteObject",
      Resource: "arn:aws:s3:::BUCKET/tmp/*",
    });
    await put(Bucket, "tmp/a");
    await put(Bucket, "kept");
    const body = `<Delete><Object><Key>tmp/a</Key></Object><Object><Key>kept</Key></Object></Delete>`;
    const md5 = createHash("md5").update(body).digest("base64");
    const answer = await send({
      method: "POST",
      path: `/${Bucket}`,
      query: "delete",
      headers: { "content-md5": md5 },
      body,
      isSigned: false,
    });
    assert.equal(answer.status, 200);
    assert.match(answer.text, /<Deleted><Key>tmp\/a<\/Key><\/Deleted>/);
    assert.match(answer.text, /<Error><Key>kept<\/Key><Code>AccessDenied<\/Code>/);
    const { Contents = [] } = await s3.listObjectsV2({ Bucket });
    assert.deepEqual(
      Contents.map(({ Key }) => Key),
      ["kept"],
    );
  });
});

describe("the owner", () => {
  test("is denied what the policy denies it, except to change the policy", async () => {
    const Bucket = await newBucket();
    await put(Bucket, "k");
    const Policy = policyOf({
      Effect: "Deny",
      Principal: { AWS: `arn:aws:iam::${server.accountId}:root` },
      Action: "s3:*",
      Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
    });
    await s3.putBucketPolicy({ Bucket, Policy });
    await assertRefused(s3.getObject({ Bucket, Key: "k" }), {
      code: "AccessDenied",
      status: 403,
      message:
        /is not authorized to perform: s3:GetObject on resource: ".*" with an explicit deny in a resource-based policy/,
    });
    await assertRefused(s3.listObjectsV2({ Bucket }), { code: "AccessDenied", status: 403 });
    assert.equal((await s3.getBucketPolicy({ Bucket })).Policy, Policy);
    await s3.deleteBucketPolicy({ Bucket });
    assert.equal((await s3.getObject({ Bucket, Key: "k" })).ContentLength, 1);
  });

  test("is held to what headers must say", async () => {
    const Bucket = await newBucket();
    await s3.putBucketPolicy({
      Bucket,
      Policy: policyOf({
        Effect: "Deny",
        Principal: "*",
        Action: "s3:PutObject",
        Resource: `arn:aws:s3:::${Bucket}/*`,
        Condition: { StringNotEquals: { "s3:x-amz-storage-class": "STANDARD_IA" } },
      }),
    });
    await assertRefused(s3.putObject({ Bucket, Key: "k", Body: "1" }), {
      code: "AccessDenied",
      status: 403,
    });
    await s3.putObject({ Bucket, Key: "k", Body: "1", StorageClass: "STANDARD_IA" });
  });

  test("may read a copy's source only where the source's policy lets it", async () => {
    const source = await newBucket();
    const target = await newBucket();
    await put(source, "k");
    await s3.putBucketPolicy({
      Bucket: source,
      Policy: policyOf({
        Effect: "Deny",
        Principal: "*",
        Action: "s3:GetObject",
        Resource: `arn:aws:s3:::${source}/*`,
      }),
    });
    const copy = { Bucket: target, Key: "copy", CopySource: `${source}/k` };
    await assertRefused(s3.copyObject(copy), { code: "AccessDenied", status: 403 });
    await assertRefused(s3.headObject({ Bucket: target, Key: "copy" }), {
      code: "NotFound",
      status: 404,
    });
  });
});

describe("what is public", () => {
  test("GetBucketPolicyStatus tells a policy for everybody from one for some", async () => {
    const open = await openBucket(everybodyReads);
    assert.equal((await s3.getBucketPolicyStatus({ Bucket: open })).PolicyStatus?.IsPublic, true);
    const some = await openBucket({
      ...everybodyReads,
      Condition: { IpAddress: { "aws:SourceIp": "192.0.2.0/24" } },
    });
    assert.equal((await s3.getBucketPolicyStatus({ Bucket: some })).PolicyStatus?.IsPublic, false);
    const none = await newBucket();
    await assertRefused(s3.getBucketPolicyStatus({ Bucket: none }), {
      code: "NoSuchBucketPolicy",
      status: 404,
    });
  });
});

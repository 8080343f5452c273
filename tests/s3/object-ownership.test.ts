// Object ownership: the controls of a bucket, and what they make of access control lists.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import type { ObjectOwnership } from "@aws-sdk/client-s3";
import {
  assertErrorAnswer,
  assertRefused,
  startTestServer,
  type RawAnswer,
} from "./test-server.ts";

const server = await startTestServer();
const { s3 } = server;

async function ownershipOf(Bucket: string): Promise<string | undefined> {
  const { OwnershipControls } = await s3.getBucketOwnershipControls({ Bucket });
  assert.equal(OwnershipControls?.Rules?.length, 1);
  return OwnershipControls?.Rules?.[0]?.ObjectOwnership;
}

const enforce = (Bucket: string, ownership: ObjectOwnership): Promise<unknown> =>
  s3.putBucketOwnershipControls({
    Bucket,
    OwnershipControls: { Rules: [{ ObjectOwnership: ownership }] },
  });

async function bucketWithLists(): Promise<string> {
  const Bucket = server.newBucketName();
  await s3.createBucket({ Bucket, ObjectOwnership: "ObjectWriter" });
  await s3.deletePublicAccessBlock({ Bucket });
  return Bucket;
}

test("controls are set when a bucket is made, changed, and taken away", async () => {
  const Bucket = server.newBucketName();
  await s3.createBucket({ Bucket });
  assert.equal(await ownershipOf(Bucket), "BucketOwnerEnforced");
  for (const ownership of [
    "BucketOwnerPreferred",
    "ObjectWriter",
    "BucketOwnerEnforced",
  ] as const) {
    await enforce(Bucket, ownership);
    assert.equal(await ownershipOf(Bucket), ownership);
  }
  await s3.deleteBucketOwnershipControls({ Bucket });
  await assertRefused(ownershipOf(Bucket), {
    code: "OwnershipControlsNotFoundError",
    status: 404,
    message: "The bucket ownership controls were not found",
  });
  // Without controls lists count, as they did before there were any.
  await s3.putBucketAcl({ Bucket, ACL: "private" });
  const preferred = server.newBucketName();
  await s3.createBucket({ Bucket: preferred, ObjectOwnership: "BucketOwnerPreferred" });
  assert.equal(await ownershipOf(preferred), "BucketOwnerPreferred");
});

test("a server may make buckets without controls", async () => {
  const older = await startTestServer({
    defaultObjectOwnership: "ObjectWriter",
    defaultPublicAccessBlock: "off",
  });
  const Bucket = await older.newBucket();
  const { s3: client } = older;
  await assertRefused(client.getBucketOwnershipControls({ Bucket }), {
    code: "OwnershipControlsNotFoundError",
    status: 404,
  });
  await client.putBucketAcl({ Bucket, ACL: "public-read" });
});

test("exactly one rule, of a known name", async () => {
  const Bucket = await server.newBucket();
  const send = async (rules: string): Promise<RawAnswer> =>
    server.send({
      method: "PUT",
      path: `/${Bucket}`,
      query: "ownershipControls=",
      headers: { "content-md5": md5Of(document(rules)) },
      body: document(rules),
    });
  for (const rules of ["", rule("Nobody"), rule("ObjectWriter").repeat(2)]) {
    assertErrorAnswer(await send(rules), { code: "MalformedXML", status: 400 });
  }
  assert.equal((await send(rule("ObjectWriter"))).status, 200);
});

const document = (rules: string): string => `<OwnershipControls>${rules}</OwnershipControls>`;

const rule = (name: string): string => `<Rule><ObjectOwnership>${name}</ObjectOwnership></Rule>`;

const md5Of = (text: string): string => createHash("md5").update(text).digest("base64");

describe("where the bucket's owner is enforced", () => {
  test("lists answer his full control, and nothing else can be set", async () => {
    const Bucket = await server.newBucket();
    await s3.putObject({ Bucket, Key: "k", Body: "x", ACL: "bucket-owner-full-control" });
    const expected = [["FULL_CONTROL"], "root"];
    const bucketList = await s3.getBucketAcl({ Bucket });
    const objectList = await s3.getObjectAcl({ Bucket, Key: "k" });
    for (const { Grants = [], Owner } of [bucketList, objectList]) {
      assert.deepEqual([Grants.map(({ Permission }) => Permission), Owner?.DisplayName], expected);
    }
    const refused = {
      code: "AccessControlListNotSupported",
      status: 400,
      message: "The bucket does not allow ACLs",
    };
    for (const ACL of ["private", "public-read", "authenticated-read"] as const) {
      await assertRefused(s3.putBucketAcl({ Bucket, ACL }), refused);
      await assertRefused(s3.putObjectAcl({ Bucket, Key: "k", ACL }), refused);
      await assertRefused(s3.putObject({ Bucket, Key: "k", Body: "y", ACL }), refused);
      await assertRefused(s3.createMultipartUpload({ Bucket, Key: "k", ACL }), refused);
      const CopySource = `${Bucket}/k`;
      await assertRefused(s3.copyObject({ Bucket, Key: "c", CopySource, ACL }), refused);
    }
    // What holds anyway may be said, as XML too.
    const AccessControlPolicy = { Owner: bucketList.Owner, Grants: bucketList.Grants };
    await s3.putObjectAcl({ Bucket, Key: "k", AccessControlPolicy });
    await s3.putBucketAcl({ Bucket, AccessControlPolicy });
    await s3.putObjectAcl({ Bucket, Key: "k", ACL: "bucket-owner-full-control" });
  });

  test("lists of objects sleep, and wake when they count again", async () => {
    const Bucket = await bucketWithLists();
    await s3.putObject({ Bucket, Key: "k", Body: "x", ACL: "public-read" });
    await enforce(Bucket, "BucketOwnerEnforced");
    assert.equal((await s3.getObjectAcl({ Bucket, Key: "k" })).Grants?.length, 1);
    await enforce(Bucket, "BucketOwnerPreferred");
    assert.equal((await s3.getObjectAcl({ Bucket, Key: "k" })).Grants?.length, 2);
  });

  test("a bucket whose list gives others something must be made private first", async () => {
    const Bucket = await bucketWithLists();
    await s3.putBucketAcl({ Bucket, ACL: "public-read" });
    await assertRefused(enforce(Bucket, "BucketOwnerEnforced"), {
      code: "InvalidBucketAclWithObjectOwnership",
      status: 400,
      message: "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
    });
    assert.equal(await ownershipOf(Bucket), "ObjectWriter");
    await s3.putBucketAcl({ Bucket, ACL: "private" });
    await enforce(Bucket, "BucketOwnerEnforced");
  });
});

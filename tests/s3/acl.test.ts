// Access control lists as one account stores and reads them, and what an unsigned request gets of it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import type { Grant, Owner } from "@aws-sdk/client-s3";
import { aclGroups } from "../../src/model/access-control-list.ts";
import {
  assertErrorAnswer,
  assertRefused,
  elementsOf,
  startTestServer,
  type RawAnswer,
} from "./test-server.ts";

const server = await startTestServer({
  defaultObjectOwnership: "ObjectWriter",
  defaultPublicAccessBlock: "off",
});
const { s3 } = server;
const owner: Owner = (await s3.listBuckets()).Owner ?? {};

/** `root:FULL_CONTROL AllUsers:READ`, in the order of the answer. */
function summary({ Grants = [] }: { readonly Grants?: readonly Grant[] | undefined }): string {
  return Grants.map(({ Grantee, Permission }) => {
    const name = Grantee?.URI?.replace(/.*\//, "") ?? Grantee?.DisplayName ?? Grantee?.ID;
    return `${name}:${Permission}`;
  }).join(" ");
}

const bucketAcl = async (Bucket: string): Promise<string> =>
  summary(await s3.getBucketAcl({ Bucket }));
const objectAcl = async (Bucket: string, Key: string, VersionId?: string): Promise<string> =>
  summary(await s3.getObjectAcl({ Bucket, Key, VersionId }));

describe("lists of buckets", () => {
  test("a new bucket is its owner's alone", async () => {
    const Bucket = await server.newBucket();
    const acl = await s3.getBucketAcl({ Bucket });
    assert.deepEqual(acl.Owner, owner);
    assert.deepEqual(acl.Grants, [
      {
        Grantee: { Type: "CanonicalUser", ID: owner.ID, DisplayName: owner.DisplayName },
        Permission: "FULL_CONTROL",
      },
    ]);
  });

  test("canned lists, when a bucket is made and later", async () => {
    const made = server.newBucketName();
    await s3.createBucket({ Bucket: made, ACL: "public-read-write" });
    assert.equal(await bucketAcl(made), "root:FULL_CONTROL AllUsers:READ AllUsers:WRITE");
    await s3.putBucketAcl({ Bucket: made, ACL: "authenticated-read" });
    assert.equal(await bucketAcl(made), "root:FULL_CONTROL AuthenticatedUsers:READ");
    await s3.putBucketAcl({ Bucket: made, ACL: "private" });
    assert.equal(await bucketAcl(made), "root:FULL_CONTROL");
    const headers = { "x-amz-acl": "log-delivery-write" };
    const answer = await server.send({ method: "PUT", path: `/${made}`, query: "acl=", headers });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(await bucketAcl(made), "root:FULL_CONTROL LogDelivery:WRITE LogDelivery:READ_ACP");
  });

  test("grants in headers are the whole list", async () => {
    const Bucket = server.newBucketName();
    await s3.createBucket({ Bucket, GrantRead: `uri="${aclGroups.allUsers}"` });
    assert.equal(await bucketAcl(Bucket), "AllUsers:READ");
    await s3.putBucketAcl({
      Bucket,
      GrantWrite: `uri=${aclGroups.logDelivery}, id="${owner.ID}"`,
      GrantFullControl: `id=${owner.ID}`,
    });
    assert.equal(await bucketAcl(Bucket), "LogDelivery:WRITE root:WRITE root:FULL_CONTROL");
  });

  test("a document is stored as it is, an empty one too", async () => {
    const Bucket = await server.newBucket();
    const Grants: Grant[] = [
      { Grantee: { Type: "Group", URI: aclGroups.allUsers }, Permission: "READ_ACP" },
      { Grantee: { Type: "CanonicalUser", ID: owner.ID }, Permission: "WRITE" },
      { Grantee: { Type: "CanonicalUser", ID: owner.ID }, Permission: "WRITE_ACP" },
    ];
    await s3.putBucketAcl({ Bucket, AccessControlPolicy: { Owner: owner, Grants } });
    assert.equal(await bucketAcl(Bucket), "AllUsers:READ_ACP root:WRITE root:WRITE_ACP");
    await s3.putBucketAcl({ Bucket, AccessControlPolicy: { Owner: owner, Grants: [] } });
    const acl = await s3.getBucketAcl({ Bucket });
    assert.deepEqual([acl.Owner, acl.Grants ?? []], [owner, []]);
    // Without a grant the owner can still set another list.
    await s3.putBucketAcl({ Bucket, ACL: "private" });
    assert.equal(await bucketAcl(Bucket), "root:FULL_CONTROL");
  });

  test("making one's own bucket again resets its list", async () => {
    const Bucket = server.newBucketName();
    await s3.createBucket({ Bucket, ACL: "public-read" });
    await s3.createBucket({ Bucket });
    assert.equal(await bucketAcl(Bucket), "root:FULL_CONTROL");
  });
});

describe("lists of objects", () => {
  test("are set by uploads, copies and multipart uploads, and never copied", async () => {
    const Bucket = await server.newBucket();
    await s3.putObject({ Bucket, Key: "put", Body: "x", ACL: "public-read" });
    assert.equal(await objectAcl(Bucket, "put"), "root:FULL_CONTROL AllUsers:READ");
    const CopySource = `${Bucket}/put`;
    await s3.copyObject({ Bucket, Key: "copy", CopySource });
    assert.equal(await objectAcl(Bucket, "copy"), "root:FULL_CONTROL");
    await s3.copyObject({ Bucket, Key: "copy", CopySource, ACL: "authenticated-read" });
    assert.equal(await objectAcl(Bucket, "copy"), "root:FULL_CONTROL AuthenticatedUsers:READ");
    const Key = "parts";
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key, ACL: "public-read" });
    const place = { Bucket, Key, UploadId };
    const { ETag } = await s3.uploadPart({ ...place, PartNumber: 1, Body: "x" });
    await s3.completeMultipartUpload({
      ...place,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
    });
    assert.equal(await objectAcl(Bucket, Key), "root:FULL_CONTROL AllUsers:READ");
  });

  test("are replaced with the object, and stay when tags change", async () => {
    const Bucket = await server.newBucket();
    await s3.putObject({ Bucket, Key: "k", Body: "x", ACL: "public-read" });
    await s3.putObjectTagging({
      Bucket,
      Key: "k",
      Tagging: { TagSet: [{ Key: "a", Value: "b" }] },
    });
    assert.equal(await objectAcl(Bucket, "k"), "root:FULL_CONTROL AllUsers:READ");
    await s3.putObject({ Bucket, Key: "k", Body: "y" });
    assert.equal(await objectAcl(Bucket, "k"), "root:FULL_CONTROL");
  });

  test("belong to one version, and change nothing else of it", async () => {
    const Bucket = await server.newBucket("Enabled");
    const old = await server.put(Bucket, "k", "old");
    await server.put(Bucket, "k", "new");
    const before = await s3.headObject({ Bucket, Key: "k", VersionId: old.versionId });
    await s3.putObjectAcl({ Bucket, Key: "k", VersionId: old.versionId, ACL: "public-read" });
    assert.equal(await objectAcl(Bucket, "k"), "root:FULL_CONTROL");
    assert.equal(await objectAcl(Bucket, "k", old.versionId), "root:FULL_CONTROL AllUsers:READ");
    const after = await s3.headObject({ Bucket, Key: "k", VersionId: old.versionId });
    assert.deepEqual([after.LastModified, after.ETag], [before.LastModified, before.ETag]);
    await s3.putObjectAcl({ Bucket, Key: "k", ACL: "authenticated-read" });
    assert.equal(await objectAcl(Bucket, "k"), "root:FULL_CONTROL AuthenticatedUsers:READ");
    const { Versions = [] } = await s3.listObjectVersions({ Bucket });
    assert.equal(Versions.length, 2, "a list makes no version");
  });

  test("of what is not there", async () => {
    const Bucket = await server.newBucket("Enabled");
    const missing = { code: "NoSuchKey", status: 404 };
    await assertRefused(s3.getObjectAcl({ Bucket, Key: "none" }), missing);
    await assertRefused(s3.putObjectAcl({ Bucket, Key: "none", ACL: "private" }), missing);
    await server.put(Bucket, "k");
    const { VersionId } = await s3.deleteObject({ Bucket, Key: "k" });
    const marker = { Bucket, Key: "k", VersionId };
    const notAllowed = { code: "MethodNotAllowed", status: 405 };
    await assertRefused(s3.putObjectAcl({ ...marker, ACL: "private" }), notAllowed);
    await assertRefused(s3.getObjectAcl(marker), notAllowed);
    await assertRefused(s3.getBucketAcl({ Bucket: "no-such-bucket" }), {
      code: "NoSuchBucket",
      status: 404,
    });
  });

  test("grants in headers of an upload, in the order of the permissions", async () => {
    const Bucket = await server.newBucket();
    const answer = await server.send({
      method: "PUT",
      path: `/${Bucket}/k`,
      headers: {
        "x-amz-grant-write-acp": `id="${owner.ID}"`,
        "x-amz-grant-write": `id="${owner.ID}"`,
        "x-amz-grant-read-acp": `id="${owner.ID}"`,
        "x-amz-grant-read": `uri="${aclGroups.allUsers}"`,
      },
    });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(
      await objectAcl(Bucket, "k"),
      "AllUsers:READ root:WRITE root:READ_ACP root:WRITE_ACP",
    );
  });

  test("the document says of each grantee which kind it is", async () => {
    const Bucket = await server.newBucket();
    await s3.putObject({ Bucket, Key: "k", Body: "x", ACL: "public-read" });
    const { text } = await server.send({ path: `/${Bucket}/k`, query: "acl=" });
    assert.ok(
      text.includes(
        `<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>${aclGroups.allUsers}</URI></Grantee><Permission>READ</Permission></Grant>`,
      ),
      text,
    );
    assert.deepEqual(elementsOf(text, "ID"), [owner.ID, owner.ID]);
  });
});

const document = (owned: string, grants: string): string =>
  `<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${owned}<AccessControlList>${grants}</AccessControlList></AccessControlPolicy>`;
const grantee = (type: string, content: string): string =>
  `<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${type}">${content}</Grantee><Permission>READ</Permission></Grant>`;

async function put(
  query: string,
  request: { readonly headers?: Record<string, string>; readonly body?: string },
): Promise<RawAnswer> {
  const { headers = {}, body = "" } = request;
  const md5 = createHash("md5").update(body).digest("base64");
  return server.send({
    method: "PUT",
    path: `/${await server.newBucket()}`,
    query,
    headers: { ...headers, "content-md5": md5 },
    body,
  });
}

describe("lists that are refused", () => {
  test("no list, or two at once", async () => {
    const own = `<Owner><ID>${owner.ID}</ID></Owner>`;
    assertErrorAnswer(await put("acl=", {}), {
      code: "MissingSecurityHeader",
      status: 400,
      message: "Your request was missing a required header",
      fields: { MissingHeaderName: "x-amz-acl" },
    });
    const body = document(own, "");
    assertErrorAnswer(await put("acl=", { headers: { "x-amz-acl": "private" }, body }), {
      code: "UnexpectedContent",
      status: 400,
      message: "This request does not support content",
    });
    const headers = { "x-amz-acl": "private", "x-amz-grant-read": `id=${owner.ID}` };
    assertErrorAnswer(await put("acl=", { headers }), {
      code: "InvalidRequest",
      status: 400,
      message: "Specifying both Canned ACLs and Header Grants is not allowed",
    });
  });

  test("an unknown canned list", async () => {
    assertErrorAnswer(await put("acl=", { headers: { "x-amz-acl": "everybody" } }), {
      code: "InvalidArgument",
      status: 400,
      fields: { ArgumentName: "x-amz-acl", ArgumentValue: "everybody" },
    });
  });

  test("documents without owner, with another owner, with grantees that do not exist", async () => {
    const own = `<Owner><ID>${owner.ID}</ID></Owner>`;
    const other = "0".repeat(64);
    const malformed = { code: "MalformedACLError", status: 400 };
    const cases: readonly (readonly [string, Parameters<typeof assertErrorAnswer>[1]])[] = [
      [document("", ""), malformed],
      [document("<Owner/>", ""), malformed],
      [`<AccessControlPolicy>${own}</AccessControlPolicy>`, malformed],
      ["<AccessControlPolicy>", malformed],
      ["{}", malformed],
      [document(own, grantee("CanonicalUser", "")), malformed],
      [document(own, grantee("Robot", "<ID>x</ID>")), malformed],
      [document(own, "<Grant><Permission>READ</Permission></Grant>"), malformed],
      [document(own, grantee("Group", `<URI>${aclGroups.allUsers}</URI>`).repeat(101)), malformed],
      [
        document(`<Owner><ID>${other}</ID></Owner>`, ""),
        {
          code: "InvalidArgument",
          status: 400,
          message: "Invalid id",
          fields: { ArgumentName: "CanonicalUser/ID", ArgumentValue: other },
        },
      ],
      [
        document(own, grantee("CanonicalUser", `<ID>${other}</ID>`)),
        {
          code: "InvalidArgument",
          status: 400,
          message: "Invalid id",
          fields: { ArgumentName: "CanonicalUser/ID", ArgumentValue: other },
        },
      ],
      [
        document(own, grantee("Group", "<URI>http://example.com/friends</URI>")),
        {
          code: "InvalidArgument",
          status: 400,
          message: "Invalid group uri",
          fields: { ArgumentName: "Group/URI", ArgumentValue: "http://example.com/friends" },
        },
      ],
      [
        document(own, grantee("AmazonCustomerByEmail", "<EmailAddress>a@b.c</EmailAddress>")),
        {
          code: "UnresolvableGrantByEmailAddress",
          status: 400,
          message: "The email address you provided does not match any account on record.",
        },
      ],
    ];
    for (const [body, expected] of cases) assertErrorAnswer(await put("acl=", { body }), expected);
  });
});

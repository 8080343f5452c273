// Creating, finding and deleting buckets.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertErrorAnswer,
  assertRefused,
  elementOf,
  patternBytes,
  setVersioning,
  smallestPartBytes,
  startTestServer,
  type RawAnswer,
} from "./test-server.ts";

const { s3, server, newBucket, newBucketName, put, upload, send } = await startTestServer();
const irish = await startTestServer({ region: "eu-west-1" });

function create(bucket: string, location?: string, via = send): Promise<RawAnswer> {
  const body =
    location === undefined
      ? ""
      : `<CreateBucketConfiguration><LocationConstraint>${location}</LocationConstraint></CreateBucketConfiguration>`;
  return via({ method: "PUT", path: `/${bucket}`, body });
}

test("a bucket without configuration is made in us-east-1 and has a path as its location", async () => {
  const Bucket = newBucketName();
  const answer = await create(Bucket);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("location"), `/${Bucket}`);
  assert.equal(answer.body.length, 0);
  // s3-api.md 1.1: us-east-1 gives an empty LocationConstraint, and the root is that element.
  const location = await send({ path: `/${Bucket}`, query: "location" });
  assert.match(
    location.text,
    /<LocationConstraint xmlns="http:\/\/s3.amazonaws.com\/doc\/2006-03-01\/"\/>$/,
  );
  assert.equal((await s3.getBucketLocation({ Bucket })).LocationConstraint, undefined);
});

test("a server of another region demands that region by name", async () => {
  const Bucket = irish.newBucketName();
  const made = await create(Bucket, "eu-west-1", irish.send);
  assert.equal(made.status, 200, made.text);
  // s3-api.md 4.6, example 4: a bucket with a constraint has a URL as its location.
  assert.equal(made.headers.get("location"), `${irish.server.endpoint}/${Bucket}/`);
  assert.equal((await irish.s3.getBucketLocation({ Bucket })).LocationConstraint, "eu-west-1");
  assertErrorAnswer(await create(irish.newBucketName(), undefined, irish.send), {
    code: "IllegalLocationConstraintException",
    status: 400,
    message:
      "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.",
  });
  assertErrorAnswer(await create(irish.newBucketName(), "eu-central-1", irish.send), {
    code: "IllegalLocationConstraintException",
    status: 400,
    message:
      "The eu-central-1 location constraint is incompatible for the region specific endpoint this request was sent to.",
  });
});

test("EU is the old name of eu-west-1 and is handed back as it was sent", async () => {
  const Bucket = irish.newBucketName();
  await irish.s3.createBucket({ Bucket, CreateBucketConfiguration: { LocationConstraint: "EU" } });
  assert.equal((await irish.s3.getBucketLocation({ Bucket })).LocationConstraint, "EU");
  assert.equal((await irish.s3.headBucket({ Bucket })).BucketRegion, "eu-west-1");
});

test("an unknown region is an invalid constraint, and so is us-east-1 itself", async () => {
  // github.com/velero-io/velero/issues/284 for us-east-1.
  for (const location of ["mars-north-1", "us-east-1", "US-WEST-2"]) {
    assertErrorAnswer(await create(newBucketName(), location), {
      code: "InvalidLocationConstraint",
      status: 400,
      message: "The specified location-constraint is not valid",
      fields: { LocationConstraint: location },
    });
  }
  assertErrorAnswer(await create(newBucketName(), "eu-west-1"), {
    code: "IllegalLocationConstraintException",
    status: 400,
  });
});

test("a refused creation leaves no bucket", async () => {
  const Bucket = newBucketName();
  await create(Bucket, "mars-north-1");
  assert.equal((await send({ method: "HEAD", path: `/${Bucket}` })).status, 404);
});

test("one's own bucket can be made again in us-east-1 only", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "kept");
  // s3-api.md 0.3 #13.
  assert.equal((await create(Bucket)).status, 200);
  assert.equal((await s3.listObjectsV2({ Bucket })).KeyCount, 1);
  const there = await irish.newBucket();
  assertErrorAnswer(await create(there, "eu-west-1", irish.send), {
    code: "BucketAlreadyOwnedByYou",
    status: 409,
    message: "Your previous request to create the named bucket succeeded and you already own it.",
    fields: { BucketName: there },
  });
});

test("of many creations at once all find one bucket", async () => {
  const Bucket = newBucketName();
  const answers = await Promise.all(Array.from({ length: 8 }, () => create(Bucket)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  const irishBucket = irish.newBucketName();
  const racing = await Promise.all(
    Array.from({ length: 8 }, () => create(irishBucket, "eu-west-1", irish.send)),
  );
  const statuses = racing.map(({ status }) => status).toSorted((left, right) => left - right);
  assert.deepEqual(statuses, [200, ...Array.from({ length: 7 }, () => 409)]);
});

// Guide, "General purpose bucket naming rules".
const validNames = [
  "abc",
  "a-b",
  "0abc9",
  "a.b.c",
  "x".repeat(63),
  "1.2.3",
  "192.168.1.256",
  "my--bucket",
];
const invalidNames = [
  "ab",
  "x".repeat(64),
  "Abc",
  "a_b",
  "-abc",
  "abc-",
  ".abc",
  "abc.",
  "a..b",
  "192.168.5.4",
  "xn--abc",
  "sthree-abc",
  "abc-s3alias",
  "abc--ol-s3",
  "abc--x-s3",
  "abc.mrap",
  "abc--table-s3",
  "b%C3%BCcket",
  "a%20b",
  "a%0Ab",
  "amzn-s3-demo-x",
];

test("names that follow the naming rules are accepted", async () => {
  for (const name of validNames) {
    const answer = await create(name);
    assert.equal(answer.status, 200, `${name}: ${answer.text}`);
  }
});

for (const name of invalidNames) {
  test(`the name ${name.slice(0, 20)} is refused`, async () => {
    assertErrorAnswer(await create(name), {
      code: "InvalidBucketName",
      status: 400,
      message: "The specified bucket is not valid.",
      fields: { BucketName: decodeURIComponent(name) },
    });
  });
}

test("an invalid name in any other request is a bucket that does not exist", async () => {
  assertErrorAnswer(await send({ path: "/Not_A_Bucket" }), {
    code: "NoSuchBucket",
    status: 404,
    fields: { BucketName: "Not_A_Bucket" },
  });
});

test("ownership is kept, and a wrong one is refused", async () => {
  for (const ownership of ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"]) {
    const headers = { "x-amz-object-ownership": ownership };
    const answer = await send({ method: "PUT", path: `/${newBucketName()}`, headers });
    assert.equal(answer.status, 200, answer.text);
  }
  const headers = { "x-amz-object-ownership": "Nobody" };
  assertErrorAnswer(await send({ method: "PUT", path: `/${newBucketName()}`, headers }), {
    code: "InvalidArgument",
    status: 400,
    message: "Invalid x-amz-object-ownership header: Nobody",
    fields: { ArgumentName: "x-amz-object-ownership", ArgumentValue: "Nobody" },
  });
});

test("where the owner owns everything, an ACL cannot be set", async () => {
  await assertRefused(s3.createBucket({ Bucket: newBucketName(), ACL: "public-read" }), {
    code: "InvalidBucketAclWithObjectOwnership",
    status: 400,
    message: "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
  });
  await s3.createBucket({ Bucket: newBucketName(), ACL: "private" });
  // A new bucket has Block Public Access, which a public list would go against.
  const shared = { ObjectOwnership: "ObjectWriter", ACL: "public-read" } as const;
  await assertRefused(s3.createBucket({ Bucket: newBucketName(), ...shared }), {
    code: "InvalidBucketAclWithBlockPublicAccessError",
    status: 400,
    message: "Bucket cannot have public ACLs set with BlockPublicAccess enabled",
  });
});

test("a bucket with object lock has versioning, which cannot be suspended", async () => {
  const Bucket = newBucketName();
  await s3.createBucket({ Bucket, ObjectLockEnabledForBucket: true });
  assert.equal((await s3.getBucketVersioning({ Bucket })).Status, "Enabled");
  await assertRefused(setVersioning(s3, Bucket, "Suspended"), {
    code: "InvalidBucketState",
    status: 409,
    message:
      "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
  });
  assert.equal((await s3.getBucketVersioning({ Bucket })).Status, "Enabled");
});

const withTags = (Tags: { Key: string; Value: string }[]) =>
  s3.createBucket({ Bucket: newBucketName(), CreateBucketConfiguration: { Tags } });

test("tags come with the creation and follow the rules of tags", async () => {
  await withTags([{ Key: "project", Value: "x" }]);
  await assertRefused(
    withTags([
      { Key: "a", Value: "1" },
      { Key: "a", Value: "2" },
    ]),
    { code: "InvalidTag", status: 400, message: "Cannot provide multiple Tags with the same key" },
  );
  await assertRefused(withTags([{ Key: "aws:x", Value: "1" }]), {
    code: "InvalidTag",
    status: 400,
    message: "System tags cannot be added/updated by requester",
  });
});

test("a configuration that is no XML or another document makes nothing", async () => {
  for (const body of [
    "<Create",
    "<Other/>",
    "not xml",
    "<CreateBucketConfiguration><A/></CreateBucketConfiguration>",
  ]) {
    const Bucket = newBucketName();
    const answer = await send({ method: "PUT", path: `/${Bucket}`, body });
    assertErrorAnswer(answer, { code: "MalformedXML", status: 400 });
    assert.equal((await send({ method: "HEAD", path: `/${Bucket}` })).status, 404);
  }
});

test("anonymous callers make no buckets and list none", async () => {
  const denied = { code: "AccessDenied", status: 403, message: "Access Denied" };
  const path = `/${newBucketName()}`;
  assertErrorAnswer(await send({ method: "PUT", path, isSigned: false }), denied);
  assertErrorAnswer(await send({ path: "/", isSigned: false }), denied);
});

test("HEAD tells the region of a bucket", async () => {
  const Bucket = await newBucket();
  const head = await s3.headBucket({ Bucket });
  assert.equal(head.BucketRegion, "us-east-1");
  assert.equal(head.AccessPointAlias, false);
  const answer = await send({ method: "HEAD", path: `/${Bucket}` });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("x-amz-bucket-region"), "us-east-1");
});

test("HEAD of a missing bucket is a bare 404, as waiters need it", async () => {
  const answer = await send({ method: "HEAD", path: "/no-such-bucket" });
  assert.equal(answer.status, 404);
  assert.equal(answer.body.length, 0);
  // s3-api.md 4.1: the JavaScript SDK calls an empty 404 NotFound.
  const missing = { code: "NotFound", status: 404 };
  await assertRefused(s3.headBucket({ Bucket: "no-such-bucket" }), missing);
  // S3 tells strangers too which names are free.
  const unsigned = await send({ method: "HEAD", path: "/no-such-bucket", isSigned: false });
  assert.deepEqual([unsigned.status, unsigned.body.length], [404, 0]);
});

test("a bucket's path may end in a slash", async () => {
  const Bucket = newBucketName();
  assert.equal((await send({ method: "PUT", path: `/${Bucket}/` })).status, 200);
  assert.equal((await send({ method: "HEAD", path: `/${Bucket}/` })).status, 200);
  assert.equal((await send({ method: "DELETE", path: `/${Bucket}/` })).status, 204);
});

test("an empty bucket is deleted and can be made again, empty", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "old");
  await s3.deleteObject({ Bucket, Key: "old" });
  const answer = await send({ method: "DELETE", path: `/${Bucket}` });
  assert.deepEqual([answer.status, answer.body.length], [204, 0]);
  await assertRefused(s3.listObjectsV2({ Bucket }), {
    code: "NoSuchBucket",
    status: 404,
    message: "The specified bucket does not exist",
    fields: { BucketName: Bucket },
  });
  await s3.createBucket({ Bucket });
  assert.equal((await s3.listObjectsV2({ Bucket })).KeyCount, 0);
});

test("a bucket of the same name begins anew: no old settings, versions or uploads", async () => {
  const Bucket = await newBucket("Enabled");
  const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "pending" });
  await s3.deleteBucket({ Bucket });
  await s3.createBucket({ Bucket });
  assert.equal((await s3.getBucketVersioning({ Bucket })).Status, undefined);
  assert.equal((await s3.listMultipartUploads({ Bucket })).Uploads, undefined);
  await assertRefused(s3.listParts({ Bucket, Key: "pending", UploadId }), {
    code: "NoSuchUpload",
    status: 404,
  });
});

test("a missing bucket cannot be deleted", async () => {
  await assertRefused(s3.deleteBucket({ Bucket: "no-such-bucket" }), {
    code: "NoSuchBucket",
    status: 404,
    fields: { BucketName: "no-such-bucket" },
  });
});

test("a bucket with objects, older versions or markers is not empty", async () => {
  const notEmpty = {
    code: "BucketNotEmpty",
    status: 409,
    message: "The bucket you tried to delete is not empty.",
  };
  const plain = await newBucket();
  await put(plain, "key");
  await assertRefused(s3.deleteBucket({ Bucket: plain }), {
    ...notEmpty,
    fields: { BucketName: plain },
  });
  // s3-api.md 1.1: all versions and delete markers must be gone.
  const Bucket = await newBucket("Enabled");
  const { versionId } = await put(Bucket, "key");
  const marker = await s3.deleteObject({ Bucket, Key: "key" });
  await assertRefused(s3.deleteBucket({ Bucket }), notEmpty);
  await s3.deleteObject({ Bucket, Key: "key", VersionId: versionId });
  await assertRefused(s3.deleteBucket({ Bucket }), notEmpty);
  await put(Bucket, "key");
  await s3.deleteObject({ Bucket, Key: "key", VersionId: marker.VersionId });
  await assertRefused(s3.deleteBucket({ Bucket }), notEmpty);
});

test("uploads in progress do not keep a bucket, and go with it", async () => {
  const Bucket = await newBucket();
  const begun = await upload(Bucket, "pending", [patternBytes(smallestPartBytes)]);
  await s3.deleteBucket({ Bucket });
  const { parts, ...place } = begun;
  await assertRefused(s3.completeMultipartUpload({ ...place, MultipartUpload: { Parts: parts } }), {
    code: "NoSuchBucket",
    status: 404,
  });
});

test("a deletion that races with writers never loses an object", async () => {
  for (let round = 0; round < 6; round += 1) {
    const Bucket = await newBucket();
    const written = put(Bucket, "key").then(
      () => true,
      () => false,
    );
    const removed = s3.deleteBucket({ Bucket }).then(
      () => true,
      () => false,
    );
    assert.notEqual(await written, await removed, "exactly one of the two wins");
    const there = await send({ method: "HEAD", path: `/${Bucket}/key` });
    assert.equal(there.status, (await written) ? 200 : 404);
  }
});

test("a bucket can also be addressed where its name has dots", async () => {
  const Bucket = "with.dots.in.it";
  await s3.createBucket({ Bucket });
  await put(Bucket, "key", "text");
  assert.equal((await send({ path: `/${Bucket}/key` })).text, "text");
});

test("every answer carries the request's ids, and no two are the same", async () => {
  const answers = await Promise.all(Array.from({ length: 5 }, () => send({ path: "/" })));
  const ids = answers.map(({ headers }) => headers.get("x-amz-request-id") ?? "");
  assert.equal(new Set(ids).size, 5);
  for (const id of ids) assert.match(id, /^[0-9A-Z]{16}$/);
  assert.ok(answers.every(({ headers }) => (headers.get("x-amz-id-2") ?? "").length > 20));
  assert.equal(elementOf(answers[0]?.text ?? "", "RequestId"), undefined);
  assert.equal(server.region, "us-east-1");
});

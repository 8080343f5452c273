// The object lock configuration of a bucket: who may have one, what it may say, what it does to
// versions that come after it, on every way that makes one.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectLockConfiguration } from "@aws-sdk/client-s3";
import { dayMilliseconds, locked, startLockServer } from "./lock-server.ts";
import {
  assertErrorAnswer,
  assertRefused,
  elementOf,
  md5Base64,
  setVersioning,
} from "./test-server.ts";

const server = await startLockServer();
const { s3, plainS3, clock, now, newBucket, newLockedBucket, send } = server;

const thirtyDays = { DefaultRetention: { Mode: "GOVERNANCE", Days: 30 } } as const;

function configure(Bucket: string, ObjectLockConfiguration: ObjectLockConfiguration) {
  return s3.putObjectLockConfiguration({ Bucket, ObjectLockConfiguration });
}

test("a bucket without object lock has no configuration", async () => {
  const Bucket = await newBucket();
  await assertRefused(s3.getObjectLockConfiguration({ Bucket }), {
    code: "ObjectLockConfigurationNotFoundError",
    status: 404,
    message: "Object Lock configuration does not exist for this bucket",
    fields: { BucketName: Bucket },
  });
});

test("a bucket made with object lock is versioned, stays so, and has no rule", async () => {
  const Bucket = await newLockedBucket();
  const { ObjectLockConfiguration } = await s3.getObjectLockConfiguration({ Bucket });
  assert.deepEqual(ObjectLockConfiguration, { ObjectLockEnabled: "Enabled" });
  assert.equal((await s3.getBucketVersioning({ Bucket })).Status, "Enabled");
  await assertRefused(setVersioning(s3, Bucket, "Suspended"), {
    code: "InvalidBucketState",
    status: 409,
  });
});

test("an existing bucket gets object lock when it has versioning, token or not", async () => {
  const Bucket = await newBucket();
  const invalid = {
    code: "InvalidBucketState",
    status: 409,
    message: "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
  };
  await assertRefused(configure(Bucket, { ObjectLockEnabled: "Enabled" }), invalid);
  await setVersioning(s3, Bucket, "Suspended");
  await assertRefused(configure(Bucket, { ObjectLockEnabled: "Enabled" }), invalid);
  await setVersioning(s3, Bucket, "Enabled");
  await s3.putObjectLockConfiguration({
    Bucket,
    Token: "from-support",
    ObjectLockConfiguration: { ObjectLockEnabled: "Enabled" },
  });
  await assertRefused(setVersioning(s3, Bucket, "Suspended"), {
    code: "InvalidBucketState",
    status: 409,
  });
});

test("a rule is read back as it was written and goes without one", async () => {
  const Bucket = await newLockedBucket();
  const rules = [
    thirtyDays,
    { DefaultRetention: { Mode: "COMPLIANCE", Years: 7 } },
    { DefaultRetention: { DefaultEventHold: { Days: 90 } } },
    { DefaultRetention: { Mode: "COMPLIANCE", DefaultEventHold: { Years: 1 } } },
    { DefaultRetention: { Mode: "GOVERNANCE", Days: 1, DefaultEventHold: { Years: 100 } } },
  ] as const;
  for (const Rule of rules) {
    await configure(Bucket, { ObjectLockEnabled: "Enabled", Rule });
    const read = await s3.getObjectLockConfiguration({ Bucket });
    assert.deepEqual(read.ObjectLockConfiguration, { ObjectLockEnabled: "Enabled", Rule });
  }
  await configure(Bucket, { ObjectLockEnabled: "Enabled" });
  const read = await s3.getObjectLockConfiguration({ Bucket });
  assert.deepEqual(read.ObjectLockConfiguration, { ObjectLockEnabled: "Enabled" });
});

const retention = (inner: string) =>
  `<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>${inner}</DefaultRetention></Rule>`;
const governance = "<Mode>GOVERNANCE</Mode>";

const malformed: Readonly<Record<string, string>> = {
  nothing: "",
  "no status":
    "<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule>",
  "another status": "<ObjectLockEnabled>Disabled</ObjectLockEnabled>",
  "an empty rule": "<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule/>",
  "an empty retention": retention(""),
  "another mode": retention("<Mode>abc</Mode><Days>1</Days>"),
  "a mode in small letters": retention("<Mode>governance</Mode><Days>1</Days>"),
  "a period without mode": retention("<Days>1</Days>"),
  "a mode without period": retention(governance),
  "days and years": retention(`${governance}<Days>1</Days><Years>1</Years>`),
  "days that are no number": retention(`${governance}<Days>many</Days>`),
  "an empty event hold": retention(`<DefaultEventHold/>`),
  "an event hold of both": retention(
    `<DefaultEventHold><Days>1</Days><Years>1</Years></DefaultEventHold>`,
  ),
};

function sendConfiguration(Bucket: string, inner: string) {
  const body = `<ObjectLockConfiguration>${inner}</ObjectLockConfiguration>`;
  const headers = { "content-md5": md5Base64(body) };
  return send({ method: "PUT", path: `/${Bucket}`, query: "object-lock", headers, body });
}

test("documents that say too little or too much are MalformedXML and change nothing", async () => {
  const Bucket = await newLockedBucket();
  await configure(Bucket, { ObjectLockEnabled: "Enabled", Rule: thirtyDays });
  for (const [name, inner] of Object.entries(malformed)) {
    const answer = await sendConfiguration(Bucket, inner);
    assert.equal(elementOf(answer.text, "Code"), "MalformedXML", name);
    assert.equal(answer.status, 400, name);
  }
  const read = await s3.getObjectLockConfiguration({ Bucket });
  assert.deepEqual(read.ObjectLockConfiguration?.Rule, thirtyDays);
});

test("periods out of range are InvalidArgument", async () => {
  const Bucket = await newLockedBucket();
  const positive = "Default retention period must be a positive integer value.";
  const large = "Default retention period is too large.";
  const cases: readonly [string, string, string][] = [
    [`${governance}<Days>0</Days>`, "Days", positive],
    [`${governance}<Days>-1</Days>`, "Days", positive],
    [`${governance}<Years>0</Years>`, "Years", positive],
    [`${governance}<Days>36501</Days>`, "Days", large],
    [`${governance}<Years>101</Years>`, "Years", large],
    [`<DefaultEventHold><Days>0</Days></DefaultEventHold>`, "Days", positive],
  ];
  for (const [inner, ArgumentName, message] of cases) {
    const answer = await sendConfiguration(Bucket, retention(inner));
    const fields = { ArgumentName };
    assertErrorAnswer(answer, { code: "InvalidArgument", status: 400, message, fields });
  }
});

test("every way of making a version gives it the default, counted from its creation", async () => {
  const Bucket = await newLockedBucket();
  const Key = "key";
  await s3.putObject({ Bucket, Key: "source", Body: "x" });
  await configure(Bucket, { ObjectLockEnabled: "Enabled", Rule: thirtyDays });
  const begun = await s3.createMultipartUpload({ Bucket, Key });
  const place = { Bucket, Key, UploadId: begun.UploadId };
  const { ETag } = await s3.uploadPart({ ...place, PartNumber: 1, Body: "part" });
  // The upload's time does not count: the object's does.
  clock.advance(60_000);
  const made = [
    await s3.putObject({ Bucket, Key, Body: "x" }),
    await s3.copyObject({ Bucket, Key, CopySource: `${Bucket}/source` }),
    await s3.completeMultipartUpload({
      ...place,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
    }),
  ];
  for (const { VersionId } of made) {
    const head = await s3.headObject({ Bucket, Key, VersionId });
    assert.equal(head.ObjectLockMode, "GOVERNANCE");
    const expected = (head.LastModified?.getTime() ?? 0) + 30 * dayMilliseconds;
    assert.equal(head.ObjectLockRetainUntilDate?.getTime(), expected);
    await assertRefused(s3.deleteObject({ Bucket, Key, VersionId }), locked);
  }
  // What was there before keeps what it had: nothing.
  const source = await s3.headObject({ Bucket, Key: "source" });
  assert.equal(source.ObjectLockMode, undefined);
});

test("a version's own retention is not touched by the default", async () => {
  const Bucket = await newLockedBucket();
  await configure(Bucket, { ObjectLockEnabled: "Enabled", Rule: thirtyDays });
  const VersionId = await server.putRetained(Bucket, "own", "COMPLIANCE", 1);
  const head = await s3.headObject({ Bucket, Key: "own", VersionId });
  assert.equal(head.ObjectLockMode, "COMPLIANCE");
});

test("a new default is for new versions alone", async () => {
  const Bucket = await newLockedBucket();
  await configure(Bucket, { ObjectLockEnabled: "Enabled", Rule: thirtyDays });
  const { VersionId } = await s3.putObject({ Bucket, Key: "a", Body: "x" });
  const before = await s3.headObject({ Bucket, Key: "a" });
  await configure(Bucket, { ObjectLockEnabled: "Enabled" });
  const after = await s3.headObject({ Bucket, Key: "a", VersionId });
  assert.deepEqual(after.ObjectLockRetainUntilDate, before.ObjectLockRetainUntilDate);
  const free = await s3.putObject({ Bucket, Key: "b", Body: "x" });
  await s3.deleteObject({ Bucket, Key: "b", VersionId: free.VersionId });
});

test("a default retention runs out, a default event hold does not", async () => {
  const Bucket = await newLockedBucket();
  const Rule = {
    DefaultRetention: { ...thirtyDays.DefaultRetention, DefaultEventHold: { Days: 5 } },
  };
  await configure(Bucket, { ObjectLockEnabled: "Enabled", Rule });
  const held = await s3.putObject({ Bucket, Key: "held", Body: "x" });
  const free = await s3.putObject({ Bucket, Key: "free", Body: "x", ObjectLockEventHold: "OFF" });
  const head = await s3.headObject({ Bucket, Key: "held" });
  assert.deepEqual([head.ObjectLockEventHold, head.ObjectLockEventHoldDurationDays], ["ON", 5]);
  clock.advance(31 * dayMilliseconds);
  await now().deleteObject({ Bucket, Key: "free", VersionId: free.VersionId });
  await assertRefused(
    now().deleteObject({ Bucket, Key: "held", VersionId: held.VersionId }),
    locked,
  );
  clock.advance(-31 * dayMilliseconds);
});

test("a clock set back gives new versions no shorter retention", async () => {
  const Bucket = await newLockedBucket();
  await configure(Bucket, { ObjectLockEnabled: "Enabled", Rule: thirtyDays });
  await s3.putObject({ Bucket, Key: "before", Body: "x" });
  const before = await s3.headObject({ Bucket, Key: "before" });
  clock.advance(-20 * dayMilliseconds);
  await now().putObject({ Bucket, Key: "after", Body: "x" });
  const after = await now().headObject({ Bucket, Key: "after" });
  clock.advance(20 * dayMilliseconds);
  const [first = 0, second = 0] = [before, after].map((head) =>
    head.ObjectLockRetainUntilDate?.getTime(),
  );
  assert.ok(second >= first, `${second} is not before ${first}`);
});

function missing(kind: string) {
  return {
    code: "InvalidRequest",
    status: 400,
    message: `Content-MD5 OR x-amz-checksum- HTTP header is required for Put ${kind} requests with Object Lock parameters`,
  };
}

test("an upload into a bucket with a default must come with a digest, a part too", async () => {
  const Bucket = await newLockedBucket();
  await configure(Bucket, { ObjectLockEnabled: "Enabled", Rule: thirtyDays });
  await assertRefused(plainS3.putObject({ Bucket, Key: "a", Body: "x" }), missing("Object"));
  await plainS3.putObject({ Bucket, Key: "a", Body: "x", ContentMD5: md5Base64("x") });
  await plainS3.putObject({ Bucket, Key: "a", Body: "x", ChecksumAlgorithm: "SHA256" });
  const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "b" });
  const part = { Bucket, Key: "b", UploadId, PartNumber: 1, Body: "x" };
  await assertRefused(plainS3.uploadPart(part), missing("Part"));
  await plainS3.uploadPart({ ...part, ContentMD5: md5Base64("x") });
});

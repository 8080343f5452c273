// Retention, legal holds and event holds of versions: what they forbid, to whom, and until when.

import assert from "node:assert/strict";
import { test } from "node:test";
import { dayMilliseconds, locked, startLockServer } from "./lock-server.ts";
import { assertErrorAnswer, assertRefused, md5Base64, textOf } from "./test-server.ts";

const server = await startLockServer();
const { s3, plainS3, clock, now, inDays, newBucket, newLockedBucket, putRetained, put, send } =
  server;

const Key = "key";

async function retain(
  Bucket: string,
  VersionId: string | undefined,
  Mode: "GOVERNANCE" | "COMPLIANCE",
  days: number,
  BypassGovernanceRetention?: boolean,
) {
  const Retention = { Mode, RetainUntilDate: inDays(days) };
  const input = { Bucket, Key, VersionId, Retention, BypassGovernanceRetention };
  return now().putObjectRetention(input);
}

async function retentionOf(Bucket: string, VersionId?: string) {
  const { Retention } = await now().getObjectRetention({ Bucket, Key, VersionId });
  return Retention;
}

for (const mode of ["GOVERNANCE", "COMPLIANCE"] as const) {
  test(`a version in ${mode} is not deleted by its id, and can be hidden`, async () => {
    const Bucket = await newLockedBucket();
    const VersionId = await putRetained(Bucket, Key, mode, 10);
    await assertRefused(s3.deleteObject({ Bucket, Key, VersionId }), locked);
    const marker = await s3.deleteObject({ Bucket, Key });
    assert.equal(marker.DeleteMarker, true);
    await assertRefused(s3.deleteObject({ Bucket, Key, VersionId }), locked);
    assert.equal(await textOf(await s3.getObject({ Bucket, Key, VersionId })), "kept");
    // The marker itself is nobody's treasure.
    await s3.deleteObject({ Bucket, Key, VersionId: marker.VersionId });
    assert.equal(await textOf(await s3.getObject({ Bucket, Key })), "kept");
    await assertRefused(s3.deleteBucket({ Bucket }), { code: "BucketNotEmpty", status: 409 });
  });

  test(`a version in ${mode} is free when its time is over`, async () => {
    const Bucket = await newLockedBucket();
    const VersionId = await putRetained(Bucket, Key, mode, 10);
    clock.advance(10 * dayMilliseconds + 1);
    try {
      const read = await now().headObject({ Bucket, Key });
      assert.equal(read.ObjectLockMode, mode);
      await now().deleteObject({ Bucket, Key, VersionId });
    } finally {
      clock.advance(-10 * dayMilliseconds - 1);
    }
  });
}

test("bypassing GOVERNANCE needs the header, COMPLIANCE knows no bypass", async () => {
  const Bucket = await newLockedBucket();
  const BypassGovernanceRetention = true;
  const strict = await putRetained(Bucket, Key, "COMPLIANCE", 10);
  const refused = s3.deleteObject({ Bucket, Key, VersionId: strict, BypassGovernanceRetention });
  await assertRefused(refused, locked);
  const governed = await putRetained(Bucket, Key, "GOVERNANCE", 10);
  const without = { Bucket, Key, VersionId: governed };
  await assertRefused(s3.deleteObject({ ...without, BypassGovernanceRetention: false }), locked);
  await s3.deleteObject({ ...without, BypassGovernanceRetention });
  await assertRefused(s3.headObject(without), { code: "NotFound", status: 404 });
});

test("the bypass header means nothing on a bucket without object lock", async () => {
  const Bucket = await newBucket("Enabled");
  const { versionId: VersionId } = await put(Bucket, Key);
  const input = { Bucket, Key, VersionId, BypassGovernanceRetention: true };
  await assertRefused(s3.deleteObject(input), {
    code: "InvalidArgument",
    status: 400,
    message: "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.",
  });
  const { Deleted } = await s3.deleteObjects({
    Bucket,
    Delete: { Objects: [{ Key, VersionId }] },
    BypassGovernanceRetention: true,
  });
  assert.equal(Deleted?.length, 1);
});

test("DeleteObjects refuses what is locked and deletes the rest", async () => {
  const Bucket = await newLockedBucket();
  const strict = await putRetained(Bucket, Key, "COMPLIANCE", 10);
  const governed = await putRetained(Bucket, Key, "GOVERNANCE", 10);
  const { versionId: free } = await put(Bucket, Key);
  const Objects = [strict, governed, free].map((VersionId) => ({ Key, VersionId }));
  const first = await s3.deleteObjects({ Bucket, Delete: { Objects } });
  assert.deepEqual(
    first.Errors?.map(({ VersionId, Code, Message }) => [VersionId, Code, Message]),
    [
      [strict, "AccessDenied", locked.message],
      [governed, "AccessDenied", locked.message],
    ],
  );
  assert.deepEqual(
    first.Deleted?.map(({ VersionId }) => VersionId),
    [free],
  );
  const BypassGovernanceRetention = true;
  const second = await s3.deleteObjects({ Bucket, Delete: { Objects }, BypassGovernanceRetention });
  assert.deepEqual(
    second.Errors?.map(({ VersionId }) => VersionId),
    [strict],
  );
});

test("COMPLIANCE is extended by anybody and shortened by nobody", async () => {
  const Bucket = await newLockedBucket();
  const VersionId = await putRetained(Bucket, Key, "COMPLIANCE", 10);
  await retain(Bucket, VersionId, "COMPLIANCE", 20);
  await assertRefused(retain(Bucket, VersionId, "COMPLIANCE", 19, true), locked);
  await assertRefused(retain(Bucket, VersionId, "GOVERNANCE", 30, true), locked);
  await assertRefused(
    s3.putObjectRetention({
      Bucket,
      Key,
      VersionId,
      Retention: {},
      BypassGovernanceRetention: true,
    }),
    locked,
  );
  assert.deepEqual(await retentionOf(Bucket, VersionId), {
    Mode: "COMPLIANCE",
    RetainUntilDate: inDays(20),
  });
});

test("GOVERNANCE is extended freely, and weakened or removed by bypass alone", async () => {
  const Bucket = await newLockedBucket();
  const VersionId = await putRetained(Bucket, Key, "GOVERNANCE", 10);
  await retain(Bucket, VersionId, "GOVERNANCE", 20);
  await assertRefused(retain(Bucket, VersionId, "GOVERNANCE", 10), locked);
  await assertRefused(retain(Bucket, VersionId, "COMPLIANCE", 20), locked);
  const remove = { Bucket, Key, VersionId, Retention: {} };
  await assertRefused(s3.putObjectRetention(remove), locked);
  await retain(Bucket, VersionId, "GOVERNANCE", 5, true);
  assert.deepEqual((await retentionOf(Bucket, VersionId))?.RetainUntilDate, inDays(5));
  await s3.putObjectRetention({ ...remove, BypassGovernanceRetention: true });
  await assertRefused(retentionOf(Bucket, VersionId), {
    code: "NoSuchObjectLockConfiguration",
    status: 404,
    message: "The specified object does not have a ObjectLock configuration",
  });
  await s3.deleteObject({ Bucket, Key, VersionId });
});

test("retention can be set on an older version and on one of before versioning", async () => {
  const Bucket = await newBucket();
  await put(Bucket, Key, "null");
  await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } });
  const ObjectLockConfiguration = { ObjectLockEnabled: "Enabled" } as const;
  await s3.putObjectLockConfiguration({ Bucket, ObjectLockConfiguration });
  const { versionId: older } = await put(Bucket, Key, "older");
  await put(Bucket, Key, "newest");
  for (const VersionId of ["null", older]) {
    await retain(Bucket, VersionId, "COMPLIANCE", 1);
    await assertRefused(s3.deleteObject({ Bucket, Key, VersionId }), locked);
  }
  await assertRefused(retentionOf(Bucket), { code: "NoSuchObjectLockConfiguration", status: 404 });
});

test("a legal hold holds without an end, beside any retention, until it is taken off", async () => {
  const Bucket = await newLockedBucket();
  const VersionId = await putRetained(Bucket, Key, "GOVERNANCE", 1);
  const hold = (Status: "ON" | "OFF") =>
    now().putObjectLegalHold({ Bucket, Key, VersionId, LegalHold: { Status } });
  const status = async () =>
    (await now().getObjectLegalHold({ Bucket, Key, VersionId })).LegalHold?.Status;
  await assertRefused(status(), { code: "NoSuchObjectLockConfiguration", status: 404 });
  await hold("ON");
  assert.equal(await status(), "ON");
  const bypassed = { Bucket, Key, VersionId, BypassGovernanceRetention: true };
  await assertRefused(s3.deleteObject(bypassed), locked);
  clock.advance(400 * dayMilliseconds);
  try {
    await assertRefused(now().deleteObject({ Bucket, Key, VersionId }), locked);
    await hold("OFF");
    assert.equal(await status(), "OFF");
    await now().deleteObject({ Bucket, Key, VersionId });
  } finally {
    clock.advance(-400 * dayMilliseconds);
  }
});

test("an event hold protects until it is released, and then for its duration", async () => {
  const Bucket = await newLockedBucket();
  const { VersionId } = await s3.putObject({
    Bucket,
    Key,
    Body: "x",
    ObjectLockEventHold: "ON",
    ObjectLockEventHoldDurationDays: 10,
    ObjectLockMode: "COMPLIANCE",
  });
  assert.deepEqual(await retentionOf(Bucket, VersionId), {
    Mode: "COMPLIANCE",
    EventHold: "ON",
    EventHoldDuration: { Days: 10 },
  });
  clock.advance(100 * dayMilliseconds);
  try {
    const bypassed = { Bucket, Key, VersionId, BypassGovernanceRetention: true };
    await assertRefused(now().deleteObject(bypassed), locked);
    const Retention = { EventHold: "OFF" } as const;
    await now().putObjectRetention({ Bucket, Key, VersionId, Retention });
    assert.deepEqual(await retentionOf(Bucket, VersionId), {
      Mode: "COMPLIANCE",
      RetainUntilDate: inDays(10),
      EventHold: "OFF",
    });
    await assertRefused(now().deleteObject(bypassed), locked);
    clock.advance(10 * dayMilliseconds + 1);
    await now().deleteObject({ Bucket, Key, VersionId });
  } finally {
    clock.set(Date.now());
  }
});

test("headers show the lock of a version, of an event hold its duration while it is on", async () => {
  const Bucket = await newLockedBucket();
  const until = inDays(3);
  const input = {
    Bucket,
    Key,
    Body: "x",
    ObjectLockMode: "GOVERNANCE",
    ObjectLockRetainUntilDate: until,
    ObjectLockLegalHoldStatus: "ON",
    ObjectLockEventHold: "ON",
    ObjectLockEventHoldDurationYears: 2,
  } as const;
  await s3.putObject(input);
  for (const method of ["GET", "HEAD"]) {
    const { headers } = await send({ method, path: `/${Bucket}/${Key}` });
    assert.equal(headers.get("x-amz-object-lock-mode"), "GOVERNANCE");
    assert.equal(headers.get("x-amz-object-lock-retain-until-date"), until.toISOString());
    assert.equal(headers.get("x-amz-object-lock-legal-hold"), "ON");
    assert.equal(headers.get("x-amz-object-lock-event-hold"), "ON");
    assert.equal(headers.get("x-amz-object-lock-event-hold-duration-years"), "2");
  }
  // A copy takes nothing of it along.
  await s3.copyObject({ Bucket, Key: "copy", CopySource: `${Bucket}/${Key}` });
  const copy = await send({ method: "HEAD", path: `/${Bucket}/copy` });
  assert.deepEqual(
    [...copy.headers.keys()].filter((name) => name.includes("lock")),
    [],
  );
});

test("copies and multipart uploads are locked by their own headers", async () => {
  const Bucket = await newLockedBucket();
  await put(Bucket, "source");
  const lock = { ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: inDays(1) } as const;
  const copied = await s3.copyObject({ Bucket, Key, CopySource: `${Bucket}/source`, ...lock });
  const { UploadId } = await s3.createMultipartUpload({ Bucket, Key, ...lock });
  const part = { Bucket, Key, UploadId, PartNumber: 1, Body: "x" };
  await assertRefused(plainS3.uploadPart(part), { code: "InvalidRequest", status: 400 });
  const { ETag } = await s3.uploadPart(part);
  const completed = await s3.completeMultipartUpload({
    Bucket,
    Key,
    UploadId,
    MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
  });
  for (const { VersionId } of [copied, completed]) {
    await assertRefused(s3.deleteObject({ Bucket, Key, VersionId }), locked);
    assert.deepEqual(
      (await retentionOf(Bucket, VersionId))?.RetainUntilDate,
      lock.ObjectLockRetainUntilDate,
    );
  }
});

test("tagging and a changed hold leave the retention", async () => {
  const Bucket = await newLockedBucket();
  const VersionId = await putRetained(Bucket, Key, "COMPLIANCE", 10);
  const before = await retentionOf(Bucket);
  await s3.putObjectTagging({ Bucket, Key, Tagging: { TagSet: [{ Key: "a", Value: "b" }] } });
  await s3.putObjectLegalHold({ Bucket, Key, LegalHold: { Status: "ON" } });
  await s3.putObjectLegalHold({ Bucket, Key, LegalHold: { Status: "OFF" } });
  assert.deepEqual(await retentionOf(Bucket, VersionId), before);
  assert.equal((await s3.headObject({ Bucket, Key })).TagCount, 1);
});

const until = (days: number) => inDays(days).toISOString();
const wrongHeaders: readonly [string, Readonly<Record<string, string>>, string][] = [
  [
    "a mode alone",
    { "x-amz-object-lock-mode": "GOVERNANCE" },
    "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
  ],
  [
    "a date alone",
    { "x-amz-object-lock-retain-until-date": until(1) },
    "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
  ],
  [
    "another mode",
    { "x-amz-object-lock-mode": "abc", "x-amz-object-lock-retain-until-date": until(1) },
    "Unknown wormMode directive.",
  ],
  [
    "a date that is over",
    { "x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": until(-1) },
    "The retain until date must be in the future!",
  ],
  [
    "no date",
    { "x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": "06/06/2030" },
    "The retain until date must be provided in ISO 8601 format",
  ],
  [
    "another legal hold",
    { "x-amz-object-lock-legal-hold": "abc" },
    "Legal Hold must be either of 'ON' or 'OFF'",
  ],
  [
    "another event hold",
    { "x-amz-object-lock-event-hold": "abc" },
    "Event Hold must be either of 'ON' or 'OFF'",
  ],
  [
    "a duration of two kinds",
    {
      "x-amz-object-lock-event-hold": "ON",
      "x-amz-object-lock-event-hold-duration-days": "1",
      "x-amz-object-lock-event-hold-duration-years": "1",
    },
    "The event hold duration must be in days or in years, not in both",
  ],
  [
    "too long a duration",
    { "x-amz-object-lock-event-hold": "ON", "x-amz-object-lock-event-hold-duration-days": "36501" },
    "The event hold duration must be between 1 and 36500 days",
  ],
  [
    "a duration of nothing",
    { "x-amz-object-lock-event-hold-duration-days": "1" },
    "An event hold duration needs an event hold",
  ],
];

for (const [name, headers, message] of wrongHeaders) {
  test(`an upload with ${name} is refused and stores nothing`, async () => {
    const Bucket = await newLockedBucket();
    const path = `/${Bucket}/${Key}`;
    const all = { ...headers, "content-md5": md5Base64("x") };
    const answer = await send({ method: "PUT", path, headers: all, body: "x" });
    assertErrorAnswer(answer, { code: "InvalidArgument", status: 400, message });
    assert.equal((await send({ method: "HEAD", path })).status, 404);
    const begun = await send({ method: "POST", path, query: "uploads", headers });
    assertErrorAnswer(begun, { code: "InvalidArgument", status: 400, message });
  });
}

test("without object lock on the bucket every lock is refused", async () => {
  const Bucket = await newBucket("Enabled");
  await put(Bucket, Key);
  const missing = {
    code: "InvalidRequest",
    status: 400,
    message: "Bucket is missing Object Lock Configuration",
  };
  const lock = { ObjectLockMode: "GOVERNANCE", ObjectLockRetainUntilDate: inDays(1) } as const;
  await assertRefused(s3.putObject({ Bucket, Key, Body: "x", ...lock }), missing);
  const legal = { Bucket, Key, Body: "x", ObjectLockLegalHoldStatus: "OFF" } as const;
  await assertRefused(s3.putObject(legal), missing);
  await assertRefused(
    s3.copyObject({ Bucket, Key: "b", CopySource: `${Bucket}/${Key}`, ...lock }),
    missing,
  );
  await assertRefused(s3.createMultipartUpload({ Bucket, Key, ...lock }), missing);
  await assertRefused(retain(Bucket, undefined, "GOVERNANCE", 1), missing);
  await assertRefused(retentionOf(Bucket), missing);
  await assertRefused(s3.getObjectLegalHold({ Bucket, Key }), missing);
  await assertRefused(s3.putObjectLegalHold({ Bucket, Key, LegalHold: { Status: "ON" } }), missing);
});

test("an upload with lock headers must come with a digest", async () => {
  const Bucket = await newLockedBucket();
  const input = { Bucket, Key, Body: "x", ObjectLockLegalHoldStatus: "ON" } as const;
  await assertRefused(plainS3.putObject(input), {
    code: "InvalidRequest",
    status: 400,
    message:
      "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
  });
});

const documents: readonly [string, string, string, string][] = [
  ["retention", "Retention", "<Mode>abc</Mode>", "MalformedXML"],
  ["retention", "Retention", "<Mode>GOVERNANCE</Mode>", "MalformedXML"],
  [
    "retention",
    "Retention",
    "<RetainUntilDate>2100-01-01T00:00:00Z</RetainUntilDate>",
    "MalformedXML",
  ],
  [
    "retention",
    "Retention",
    "<Mode>GOVERNANCE</Mode><RetainUntilDate>soon</RetainUntilDate>",
    "MalformedXML",
  ],
  [
    "retention",
    "Retention",
    "<Mode>GOVERNANCE</Mode><RetainUntilDate>2001-01-01T00:00:00Z</RetainUntilDate>",
    "InvalidArgument",
  ],
  ["retention", "Retention", "<EventHold>maybe</EventHold>", "MalformedXML"],
  [
    "retention",
    "Retention",
    "<EventHoldDuration><Days>1</Days></EventHoldDuration>",
    "MalformedXML",
  ],
  ["retention", "Retention", "<EventHold>ON</EventHold><EventHoldDuration/>", "MalformedXML"],
  ["legal-hold", "LegalHold", "", "MalformedXML"],
  ["legal-hold", "LegalHold", "<Status>abc</Status>", "MalformedXML"],
];

test("documents about one version that are wrong change nothing", async () => {
  const Bucket = await newLockedBucket();
  await put(Bucket, Key);
  for (const [query, root, inner, code] of documents) {
    const body = `<${root}>${inner}</${root}>`;
    const headers = { "content-md5": md5Base64(body) };
    const answer = await send({ method: "PUT", path: `/${Bucket}/${Key}`, query, headers, body });
    assertErrorAnswer(answer, { code, status: 400 });
  }
  await assertRefused(retentionOf(Bucket), { code: "NoSuchObjectLockConfiguration", status: 404 });
});

test("what is not there has no lock: missing keys, versions, delete markers", async () => {
  const Bucket = await newLockedBucket();
  const noKey = { code: "NoSuchKey", status: 404 };
  await assertRefused(retentionOf(Bucket), noKey);
  await assertRefused(retain(Bucket, undefined, "GOVERNANCE", 1), noKey);
  await assertRefused(s3.putObjectLegalHold({ Bucket, Key, LegalHold: { Status: "ON" } }), noKey);
  const { VersionId } = await s3.deleteObject({ Bucket, Key });
  await assertRefused(retain(Bucket, VersionId, "GOVERNANCE", 1), {
    code: "MethodNotAllowed",
    status: 405,
  });
});

// What lifecycle rules do: objects, versions, delete markers and uploads are gone, moved or kept, by a
// clock that is moved by hand.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { S3, type LifecycleRule } from "@aws-sdk/client-s3";
import { ManualClock } from "../../src/app.ts";
import { NotificationReceiver } from "./notification-receiver.ts";
import { startTestServer, textOf } from "./test-server.ts";

const day = 86_400_000;
const clock = new ManualClock(Date.parse("2026-03-04T10:30:00Z"));
const queue = "arn:aws:sqs:us-east-1:123456789012:events";
const receiver = await new NotificationReceiver().start();
after(() => receiver[Symbol.asyncDispose]());
const started = await startTestServer({
  clock,
  provisioning: { notifications: { [queue]: { kind: "webhook", url: receiver.url } } },
});
const { server } = started;

/** A client whose time is the server's. */
let client: { readonly s3: S3; readonly offset: number } | undefined;
function now(): S3 {
  const offset = clock.now() - Date.now();
  if (client === undefined || Math.abs(client.offset - offset) > 60_000) {
    client = { s3: started.client({ systemClockOffset: offset }), offset };
  }
  return client.s3;
}

type Rule = Partial<LifecycleRule>;
async function setRules(Bucket: string, ...rules: readonly Rule[]): Promise<void> {
  const Rules = rules.map((rule, index): LifecycleRule => {
    return { ID: `rule ${index}`, Filter: {}, Status: "Enabled", ...rule };
  });
  await now().putBucketLifecycleConfiguration({ Bucket, LifecycleConfiguration: { Rules } });
}

async function newBucket(versioning?: "Enabled" | "Suspended", isLocked = false): Promise<string> {
  const Bucket = started.newBucketName();
  await now().createBucket({ Bucket, ObjectLockEnabledForBucket: isLocked });
  if (versioning !== undefined) await setVersioning(Bucket, versioning);
  return Bucket;
}

async function setVersioning(Bucket: string, Status: "Enabled" | "Suspended"): Promise<void> {
  await now().putBucketVersioning({ Bucket, VersioningConfiguration: { Status } });
}

async function put(Bucket: string, Key: string, Body = "text"): Promise<string> {
  return (await now().putObject({ Bucket, Key, Body })).VersionId ?? "";
}

/** Moves the clock, and lets the worker look at everything. */
async function passDays(days: number): Promise<Readonly<Record<string, number>>> {
  clock.advance(days * day);
  return server.runWorker("lifecycle");
}

async function keysOf(Bucket: string): Promise<readonly string[]> {
  const { Contents = [] } = await now().listObjectsV2({ Bucket });
  return Contents.map(({ Key = "" }) => Key);
}

async function versionsOf(Bucket: string): Promise<readonly string[]> {
  const { Versions = [], DeleteMarkers = [] } = await now().listObjectVersions({ Bucket });
  return [
    ...Versions.map(({ VersionId }) => `version ${VersionId}`),
    ...DeleteMarkers.map(({ VersionId }) => `marker ${VersionId}`),
  ];
}

const large = "x".repeat(128 * 1024);
const classOf = async (Bucket: string, Key: string, VersionId?: string) =>
  (await now().headObject({ Bucket, Key, VersionId })).StorageClass ?? "STANDARD";

describe("current versions", () => {
  test("are gone after the midnight that follows their days, and not before", async () => {
    const Bucket = await newBucket();
    await setRules(Bucket, { Filter: { Prefix: "logs/" }, Expiration: { Days: 2 } });
    await put(Bucket, "logs/a");
    await put(Bucket, "other");
    await passDays(2);
    assert.deepEqual(await keysOf(Bucket), ["logs/a", "other"]);
    // 2026-03-04 10:30 and two days, rounded up: 2026-03-07 00:00.
    await passDays((Date.parse("2026-03-06T23:59:59Z") - clock.now()) / day);
    assert.deepEqual(await keysOf(Bucket), ["logs/a", "other"]);
    await passDays(1 / 24);
    assert.deepEqual(await keysOf(Bucket), ["other"]);
  });

  test("go by tags and sizes", async () => {
    const Bucket = await newBucket();
    await setRules(
      Bucket,
      { Filter: { Tag: { Key: "keep", Value: "no" } }, Expiration: { Days: 1 } },
      { Filter: { ObjectSizeGreaterThan: 1000 }, Expiration: { Days: 1 } },
    );
    await put(Bucket, "large", "x".repeat(1001));
    await put(Bucket, "small", "x".repeat(1000));
    await now().putObject({ Bucket, Key: "tagged", Body: "", Tagging: "a=b&keep=no" });
    await now().putObject({ Bucket, Key: "tagged otherwise", Body: "", Tagging: "keep=yes" });
    await passDays(2);
    assert.deepEqual(await keysOf(Bucket), ["small", "tagged otherwise"]);
  });

  test("go from a date on, also what comes later", async () => {
    const Bucket = await newBucket();
    const date = new Date(Math.ceil(clock.now() / day) * day + 5 * day);
    await setRules(Bucket, { Expiration: { Date: date } });
    await put(Bucket, "early");
    await passDays(4);
    assert.deepEqual(await keysOf(Bucket), ["early"]);
    await passDays(2);
    assert.deepEqual(await keysOf(Bucket), []);
    await put(Bucket, "late");
    await passDays(0);
    assert.deepEqual(await keysOf(Bucket), []);
  });

  test("are hidden by a delete marker where versions are kept", async () => {
    const Bucket = await newBucket("Enabled");
    await setRules(Bucket, { Expiration: { Days: 1 } });
    const version = await put(Bucket, "key", "still here");
    await passDays(2);
    assert.deepEqual(await keysOf(Bucket), []);
    const [first = "", second = ""] = await versionsOf(Bucket);
    assert.equal(first, `version ${version}`);
    assert.match(second, /^marker /);
    const read = await now().getObject({ Bucket, Key: "key", VersionId: version });
    assert.equal(await textOf(read), "still here");
    // The marker hides a version: it stays, and no second one comes.
    await passDays(5);
    assert.equal((await versionsOf(Bucket)).length, 2);
  });

  test("of a suspended bucket: the null version goes, others are hidden by a null marker", async () => {
    const Bucket = await newBucket("Enabled");
    const kept = await put(Bucket, "versioned");
    await setVersioning(Bucket, "Suspended");
    await put(Bucket, "null");
    await setRules(Bucket, { Expiration: { Days: 1 } });
    await passDays(2);
    const found = await versionsOf(Bucket);
    assert.deepEqual(found, [`version ${kept}`, "marker null", "marker null"]);
  });

  test("stay while a rule is disabled, and when its configuration is gone", async () => {
    const Bucket = await newBucket();
    await put(Bucket, "key");
    await setRules(Bucket, { Status: "Disabled", Expiration: { Days: 1 } });
    await passDays(3);
    assert.deepEqual(await keysOf(Bucket), ["key"]);
    await setRules(Bucket, { Expiration: { Days: 30 } });
    await passDays(3);
    await now().deleteBucketLifecycle({ Bucket });
    await passDays(60);
    assert.deepEqual(await keysOf(Bucket), ["key"]);
  });

  test("that are written anew begin anew", async () => {
    const Bucket = await newBucket();
    await setRules(Bucket, { Expiration: { Days: 2 } });
    await put(Bucket, "key", "old");
    clock.advance(2 * day);
    await put(Bucket, "key", "new");
    await passDays(1);
    assert.equal(await textOf(await now().getObject({ Bucket, Key: "key" })), "new");
    await passDays(2);
    assert.deepEqual(await keysOf(Bucket), []);
  });
});

describe("noncurrent versions", () => {
  test("are gone so many days after their successor came", async () => {
    const Bucket = await newBucket("Enabled");
    await setRules(Bucket, { NoncurrentVersionExpiration: { NoncurrentDays: 3 } });
    const first = await put(Bucket, "key", "1");
    clock.advance(10 * day);
    const second = await put(Bucket, "key", "2");
    await passDays(2);
    assert.deepEqual(await versionsOf(Bucket), [`version ${second}`, `version ${first}`]);
    await passDays(2);
    assert.deepEqual(await versionsOf(Bucket), [`version ${second}`]);
    await passDays(30);
    assert.deepEqual(await versionsOf(Bucket), [`version ${second}`]);
  });

  test("are kept as long as there are not so many newer ones", async () => {
    const Bucket = await newBucket("Enabled");
    await setRules(Bucket, {
      NoncurrentVersionExpiration: { NoncurrentDays: 1, NewerNoncurrentVersions: 2 },
    });
    const ids: string[] = [];
    for (const text of ["1", "2", "3", "4", "5"]) {
      ids.push(await put(Bucket, "key", text));
      clock.advance(1000);
    }
    const single = await put(Bucket, "single");
    await passDays(3);
    // The current one and two that are not.
    const kept = [ids[4], ids[3], ids[2], single].map((id) => `version ${id}`);
    assert.deepEqual(await versionsOf(Bucket), kept);
  });

  test("of all sorts: delete markers in between, of many keys, beyond one page", async () => {
    const Bucket = await newBucket("Enabled");
    const Keys = Array.from({ length: 30 }, (_, index) => `key ${String(index).padStart(2, "0")}`);
    for (const Key of Keys) {
      await put(Bucket, Key, "1");
      await now().deleteObject({ Bucket, Key });
      clock.advance(1);
      for (let count = 0; count < 20; count += 1) await put(Bucket, Key, "x");
    }
    await setRules(Bucket, { NoncurrentVersionExpiration: { NoncurrentDays: 1 } });
    const report = await passDays(3);
    assert.equal((await versionsOf(Bucket)).length, Keys.length);
    assert.deepEqual(await keysOf(Bucket), Keys);
    assert.equal(report["noncurrentDeleted"], Keys.length * 20);
    assert.equal(report["deleteMarkersRemoved"], Keys.length);
  });

  test("with object lock stay, silently, until nothing protects them", async () => {
    const Bucket = await newBucket(undefined, true);
    await setRules(Bucket, { NoncurrentVersionExpiration: { NoncurrentDays: 1 } });
    const Key = "key";
    const { VersionId: locked } = await now().putObject({
      Bucket,
      Key,
      Body: "locked",
      ObjectLockMode: "GOVERNANCE",
      ObjectLockRetainUntilDate: new Date(clock.now() + 10 * day),
    });
    const current = await put(Bucket, Key);
    const report = await passDays(5);
    assert.equal(report["locked"], 1);
    assert.equal(report["failed"], 0);
    assert.deepEqual(await versionsOf(Bucket), [`version ${current}`, `version ${locked}`]);
    await passDays(6);
    assert.deepEqual(await versionsOf(Bucket), [`version ${current}`]);
  });
});

describe("delete markers", () => {
  test("that are alone go where a rule cleans them, others stay", async () => {
    const Bucket = await newBucket("Enabled");
    const Key = "alone";
    const version = await put(Bucket, Key);
    await now().deleteObject({ Bucket, Key });
    await now().deleteObject({ Bucket, Key, VersionId: version });
    const hidden = await put(Bucket, "hidden");
    await now().deleteObject({ Bucket, Key: "hidden" });
    await setRules(Bucket, { Expiration: { ExpiredObjectDeleteMarker: true } });
    const report = await passDays(0);
    assert.equal(report["deleteMarkersRemoved"], 1);
    const [first, second = "", ...others] = await versionsOf(Bucket);
    assert.equal(first, `version ${hidden}`);
    assert.match(second, /^marker /);
    assert.deepEqual(others, []);
  });

  test("go with their days where versions under them went first", async () => {
    const Bucket = await newBucket("Enabled");
    await setRules(Bucket, {
      Expiration: { Days: 5 },
      NoncurrentVersionExpiration: { NoncurrentDays: 1 },
    });
    await put(Bucket, "key");
    await passDays(6);
    assert.equal((await versionsOf(Bucket)).length, 2);
    await passDays(2);
    assert.match((await versionsOf(Bucket)).join(), /^marker [^,]+$/);
    await passDays(5);
    assert.deepEqual(await versionsOf(Bucket), []);
    await now().deleteBucket({ Bucket });
  });
});

describe("uploads", () => {
  test("that nobody completes are aborted, with their parts", async () => {
    const Bucket = await newBucket();
    const upload = async (Key: string): Promise<string> => {
      const { UploadId = "" } = await now().createMultipartUpload({ Bucket, Key });
      await now().uploadPart({ Bucket, Key, UploadId, PartNumber: 1, Body: "part" });
      return UploadId;
    };
    const UploadId = await upload("up/old");
    await upload("elsewhere");
    await setRules(Bucket, {
      Filter: { Prefix: "up/" },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 },
    });
    clock.advance(2 * day);
    await upload("up/young");
    await passDays(1);
    const { Uploads = [] } = await now().listMultipartUploads({ Bucket });
    assert.deepEqual(
      Uploads.map(({ Key }) => Key),
      ["elsewhere", "up/young"],
    );
    await assert.rejects(now().listParts({ Bucket, Key: "up/old", UploadId }), {
      name: "NoSuchUpload",
    });
  });
});

describe("transitions", () => {
  test("move what is large enough, once, and keep everything else of it", async () => {
    const Bucket = await newBucket();
    await setRules(Bucket, {
      Transitions: [
        { Days: 1, StorageClass: "GLACIER_IR" },
        { Days: 100, StorageClass: "DEEP_ARCHIVE" },
      ],
    });
    await put(Bucket, "large", large);
    await put(Bucket, "small", "x");
    const before = await now().headObject({ Bucket, Key: "large" });
    const report = await passDays(2);
    assert.equal(report["transitioned"], 1);
    const {
      $metadata: _,
      StorageClass,
      ...after
    } = await now().headObject({ Bucket, Key: "large" });
    assert.equal(StorageClass, "GLACIER_IR");
    const { $metadata: __, ...others } = before;
    assert.deepEqual(after, others);
    assert.equal(await textOf(await now().getObject({ Bucket, Key: "large" })), large);
    assert.equal(await classOf(Bucket, "small"), "STANDARD");
    assert.equal((await passDays(2))["transitioned"], 0);
    await passDays(100);
    assert.equal(await classOf(Bucket, "large"), "DEEP_ARCHIVE");
  });

  test("of noncurrent versions leave the current one where it is", async () => {
    const Bucket = await newBucket("Enabled");
    await setRules(Bucket, {
      NoncurrentVersionTransitions: [{ NoncurrentDays: 1, StorageClass: "GLACIER" }],
    });
    const older = await put(Bucket, "key", large);
    await put(Bucket, "key", large);
    await passDays(2);
    assert.equal(await classOf(Bucket, "key", older), "GLACIER");
    assert.equal(await classOf(Bucket, "key"), "STANDARD");
  });

  test("go before a delete marker, and not before the end for good", async () => {
    const rule = {
      Expiration: { Days: 2 },
      Transitions: [{ Days: 1, StorageClass: "GLACIER" }],
    } as const;
    const versioned = await newBucket("Enabled");
    const plain = await newBucket();
    const version = await put(versioned, "key", large);
    await put(plain, "key", large);
    for (const Bucket of [versioned, plain]) {
      await setRules(Bucket, { ...rule, Transitions: [...rule.Transitions] });
    }
    await passDays(4);
    assert.deepEqual(await keysOf(plain), []);
    assert.deepEqual(await keysOf(versioned), ["key"]);
    assert.equal(await classOf(versioned, "key"), "GLACIER");
    await passDays(1);
    assert.deepEqual(await keysOf(versioned), []);
    assert.equal(await classOf(versioned, "key", version), "GLACIER");
  });
});

test("who is notified of lifecycle hears what rules did", async () => {
  const Bucket = await newBucket("Enabled");
  const older = await put(Bucket, "key", "old");
  const newer = await put(Bucket, "key", large);
  await now().putBucketNotificationConfiguration({
    Bucket,
    NotificationConfiguration: {
      QueueConfigurations: [
        { QueueArn: queue, Events: ["s3:LifecycleExpiration:*", "s3:LifecycleTransition"] },
      ],
    },
    SkipDestinationValidation: true,
  });
  await setRules(Bucket, {
    Expiration: { Days: 3 },
    Transitions: [{ Days: 1, StorageClass: "GLACIER_IR" }],
    NoncurrentVersionExpiration: { NoncurrentDays: 1 },
  });
  await passDays(2);
  await passDays(2);
  const wanted = [
    `LifecycleExpiration:Delete ${older}`,
    `LifecycleTransition ${newer}`,
    "LifecycleExpiration:DeleteMarkerCreated",
  ];
  const until = Date.now() + 15_000;
  while (receiver.records().length < wanted.length && Date.now() < until) await sleep(20);
  const told = receiver.records().map(({ eventName, s3, userIdentity }) => {
    assert.equal(userIdentity.principalId, "s3.amazonaws.com");
    const isOld = [older, newer].includes(s3.object.versionId ?? "");
    return isOld ? `${eventName} ${s3.object.versionId}` : eventName;
  });
  assert.deepEqual(new Set(told), new Set(wanted));
});

test("access logs of the bucket tell what rules did, in the service's name", async () => {
  const Bucket = await newBucket("Enabled");
  const target = await newBucket();
  const Policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: {
      Effect: "Allow",
      Principal: { Service: "logging.s3.amazonaws.com" },
      Action: "s3:PutObject",
      Resource: `arn:aws:s3:::${target}/*`,
    },
  });
  await now().putBucketPolicy({ Bucket: target, Policy });
  const LoggingEnabled = { TargetBucket: target, TargetPrefix: "" };
  await now().putBucketLogging({ Bucket, BucketLoggingStatus: { LoggingEnabled } });
  await put(Bucket, "hidden", "old");
  const older = await put(Bucket, "hidden", "older");
  await put(Bucket, "moved", large);
  await now().createMultipartUpload({ Bucket, Key: "upload" });
  await setRules(
    Bucket,
    {
      Filter: { Prefix: "hidden" },
      Expiration: { Days: 2 },
      NoncurrentVersionExpiration: { NoncurrentDays: 1 },
    },
    { Filter: { Prefix: "moved" }, Transitions: [{ Days: 1, StorageClass: "GLACIER_IR" }] },
    { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } },
  );
  await passDays(3);
  await server.runWorker("access-log");
  const lines: string[] = [];
  for (const Key of await keysOf(target)) {
    const text = await textOf(await now().getObject({ Bucket: target, Key }));
    lines.push(...text.split("\n").filter((line) => line.includes(" S3.")));
  }
  // The requester stands before the request id, the key behind the operation.
  const told = lines.map((line) =>
    line.replace(/^.* - (\S+) \S+ (S3\.\S+) (\S+) "-" - .*$/, "$1 $2 $3"),
  );
  assert.deepEqual(told.toSorted(), [
    "AmazonS3 S3.CREATE.DELETEMARKER hidden",
    "AmazonS3 S3.DELETE.UPLOAD upload",
    "AmazonS3 S3.EXPIRE.OBJECT hidden",
    "AmazonS3 S3.TRANSITION_GIR.OBJECT moved",
  ]);
  assert.ok(!lines.some((line) => line.includes(older)), "the version that is hidden is not gone");
  // Address, line, status, times and client are not there; size and version are, and a host.
  const expired = lines.find((line) => line.includes("S3.EXPIRE"));
  assert.match(expired ?? "", / hidden "-" - - - 3 - - "-" "-" \S+ [^\s-]\S{70,} - - - - - - - -$/);
});

test("with short days the worker acts by itself, soon", async () => {
  const short = await startTestServer({ lifecycleDaySeconds: 1 });
  const Bucket = await short.newBucket();
  await short.put(Bucket, "gone/a");
  await short.put(Bucket, "kept");
  const Rules: LifecycleRule[] = [
    { ID: "r", Filter: { Prefix: "gone/" }, Status: "Enabled", Expiration: { Days: 1 } },
  ];
  await short.s3.putBucketLifecycleConfiguration({ Bucket, LifecycleConfiguration: { Rules } });
  const until = Date.now() + 20_000;
  let found: readonly (string | undefined)[] = [];
  do {
    await sleep(200);
    const { Contents = [] } = await short.s3.listObjectsV2({ Bucket });
    found = Contents.map(({ Key }) => Key);
  } while (found.length === 2 && Date.now() < until);
  assert.deepEqual(found, ["kept"]);
});

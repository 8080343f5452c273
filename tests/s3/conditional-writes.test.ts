// Conditional writes: PutObject, CopyObject and CompleteMultipartUpload that happen only when the
// object is what the client believes it to be, and exactly once among racing writers.

import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import {
  assertRefused,
  patternBytes,
  refusal,
  setVersioning,
  startTestServer,
  textOf,
  type BegunUpload,
} from "./test-server.ts";

const { s3, plainS3, newBucket, put, upload, send } = await startTestServer();
const Bucket = await newBucket();
await put(Bucket, "source", "source");

interface Conditions {
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
}

const complete = ({ parts, ...place }: BegunUpload, conditions: Conditions) =>
  s3.completeMultipartUpload({ ...place, MultipartUpload: { Parts: parts }, ...conditions });

/** The three operations that make an object, each with conditions. */
const writers = {
  PutObject: (Key: string, conditions: Conditions) =>
    s3.putObject({ Bucket, Key, Body: "new", ...conditions }),
  CopyObject: (Key: string, conditions: Conditions) =>
    s3.copyObject({ Bucket, Key, CopySource: `${Bucket}/source`, ...conditions }),
  CompleteMultipartUpload: async (Key: string, conditions: Conditions) =>
    complete(await upload(Bucket, Key, [Buffer.from("part")]), conditions),
};

const failed = {
  code: "PreconditionFailed",
  status: 412,
  message: "At least one of the pre-conditions you specified did not hold",
};

for (const [name, write] of Object.entries(writers)) {
  test(`${name} with If-None-Match: * makes an object and never replaces one`, async () => {
    const Key = `${name}-none-match`;
    await write(Key, { IfNoneMatch: "*" });
    const before = await s3.headObject({ Bucket, Key });
    await assertRefused(write(Key, { IfNoneMatch: "*" }), {
      ...failed,
      fields: { Condition: "If-None-Match" },
    });
    const after = await s3.headObject({ Bucket, Key });
    assert.deepEqual([after.ETag, after.LastModified], [before.ETag, before.LastModified]);
  });

  test(`${name} with If-Match replaces exactly the object that it names`, async () => {
    const Key = `${name}-match`;
    const { etag } = await put(Bucket, Key, "old");
    await assertRefused(write(Key, { IfMatch: '"0123"' }), {
      ...failed,
      fields: { Condition: "If-Match" },
    });
    assert.equal(await textOf(await s3.getObject({ Bucket, Key })), "old");
    await write(Key, { IfMatch: `"${etag}"` });
    assert.notEqual(await textOf(await s3.getObject({ Bucket, Key })), "old");
    await assertRefused(write(Key, { IfMatch: `"${etag}"` }), failed);
  });

  test(`${name} with If-Match on nothing is NoSuchKey`, async () => {
    const Key = `${name}-missing`;
    await assertRefused(write(Key, { IfMatch: '"0123"' }), {
      code: "NoSuchKey",
      status: 404,
      fields: { Key },
    });
    assert.equal((await send({ method: "HEAD", path: `/${Bucket}/${Key}` })).status, 404);
  });

  test(`${name} takes only a star for If-None-Match`, async () => {
    // User Guide, conditional writes: If-None-Match expects the * value.
    for (const conditions of [{ IfNoneMatch: '"0123"' }, { IfNoneMatch: "*", IfMatch: '"0123"' }]) {
      const error = await assertRefused(write(`${name}-form`, conditions), {
        code: "NotImplemented",
        status: 501,
        message: "A header you provided implies functionality that is not implemented",
      });
      assert.equal(Reflect.get(error, "Header"), "If-None-Match");
    }
  });

  test(`of racing ${name} requests with If-None-Match exactly one wins`, async () => {
    const Key = `${name}-race`;
    const results = await Promise.all(
      Array.from({ length: 8 }, () =>
        write(Key, { IfNoneMatch: "*" }).then(
          () => "won",
          (error: Error) => error.name,
        ),
      ),
    );
    assert.equal(results.filter((result) => result === "won").length, 1);
    const others = results.filter((result) => result !== "won");
    for (const code of others) {
      assert.ok(code === "PreconditionFailed" || code === "ConditionalRequestConflict", code);
    }
  });
}

test("a counter that is raised with If-Match loses no increment", async () => {
  const Key = "counter";
  await put(Bucket, Key, "0");
  const raise = async (): Promise<void> => {
    for (;;) {
      const read = await s3.getObject({ Bucket, Key });
      const Body = String(Number(await textOf(read)) + 1);
      try {
        await s3.putObject({ Bucket, Key, Body, IfMatch: read.ETag });
        return;
      } catch (error) {
        const { name } = error as Error;
        assert.ok(name === "PreconditionFailed" || name === "ConditionalRequestConflict", name);
      }
    }
  };
  await Promise.all(Array.from({ length: 12 }, raise));
  assert.equal(await textOf(await s3.getObject({ Bucket, Key })), "12");
});

test("an upload whose condition held at its beginning and not at its end is a conflict", async () => {
  // s3-api.md 2.1: 409 ConditionalRequestConflict, after which clients try again.
  for (const delayMilliseconds of [100, 500, 2500]) {
    const Key = `overtaken-${delayMilliseconds}`;
    const ended = Promise.withResolvers<undefined>();
    const Body = Readable.from(
      (async function* () {
        yield patternBytes(100_000);
        await ended.promise;
        yield patternBytes(100_000);
      })(),
    );
    const input = { Bucket, Key, Body, ContentLength: 200_000, IfNoneMatch: "*" };
    const overtaken = refusal(plainS3.putObject(input));
    // The server must have judged the condition by now; on a busy machine that may take longer.
    await setTimeout(delayMilliseconds);
    await put(Bucket, Key, "faster");
    ended.resolve(undefined);
    const error = await overtaken;
    assert.equal(await textOf(await s3.getObject({ Bucket, Key })), "faster");
    if (error.name === "PreconditionFailed") continue;
    assert.equal(error.name, "ConditionalRequestConflict");
    assert.equal(error.$metadata.httpStatusCode, 409);
    return;
  }
  assert.fail("the condition was never judged at the beginning");
});

test("a condition that fails is judged before the body is read", async () => {
  await put(Bucket, "large", "there");
  const Body = patternBytes(300_000);
  const request = plainS3.putObject({ Bucket, Key: "large", Body, IfNoneMatch: "*" });
  await assertRefused(request, failed);
});

test("a delete marker is no object to a condition", async () => {
  // User Guide: If-None-Match succeeds when the current version is a delete marker, If-Match is 404.
  const versioned = await newBucket("Enabled");
  const place = { Bucket: versioned, Key: "key" };
  const { etag } = await put(versioned, "key", "old");
  await s3.deleteObject(place);
  await assertRefused(s3.putObject({ ...place, Body: "new", IfMatch: `"${etag}"` }), {
    code: "NoSuchKey",
    status: 404,
  });
  await s3.putObject({ ...place, Body: "new", IfNoneMatch: "*" });
  assert.equal(await textOf(await s3.getObject(place)), "new");
});

test("conditions look at the current version only", async () => {
  const versioned = await newBucket("Enabled");
  const place = { Bucket: versioned, Key: "key" };
  const first = await put(versioned, "key", "1");
  await put(versioned, "key", "2");
  await assertRefused(s3.putObject({ ...place, Body: "3", IfMatch: `"${first.etag}"` }), failed);
  await setVersioning(s3, versioned, "Suspended");
  await assertRefused(s3.putObject({ ...place, Body: "3", IfNoneMatch: "*" }), failed);
});

test("a completion that was refused can be sent again", async () => {
  const Key = "completed-later";
  await put(Bucket, Key, "in the way");
  const begun = await upload(Bucket, Key, [Buffer.from("part")]);
  await assertRefused(complete(begun, { IfNoneMatch: "*" }), failed);
  await s3.deleteObject({ Bucket, Key });
  await complete(begun, { IfNoneMatch: "*" });
  assert.equal(await textOf(await s3.getObject({ Bucket, Key })), "part");
});

test("If-Match: * replaces any object that is there", async () => {
  await put(Bucket, "star", "old");
  await s3.putObject({ Bucket, Key: "star", Body: "new", IfMatch: "*" });
  const error = await refusal(s3.putObject({ Bucket, Key: "none", Body: "new", IfMatch: "*" }));
  assert.equal(error.name, "NoSuchKey");
});

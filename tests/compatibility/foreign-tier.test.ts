// Storage classes whose bytes lie in a bucket of somebody else's S3 server: foreign.sh starts one and says
// by its variables where.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ManualClock } from "../../src/app.ts";
import { ManagementClient } from "../admin/management-client.ts";
import { assertRefused, bytesOf, patternBytes, startTestServer } from "../s3/test-server.ts";
import {
  foreign,
  foreignBucketName,
  foreignClient,
  startGate,
  unlessLacking,
} from "./foreign-target.ts";

const day = 86_400_000;
const there = foreignClient();
const gate = await startGate();
const archive = foreignBucketName();
await there.createBucket({ Bucket: archive });
const wrongSecret = "not-the-secret-of-anybody";
const place = { region: "us-east-1", bucket: archive, ...foreign };
const clock = new ManualClock(Date.now());
const { server, newBucketName, client } = await startTestServer({
  clock,
  provisioning: {
    storage: {
      stores: {
        remote: { ...place, prefix: "of/holdfast" },
        gated: { ...place, prefix: "gated", endpoint: gate.endpoint },
      },
      classes: {
        GLACIER: { store: "remote", compression: "zstd" },
        STANDARD_IA: { store: "remote" },
        ONEZONE_IA: { store: "gated" },
      },
      restoreSeconds: { GLACIER: { Expedited: 0 } },
    },
  },
});

/** A client whose time is the server's; the other server's is the time that it is. */
const now = () => client({ systemClockOffset: clock.now() - Date.now() });

async function newBucket(): Promise<string> {
  const Bucket = newBucketName();
  await now().createBucket({ Bucket });
  return Bucket;
}

/** Keys and sizes of the blobs below a prefix. */
async function blobs(Prefix = "of/holdfast/"): Promise<readonly (readonly [string, number])[]> {
  const { Contents = [] } = await there.listObjectsV2({ Bucket: archive, Prefix });
  return Contents.flatMap(({ Key = "", Size = 0 }) =>
    Key.endsWith("/owner.json") ? [] : [[Key, Size] as const],
  );
}

async function sweep(): Promise<void> {
  clock.advance(60_000);
  await server.runWorker("sweeper");
}

const text = Buffer.alloc(2_000_000, "what is archived can mostly be compressed very well; ");

describe("a storage class in a bucket of somebody else's server", () => {
  test("is written and read there, whole and in ranges, and leaves nothing", async () => {
    const Bucket = await newBucket();
    const sizes = [1, 131_072, 300_000, 8_388_608, 9_000_000];
    for (const size of sizes) {
      const Body = patternBytes(size, size);
      await now().putObject({ Bucket, Key: `${size}`, Body, StorageClass: "STANDARD_IA" });
      const found = await now().getObject({ Bucket, Key: `${size}` });
      assert.ok((await bytesOf(found)).equals(Body), `${size} bytes`);
      for (const [start, end] of [
        [0, 0],
        [size - 1, size - 1],
        [Math.floor(size / 3), Math.floor(size / 2)],
        [Math.max(0, size - 200_000), size - 1],
      ] as const) {
        const Range = `bytes=${start}-${end}`;
        const part = await now().getObject({ Bucket, Key: `${size}`, Range });
        assert.ok((await bytesOf(part)).equals(Body.subarray(start, end + 1)), Range);
      }
    }
    assert.equal((await blobs()).length, sizes.length);
    for (const size of sizes) await now().deleteObject({ Bucket, Key: `${size}` });
    await sweep();
    assert.deepEqual(await blobs(), []);
  });

  test("gets what a rule moves, gives it back when it is restored, and forgets what expires", async () => {
    const Bucket = await newBucket();
    await now().putObject({ Bucket, Key: "key", Body: text });
    await now().putBucketLifecycleConfiguration({
      Bucket,
      LifecycleConfiguration: {
        Rules: [
          {
            ID: "age",
            Filter: { Prefix: "" },
            Status: "Enabled",
            Transitions: [{ Days: 1, StorageClass: "GLACIER" }],
            Expiration: { Days: 10 },
          },
        ],
      },
    });
    clock.advance(2 * day);
    await server.runWorker("lifecycle");
    const head = await now().headObject({ Bucket, Key: "key" });
    assert.equal(head.StorageClass, "GLACIER");
    const [blob, ...others] = await blobs();
    assert.ok(blob !== undefined && others.length === 0);
    assert.ok(blob[1] < 100_000, "compressed");
    const sealed = await bytesOf(await there.getObject({ Bucket: archive, Key: blob[0] }));
    assert.ok(!sealed.includes("archived can mostly"));
    await assertRefused(now().getObject({ Bucket, Key: "key" }), {
      code: "InvalidObjectState",
      status: 403,
    });
    const RestoreRequest = { Days: 1, GlacierJobParameters: { Tier: "Expedited" as const } };
    await now().restoreObject({ Bucket, Key: "key", RestoreRequest });
    await server.runWorker("restore");
    assert.ok((await bytesOf(await now().getObject({ Bucket, Key: "key" }))).equals(text));
    const Range = "bytes=1000000-1000099";
    const part = await now().getObject({ Bucket, Key: "key", Range });
    assert.ok((await bytesOf(part)).equals(text.subarray(1_000_000, 1_000_100)));
    clock.advance(20 * day);
    await server.runWorker("restore");
    await server.runWorker("lifecycle");
    await sweep();
    assert.deepEqual(await blobs(), []);
  });

  test("that is away answers 503, and is itself again when it is back", async () => {
    const Bucket = await newBucket();
    const far = { Bucket, Key: "far" };
    await now().putObject({ ...far, Body: text, StorageClass: "ONEZONE_IA" });
    await gate.close();
    const unavailable = { code: "ServiceUnavailable", status: 503 };
    await assertRefused(now().getObject(far), unavailable);
    const put = { Bucket, Key: "new", Body: text, StorageClass: "ONEZONE_IA" as const };
    await assertRefused(now().putObject(put), unavailable);
    await now().putObject({ Bucket, Key: "near", Body: text });
    await gate.open();
    assert.ok((await bytesOf(await now().getObject(far))).equals(text));
    await now().putObject(put);
    assert.equal((await blobs("gated/")).length, 2);
    await gate.close();
    await now().deleteObject(far);
    await sweep().catch(() => {});
    await gate.open();
    await sweep();
    assert.equal((await blobs("gated/")).length, 1);
  });

  for (const [name, changes, reason] of [
    ["wrong secret", { secretAccessKey: wrongSecret }, /answered 403/],
    ["missing bucket", { bucket: foreignBucketName() }, /answered 404 \(NoSuchBucket\)/],
  ] as const) {
    const skip = name === "wrong secret" && unlessLacking("signatures");
    test(`with a ${name} answers 503, and says why to who administers`, { skip }, async () => {
      const timed = new ManualClock(Date.now());
      const { s3, ...tiered } = await startTestServer({
        clock: timed,
        lifecycleDaySeconds: 1,
        provisioning: {
          storage: {
            stores: { remote: { ...place, prefix: "nowhere", ...changes } },
            classes: { GLACIER: { store: "remote" } },
          },
        },
      });
      const Bucket = await tiered.newBucket();
      const put = { Bucket, Key: "key", Body: text };
      await assertRefused(s3.putObject({ ...put, StorageClass: "GLACIER" }), {
        code: "ServiceUnavailable",
        status: 503,
      });
      await s3.putObject(put);
      const rule = { ID: "age", Filter: { Prefix: "" }, Status: "Enabled" } as const;
      const Rules = [{ ...rule, Transitions: [{ Days: 1, StorageClass: "GLACIER" as const }] }];
      await s3.putBucketLifecycleConfiguration({ Bucket, LifecycleConfiguration: { Rules } });
      timed.advance(5000);
      const failed = await tiered.server.runWorker("lifecycle").catch(String);
      assert.equal((await s3.headObject({ Bucket, Key: "key" })).StorageClass, undefined);
      const { accessKeyId, secretAccessKey } = tiered.server.credentials;
      const root = new ManagementClient(tiered.server.endpoint, { accessKeyId, secretAccessKey });
      const { Workers } = await root.call("ListWorkers");
      const shown = JSON.stringify([failed, Workers]);
      assert.match(shown, reason);
      assert.ok(!shown.includes(wrongSecret) && !shown.includes(foreign.secretAccessKey));
    });
  }
});

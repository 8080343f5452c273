// Usage by bucket and storage class, as /metrics tells it: S3's BucketSizeBytes and NumberOfObjects.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { StorageClass } from "@aws-sdk/client-s3";
import { ManualClock } from "../../src/app.ts";
import { readMetrics } from "../app/metrics-text.ts";
import { runCommand, TemporaryDirectory } from "../app/server-process.ts";
import { startTestServerAlone } from "./test-server.ts";

const day = 86_400_000;

test("every version counts in its class, wherever it goes, until it is gone", async () => {
  using directory = new TemporaryDirectory();
  const data = join(directory.path, "data");
  const clock = new ManualClock(Date.now());
  const began = clock.now();
  {
    await using started = await startTestServerAlone({
      store: { directory: data },
      durability: "relaxed",
      adminPort: 0,
      clock,
    });
    const { server } = started;
    const client = () => started.client({ systemClockOffset: clock.now() - began });
    let s3 = client();
    const told = async (bucket: string): Promise<Record<string, readonly number[]>> => {
      const answer = await fetch(`${server.adminEndpoint}/metrics`);
      const { values } = readMetrics(await answer.text(), false);
      const found: Record<string, number[]> = {};
      for (const [series, value] of values) {
        const match = /^holdfast_bucket_class_(\w+)\{bucket="(.*)",storage_class="(.*)"\}$/.exec(
          series,
        );
        const [, unit, name, storageClass = ""] = match ?? [];
        if (name !== bucket) continue;
        (found[storageClass] ??= [0, 0])[unit === "objects" ? 0 : 1] = value;
      }
      return found;
    };
    const Bucket = await started.newBucket("Enabled");
    const put = (Key: string, length: number, storageClass?: StorageClass) =>
      s3.putObject({
        Bucket,
        Key,
        Body: Buffer.alloc(length),
        ...(storageClass === undefined ? {} : { StorageClass: storageClass }),
      });
    assert.deepEqual(await told(Bucket), { STANDARD: [0, 0] });
    await put("plain", 10);
    await put("named", 20, "STANDARD");
    await put("cold", 100, "GLACIER");
    const older = await put("rare", 1000, "STANDARD_IA");
    await put("rare", 3000, "STANDARD_IA");
    await put("empty", 0, "ONEZONE_IA");
    assert.deepEqual(await told(Bucket), {
      STANDARD: [2, 30],
      GLACIER: [1, 100],
      ONEZONE_IA: [1, 0],
      STANDARD_IA: [2, 4000],
    });
    // Changes that leave the class, of the current version and of an older one.
    const VersionId = older.VersionId;
    const Tagging = { TagSet: [{ Key: "a", Value: "b" }] };
    await s3.putObjectTagging({ Bucket, Key: "rare", Tagging });
    await s3.putObjectTagging({ Bucket, Key: "rare", VersionId, Tagging });
    await s3.deleteObject({ Bucket, Key: "rare" });
    assert.deepEqual((await told(Bucket))["STANDARD_IA"], [2, 4000], "behind a delete marker");
    await s3.deleteObject({ Bucket, Key: "rare", VersionId });
    assert.deepEqual((await told(Bucket))["STANDARD_IA"], [1, 3000]);
    // Rules move the older version that is left, and the current ones.
    await s3.putBucketLifecycleConfiguration({
      Bucket,
      TransitionDefaultMinimumObjectSize: "varies_by_storage_class",
      LifecycleConfiguration: {
        Rules: [
          {
            Status: "Enabled",
            Filter: { ObjectSizeGreaterThan: 5 },
            Transitions: [{ Days: 40, StorageClass: "DEEP_ARCHIVE" }],
            NoncurrentVersionTransitions: [{ NoncurrentDays: 40, StorageClass: "GLACIER_IR" }],
          },
        ],
      },
    });
    clock.advance(50 * day);
    await server.runWorker("lifecycle");
    assert.deepEqual(await told(Bucket), {
      STANDARD: [0, 0],
      DEEP_ARCHIVE: [3, 130],
      GLACIER_IR: [1, 3000],
      ONEZONE_IA: [1, 0],
    });
    s3 = client();
    const { Versions = [], DeleteMarkers = [] } = await s3.listObjectVersions({ Bucket });
    const gone = started.newBucketName();
    await s3.createBucket({ Bucket: gone });
    await s3.putObject({ Bucket: gone, Key: "k", Body: "1", StorageClass: "GLACIER" });
    await s3.deleteObject({ Bucket: gone, Key: "k" });
    assert.deepEqual(await told(gone), { STANDARD: [0, 0] });
    await s3.deleteBucket({ Bucket: gone });
    const Key = "rare";
    for (const { VersionId: id } of [...Versions, ...DeleteMarkers].filter((v) => v.Key === Key)) {
      await s3.deleteObject({ Bucket, Key, VersionId: id });
    }
    assert.deepEqual(await told(Bucket), {
      STANDARD: [0, 0],
      DEEP_ARCHIVE: [3, 130],
      ONEZONE_IA: [1, 0],
    });
  }
  const checked = await runCommand(["check", "--data", data]);
  assert.equal(checked.code, 0, checked.output + checked.errors);
});

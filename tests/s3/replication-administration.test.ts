// What administrators see of replication, and resyncs: what existed before a rule, or was refused, is
// sent by command.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readMetrics } from "../app/metrics-text.ts";
import { ManagementClient } from "../admin/management-client.ts";
import { ruleTo, startReplicationServer } from "./replication-server.ts";
import { setVersioning } from "./test-server.ts";

const { s3, server, newBucket, newPair, replicate, statusOf, work, put } =
  await startReplicationServer({ adminPort: 0 });
const { accessKeyId, secretAccessKey } = server.credentials;
const root = new ManagementClient(server.endpoint, { accessKeyId, secretAccessKey });

async function idsOf(Bucket: string): Promise<readonly string[]> {
  const { Versions = [], DeleteMarkers = [] } = await s3.listObjectVersions({ Bucket });
  return [...DeleteMarkers, ...Versions].map(({ Key, VersionId }) => `${Key} ${VersionId}`);
}

describe("a resync", () => {
  test("sends what existed before the rule, in every version, and nothing twice", async () => {
    const [source, target] = [await newBucket("Enabled"), await newBucket("Enabled")];
    for (const body of ["1", "2"]) await put(source, "key", body);
    for (const key of ["a", "b", "c"]) await put(source, key);
    await put(source, "gone");
    await s3.deleteObject({ Bucket: source, Key: "gone" });
    const DeleteMarkerReplication = { Status: "Enabled" } as const;
    await replicate(source, [ruleTo(target, { DeleteMarkerReplication })]);
    await put(source, "new");
    await work();
    assert.equal((await idsOf(target)).length, 1);
    assert.equal(await statusOf(source, "key"), undefined);
    const started = await root.call("StartReplicationResync", { Bucket: source });
    assert.equal(started["Resyncs"][0].Status, "Running");
    for (let pass = 0; pass < 3; pass += 1) await work();
    assert.deepEqual(await idsOf(target), await idsOf(source));
    assert.equal(await statusOf(source, "key"), "COMPLETED");
    const { Resyncs } = await root.call("GetReplicationResync", { Bucket: source });
    assert.equal(Resyncs[0].Status, "Queued");
    assert.equal(Resyncs[0].Destination, `arn:aws:s3:::${target}`);
    assert.equal(Resyncs[0].Examined, 8);
    // What is there is not sent again.
    assert.equal(Resyncs[0].Queued, 7);
  });

  test("leaves removed what has arrived once, as far as the source knows", async () => {
    const [source, target] = await newPair();
    for (const key of ["a", "b"]) await put(source, key);
    await work();
    const [first] = (await s3.listObjectVersions({ Bucket: target })).Versions ?? [];
    const VersionId = first?.VersionId;
    await s3.deleteObject({ Bucket: target, Key: "a", VersionId });
    await root.call("StartReplicationResync", { Bucket: source, Destination: target });
    await work();
    await work();
    // Nothing was missing as far as the source knows.
    assert.equal((await idsOf(target)).length, 1);
  });

  test("sends at once what was refused, when somebody has put right why", async () => {
    const [source, target] = await newPair();
    await s3.deleteBucket({ Bucket: target });
    const { versionId } = await put(source, "key");
    await work();
    assert.equal(await statusOf(source, "key"), "FAILED");
    const { Workers } = await root.call("ListWorkers");
    const worker = (Workers as { Name: string; LastRunTroubles?: string[] }[]).find(
      ({ Name }) => Name === "replication",
    );
    assert.ok(worker?.LastRunTroubles?.includes(`arn:aws:s3:::${target}: DstBucketNotFound`));
    await s3.createBucket({ Bucket: target });
    await setVersioning(s3, target, "Enabled");
    await root.call("StartReplicationResync", { Bucket: source });
    await work();
    await work();
    assert.equal(await statusOf(source, "key"), "COMPLETED");
    assert.deepEqual(await idsOf(target), [`key ${versionId}`]);
  });

  test("is for destinations that the bucket has", async () => {
    const [source] = await newPair();
    const other = await newBucket("Enabled");
    await assert.rejects(
      root.call("StartReplicationResync", { Bucket: source, Destination: "elsewhere" }),
    );
    await assert.rejects(root.call("StartReplicationResync", { Bucket: other }));
  });

  test("begins by itself where a rule asks for existing objects", async () => {
    const [source, target] = [await newBucket("Enabled"), await newBucket("Enabled")];
    await put(source, "old");
    await replicate(source, [ruleTo(target, { ExistingObjectReplication: { Status: "Enabled" } })]);
    await work();
    await work();
    assert.deepEqual(await idsOf(target), await idsOf(source));
  });

  test("takes the null version of before versioning along", async () => {
    const [source, target] = [await newBucket(), await newBucket("Enabled")];
    await s3.putObject({ Bucket: source, Key: "key", Body: "null" });
    await setVersioning(s3, source, "Enabled");
    await replicate(source, [ruleTo(target)]);
    for (let pass = 0; pass < 2; pass += 1) {
      await root.call("StartReplicationResync", { Bucket: source, Scope: "All" });
      await work();
      await work();
    }
    const { Versions = [] } = await s3.listObjectVersions({ Bucket: target });
    assert.equal(Versions.length, 1);
    assert.equal(await statusOf(source, "key"), "COMPLETED");
  });
});

test("the backlog tells what waits and what was refused, and why", async () => {
  const [source, target] = await newPair();
  await s3.deleteBucket({ Bucket: target });
  await put(source, "a");
  await put(source, "b");
  await work();
  const { Destinations } = await root.call("GetReplicationBacklog", { Bucket: source });
  assert.deepEqual(Destinations, [
    {
      Destination: `arn:aws:s3:::${target}`,
      Waiting: 0,
      Refused: 2,
      LastRefusal: "DstBucketNotFound",
    },
  ]);
  const answer = await fetch(`${server.adminEndpoint}/metrics`);
  const { values } = readMetrics(await answer.text(), false);
  const labels = `{bucket="${source}",destination="arn:aws:s3:::${target}"}`;
  assert.equal(values.get(`holdfast_replication_refused_operations${labels}`), 2);
  assert.equal(values.get(`holdfast_replication_pending_operations${labels}`), 0);
  const { Workers } = await root.call("ListWorkers");
  const worker = (Workers as { Name: string; Backlog?: number }[]).find(
    ({ Name }) => Name === "replication",
  );
  assert.ok((worker?.Backlog ?? 0) >= 2);
});

test("targets are put, listed without their secrets, and deleted", async () => {
  const target = {
    BucketArn: "arn:aws:s3:::away-*",
    Url: "http://127.0.0.1:1",
    AccessKeyId: "AKIAAWAY",
    SecretAccessKey: "the secret of away",
  };
  await root.call("PutReplicationTarget", target);
  const listed = await root.call("ListReplicationTargets");
  assert.deepEqual(listed["Targets"], [
    {
      BucketArn: "arn:aws:s3:::away-*",
      Url: "http://127.0.0.1:1",
      UrlRegion: "us-east-1",
      AccessKeyId: "AKIAAWAY",
      Kind: "s3",
    },
  ]);
  // Now a bucket that is not here may be a destination.
  const source = await newBucket("Enabled");
  await replicate(source, [ruleTo("away-1")]);
  await root.call("DeleteReplicationTarget", { BucketArn: "arn:aws:s3:::away-*" });
  await assert.rejects(root.call("DeleteReplicationTarget", { BucketArn: "arn:aws:s3:::away-*" }));
  await assert.rejects(replicate(source, [ruleTo("away-2")]));
});

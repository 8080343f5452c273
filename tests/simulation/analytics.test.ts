// The worker of storage class analysis by itself at midnight, killed at every effect it has on the store,
// and with counters that come late.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AnalyticsWorker } from "../../src/background/analytics-worker.ts";
import type { ObjectDeliverer } from "../../src/background/object-delivery.ts";
import { S3Error } from "../../src/model/errors.ts";
import {
  analyticsKind,
  formatAnalyticsConfiguration,
} from "../../src/objects/analytics-configuration.ts";
import type { ObjectStore } from "../../src/objects/object-store.ts";
import { MemoryMachine, type MemoryProcess } from "./memory-process.ts";
import { noPass } from "./no-pass.ts";
import { ObjectClient } from "./object-client.ts";

const bucketName = "bucket";
const dayMilliseconds = 86_400_000;
const neverAborted = new AbortController().signal;

/** Keeps the last file that was delivered. */
class Destination implements ObjectDeliverer {
  text = "";
  deliveries = 0;
  refusal: S3Error | undefined;

  async deliver({ body }: Parameters<ObjectDeliverer["deliver"]>[0]): Promise<{ etag: string }> {
    if (this.refusal !== undefined) throw this.refusal;
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(Buffer.from(chunk));
    this.text = Buffer.concat(chunks).toString("utf8");
    this.deliveries += 1;
    return { etag: "" };
  }

  /** Date, count of objects and of requests of every day. */
  get days(): readonly string[] {
    const rows = this.text.split("\n").map((line) => line.split(","));
    return rows.filter((row) => row[4] === "ALL").map((row) => `${row[0]} ${row[5]} ${row[9]}`);
  }
}

async function begin(): Promise<{
  readonly machine: MemoryMachine;
  readonly process: MemoryProcess;
}> {
  const machine = new MemoryMachine();
  const process = await machine.start();
  const client = new ObjectClient(process.objects);
  await client.createBucket(bucketName);
  const Bucket = "arn:aws:s3:::destination";
  const text = formatAnalyticsConfiguration({
    Id: "all",
    StorageClassAnalysis: {
      DataExport: {
        OutputSchemaVersion: "V_1",
        Destination: { S3BucketDestination: { Format: "CSV", Bucket } },
      },
    },
  });
  await process.objects.documents.set(bucketName, `${analyticsKind}/all`, text);
  await client.put(bucketName, "key", new Uint8Array(10));
  return { machine, process };
}

async function noteRead(objects: ObjectStore): Promise<void> {
  const { bucket, record } = await objects.versions.find(bucketName, "key", undefined);
  objects.analyticsCounts.noteRead(bucket, "key", record, 10);
}

describe("the worker of storage class analysis", () => {
  it("adds the day that is over a minute after midnight, once", async () => {
    const { machine, process } = await begin();
    const { clock } = machine;
    const { objects } = process;
    const deliverer = new Destination();
    const worker = new AnalyticsWorker({ objectStore: objects, deliverer });
    await worker.runOnce(neverAborted, noPass);
    assert.equal(deliverer.deliveries, 0);
    await noteRead(objects);
    clock.advance(dayMilliseconds);
    await worker.runOnce(neverAborted, noPass);
    assert.equal(deliverer.deliveries, 0, "other processes may not have written their counts");
    clock.advance(60_000);
    for (let pass = 0; pass < 3; pass += 1) await worker.runOnce(neverAborted, noPass);
    assert.equal(deliverer.deliveries, 1);
    assert.deepEqual(deliverer.days, ["01-01-2030 1 1"]);
    clock.advance(dayMilliseconds);
    await worker.runOnce(neverAborted, noPass);
    assert.deepEqual(deliverer.days, ["01-01-2030 1 1", "01-02-2030 1 0"]);
  });

  it("may be killed at any effect: nothing is lost, and nothing counts twice", async () => {
    let isSpared = false;
    for (let effects = 0; !isSpared; effects += 1) {
      const { machine, process } = await begin();
      const deliverer = new Destination();
      const worker = new AnalyticsWorker({ objectStore: process.objects, deliverer });
      await noteRead(process.objects);
      await process.objects.analyticsCounts.write();
      machine.clock.advance(dayMilliseconds + 60_000);
      isSpared = await process.survives(effects, () => worker.runOnce(neverAborted, noPass));
      const { objects } = await machine.start();
      const next = new AnalyticsWorker({ objectStore: objects, deliverer });
      await next.runOnce(neverAborted, noPass);
      assert.deepEqual(deliverer.days, ["01-01-2030 1 1"], `killed at effect ${effects}`);
    }
  });

  it("adds counts that were written late to their day", async () => {
    const { machine, process } = await begin();
    const deliverer = new Destination();
    const worker = new AnalyticsWorker({ objectStore: process.objects, deliverer });
    await worker.runOnce(neverAborted, noPass);
    const { objects: others } = await machine.start();
    await noteRead(others);
    machine.clock.advance(dayMilliseconds + 60_000);
    await worker.runOnce(neverAborted, noPass);
    assert.deepEqual(deliverer.days, ["01-01-2030 1 0"]);
    await others.analyticsCounts.write();
    machine.clock.advance(dayMilliseconds);
    await worker.runOnce(neverAborted, noPass);
    assert.deepEqual(deliverer.days, ["01-01-2030 1 1", "01-02-2030 1 0"]);
  });

  it("asks a destination that refuses again after an hour", async () => {
    const { machine, process } = await begin();
    const deliverer = new Destination();
    const worker = new AnalyticsWorker({ objectStore: process.objects, deliverer });
    await worker.runOnce(neverAborted, noPass);
    deliverer.refusal = new S3Error("AccessDenied");
    machine.clock.advance(dayMilliseconds + 60_000);
    const { fields } = await worker.runOnce(neverAborted, noPass);
    assert.equal(fields["failed"], 1);
    deliverer.refusal = undefined;
    await worker.runOnce(neverAborted, noPass);
    assert.equal(deliverer.deliveries, 0);
    machine.clock.advance(3_600_000);
    await worker.runOnce(neverAborted, noPass);
    assert.equal(deliverer.deliveries, 1);
  });
});

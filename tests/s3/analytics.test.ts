// What analytics configurations do: objects and their accesses are counted by storage class and age, and a
// file with the history goes to the destination every day. The clock is moved by hand.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { AnalyticsConfiguration, AnalyticsFilter } from "@aws-sdk/client-s3";
import { ManualClock } from "../../src/app.ts";
import { dayMilliseconds, startInventoryServer } from "./inventory-server.ts";
import { startTestServerAlone } from "./test-server.ts";

const started = await startInventoryServer();
const { s3, server, advance, clock } = started;

/** 128 KiB: what is smaller is in no age group. */
const aged = Buffer.alloc(131_072, "x");
const megabytes = "0.125";

type Row = Readonly<Record<string, string>>;

async function analyse(
  Bucket: string,
  destination: string | undefined,
  others: {
    readonly Id?: string;
    readonly Filter?: AnalyticsFilter;
    readonly Prefix?: string;
  } = {},
): Promise<void> {
  const { Id = "all", Filter, Prefix } = others;
  const AnalyticsConfiguration: AnalyticsConfiguration = {
    Id,
    ...(Filter === undefined ? {} : { Filter }),
    StorageClassAnalysis:
      destination === undefined
        ? {}
        : {
            DataExport: {
              OutputSchemaVersion: "V_1",
              Destination: {
                S3BucketDestination: {
                  Format: "CSV",
                  Bucket: `arn:aws:s3:::${destination}`,
                  ...(Prefix === undefined ? {} : { Prefix }),
                },
              },
            },
          },
  };
  await s3.putBucketAnalyticsConfiguration({ Bucket, Id, AnalyticsConfiguration });
}

async function put(Bucket: string, Key: string, others: object = {}): Promise<void> {
  await s3.putObject({ Bucket, Key, Body: aged, ...others });
}

async function read(Bucket: string, Key: string, Range?: string): Promise<void> {
  const { Body } = await s3.getObject({ Bucket, Key, ...(Range === undefined ? {} : { Range }) });
  await Body?.transformToByteArray();
}

async function rowsOf(destination: string, key: string): Promise<readonly Row[]> {
  const text = (await started.bytesOf(destination, key)).toString();
  const [header = "", ...lines] = text.trimEnd().split("\n");
  const names = header.split(",");
  return lines.map((line) => {
    const values = line.split(",");
    assert.equal(values.length, names.length);
    return Object.fromEntries(names.map((name, index) => [name, values[index] ?? ""]));
  });
}

function dateOf(milliseconds: number): string {
  const [year, month, day] = new Date(milliseconds).toISOString().slice(0, 10).split("-");
  return `${month}-${day}-${year}`;
}

function find(rows: readonly Row[], wanted: Row): Row {
  const found = rows.filter((row) =>
    Object.entries(wanted).every(([name, value]) => row[name] === value),
  );
  assert.equal(found.length, 1, JSON.stringify({ wanted, found }));
  return found[0] ?? {};
}

function accesses(row: Row): readonly (string | undefined)[] {
  return [row["ObjectCount"], row["Storage_MB"], row["DataRetrieved_MB"], row["GetRequestCount"]];
}

describe("storage class analysis", () => {
  test("exports what was stored and read of each age, a row set a day", async () => {
    const Bucket = await started.newBucket();
    const destination = await started.newDestination(Bucket);
    await put(Bucket, "old");
    advance(20 * dayMilliseconds);
    await analyse(Bucket, destination, { Prefix: "analyses/" });
    await server.runWorker("analytics");
    await put(Bucket, "new");
    await put(Bucket, "cold", { StorageClass: "STANDARD_IA" });
    await s3.putObject({ Bucket, Key: "small", Body: "0123456789" });
    await read(Bucket, "old");
    await read(Bucket, "old", "bytes=0-65535");
    await read(Bucket, "new");
    await read(Bucket, "small");
    await assert.rejects(read(Bucket, "missing"));
    const first = dateOf(clock.now());
    advance(dayMilliseconds);
    const second = dateOf(clock.now());
    const done = await server.runWorker("analytics");
    assert.equal(done["exports"], 1);
    const rows = await rowsOf(destination, `analyses/${Bucket}/all.csv`);
    const of = (ObjectAge: string, StorageClass = "STANDARD", day = first): Row =>
      find(rows, { Date: day, ConfigId: "all", StorageClass, ObjectAge });
    assert.deepEqual(accesses(of("000-014")), ["1", megabytes, megabytes, "1"]);
    assert.equal(of("000-014")["DataUploaded_MB"], megabytes);
    assert.deepEqual(accesses(of("015-029")), ["1", megabytes, "0.1875", "2"]);
    assert.equal(of("015-029")["CumulativeAccessRatio"], "1.5");
    assert.deepEqual(accesses(of("030-044")), ["0", "0", "0", "0"]);
    assert.deepEqual(accesses(of("000-014", "STANDARD_IA")), ["1", megabytes, "0", "0"]);
    // Small objects are in the total alone.
    assert.deepEqual(accesses(of("ALL")), ["3", "0.25001", "0.31251", "4"]);
    // The day that was asked for before it is over.
    assert.deepEqual(accesses(of("015-029", "STANDARD", second)), ["1", megabytes, "0", "0"]);
    assert.equal(rows.at(-1)?.["ObjectAge"], "ALL");
  });

  test("adds a day to the file, and counts nothing twice", async () => {
    const Bucket = await started.newBucket();
    const destination = await started.newDestination(Bucket);
    await analyse(Bucket, destination);
    await put(Bucket, "a");
    await server.runWorker("analytics");
    const key = `${Bucket}/all.csv`;
    const asked = await rowsOf(destination, key);
    assert.equal(asked.filter(({ ObjectAge }) => ObjectAge === "ALL").length, 1);
    await read(Bucket, "a");
    advance(dayMilliseconds);
    await server.runWorker("analytics");
    const rows = await rowsOf(destination, key);
    const days = rows.filter(({ ObjectAge }) => ObjectAge === "ALL");
    assert.deepEqual(
      days.map(({ Date: date, GetRequestCount }) => [date, GetRequestCount]),
      [
        [dateOf(clock.now() - dayMilliseconds), "1"],
        [dateOf(clock.now()), "0"],
      ],
    );
    // Running again counts nothing twice.
    await server.runWorker("analytics");
    assert.deepEqual(await rowsOf(destination, key), rows);
  });

  test("counts what meets the filter's prefix and tags", async () => {
    const Bucket = await started.newBucket();
    const destination = await started.newDestination(Bucket);
    const Filter: AnalyticsFilter = {
      And: { Prefix: "in/", Tags: [{ Key: "class", Value: "blue" }] },
    };
    await analyse(Bucket, destination, { Id: "filtered", Filter });
    await put(Bucket, "in/blue", { Tagging: "class=blue" });
    await put(Bucket, "in/red", { Tagging: "class=red" });
    await put(Bucket, "out/blue", { Tagging: "class=blue" });
    for (const key of ["in/blue", "in/red", "out/blue"]) await read(Bucket, key);
    await server.runWorker("analytics");
    const rows = await rowsOf(destination, `${Bucket}/filtered.csv`);
    const row = find(rows, { ObjectAge: "ALL" });
    assert.deepEqual(accesses(row), ["1", megabytes, megabytes, "1"]);
    assert.equal(row["DataUploaded_MB"], megabytes);
    assert.equal(row["Filter"], "prefix=in/&tag:class=blue");
  });

  test("writes nowhere without the destination's permission, and when it has it, all", async () => {
    const Bucket = await started.newBucket();
    const destination = await started.newBucket();
    await analyse(Bucket, destination);
    await put(Bucket, "a");
    const refused = await server.runWorker("analytics");
    assert.equal(refused["failed"], 1);
    assert.deepEqual(await started.keysOf(destination), []);
    const Policy = started.policyFor(destination, Bucket);
    await s3.putBucketPolicy({ Bucket: destination, Policy });
    await server.runWorker("analytics");
    assert.deepEqual(await started.keysOf(destination), [`${Bucket}/all.csv`]);
  });

  test("a configuration that was deleted takes its history along", async () => {
    const Bucket = await started.newBucket();
    const destination = await started.newDestination(Bucket);
    await analyse(Bucket, destination);
    await put(Bucket, "a");
    await server.runWorker("analytics");
    await s3.deleteBucketAnalyticsConfiguration({ Bucket, Id: "all" });
    await server.runWorker("analytics");
    advance(dayMilliseconds);
    await analyse(Bucket, destination);
    await server.runWorker("analytics");
    const rows = await rowsOf(destination, `${Bucket}/all.csv`);
    assert.deepEqual([...new Set(rows.map((row) => row["Date"]))], [dateOf(clock.now())]);
  });

  test("a configuration without an export collects what one exports later", async () => {
    const Bucket = await started.newBucket();
    const destination = await started.newDestination(Bucket);
    await analyse(Bucket, undefined);
    await put(Bucket, "a");
    await read(Bucket, "a");
    const before = dateOf(clock.now());
    await server.runWorker("analytics");
    advance(dayMilliseconds);
    await analyse(Bucket, destination);
    await server.runWorker("analytics");
    const rows = await rowsOf(destination, `${Bucket}/all.csv`);
    const row = find(rows, { Date: before, ObjectAge: "ALL" });
    assert.deepEqual(accesses(row), ["1", megabytes, megabytes, "1"]);
  });

  test("what was counted outlives the end of the server", async () => {
    const directory = await mkdtemp(join(tmpdir(), "holdfast-analytics-"));
    after(() => rm(directory, { recursive: true, force: true }));
    const options = { store: { directory }, clock: new ManualClock(Date.now()) };
    const first = await startTestServerAlone(options);
    const Bucket = await first.newBucket();
    await first.s3.putBucketAnalyticsConfiguration({
      Bucket,
      Id: "all",
      AnalyticsConfiguration: {
        Id: "all",
        StorageClassAnalysis: {
          DataExport: {
            OutputSchemaVersion: "V_1",
            Destination: {
              S3BucketDestination: { Format: "CSV", Bucket: `arn:aws:s3:::${Bucket}` },
            },
          },
        },
      },
    });
    await first.s3.putBucketPolicy({
      Bucket,
      Policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: {
          Effect: "Allow",
          Principal: { Service: "s3.amazonaws.com" },
          Action: "s3:PutObject",
          Resource: `arn:aws:s3:::${Bucket}/*`,
        },
      }),
    });
    await first.put(Bucket, "a");
    const { Body: before } = await first.s3.getObject({ Bucket, Key: "a" });
    await before?.transformToByteArray();
    await first[Symbol.asyncDispose]();
    await using second = await startTestServerAlone(options);
    await second.server.runWorker("analytics");
    const { Body } = await second.s3.getObject({ Bucket, Key: `${Bucket}/all.csv` });
    const last = (await Body?.transformToString())?.trimEnd().split("\n").at(-1)?.split(",");
    assert.equal(last?.[9], "1");
  });
});

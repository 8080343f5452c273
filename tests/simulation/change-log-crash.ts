// Crash test of the change log: a bucket with a webhook, a replica and access logging is written to, the
// server is killed at any point, again and again; in the end every acknowledged change has been delivered
// to each of the three, in the order of its key, and none was invented.
//
//   node tools/run.mjs tests/simulation/change-log-crash.ts --rounds 100 [--workers 2] [--seed N]

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DeleteObjectCommand, PutObjectCommand, S3 } from "@aws-sdk/client-s3";
import { ManagementClient } from "../admin/management-client.ts";
import { NotificationReceiver } from "../s3/notification-receiver.ts";
import { killGroup } from "./power-cut/power-cut.ts";
import { chooseSeed, SeededRandom, withSeed } from "./seeded-random.ts";

export interface ChangeCrashCounts {
  crashes: number;
  /** Changes that were answered. */
  acknowledged: number;
  /** Changes whose answer was lost. */
  unknown: number;
  /** Events received, with those that came twice. */
  events: number;
}

interface Change {
  readonly key: string;
  readonly versionId: string;
  readonly requestId: string;
  readonly isDeletion: boolean;
  /** The order of the changes of its key. */
  readonly number: number;
}

const source = "source";
const replicas = "replicas";
const logs = "logs";
const queue = "arn:aws:sqs:us-east-1:123456789012:changes";
const credentials = { accessKeyId: "CRASHTESTACCESSKEY", secretAccessKey: "crash-test-secret-key" };
const clients = 4;
const keysPerClient = 6;
const startLimitMilliseconds = 60_000;
const deliveryLimitMilliseconds = 120_000;
const logLimitMilliseconds = 30_000;

export async function runChangeCrashes(options: {
  readonly seed: number;
  readonly rounds: number;
  readonly workers: number;
  readonly report?: (line: string) => void;
}): Promise<ChangeCrashCounts> {
  const { rounds, workers, report = () => {} } = options;
  const random = new SeededRandom(options.seed);
  const directory = await mkdtemp(join(tmpdir(), "holdfast-change-crash-"));
  await using receiver = await new NotificationReceiver().start();
  const load = new ChangeLoad(random);
  // A receiver that is away now and then, so that there is always something left to deliver.
  receiver.answer = () => ({ status: random.chance(0.2) ? 503 : 200 });
  await writeFile(join(directory, "holdfast.json"), JSON.stringify(declare(receiver.url)));
  try {
    for (let round = 0; round < rounds; round += 1) {
      const server = await startServer(directory, workers);
      try {
        if (round === 0) await configure(server.endpoint);
        const running = load.run(server.endpoint);
        await pause(100 + random.below(900));
        await killGroup(server.child);
        load.stop();
        await running;
      } catch (error) {
        throw new Error(`the server printed: ${server.output()}`, { cause: error });
      }
      report(`round ${round + 1} of ${rounds}: ${JSON.stringify(load.counts)}`);
    }
    receiver.answer = () => ({ status: 200 });
    const server = await startServer(directory, workers);
    try {
      await awaitDelivery(server.endpoint);
      await checkEvents(load, receiver);
      await checkReplicas(server.endpoint, load);
      await checkLogs(server.endpoint, load);
    } catch (error) {
      throw new Error(`the server printed: ${server.output()}`, { cause: error });
    } finally {
      await killGroup(server.child);
    }
    const events = receiver.records().length;
    return { ...load.counts, crashes: rounds, events };
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Clients that each own some keys, so that of every key one change is under way at most. */
class ChangeLoad {
  readonly counts = { acknowledged: 0, unknown: 0 };
  readonly changes: Change[] = [];
  /** Keys that a change was lost of: nobody knows what is stored of them. */
  readonly attempted = new Set<string>();
  readonly #random: SeededRandom;
  #isStopped = false;
  #number = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  stop(): void {
    this.#isStopped = true;
  }

  async run(endpoint: string): Promise<void> {
    this.#isStopped = false;
    const s3 = connect(endpoint);
    const client = async (index: number): Promise<void> => {
      while (!this.#isStopped) {
        const key = `key-${index}-${this.#random.below(keysPerClient)}`;
        try {
          await this.#change(s3, key);
        } catch {
          // The answer was lost, with the server.
          this.counts.unknown += 1;
          return;
        }
      }
    };
    await Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
    s3.destroy();
  }

  async #change(s3: S3, key: string): Promise<void> {
    const isDeletion = this.#random.chance(0.2);
    this.#number += 1;
    const number = this.#number;
    this.attempted.add(key);
    const place = { Bucket: source, Key: key };
    const { VersionId = "", $metadata } = isDeletion
      ? await s3.send(new DeleteObjectCommand(place))
      : await s3.send(new PutObjectCommand({ ...place, Body: `change ${number}` }));
    this.counts.acknowledged += 1;
    const requestId = $metadata.requestId ?? "";
    this.changes.push({ key, versionId: VersionId, requestId, isDeletion, number });
  }
}

/** At least once, in the order of each key, and nothing of keys or versions that nobody made. */
async function checkEvents(load: ChangeLoad, receiver: NotificationReceiver): Promise<void> {
  const first = new Map<string, number>();
  for (const [at, { s3, eventName }] of receiver.records().entries()) {
    const { key, versionId = "" } = s3.object;
    assert.ok(load.attempted.has(key), `an event of a key that nobody wrote: ${key}`);
    assert.match(eventName, /^Object(Created:Put|Removed:DeleteMarkerCreated)$/);
    const name = `${key} ${versionId}`;
    if (!first.has(name)) first.set(name, at);
  }
  const last = new Map<string, number>();
  for (const { key, versionId, number } of load.changes) {
    const at = first.get(`${key} ${versionId}`);
    assert.ok(at !== undefined, `no event came of change ${number}: ${key} ${versionId}`);
    assert.ok(at > (last.get(key) ?? -1), `change ${number} of ${key} came before an earlier one`);
    last.set(key, at);
  }
  // Of a change without an answer there may be an event; of none there are two versions.
  assert.ok(first.size <= load.changes.length + load.counts.unknown);
}

async function checkReplicas(endpoint: string, load: ChangeLoad): Promise<void> {
  const s3 = connect(endpoint);
  const wanted = await versionsOf(s3, source);
  const found = await versionsOf(s3, replicas);
  assert.deepEqual(found, wanted);
  const known = new Set(wanted);
  for (const { key, versionId } of load.changes) {
    assert.ok(known.has(`${key} ${versionId}`), `the source lost ${key} ${versionId}`);
  }
  s3.destroy();
}

async function versionsOf(s3: S3, Bucket: string): Promise<readonly string[]> {
  const found: string[] = [];
  let KeyMarker: string | undefined;
  let VersionIdMarker: string | undefined;
  do {
    const page = await s3.listObjectVersions({ Bucket, KeyMarker, VersionIdMarker });
    const all = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
    found.push(...all.map(({ Key, VersionId }) => `${Key} ${VersionId}`));
    KeyMarker = page.NextKeyMarker;
    VersionIdMarker = page.NextVersionIdMarker;
  } while (KeyMarker !== undefined);
  return found.toSorted();
}

/** Each process delivers its own records, and those of the dead: within some seconds. */
async function checkLogs(endpoint: string, load: ChangeLoad): Promise<void> {
  const s3 = connect(endpoint);
  const ends = Date.now() + logLimitMilliseconds;
  for (;;) {
    const ids = await loggedRequests(s3);
    const missing = load.changes.filter(({ requestId }) => !ids.has(requestId));
    if (missing.length === 0) break;
    assert.ok(Date.now() < ends, `no record tells of changes ${JSON.stringify(missing)}`);
    await pause(500);
  }
  s3.destroy();
}

async function loggedRequests(s3: S3): Promise<ReadonlySet<string | undefined>> {
  const texts: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.listObjectsV2({ Bucket: logs, ContinuationToken });
    for (const { Key } of page.Contents ?? []) {
      const { Body } = await s3.getObject({ Bucket: logs, Key });
      texts.push((await Body?.transformToString()) ?? "");
    }
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  const records = texts.join("").split("\n");
  // Owner, bucket, the two halves of the time, address, requester: then the request.
  return new Set(records.map((record) => record.split(" ")[6]));
}

/** Until nothing waits any more. */
async function awaitDelivery(endpoint: string): Promise<void> {
  const admin = new ManagementClient(endpoint, credentials);
  const ends = Date.now() + deliveryLimitMilliseconds;
  for (;;) {
    const { Workers } = await admin.call("ListWorkers");
    const waiting = (Workers as { Name: string; Backlog?: number }[]).filter(
      ({ Backlog = 0 }) => Backlog > 0,
    );
    if (waiting.length === 0) return;
    assert.ok(Date.now() < ends, `still waiting: ${JSON.stringify(waiting)}`);
    await pause(100);
  }
}

/** What the server is to hold, but for what is put when the buckets are there. */
function declare(url: string): unknown {
  const trust = {
    Effect: "Allow",
    Principal: { Service: "s3.amazonaws.com" },
    Action: "sts:AssumeRole",
  };
  const replicate = { Effect: "Allow", Action: "s3:*", Resource: "*" };
  const delivery = {
    Effect: "Allow",
    Principal: { Service: "logging.s3.amazonaws.com" },
    Action: "s3:PutObject",
    Resource: `arn:aws:s3:::${logs}/*`,
  };
  const versioning = { Status: "Enabled" };
  return {
    notifications: { [queue]: { kind: "webhook", url } },
    roles: [
      {
        name: "replication",
        trustPolicy: { Version: "2012-10-17", Statement: [trust] },
        inlinePolicies: { replicate: { Version: "2012-10-17", Statement: [replicate] } },
      },
    ],
    buckets: [
      { name: replicas, settings: { versioning } },
      { name: logs, settings: { policy: { Version: "2012-10-17", Statement: [delivery] } } },
      { name: source, settings: { versioning } },
    ],
  };
}

async function configure(endpoint: string): Promise<void> {
  const s3 = connect(endpoint);
  const { Usage, Account } = await new ManagementClient(endpoint, credentials).call("GetAccount");
  assert.equal(Usage, undefined);
  await s3.putBucketReplication({
    Bucket: source,
    ReplicationConfiguration: {
      Role: `arn:aws:iam::${Account.AccountId}:role/replication`,
      Rules: [
        {
          ID: "all",
          Priority: 1,
          Status: "Enabled",
          Filter: { Prefix: "" },
          DeleteMarkerReplication: { Status: "Enabled" },
          Destination: { Bucket: `arn:aws:s3:::${replicas}` },
        },
      ],
    },
  });
  await s3.putBucketLogging({
    Bucket: source,
    BucketLoggingStatus: { LoggingEnabled: { TargetBucket: logs, TargetPrefix: "" } },
  });
  await s3.putBucketNotificationConfiguration({
    Bucket: source,
    SkipDestinationValidation: true,
    NotificationConfiguration: {
      QueueConfigurations: [
        { QueueArn: queue, Events: ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"] },
      ],
    },
  });
  s3.destroy();
}

function connect(endpoint: string): S3 {
  return new S3({
    endpoint,
    credentials,
    region: "us-east-1",
    forcePathStyle: true,
    maxAttempts: 1,
  });
}

interface RunningServer {
  readonly child: ChildProcess;
  readonly endpoint: string;
  readonly output: () => string;
}

async function startServer(directory: string, workers: number): Promise<RunningServer> {
  const data = join(directory, "data");
  const parameters = ["src/main.ts", "serve", "--data", data, "--port", "0", "--admin-port", "0"];
  parameters.push("--config", join(directory, "holdfast.json"), "--access-log-interval", "1s");
  parameters.push("--workers", String(workers), "--log-level", "error");
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("HOLDFAST_"));
  const child = spawn(process.execPath, parameters, {
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own, so that all of it dies at once.
    detached: true,
    env: {
      ...Object.fromEntries(inherited),
      HOLDFAST_ROOT_ACCESS_KEY: credentials.accessKeyId,
      HOLDFAST_ROOT_SECRET_KEY: credentials.secretAccessKey,
    },
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ends = Date.now() + startLimitMilliseconds;
  for (;;) {
    const endpoint = /S3 endpoint\s+(\S+)/.exec(output)?.[1];
    if (endpoint !== undefined) return { child, endpoint, output: () => output };
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > ends) {
      throw new Error(`the server did not start: ${output}`);
    }
    await pause(10);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

// Not `import.meta.main`: tools/run.mjs imports this file where Node.js is new enough already.
if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "100" },
      workers: { type: "string", default: "1" },
      seed: { type: "string" },
    },
  });
  const seed = values.seed === undefined ? chooseSeed() : Number(values.seed);
  process.stdout.write(`seed ${seed}\n`);
  await withSeed(seed, async () => {
    const counts = await runChangeCrashes({
      seed,
      rounds: Number(values.rounds),
      workers: Number(values.workers),
      report: (line) => process.stdout.write(`${line}\n`),
    });
    process.stdout.write(`every change was delivered: ${JSON.stringify(counts)}\n`);
  });
}

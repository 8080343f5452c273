// What configurations that want to know of changes cost: PUT of 4 KiB into a bucket without any, into
// buckets whose rules do not fit or do, and GET beside them. What the worker does later is part of it: it
// shares the server's processor.

import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { STS } from "@aws-sdk/client-sts";
import { type BenchContext, isWanted, makeDataDirectory } from "../measure/bench-context.ts";
import { ControlClient } from "../measure/control-client.ts";
import type { Round } from "../measure/generator-process.ts";
import { readCpuSeconds } from "../measure/process-usage.ts";
import { type Cell, type SectionReport, verdict } from "../measure/report.ts";
import {
  alternate,
  medianOf,
  medianRatio,
  requestsPerSecond,
  sumErrors,
} from "../measure/rounds.ts";
import {
  configureBareServer,
  credentials,
  type ServerProcess,
  startBareServer,
  startHoldfast,
} from "../measure/server-process.ts";

interface Side {
  readonly name: string;
  readonly method: "PUT" | "GET";
  readonly bucket: string;
  /** The ratio that is to be reached. */
  readonly target: number | undefined;
}

const keys = 2000;
const bodyBytes = 4096;
const connections = 64;
const restMilliseconds = 500;
const restLooks = 60;
const restShare = 0.05;
const queue = "arn:aws:sqs:us-east-1:123456789012:bench";

const sides: readonly Side[] = [
  { name: "PUT", method: "PUT", bucket: "plain", target: undefined },
  { name: "PUT, rule that does not fit", method: "PUT", bucket: "elsewhere", target: undefined },
  { name: "PUT, notification", method: "PUT", bucket: "notified", target: 0.9 },
  { name: "PUT, versions", method: "PUT", bucket: "versions", target: undefined },
  { name: "PUT, versions, replication", method: "PUT", bucket: "replicated", target: 0.9 },
  { name: "PUT, access log", method: "PUT", bucket: "logged", target: undefined },
  { name: "GET", method: "GET", bucket: "plain", target: undefined },
  { name: "GET, access log", method: "GET", bucket: "logged", target: undefined },
];

/** The row that a row is compared with: the same request without the configuration. */
function floorOf({ name, method }: Side): string {
  return name.startsWith("PUT, versions,") ? "PUT, versions" : method;
}

export async function measureChanges(context: BenchContext): Promise<SectionReport> {
  await using data = await makeDataDirectory(context);
  await using receiver = await startBareServer("http");
  await configureBareServer(receiver, { POST: { status: 200, headers: [], bodyBytes: 0 } });
  const settings = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
  try {
    const config = join(settings, "holdfast.json");
    await writeFile(config, JSON.stringify(declare(receiver.port)));
    await using holdfast = await startHoldfast({
      dataDirectory: data.path,
      serverArguments: ["--config", config],
    });
    await configure(holdfast);
    return await measure(context, holdfast);
  } finally {
    await rm(settings, { recursive: true, force: true });
  }
}

async function measure(context: BenchContext, holdfast: ServerProcess): Promise<SectionReport> {
  const wanted = sides.filter(({ name }) => isWanted(context, name));
  const run = (side: Side, milliseconds: number) => runSide(context, holdfast, side, milliseconds);
  for (const { bucket } of sides.filter(({ method }) => method === "PUT")) {
    await fill(context, holdfast, bucket);
  }
  context.say("changes: 4 KiB");
  const measured = await alternate(
    context.options.rounds,
    wanted.map((side) => () => run(side, context.options.roundMilliseconds)),
  );
  const byName = new Map(wanted.map(({ name }, index) => [name, measured[index] as Round[]]));
  return {
    title: "Configurations that act: 4 KiB",
    columns: ["request", "req/s", "to none", "errors", "target"],
    rows: wanted.map((side): Cell[] => {
      const rounds = byName.get(side.name) as Round[];
      const floor = byName.get(floorOf(side));
      const isFloor = floorOf(side) === side.name;
      const ratio =
        floor === undefined || isFloor ? Number.NaN : medianRatio(rounds, floor, requestsPerSecond);
      return [
        side.name,
        medianOf(rounds, requestsPerSecond),
        ratio,
        sumErrors(rounds),
        side.target === undefined || Number.isNaN(ratio) ? "" : verdict(ratio, side.target),
      ];
    }),
    notes: [
      `${connections} connections; a webhook in a process of its own; replicas in the same server.`,
      "Before each round the server has done what the rounds before it left to do, as far as it ever will.",
    ],
  };
}

/** Every key is there before it is read. */
async function fill(
  { generator }: BenchContext,
  server: ServerProcess,
  bucket: string,
): Promise<void> {
  await generator.runWithoutErrors(server, {
    method: "PUT",
    path: `/${bucket}/key-{index}`,
    bodyBytes,
    checksum: "crc32",
    distinctRequests: keys,
    requests: keys,
    connections,
  });
}

/** Until the server does next to nothing, and half a minute at most: what a round left is not another's. */
async function rest({ processId }: ServerProcess): Promise<void> {
  for (let look = 0; look < restLooks; look += 1) {
    const before = await readCpuSeconds(processId);
    await sleep(restMilliseconds);
    const busySeconds = (await readCpuSeconds(processId)) - before;
    if (busySeconds * 1000 < restMilliseconds * restShare) return;
  }
}

async function runSide(
  { generator }: BenchContext,
  server: ServerProcess,
  { method, bucket }: Side,
  milliseconds: number,
): Promise<Round> {
  await rest(server);
  const common = {
    path: `/${bucket}/key-{index}`,
    distinctRequests: keys,
    connections,
    milliseconds,
  };
  return generator.runWithoutErrors(
    server,
    method === "GET"
      ? { method, ...common }
      : { method, ...common, bodyBytes, checksum: "crc32" as const },
  );
}

function declare(receiverPort: number): unknown {
  const versioning = { Status: "Enabled" };
  const Version = "2012-10-17";
  const trust = {
    Effect: "Allow",
    Principal: { Service: "s3.amazonaws.com" },
    Action: "sts:AssumeRole",
  };
  const delivery = {
    Effect: "Allow",
    Principal: { Service: "logging.s3.amazonaws.com" },
    Action: "s3:PutObject",
    Resource: "arn:aws:s3:::logs/*",
  };
  return {
    notifications: { [queue]: { kind: "webhook", url: `http://127.0.0.1:${receiverPort}/` } },
    roles: [
      {
        name: "replication",
        trustPolicy: { Version, Statement: [trust] },
        inlinePolicies: {
          all: { Version, Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] },
        },
      },
    ],
    buckets: [
      { name: "plain" },
      { name: "elsewhere" },
      { name: "notified" },
      { name: "logged" },
      { name: "logs", settings: { policy: { Version, Statement: [delivery] } } },
      { name: "versions", settings: { versioning } },
      { name: "replicas", settings: { versioning } },
      { name: "replicated", settings: { versioning } },
    ],
  };
}

async function configure({ port }: ServerProcess): Promise<void> {
  using client = new ControlClient(port, credentials);
  const put = (bucket: string, query: string, body: string) =>
    client.send({
      method: "PUT",
      path: `/${bucket}`,
      query: `${query}=`,
      headers: headersOf(body),
      body,
    });
  await put("elsewhere", "notification", notificationOf("other-"));
  await put("notified", "notification", notificationOf("key-"));
  const logging =
    "<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix></TargetPrefix></LoggingEnabled></BucketLoggingStatus>";
  await put("logged", "logging", logging);
  const account = await findAccount(port);
  const replication = `<ReplicationConfiguration><Role>arn:aws:iam::${account}:role/replication</Role><Rule><ID>all</ID><Priority>1</Priority><Status>Enabled</Status><Filter><Prefix></Prefix></Filter><DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication><Destination><Bucket>arn:aws:s3:::replicas</Bucket></Destination></Rule></ReplicationConfiguration>`;
  await put("replicated", "replication", replication);
}

async function findAccount(port: number): Promise<string> {
  const sts = new STS({
    endpoint: `http://127.0.0.1:${port}`,
    region: credentials.region,
    credentials: { accessKeyId: credentials.accessKey, secretAccessKey: credentials.secretKey },
  });
  const { Account = "" } = await sts.getCallerIdentity();
  sts.destroy();
  return Account;
}

function headersOf(body: string): Readonly<Record<string, string>> {
  return {
    "content-md5": createHash("md5").update(body).digest("base64"),
    "x-amz-skip-destination-validation": "true",
  };
}

function notificationOf(prefix: string): string {
  return `<NotificationConfiguration><QueueConfiguration><Queue>${queue}</Queue><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>${prefix}</Value></FilterRule></S3Key></Filter></QueueConfiguration></NotificationConfiguration>`;
}

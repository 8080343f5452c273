// What authorization costs: GET of 4 KiB by the root and by a user of IAM, from a bucket without a
// policy and from one with a policy of 100 statements and nearly the 20 KiB that S3 allows.

import { IAM } from "@aws-sdk/client-iam";
import type { Credentials } from "../load/load-plan.ts";
import { type BenchContext, isWanted, makeDataDirectory } from "../measure/bench-context.ts";
import { ControlClient } from "../measure/control-client.ts";
import type { Round } from "../measure/generator-process.ts";
import { type Cell, type SectionReport, verdict } from "../measure/report.ts";
import {
  alternate,
  medianOf,
  medianRatio,
  requestsPerCpuSecond,
  requestsPerSecond,
  sumErrors,
} from "../measure/rounds.ts";
import { credentials, type ServerProcess, startHoldfast } from "../measure/server-process.ts";

interface Side {
  readonly name: string;
  readonly bucket: string;
  readonly credentials: Credentials;
}

interface User {
  readonly accountId: string;
  readonly credentials: Credentials;
}

const keys = 5000;
const bodyBytes = 4096;
const connections = 64;
const statementCount = 100;
const policyLimitBytes = 20 * 1024;
const openBucket = "open";
const guardedBucket = "guarded";

export async function measureAuthorization(context: BenchContext): Promise<SectionReport> {
  await using data = await makeDataDirectory(context);
  await using holdfast = await startHoldfast({ dataDirectory: data.path });
  const user = await makeUser(holdfast);
  const policyBytes = await makeBuckets(context, holdfast, user);
  const sides = sidesOf(user).filter(({ name }) => isWanted(context, name));
  const run = (side: Side, milliseconds: number) => runSide(context, holdfast, side, milliseconds);
  for (const side of sides) await run(side, context.options.quick ? 1500 : 4000);
  context.say("authorization: GET 4 KiB");
  const measured = await alternate(
    context.options.rounds,
    sides.map((side) => () => run(side, context.options.roundMilliseconds)),
  );
  const byName = new Map(sides.map(({ name }, index) => [name, measured[index] as Round[]]));
  return {
    title: "Authorization: GET 4 KiB",
    columns: ["caller", "req/s", "req/CPU s", "to root alone", "to no policy", "errors", "target"],
    rows: sides.map(({ name }) => summarize(name, byName)),
    notes: [
      `Policy: ${statementCount} statements, ${policyBytes} bytes; ${connections} connections.`,
      "Ratios of requests per CPU second of the server; to no policy: of the same caller.",
    ],
  };
}

function sidesOf(user: User): readonly Side[] {
  return [
    { name: "root", bucket: openBucket, credentials },
    { name: "root, policy", bucket: guardedBucket, credentials },
    { name: "user", bucket: openBucket, credentials: user.credentials },
    { name: "user, policy", bucket: guardedBucket, credentials: user.credentials },
  ];
}

function summarize(name: string, byName: ReadonlyMap<string, Round[]>): Cell[] {
  const rounds = byName.get(name) as Round[];
  const ratioTo = (other: string) => {
    const floor = byName.get(other);
    return floor === undefined ? Number.NaN : medianRatio(rounds, floor, requestsPerCpuSecond);
  };
  const withoutPolicy = name.replace(", policy", "");
  const toNoPolicy = withoutPolicy === name ? Number.NaN : ratioTo(withoutPolicy);
  return [
    name,
    medianOf(rounds, requestsPerSecond),
    medianOf(rounds, requestsPerCpuSecond),
    name === "root" ? Number.NaN : ratioTo("root"),
    toNoPolicy,
    sumErrors(rounds),
    Number.isNaN(toNoPolicy) ? "" : verdict(toNoPolicy, 0.9),
  ];
}

function runSide(
  { generator }: BenchContext,
  server: ServerProcess,
  side: Side,
  milliseconds: number,
): Promise<Round> {
  return generator.runWithoutErrors(server, {
    method: "GET",
    path: pathIn(side.bucket),
    distinctRequests: keys,
    connections,
    milliseconds,
    credentials: side.credentials,
  });
}

/** A prefix that statements in the middle of the policy are about. */
function pathIn(bucket: string): string {
  return `/${bucket}/${teamOf(50)}/reports/{index}`;
}

function teamOf(index: number): string {
  return `team-${String(index).padStart(3, "0")}`;
}

async function makeUser({ port }: ServerProcess): Promise<User> {
  const iam = new IAM({
    endpoint: `http://127.0.0.1:${port}`,
    region: credentials.region,
    credentials: { accessKeyId: credentials.accessKey, secretAccessKey: credentials.secretKey },
  });
  try {
    const UserName = "reader";
    const { User: made } = await iam.createUser({ UserName });
    const [, , , , accountId = ""] = (made?.Arn ?? "").split(":");
    const Statement = [
      {
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
        Resource: [openBucket, guardedBucket].flatMap((bucket) => [
          `arn:aws:s3:::${bucket}`,
          `arn:aws:s3:::${bucket}/*`,
        ]),
      },
    ];
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
    await iam.putUserPolicy({ UserName, PolicyName: "objects", PolicyDocument });
    const { AccessKey } = await iam.createAccessKey({ UserName });
    const accessKey = AccessKey?.AccessKeyId ?? "";
    const secretKey = AccessKey?.SecretAccessKey ?? "";
    return { accountId, credentials: { ...credentials, accessKey, secretKey } };
  } finally {
    iam.destroy();
  }
}

/** Length of the policy in bytes. */
async function makeBuckets(
  { generator }: BenchContext,
  server: ServerProcess,
  { accountId }: User,
): Promise<number> {
  using client = new ControlClient(server.port, credentials);
  for (const bucket of [openBucket, guardedBucket]) {
    await client.send({ method: "PUT", path: `/${bucket}` });
    await generator.runWithoutErrors(server, {
      method: "PUT",
      path: pathIn(bucket),
      bodyBytes,
      checksum: "crc32",
      distinctRequests: keys,
      requests: keys,
      connections,
    });
  }
  const body = policyOf(accountId);
  await client.send({ method: "PUT", path: `/${guardedBucket}`, query: "policy=", body });
  return Buffer.byteLength(body);
}

/**
 * As policies grow: one rule for all of the bucket, some that keep folders to an office's network, and
 * a statement for each team's folder. Nothing in it forbids what is measured, so that all of it is
 * looked at.
 */
function policyOf(accountId: string): string {
  const objects = (pattern: string) => `arn:aws:s3:::${guardedBucket}/${pattern}`;
  const Statement: unknown[] = [
    {
      Sid: "OfficeAndHere",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: [objects("*"), `arn:aws:s3:::${guardedBucket}`],
      Condition: { NotIpAddress: { "aws:SourceIp": ["10.0.0.0/8", "127.0.0.0/8", "::1/128"] } },
    },
  ];
  for (let index = 1; index < statementCount; index += 1) {
    const folder = teamOf(index);
    const isKept = index % 5 === 0;
    const network = { IpAddress: { "aws:SourceIp": `192.168.${index}.0/24` } };
    Statement.push({
      Sid: `${isKept ? "Keep" : "Let"}${index}`,
      Effect: isKept ? "Deny" : "Allow",
      Principal: { AWS: accountId },
      Action: isKept ? ["s3:GetObject", "s3:DeleteObject"] : ["s3:GetObject", "s3:PutObject"],
      Resource: objects(isKept ? `${folder}/private/*` : `${folder}/*`),
      ...(index % 2 === 0 ? { Condition: network } : {}),
    });
  }
  const text = JSON.stringify({ Version: "2012-10-17", Statement });
  if (Buffer.byteLength(text) > policyLimitBytes) throw new Error("the policy is too long");
  return text;
}

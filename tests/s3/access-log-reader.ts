// Records of server access logging as their readers see them, by the regular expression that the Guide's
// Athena example splits them with, in our own words. And what lets the service deliver them.

import assert from "node:assert/strict";
import type { S3 } from "@aws-sdk/client-s3";
import type { TestServer } from "./test-server.ts";

export interface LogRecord {
  readonly owner: string;
  readonly bucket: string;
  readonly time: string;
  readonly remoteAddress: string;
  readonly requester: string;
  readonly requestId: string;
  readonly operation: string;
  readonly key: string;
  readonly requestLine: string;
  readonly status: string;
  readonly errorCode: string;
  readonly bytesSent: string;
  readonly objectSize: string;
  readonly totalTime: string;
  readonly turnAroundTime: string;
  readonly referer: string;
  readonly userAgent: string;
  readonly versionId: string;
  readonly hostId: string;
  readonly signatureVersion: string;
  readonly cipherSuite: string;
  readonly authentication: string;
  readonly hostHeader: string;
  readonly tlsVersion: string;
  readonly accessPoint: string;
  readonly aclRequired: string;
  readonly sourceRegion: string;
  /** The whole line: a dash may stand in quotation marks, or not. */
  readonly line: string;
}

const names = [
  "owner bucket time remoteAddress requester requestId operation key requestLine status errorCode",
  "bytesSent objectSize totalTime turnAroundTime referer userAgent versionId hostId",
  "signatureVersion cipherSuite authentication hostHeader tlsVersion accessPoint aclRequired",
  "sourceRegion",
]
  .join(" ")
  .split(" ");

function parseRecord(line: string): LogRecord {
  const fields = [...line.matchAll(/\[([^\]]*)\]|"([^"]*)"|(\S+)/g)].map(
    ([, time, quoted, plain]) => time ?? quoted ?? plain ?? "",
  );
  assert.equal(fields.length, names.length, line);
  const named = names.map((name, at) => [name, fields[at]] as const);
  return Object.fromEntries([...named, ["line", line]]) as unknown as LogRecord;
}

/** Lets the logging service write, as the Guide's policy does. */
export function allowing(target: string, source?: string): string {
  const Condition =
    source === undefined ? {} : { ArnLike: { "aws:SourceArn": `arn:aws:s3:::${source}` } };
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: {
      Sid: "S3ServerAccessLogsPolicy",
      Effect: "Allow",
      Principal: { Service: "logging.s3.amazonaws.com" },
      Action: "s3:PutObject",
      Resource: `arn:aws:s3:::${target}/*`,
      Condition,
    },
  });
}

export async function readLog(s3: S3, Bucket: string, Prefix = ""): Promise<LogRecord[]> {
  const { Contents = [] } = await s3.listObjectsV2({ Bucket, Prefix });
  const texts = await Promise.all(
    Contents.map(async ({ Key }) =>
      (await s3.getObject({ Bucket, Key })).Body?.transformToString(),
    ),
  );
  return texts.flatMap((text = "") => text.trimEnd().split("\n").map(parseRecord));
}

export interface LoggedBucket {
  readonly Bucket: string;
  /** Delivers what is there, and reads it. */
  readonly records: () => Promise<readonly LogRecord[]>;
}

/** Switches on the records of a bucket into one that has nothing else. */
export async function logBucket(
  { s3, server }: Pick<TestServer, "s3" | "server">,
  Bucket: string,
  target: string,
): Promise<LoggedBucket> {
  await logInto(s3, Bucket, target);
  return {
    Bucket,
    async records() {
      await server.runWorker("access-log");
      return readLog(s3, target);
    },
  };
}

/** Switches on the records of a bucket, and lets the service deliver them. */
export async function logInto(s3: S3, Bucket: string, target: string): Promise<void> {
  await s3.putBucketPolicy({ Bucket: target, Policy: allowing(target) });
  const LoggingEnabled = { TargetBucket: target, TargetPrefix: "" };
  await s3.putBucketLogging({ Bucket, BucketLoggingStatus: { LoggingEnabled } });
}

// What tests of replication have in common: a server with a role that may replicate everything, and
// waiting for the worker without waiting for its intervals.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { ReplicationRule } from "@aws-sdk/client-s3";
import type { ProvisioningInput, ServerOptions } from "../../src/app.ts";
import { startTestServer, type TestServer } from "./test-server.ts";

export interface ReplicationServer extends TestServer {
  readonly role: string;
  /** Buckets with versioning, the second of which gets what happens in the first. */
  readonly newPair: (rule?: Partial<ReplicationRule>) => Promise<readonly [string, string]>;
  readonly replicate: (source: string, rules: readonly ReplicationRule[]) => Promise<void>;
  readonly statusOf: (
    Bucket: string,
    Key: string,
    VersionId?: string,
  ) => Promise<string | undefined>;
  /** Lets the worker do what there is to do now. */
  readonly work: () => Promise<Readonly<Record<string, number>>>;
}

export const replicationRole = {
  name: "replication",
  trustPolicy: {
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" },
    ],
  },
  inlinePolicies: {
    replicate: {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: [
            "s3:GetObjectVersionForReplication",
            "s3:GetObjectVersionAcl",
            "s3:GetObjectVersionTagging",
            "s3:ReplicateObject",
            "s3:ReplicateDelete",
            "s3:ReplicateTags",
            "s3:GetObjectVersionAnnotationForReplication",
            "s3:ReplicateObjectAnnotation",
            "s3:ObjectOwnerOverrideToBucketOwner",
            "kms:Decrypt",
            "kms:Encrypt",
            "kms:GenerateDataKey",
          ],
          Resource: "*",
        },
      ],
    },
  },
};

/** A user to declare on another server, who may do `actions` there to every bucket. */
export function userOfTarget(
  name: string,
  accessKey: { readonly accessKeyId: string; readonly secretAccessKey: string },
  actions: readonly string[],
): NonNullable<ProvisioningInput["users"]>[number] {
  return {
    name,
    accessKeys: [accessKey],
    inlinePolicies: {
      [name]: {
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }],
      },
    },
  };
}

/** A rule of the second schema for every key. */
export function ruleTo(target: string, changes: Partial<ReplicationRule> = {}): ReplicationRule {
  const { Destination, ...others } = changes;
  return {
    ID: target,
    Status: "Enabled",
    Priority: 1,
    Filter: {},
    DeleteMarkerReplication: { Status: "Disabled" },
    Destination: { Bucket: `arn:aws:s3:::${target}`, ...Destination },
    ...others,
  };
}

export async function startReplicationServer(
  options: ServerOptions = {},
): Promise<ReplicationServer> {
  const { provisioning, ...others } = options;
  const started = await startTestServer({
    ...others,
    provisioning: { roles: [replicationRole], ...provisioning },
  });
  const { s3, server, newBucket } = started;
  const role = `arn:aws:iam::${server.accountId}:role/replication`;
  const replicate: ReplicationServer["replicate"] = async (Bucket, rules) => {
    const ReplicationConfiguration = { Role: role, Rules: [...rules] };
    await s3.putBucketReplication({ Bucket, ReplicationConfiguration });
  };
  return {
    ...started,
    role,
    replicate,
    async newPair(rule = {}) {
      const source = await newBucket("Enabled");
      const target = await newBucket("Enabled");
      await replicate(source, [ruleTo(target, rule)]);
      return [source, target];
    },
    async statusOf(Bucket, Key, VersionId) {
      return (await s3.headObject({ Bucket, Key, VersionId })).ReplicationStatus;
    },
    work: () => server.runWorker("replication"),
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}

/** Asks again until it is so. */
export async function eventually(check: () => Promise<boolean>, what: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (await check()) return;
    await pause(25);
  }
  assert.fail(`never happened: ${what}`);
}

// Replication as administrators see it: the other servers that destinations are on, what waits, and
// resyncs of what existed before.

import { bucketNameOfArn } from "../../objects/replication-configuration.ts";
import type { ReplicationTarget } from "../../objects/replication-targets.ts";
import type { ResyncRecord } from "../../objects/replication-resyncs.ts";
import { compileReplication } from "../../objects/replication-rules.ts";
import type { JsonObject } from "../json/json-api.ts";
import {
  bucketArn,
  timeText,
  type ManagementActionTable,
  type ManagementCall,
} from "./management-action.ts";
import { invalid, ManagementError } from "./management-error.ts";

/** Targets are the server's, and not of any account. */
const everyTarget = { resource: "*" } as const;

export const replicationActions: ManagementActionTable<
  | "PutReplicationTarget"
  | "ListReplicationTargets"
  | "DeleteReplicationTarget"
  | "GetReplicationBacklog"
  | "StartReplicationResync"
  | "GetReplicationResync"
> = {
  PutReplicationTarget: {
    isForRootAccount: true,
    subject: () => everyTarget,
    async run(input, { dependencies }) {
      const target: ReplicationTarget = {
        bucketArn: input.BucketArn,
        endpoint: input.Url,
        region: input.UrlRegion ?? "us-east-1",
        accessKeyId: input.AccessKeyId,
        kind: input.Kind ?? "s3",
        ...(input.BucketName === undefined ? {} : { bucketName: input.BucketName }),
      };
      const secretAccessKey = input.SecretAccessKey.trim();
      const { objects, sealer } = dependencies;
      await objects.replicationTargets.set({ ...target, secretAccessKey }, sealer);
      return describeTarget(target);
    },
  },

  ListReplicationTargets: {
    isForRootAccount: true,
    subject: () => everyTarget,
    async run(_input, { dependencies }) {
      const targets = await dependencies.objects.replicationTargets.list();
      return { Targets: targets.map(describeTarget) };
    },
  },

  DeleteReplicationTarget: {
    isForRootAccount: true,
    subject: () => everyTarget,
    async run({ BucketArn }, { dependencies }) {
      if (await dependencies.objects.replicationTargets.delete(BucketArn)) return {};
      throw new ManagementError(
        "NoSuchEntityException",
        `There is no replication target ${BucketArn}.`,
      );
    },
  },

  GetReplicationBacklog: {
    subject: ({ Bucket }) => ({ resource: bucketArn(Bucket) }),
    async run({ Bucket }, call) {
      const bucket = await call.getBucket(Bucket);
      const destinations = await call.dependencies.replicationBacklog(bucket);
      return {
        Bucket,
        Destinations: destinations.map((each) => ({
          Destination: each.bucketArn,
          Waiting: each.waiting,
          Refused: each.refused,
          OldestAt: timeText(each.oldestMilliseconds),
          LastRefusal: each.lastRefusal,
          LastFailure: each.lastFailure,
        })),
      };
    },
  },

  StartReplicationResync: {
    subject: ({ Bucket }) => ({ resource: bucketArn(Bucket) }),
    async run({ Bucket, Destination, Scope }, call) {
      const { objects, clock } = call.dependencies;
      const bucket = await call.getBucket(Bucket);
      const known = await destinationsOf(Bucket, call);
      const chosen = Destination === undefined ? known : [arnOf(Destination)];
      const unknown = chosen.find((each) => !known.includes(each));
      if (unknown !== undefined) throw invalid(`Destination: ${Bucket} has no rule to ${unknown}`);
      const scope = Scope === "All" ? "all" : "missing";
      const started: JsonObject[] = [];
      for (const each of chosen) {
        const options = { scope, nowMilliseconds: clock.now() } as const;
        started.push(describeResync(await objects.replicationResyncs.start(bucket, each, options)));
      }
      objects.changes.announce();
      return { Bucket, Resyncs: started };
    },
  },

  GetReplicationResync: {
    subject: ({ Bucket }) => ({ resource: bucketArn(Bucket) }),
    async run({ Bucket }, call) {
      const { objects } = call.dependencies;
      const bucket = await call.getBucket(Bucket);
      const found = await Promise.all(
        (await destinationsOf(Bucket, call)).map((each) =>
          objects.replicationResyncs.find(bucket, each),
        ),
      );
      return { Bucket, Resyncs: found.filter((each) => each !== undefined).map(describeResync) };
    },
  },
};

/** Throws ManagementError for a bucket that replicates nothing. */
async function destinationsOf(name: string, call: ManagementCall): Promise<readonly string[]> {
  const { objects } = call.dependencies;
  const bucket = await call.getBucket(name);
  const rules = await objects.documents.get(bucket, "replication", compileReplication);
  if (rules === undefined) throw invalid(`Bucket: ${name} has no replication configuration`);
  return rules.destinations.map((each) => each.bucketArn);
}

/** A bucket's name does for its ARN. */
function arnOf(destination: string): string {
  return bucketNameOfArn(destination) === undefined ? bucketArn(destination) : destination;
}

function describeTarget(target: ReplicationTarget): JsonObject {
  return {
    BucketArn: target.bucketArn,
    Url: target.endpoint,
    UrlRegion: target.region,
    AccessKeyId: target.accessKeyId,
    Kind: target.kind,
    BucketName: target.bucketName,
  };
}

function describeResync(resync: ResyncRecord): JsonObject {
  return {
    Destination: resync.bucketArn,
    Status: resync.endedMilliseconds === undefined ? "Running" : "Queued",
    Scope: resync.scope === "all" ? "All" : "Missing",
    StartedAt: timeText(resync.startedMilliseconds),
    EndedAt: timeText(resync.endedMilliseconds),
    Examined: resync.examined,
    Queued: resync.queued,
  };
}

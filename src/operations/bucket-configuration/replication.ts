// GetBucketReplication, PutBucketReplication and DeleteBucketReplication. What the configuration does is
// done by the change log's route (objects/replication-route.ts) and the worker `replication`.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes, ReplicationConfiguration } from "../../model/types.generated.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import {
  accountOfRole,
  bucketNameOfArn,
  checkReplication,
} from "../../objects/replication-configuration.ts";
import { formatReplication, parseReplication } from "../../objects/replication-rules.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { Operation, OperationContext } from "../operation.ts";

type Get = OperationTypes["GetBucketReplication"];
type Put = OperationTypes["PutBucketReplication"];
type Delete = OperationTypes["DeleteBucketReplication"];

export const getBucketReplication: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const bucket = await store.buckets.get(input.Bucket);
  const ReplicationConfiguration = await store.documents.get(
    bucket,
    "replication",
    parseReplication,
  );
  if (ReplicationConfiguration === undefined) {
    throw new S3Error("ReplicationConfigurationNotFoundError", {
      fields: { BucketName: bucket.name },
    });
  }
  return { ReplicationConfiguration };
};

/**
 * The token that S3's support once gave out for buckets with object lock is accepted, and not needed
 * any more (User Guide, "Using S3 Object Lock with S3 Replication").
 */
export const putBucketReplication: Operation<Put["input"], Put["output"]> = async (
  input,
  context,
) => {
  const { store, access, caller } = context;
  const { Role } = input.ReplicationConfiguration;
  const account = accountOfRole(Role);
  // A role is never given across accounts, whatever policies say ("Grant a user permissions to pass a
  // role", IAM User Guide).
  if (caller.kind === "anonymous" || caller.accountId !== account) {
    throw new S3Error("AccessDenied");
  }
  access.demandPassRole(Role);
  const configuration = checkReplication(input.ReplicationConfiguration, input.Bucket);
  const isReady = (await store.buckets.get(input.Bucket)).versioning === "Enabled";
  if (!isReady) throw unversioned(input.Bucket);
  const destinations = new Set(configuration.Rules.map(({ Destination: { Bucket } }) => Bucket));
  for (const bucketArn of destinations) await checkDestination(bucketArn, store);
  const text = formatReplication(configuration);
  const bucket = await store.documents.set(input.Bucket, "replication", text, (before) => {
    if (before.versioning !== "Enabled") throw unversioned(input.Bucket);
    return before;
  });
  await sendExisting(bucket, configuration, context);
  return {};
};

export const deleteBucketReplication: Operation<Delete["input"], Delete["output"]> = async (
  input,
  { store },
) => {
  await store.documents.set(input.Bucket, "replication", undefined);
  return {};
};

/** A rule that asks for existing objects begins with them. */
async function sendExisting(
  bucket: BucketRecord,
  { Rules }: ReplicationConfiguration,
  { store, clock }: OperationContext,
): Promise<void> {
  const asking = Rules.filter(
    ({ Status, ExistingObjectReplication: existing }) =>
      Status === "Enabled" && existing?.Status === "Enabled",
  );
  for (const bucketArn of new Set(asking.map(({ Destination: { Bucket } }) => Bucket))) {
    const options = { scope: "missing", nowMilliseconds: clock.now() } as const;
    await store.replicationResyncs.start(bucket, bucketArn, options);
  }
  if (asking.length > 0) store.changes.announce();
}

/** Of a bucket on another server nothing is known here: its copies fail until it is as it must be. */
async function checkDestination(bucketArn: string, store: ObjectStore): Promise<void> {
  if ((await store.replicationTargets.find(bucketArn)) !== undefined) return;
  const bucket = await store.buckets.find(bucketNameOfArn(bucketArn) ?? "");
  if (bucket === undefined) {
    throw new S3Error("InvalidRequest", { message: "Destination bucket must exist." });
  }
  if (bucket.versioning !== "Enabled") {
    throw new S3Error("InvalidRequest", {
      message: "Destination bucket must have versioning enabled.",
    });
  }
}

function unversioned(bucketName: string): S3Error {
  return new S3Error("InvalidRequest", {
    message: "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
    fields: { BucketName: bucketName },
  });
}

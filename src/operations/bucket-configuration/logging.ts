// PutBucketLogging and GetBucketLogging: where records of the requests of a bucket are delivered. What
// is written down, and by whom: objects/access-log.ts, background/access-log-worker.ts.

import { hasAclsDisabled } from "../../access/acl/effective-acl.ts";
import { readPolicyGrants } from "../../access/acl/grant-headers.ts";
import { resolveGrants } from "../../access/acl/resolve-grants.ts";
import { compileBucketPolicy } from "../../access/bucket-policy.ts";
import { isLogDeliveryGranted, judgeDelivery } from "../../access/service-delivery.ts";
import type { AclGrant } from "../../model/access-control-list.ts";
import { S3Error } from "../../model/errors.ts";
import type {
  LoggingEnabled,
  OperationTypes,
  TargetGrant,
  TargetObjectKeyFormat,
} from "../../model/types.generated.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { LoggingSettings } from "../../objects/records/logging-record.ts";
import type { Operation, OperationContext } from "../operation.ts";

type Get = OperationTypes["GetBucketLogging"];
type Put = OperationTypes["PutBucketLogging"];

const permissions: readonly (string | undefined)[] = ["FULL_CONTROL", "READ", "WRITE"];

export const getBucketLogging: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const { logging } = await store.buckets.get(input.Bucket);
  return logging === undefined ? {} : { LoggingEnabled: describe(logging) };
};

export const putBucketLogging: Operation<Put["input"], Put["output"]> = async (input, context) => {
  const { LoggingEnabled: enabled } = input.BucketLoggingStatus;
  const logging = enabled && (await readSettings(input.Bucket, enabled, context));
  await context.store.buckets.update(input.Bucket, (bucket) => {
    const { logging: _, ...others } = bucket;
    return logging === undefined ? others : { ...others, logging };
  });
  return {};
};

/** Throws S3Error InvalidTargetBucketForLogging, MalformedXML and those of grants. */
async function readSettings(
  bucketName: string,
  enabled: LoggingEnabled,
  context: OperationContext,
): Promise<LoggingSettings> {
  const { TargetBucket, TargetPrefix, TargetGrants = [], TargetObjectKeyFormat: format } = enabled;
  const keyFormat = format && readKeyFormat(format);
  const bucket = await context.store.buckets.get(bucketName);
  const target = await findTarget(TargetBucket, context);
  checkTarget(bucket, target, TargetGrants);
  const settings = { targetBucket: TargetBucket, targetPrefix: TargetPrefix };
  await checkDelivery(bucket, target, TargetPrefix, context);
  const grants = await readGrants(TargetGrants, context);
  return {
    ...settings,
    ...(grants.length === 0 ? {} : { grants }),
    ...(keyFormat === undefined ? {} : { keyFormat }),
  };
}

async function findTarget(name: string, { store }: OperationContext): Promise<BucketRecord> {
  try {
    return await store.buckets.get(name);
  } catch (error) {
    if (!(error instanceof S3Error) || error.code !== "NoSuchBucket") throw error;
    throw refusal(name, "The target bucket for logging does not exist");
  }
}

/**
 * Messages as the service gives them (zalando-stups/sevenseconds#29, s3tools/s3cmd#614); the rules are
 * those of "Logging requests with server access logging" (User Guide): same account, no default
 * retention, no Requester Pays, and no target grants where access control lists are disabled.
 */
function checkTarget(
  bucket: BucketRecord,
  target: BucketRecord,
  grants: readonly TargetGrant[],
): void {
  if (target.ownerAccountId !== bucket.ownerAccountId) {
    throw refusal(
      target.name,
      "The owner for the bucket to be logged and the target bucket must be the same.",
    );
  }
  if (target.defaultLock !== undefined) {
    throw refusal(
      target.name,
      "The target bucket must not have an object lock default retention period.",
    );
  }
  if (target.requestPayer !== undefined) {
    throw refusal(target.name, "The target bucket must not have Requester Pays enabled.");
  }
  if (grants.length > 0 && hasAclsDisabled(target)) {
    throw new S3Error("AccessControlListNotSupported");
  }
}

/** A target without access control lists is taken as it is: its policy may come later. */
async function checkDelivery(
  bucket: BucketRecord,
  target: BucketRecord,
  key: string,
  { store, clock }: OperationContext,
): Promise<void> {
  if (hasAclsDisabled(target) || isLogDeliveryGranted(target.acl)) return;
  const policy = await store.documents.get(target, "policy", compileBucketPolicy);
  const delivery = {
    service: "logging.s3.amazonaws.com",
    bucketName: target.name,
    key,
    sourceBucket: bucket.name,
    sourceAccount: bucket.ownerAccountId,
  };
  if (judgeDelivery(policy, delivery, clock) === true) return;
  throw refusal(
    target.name,
    "You must give the log-delivery group WRITE and READ_ACP permissions to the target bucket",
  );
}

async function readGrants(
  targetGrants: readonly TargetGrant[],
  { accounts }: OperationContext,
): Promise<readonly AclGrant[]> {
  const isKnown = targetGrants.every(({ Permission }) => permissions.includes(Permission));
  if (!isKnown) throw new S3Error("MalformedXML");
  return resolveGrants(readPolicyGrants({ Grants: targetGrants }), accounts);
}

/** One of the two, and nothing else in the partitioned one than where its date comes from. */
function readKeyFormat(format: TargetObjectKeyFormat): LoggingSettings["keyFormat"] {
  const { SimplePrefix, PartitionedPrefix } = format;
  if ((SimplePrefix === undefined) === (PartitionedPrefix === undefined)) {
    throw new S3Error("MalformedXML");
  }
  if (PartitionedPrefix === undefined) return "simple";
  switch (PartitionedPrefix.PartitionDateSource) {
    case undefined:
      return "partitioned";
    case "EventTime":
      return "by-event-time";
    case "DeliveryTime":
      return "by-delivery-time";
    default:
      throw new S3Error("MalformedXML");
  }
}

function describe({
  targetBucket,
  targetPrefix,
  grants,
  keyFormat,
}: LoggingSettings): LoggingEnabled {
  return {
    TargetBucket: targetBucket,
    TargetPrefix: targetPrefix,
    ...(grants === undefined ? {} : { TargetGrants: grants.map(describeGrant) }),
    ...(keyFormat === undefined ? {} : { TargetObjectKeyFormat: describeKeyFormat(keyFormat) }),
  };
}

function describeGrant({ grantee, permission }: AclGrant): TargetGrant {
  return {
    Grantee:
      grantee.kind === "group"
        ? { Type: "Group", URI: grantee.uri }
        : { Type: "CanonicalUser", ID: grantee.id, DisplayName: grantee.displayName },
    // Checked when it was put.
    Permission: permission as TargetGrant["Permission"],
  };
}

function describeKeyFormat(
  format: NonNullable<LoggingSettings["keyFormat"]>,
): TargetObjectKeyFormat {
  switch (format) {
    case "simple":
      return { SimplePrefix: {} };
    case "partitioned":
      return { PartitionedPrefix: {} };
    case "by-event-time":
      return { PartitionedPrefix: { PartitionDateSource: "EventTime" } };
    default:
      return { PartitionedPrefix: { PartitionDateSource: "DeliveryTime" } };
  }
}

function refusal(TargetBucket: string, message: string): S3Error {
  return new S3Error("InvalidTargetBucketForLogging", { message, fields: { TargetBucket } });
}

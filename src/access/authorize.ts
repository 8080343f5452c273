// The stage that lets a request in: the demands of its operation, and those of the headers that ask for
// more than the operation itself (an access control list, tags, a retention).

import { S3Error } from "../model/errors.ts";
import type { OperationName } from "../model/types.generated.ts";
import { findBucketOfArn } from "./policy/arn-pattern.ts";
import { operationRules, type OperationRule } from "./operation-rules.ts";
import type { AccessDemand } from "./request-access.ts";
import type { RequestAuthorization } from "./request-authorization.ts";

/** An operation's input, as far as authorization looks at it. */
export interface AuthorizedInput {
  readonly [member: string]: unknown;
}

/**
 * What s3:ListAllMyBuckets is about: policies may say `*`, and AWS's own examples say this ("Controlling
 * access to a bucket with user policies", User Guide).
 */
export const everyBucket = "arn:aws:s3:::*";

/** Throws S3Error AccessDenied, NoSuchBucket. */
export function authorize(
  operation: OperationName,
  input: AuthorizedInput,
  access: RequestAuthorization,
): Promise<void> | undefined {
  const rule = operationRules[operation];
  if (rule === undefined) return undefined;
  const arn = input["ResourceArn"] as string | undefined;
  const bucketName =
    arn === undefined ? (input["Bucket"] as string | undefined) : findBucketOfArn(arn);
  if (rule.on === "service" || bucketName === undefined) {
    // Of a resource that is no bucket nothing is known but what the caller's own policies say.
    access.demandService(rule.action, arn ?? everyBucket);
    return undefined;
  }
  if (operation === "CreateBucket") {
    demandCreation(input, bucketName, access);
    return undefined;
  }
  const versionId = input["VersionId"] as string | undefined;
  const key = rule.on === "object" ? (input["Key"] as string) : undefined;
  // Removing a version for good is no replication, whatever the request says.
  const removesVersion = operation === "DeleteObject" && versionId !== undefined;
  if (key !== undefined && input["Replica"] !== undefined && !removesVersion) {
    return demandReplication(operation, { bucketName, key }, input, access);
  }
  const demand = demandOf(operation, rule, { bucketName, key, versionId });
  if (!mayDemandMore.has(operation)) {
    return access.admitsPlainly(demand) ? undefined : access.demand(demand);
  }
  return access.demand(demand).then(() => demandExtras(operation, input, bucketName, access));
}

/**
 * What another Holdfast asks in the name of a replication: actions that nobody has who may only write.
 * "Setting up permissions for live replication" (User Guide) names them.
 */
async function demandReplication(
  operation: OperationName,
  place: { readonly bucketName: string; readonly key: string },
  input: AuthorizedInput,
  access: RequestAuthorization,
): Promise<void> {
  switch (operation) {
    case "DeleteObject":
      return access.demand({ ...place, action: "s3:ReplicateDelete" });
    case "PutObjectTagging":
    case "DeleteObjectTagging":
      return access.demand({ ...place, action: "s3:ReplicateTags" });
    case "PutObjectAnnotation":
    case "DeleteObjectAnnotation":
      return access.demand({ ...place, action: "s3:ReplicateObjectAnnotation" });
    default:
      await access.demand({ ...place, action: "s3:ReplicateObject" });
  }
  if (input["Tagging"] !== undefined) {
    await access.demand({ ...place, action: "s3:ReplicateTags" });
  }
}

/** What an operation demands of its bucket or object before it runs. */
export function demandOf(
  operation: OperationName,
  rule: OperationRule,
  { bucketName, key, versionId }: DemandedPlace,
): AccessDemand {
  const isVersioned = versionId !== undefined && rule.versionAction !== undefined;
  const deletesVersion = isVersioned && operation === "DeleteObject";
  return {
    action: (isVersioned ? rule.versionAction : rule.action) as AccessDemand["action"],
    bucketName,
    ...(key === undefined ? {} : { key, versionId }),
    // A list gives the deletion of an object; a version's is given by policies alone.
    ...(rule.acl === undefined || deletesVersion ? {} : { acl: rule.acl }),
  };
}

export interface DemandedPlace {
  readonly bucketName: string;
  readonly key?: string | undefined;
  readonly versionId?: string | undefined;
}

const mayDemandMore: ReadonlySet<OperationName> = new Set([
  "PutObject",
  "CopyObject",
  "CreateMultipartUpload",
  "GetObjectAttributes",
]);

/** Actions that headers of an upload ask for beside s3:PutObject. */
const uploads: ReadonlySet<OperationName> = new Set([
  "PutObject",
  "CopyObject",
  "CreateMultipartUpload",
]);

async function demandExtras(
  operation: OperationName,
  input: AuthorizedInput,
  bucketName: string,
  access: RequestAuthorization,
): Promise<void> {
  const key = input["Key"] as string;
  if (operation === "GetObjectAttributes") {
    const versionId = input["VersionId"] as string | undefined;
    const action =
      versionId === undefined ? "s3:GetObjectAttributes" : "s3:GetObjectVersionAttributes";
    await access.demand({
      action,
      bucketName,
      key,
      versionId,
      acl: { of: "object", permission: "READ" },
    });
    return;
  }
  if (!uploads.has(operation)) return;
  for (const action of uploadActions(input)) {
    // What a list lets somebody write, it lets them write with these headers.
    const acl = { of: "bucket", permission: "WRITE" } as const;
    await access.demand({ action, bucketName, key, acl });
  }
}

/** The actions that the members of an upload ask for beside s3:PutObject. */
export function uploadActions(input: AuthorizedInput): readonly `s3:${string}`[] {
  const actions: `s3:${string}`[] = [];
  if (aclMembers.some((member) => input[member] !== undefined)) actions.push("s3:PutObjectAcl");
  if (input["Tagging"] !== undefined) actions.push("s3:PutObjectTagging");
  const asksRetention =
    input["ObjectLockMode"] ?? input["ObjectLockRetainUntilDate"] ?? input["ObjectLockEventHold"];
  if (asksRetention !== undefined) {
    actions.push("s3:PutObjectRetention");
  }
  if (input["ObjectLockLegalHoldStatus"] !== undefined) actions.push("s3:PutObjectLegalHold");
  return actions;
}

const aclMembers = [
  "ACL",
  "GrantFullControl",
  "GrantRead",
  "GrantReadACP",
  "GrantWrite",
  "GrantWriteACP",
] as const;

/** CreateBucket, "Permissions" (API reference). */
function demandCreation(
  input: AuthorizedInput,
  bucketName: string,
  access: RequestAuthorization,
): void {
  const resource = `arn:aws:s3:::${bucketName}`;
  const actions = ["s3:CreateBucket"];
  if (aclMembers.some((member) => input[member] !== undefined)) actions.push("s3:PutBucketAcl");
  if (input["ObjectLockEnabledForBucket"] === true) {
    actions.push("s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning");
  }
  if (input["ObjectOwnership"] !== undefined) actions.push("s3:PutBucketOwnershipControls");
  const configuration = input["CreateBucketConfiguration"] as
    | { readonly Tags?: readonly unknown[] }
    | undefined;
  if ((configuration?.Tags ?? []).length > 0) actions.push("s3:TagResource");
  for (const action of actions) access.demandService(action, resource);
}

/** An anonymous caller gets no answer of an operation that is not there: it learns nothing. */
export function refuseStranger(isAnonymous: boolean): void {
  if (isAnonymous) throw new S3Error("AccessDenied");
}

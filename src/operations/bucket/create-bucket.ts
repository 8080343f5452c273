// CreateBucket: with the rules of regions, ownership, object lock and tags.

import { S3Error } from "../../model/errors.ts";
import { newBucketEncryption } from "../bucket-configuration/encryption.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { enumerations } from "../../model/types.generated.ts";
import { withAcl } from "../bucket-configuration/acl.ts";
import { notImplemented } from "../object/refused-settings.ts";
import { checkTags } from "../object/tag-set.ts";
import type { Operation } from "../operation.ts";
import { checkNewBucketName } from "./bucket-name.ts";
import { readNewBucketAccess } from "./new-bucket-access.ts";

type Input = OperationTypes["CreateBucket"]["input"];
type Output = OperationTypes["CreateBucket"]["output"];

const defaultRegion = "us-east-1";

export const createBucket: Operation<Input, Output> = async (input, context) => {
  const { store, region, caller } = context;
  if (caller.kind === "anonymous") throw new S3Error("AccessDenied");
  checkNewBucketName(input.Bucket);
  if (input.BucketNamespace !== undefined && input.BucketNamespace !== "global") {
    throw notImplemented("x-amz-bucket-namespace");
  }
  const { LocationConstraint, Location, Bucket, Tags = [] } = input.CreateBucketConfiguration ?? {};
  if (Location !== undefined || Bucket !== undefined) {
    throw new S3Error("NotImplemented", { message: "Directory buckets are not implemented" });
  }
  const constraint = parseLocation(LocationConstraint, region);
  const access = await readNewBucketAccess(input, caller, context);
  const tags = Tags.map((tag) => [tag.Key, tag.Value] as const);
  checkTags(tags, "bucket");
  const objectLockEnabled = input.ObjectLockEnabledForBucket === true;
  const { created, record } = await store.buckets.create({
    name: input.Bucket,
    region,
    ...(constraint === undefined ? {} : { locationConstraint: constraint }),
    ownerId: caller.canonicalId,
    ownerName: caller.displayName,
    ownerAccountId: caller.accountId,
    // Object lock works on versions, so it turns versioning on.
    versioning: objectLockEnabled ? "Enabled" : "Unversioned",
    objectLockEnabled,
    ...access,
    tags,
    ...newBucketEncryption(context),
  });
  if (!created) {
    if (record.ownerId !== caller.canonicalId) {
      throw new S3Error("BucketAlreadyExists", { fields: { BucketName: input.Bucket } });
    }
    // S3's oldest region answers 200 for one's own bucket, every other one an error.
    if (region !== defaultRegion) {
      throw new S3Error("BucketAlreadyOwnedByYou", { fields: { BucketName: input.Bucket } });
    }
    // There it also "resets the bucket access control lists" (Error responses, API reference).
    await store.buckets.update(input.Bucket, (bucket) => withAcl(bucket, access.acl));
  }
  const location = constraint === undefined ? `/${input.Bucket}` : `${context.resourceUrl}/`;
  return { Location: location, BucketArn: `arn:aws:s3:::${input.Bucket}` };
};

/** The constraint to keep; `undefined` in the default region. Throws S3Error. */
function parseLocation(constraint: string | undefined, region: string): string | undefined {
  if (constraint === undefined || constraint === "") {
    if (region === defaultRegion) return undefined;
    throw new S3Error("IllegalLocationConstraintException");
  }
  // The default region cannot be named there (github.com/velero-io/velero/issues/284).
  if (constraint === region && region !== defaultRegion) return constraint;
  if (constraint === "EU" && region === "eu-west-1") return constraint;
  const known: readonly string[] = enumerations.BucketLocationConstraint;
  const isNamedDefault = constraint === defaultRegion && region !== defaultRegion;
  if (known.includes(constraint) || isNamedDefault) {
    throw new S3Error("IllegalLocationConstraintException", {
      message: `The ${constraint} location constraint is incompatible for the region specific endpoint this request was sent to.`,
    });
  }
  throw new S3Error("InvalidLocationConstraint", { fields: { LocationConstraint: constraint } });
}

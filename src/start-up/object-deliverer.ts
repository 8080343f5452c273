// Writes objects in the name of a service: the bucket is asked as for a stranger's upload, and then the
// upload is one of the bucket's own account.

import { compileBucketPolicy } from "../access/bucket-policy.ts";
import { hasAclsDisabled } from "../access/acl/effective-acl.ts";
import { isLogDeliveryGranted, judgeDelivery } from "../access/service-delivery.ts";
import type { ObjectDeliverer, ObjectDelivery } from "../background/object-delivery.ts";
import type { AclGrants, AclPermission } from "../model/access-control-list.ts";
import { S3Error } from "../model/errors.ts";
import type { PutObjectInput, PutObjectOutput } from "../model/types.generated.ts";
import type { BucketRecord } from "../objects/records/bucket-record.ts";
import type { AccountId, CanonicalId, IdentifiedCaller } from "../access/caller.ts";
import { rootArn } from "../access/identities/identity-names.ts";
import { createOperationRunner } from "../protocol/internal-operations.ts";
import type { ContextDependencies } from "../protocol/operation-context.ts";

export function createObjectDeliverer(dependencies: ContextDependencies): ObjectDeliverer {
  const run = createOperationRunner(dependencies);
  return {
    async deliver(delivery) {
      const { bucketName, key, body, lengthBytes, signal } = delivery;
      const bucket = await dependencies.store.buckets.get(bucketName);
      await demandDelivery(bucket, delivery, dependencies);
      const input: PutObjectInput = {
        Bucket: bucketName,
        Key: key,
        ContentType: delivery.contentType,
        ServerSideEncryption: delivery.encryption?.algorithm,
        SSEKMSKeyId: delivery.encryption?.keyId,
        ...(hasAclsDisabled(bucket) ? {} : grantHeaders(bucket, delivery.grants)),
      };
      const caller = rootOfBucket(bucket);
      // The members of a typed input are those that a decoder would make.
      const upload = { body, lengthBytes, signal };
      const output = (await run("PutObject", { ...input }, caller, upload)) as PutObjectOutput;
      return { etag: (output.ETag ?? "").replaceAll('"', "") };
    },
  };
}

/** Throws S3Error AccessDenied. */
async function demandDelivery(
  bucket: BucketRecord,
  delivery: ObjectDelivery,
  { store, clock }: ContextDependencies,
): Promise<void> {
  const policy = await store.documents.get(bucket, "policy", compileBucketPolicy);
  const headers = { "x-amz-acl": "bucket-owner-full-control" };
  const judged = judgeDelivery(policy, { ...delivery, headers }, clock);
  if (judged === true) return;
  const byAcl =
    judged === undefined &&
    delivery.service === "logging.s3.amazonaws.com" &&
    !hasAclsDisabled(bucket) &&
    isLogDeliveryGranted(bucket.acl);
  if (!byAcl) throw new S3Error("AccessDenied");
}

/** Who owns the bucket has full control; WRITE on an object means nothing and has no header. */
function grantHeaders(
  { ownerId }: BucketRecord,
  grants: AclGrants = [],
): Pick<PutObjectInput, "GrantFullControl" | "GrantRead"> {
  if (grants.length === 0) return {};
  const name = (permission: AclPermission): string =>
    grants
      .filter((grant) => grant.permission === permission)
      .map(({ grantee }) =>
        grantee.kind === "group" ? `uri="${grantee.uri}"` : `id="${grantee.id}"`,
      )
      .join(", ");
  const read = name("READ");
  const control = name("FULL_CONTROL");
  return {
    GrantFullControl: control === "" ? `id="${ownerId}"` : `id="${ownerId}", ${control}`,
    ...(read === "" ? {} : { GrantRead: read }),
  };
}

function rootOfBucket(bucket: BucketRecord): IdentifiedCaller {
  const accountId = bucket.ownerAccountId as AccountId; // the record's own
  return {
    kind: "identified",
    accessKeyId: "",
    accountId,
    canonicalId: bucket.ownerId as CanonicalId, // the record's own
    displayName: bucket.ownerName,
    principal: { kind: "root", arn: rootArn(accountId), userId: accountId },
  };
}

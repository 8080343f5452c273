// Put-, Get- and DeleteBucketPolicy, and whether a policy lets in everybody. The root of the owner's
// account may always do these three, so that nobody locks a bucket for good; that rule is
// authorization's.

import { compileBucketPolicy } from "../../access/bucket-policy.ts";
import type { BucketPolicy } from "../../access/bucket-policy.ts";
import { parsePolicy } from "../../access/policy/policy-document.ts";
import { PolicySyntaxError } from "../../access/policy/policy-syntax-error.ts";
import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { Operation, OperationContext } from "../operation.ts";

type Get = OperationTypes["GetBucketPolicy"];
type Put = OperationTypes["PutBucketPolicy"];
type Delete = OperationTypes["DeleteBucketPolicy"];
type Status = OperationTypes["GetBucketPolicyStatus"];

export const getBucketPolicy: Operation<Get["input"], Get["output"]> = async (input, context) => {
  const { store } = context;
  const bucket = await store.buckets.get(input.Bucket);
  checkOwnAccount(bucket, context);
  const text = await store.documents.getText(bucket, "policy");
  if (text === undefined) throw new S3Error("NoSuchBucketPolicy");
  return { Policy: text };
};

export const putBucketPolicy: Operation<Put["input"], Put["output"]> = async (input, context) => {
  const { store, access } = context;
  const bucket = await store.buckets.get(input.Bucket);
  checkOwnAccount(bucket, context);
  const policy = parse(input.Policy, input.Bucket);
  await checkPrincipals(input.Policy, context);
  const block = await access.publicAccessBlockOf(input.Bucket);
  if (block?.blockPublicPolicy === true && policy.isPublic(input.Bucket)) {
    throw new S3Error("AccessDenied", {
      message:
        "User is not authorized to perform: s3:PutBucketPolicy because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
    });
  }
  if (input.ConfirmRemoveSelfBucketAccess !== true) {
    const keeps = await access.wouldAllow(policy.compiled, {
      action: "s3:PutBucketPolicy",
      bucketName: input.Bucket,
    });
    if (!keeps) {
      throw new S3Error("AccessDenied", {
        message:
          "The new bucket policy will not allow you to update the bucket policy in the future. Set ConfirmRemoveSelfBucketAccess to put it nevertheless.",
      });
    }
  }
  await store.documents.set(input.Bucket, "policy", input.Policy);
  return {};
};

export const deleteBucketPolicy: Operation<Delete["input"], Delete["output"]> = async (
  input,
  context,
) => {
  const { store } = context;
  checkOwnAccount(await store.buckets.get(input.Bucket), context);
  await store.documents.set(input.Bucket, "policy", undefined);
  return {};
};

export const getBucketPolicyStatus: Operation<Status["input"], Status["output"]> = async (
  input,
  { store },
) => {
  const bucket = await store.buckets.get(input.Bucket);
  const policy = await store.documents.get(bucket, "policy", compileBucketPolicy);
  if (policy === undefined) throw new S3Error("NoSuchBucketPolicy");
  return { PolicyStatus: { IsPublic: policy.isPublic(input.Bucket) } };
};

/** Throws S3Error MalformedPolicy with what is wrong. */
function parse(text: string, bucketName: string): BucketPolicy {
  try {
    parsePolicy(text, "bucket", { bucketName });
    return compileBucketPolicy(text);
  } catch (error) {
    if (!(error instanceof PolicySyntaxError)) throw error;
    throw new S3Error("MalformedPolicy", { message: error.message });
  }
}

/** S3 refuses a policy that names somebody who is not there, and does not say whom. */
async function checkPrincipals(text: string, { accounts }: OperationContext): Promise<void> {
  const { statements } = parsePolicy(text, "bucket");
  const entries = statements.flatMap(({ principals }) => principals?.entries ?? []);
  for (const { type, value } of entries) {
    const isKnown =
      type === "CanonicalUser"
        ? (await accounts.findByCanonicalId(value)) !== undefined
        : type !== "AWS" || (await isKnownPrincipal(value, accounts));
    if (!isKnown) throw new S3Error("MalformedPolicy", { message: "Invalid principal in policy" });
  }
}

async function isKnownPrincipal(
  value: string,
  accounts: OperationContext["accounts"],
): Promise<boolean> {
  if (value === "*") return true;
  const accountId = /^(?:arn:aws[\w-]*:iam::)?(\d{12})(?::root)?$/.exec(value)?.[1];
  if (accountId !== undefined) return (await accounts.findById(accountId)) !== undefined;
  // A unique id is what S3 leaves of a principal that was deleted; it lets in nobody.
  return value.startsWith("arn:") ? accounts.hasPrincipal(value) : true;
}

/** With the permission but from another account: 405 (PutBucketPolicy, API reference). */
function checkOwnAccount(bucket: BucketRecord, { caller }: OperationContext): void {
  if (caller.kind === "identified" && caller.accountId === bucket.ownerAccountId) return;
  throw new S3Error("MethodNotAllowed", {
    fields: { Method: "GET", ResourceType: "BUCKETPOLICY" },
  });
}

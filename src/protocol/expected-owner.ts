// `x-amz-expected-bucket-owner`: the client names the account that it believes owns the bucket. One
// check for every operation that has the header.

import { S3Error } from "../model/errors.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { OperationInput } from "./decode-input.ts";

/** Whether the client expects anything: most do not, and need no look at the bucket. */
export function expectsOwner(input: OperationInput): boolean {
  return input["ExpectedBucketOwner"] !== undefined && input["Bucket"] !== undefined;
}

/** Throws S3Error. */
export async function checkExpectedOwner(
  input: OperationInput,
  store: Pick<ObjectStore, "buckets">,
): Promise<void> {
  const expected = input["ExpectedBucketOwner"] as string;
  if (!/^\d{12}$/.test(expected)) throw new S3Error("InvalidBucketOwnerAWSAccountID");
  const { ownerAccountId } = await store.buckets.get(input["Bucket"] as string);
  if (ownerAccountId !== expected) throw new S3Error("AccessDenied");
}

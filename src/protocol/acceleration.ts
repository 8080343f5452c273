// The accelerate endpoint, `bucket.s3-accelerate.DOMAIN`: there is no other way to the data here, but
// clients that are told to use it find what S3 has there, and what it refuses. Messages as seen on the
// service; the reference lists them under InvalidRequest.

import { S3Error } from "../model/errors.ts";
import type { OperationDefinition } from "../model/operation-table.ts";
import type { OperationName } from "../model/types.generated.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { Address } from "./address.ts";

/**
 * "All operations … except: GET Service (list buckets), PUT Bucket (create bucket), DELETE Bucket" (User
 * Guide, "Requirements for using Amazon S3 Transfer Acceleration"); the first names no bucket anyway.
 */
const unacceleratedOperations: ReadonlySet<OperationName> = new Set([
  "CreateBucket",
  "DeleteBucket",
]);

/** Throws S3Error InvalidRequest, MethodNotAllowed, NoSuchBucket. */
export async function checkAcceleration(
  { virtualHostBucket }: Address,
  { name, method }: OperationDefinition,
  store: ObjectStore,
): Promise<void> {
  if (virtualHostBucket === undefined) {
    throw refuse("S3 Transfer Accelerate endpoint only supports virtual style requests");
  }
  if (unacceleratedOperations.has(name)) {
    throw new S3Error("MethodNotAllowed", { fields: { Method: method, ResourceType: "BUCKET" } });
  }
  const { acceleration } = await store.buckets.get(virtualHostBucket);
  if (acceleration === undefined) {
    throw refuse("S3 Transfer Acceleration is not configured on this bucket");
  }
  if (acceleration === "Suspended") {
    throw refuse("S3 Transfer Acceleration is disabled on this bucket");
  }
}

function refuse(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}

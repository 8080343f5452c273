// What S3 calls the sub-resources in its refusals, and how it treats those of a bucket that are asked
// of a key. Reported for the service; no document says it.

import type { ErrorCode } from "../model/errors.ts";
import type { Level } from "../model/operation-table.ts";

/**
 * Bucket sub-resources that S3 answers at a key's path as it does at the bucket's. It ignores the
 * others there and answers for the key.
 */
export const bucketSelectorsOfKeys: ReadonlySet<string> = new Set([
  "accelerate",
  "cors",
  "delete",
  "inventory",
  "lifecycle",
  "location",
  "logging",
  "notification",
  "policy",
  "replication",
  "requestPayment",
  "versioning",
  "versions",
  "website",
]);

/** Those of them that S3 refuses with words of their own. */
export const keyRefusals: Readonly<Record<string, { code: ErrorCode; message: string }>> = {
  logging: {
    code: "NoLoggingStatusForKey",
    message: "There is no such thing as the ?logging sub-resource for a key",
  },
  versions: {
    code: "InvalidRequest",
    message: "There is no such thing as the ?versions sub-resource for a key",
  },
};

/** Sub-resources of objects that count at a bucket's path too, only to be refused. */
export const selectorsByAnotherName: Readonly<Record<Level, readonly string[]>> = {
  service: [],
  bucket: ["restore", "torrent", "uploadId"],
  object: [],
};

/** The ResourceType of MethodNotAllowed. */
export function resourceTypeOf(level: Level, selector: string): string {
  if (selector === "") return level.toUpperCase();
  if (level === "object" && selector === "tagging") return "OBJECT_TAGGING";
  return resourceTypes[selector] ?? selector.replaceAll("-", "_").toUpperCase();
}

const resourceTypes: Readonly<Record<string, string>> = {
  abac: "BUCKET_ABAC",
  annotation: "OBJECT_ANNOTATIONS",
  attributes: "OBJECT_ATTRIBUTES",
  delete: "MULTI_OBJECT_DELETE",
  "legal-hold": "OBJECT_LOCK_LEGALHOLD",
  logging: "LOGGING_STATUS",
  metadataConfiguration: "BUCKET_METADATA_CONFIGURATION",
  metadataTable: "BUCKET_METADATA_TABLE_CONFIGURATION",
  "object-lock": "OBJECT_LOCK_CONFIGURATION",
  ownershipControls: "OWNERSHIP_CONTROLS",
  policy: "BUCKETPOLICY",
  policyStatus: "POLICY_STATUS",
  publicAccessBlock: "PUBLIC_ACCESS_BLOCK",
  requestPayment: "REQUEST_PAYMENT",
  retention: "OBJECT_LOCK_RETENTION",
  uploadId: "UPLOAD",
  versions: "BUCKETVERSIONS",
};

// What the operations on annotations have in common.

import { S3Error } from "../../model/errors.ts";
import type { ObjectEncryption, ObjectRecord } from "../../objects/records/object-record.ts";
import { replicationStatusOf } from "../../objects/replication-rules.ts";

/**
 * "Annotations inherit the encryption of their parent object. For objects without server-side encryption,
 * annotations are encrypted with SSE-S3" (Reference, PutObjectAnnotation).
 */
export function annotationEncryption(encryption: ObjectEncryption | undefined): string {
  return encryption === undefined || encryption.kind === "SSE-C" ? "AES256" : encryption.kind;
}

/** An annotation goes where its version goes: the state of one is that of all. */
export function annotationReplication({ replication }: ObjectRecord): string | undefined {
  return replicationStatusOf(replication);
}

/** "Objects encrypted with SSE-C cannot have annotations." Throws S3Error InvalidRequest. */
export function checkAnnotatable(encryption: ObjectEncryption | undefined): void {
  if (encryption?.kind !== "SSE-C") return;
  throw new S3Error("InvalidRequest", {
    message:
      "Annotations are not supported for objects encrypted with server-side encryption with customer-provided keys (SSE-C).",
  });
}

// What workers write into buckets in the name of a service: access logs, inventories, analyses.

import type { ByteStream } from "../base/bytes.ts";
import type { AclGrants } from "../model/access-control-list.ts";

export interface ObjectDelivery {
  /** In whose name: `logging.s3.amazonaws.com`, `s3.amazonaws.com`. */
  readonly service: string;
  readonly bucketName: string;
  readonly key: string;
  readonly body: ByteStream;
  readonly lengthBytes: number;
  readonly contentType: string;
  /** For whom: the bucket that is logged or listed, and its account. */
  readonly sourceBucket: string;
  readonly sourceAccount: string;
  /** Absent: as the bucket's default says. */
  readonly encryption?: { readonly algorithm: "AES256" | "aws:kms"; readonly keyId?: string };
  /** Beside what the bucket's owner has; where access control lists count. */
  readonly grants?: AclGrants;
  readonly signal: AbortSignal;
}

export interface ObjectDeliverer {
  /**
   * Writes an object as PutObject does (quota, encryption, events, change log), when the bucket lets the
   * service do it. Throws S3Error NoSuchBucket, AccessDenied and those of PutObject.
   */
  deliver(delivery: ObjectDelivery): Promise<{ readonly etag: string }>;
}

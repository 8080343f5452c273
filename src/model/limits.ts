// Every bound that S3 sets, with its unit and its source, and the bounds that we set where S3 is
// silent. "Guide" is the S3 user guide, "reference" the API reference.

import type { OperationName } from "./types.generated.ts";

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const gibibyte = 1024 * mebibyte;
const tebibyte = 1024 * gibibyte;

/** Guide, "Naming Amazon S3 objects": UTF-8 bytes of a key. */
export const keyBytes = 1024;
/** Guide, "Working with object metadata": names without prefix plus values, UTF-8 bytes. */
export const userMetadataBytes = 2 * kibibyte;
/** Guide, ibid.: the whole header section of a PUT. */
export const headerSectionBytes = 8 * kibibyte;
/** Guide, "Bucket naming rules". */
export const bucketNameCharacters = { minimum: 3, maximum: 63 } as const;

/** Guide, "Amazon S3 multipart upload limits"; the object's size is a default of the configuration. */
export const objectBytes = 50 * tebibyte;
export const singlePutBytes = 5 * gibibyte;
export const copySourceBytes = 5 * gibibyte;
/** Reference, GetObjectTorrent: an object must be smaller. */
export const torrentBytes = 5 * gibibyte;
export const partBytes = { minimum: 5 * mebibyte, maximum: 5 * gibibyte } as const;
export const partNumbers = { minimum: 1, maximum: 10_000 } as const;

/** Reference, ListObjectsV2 and its kin: entries per page. */
export const listedKeys = 1000;
/** Reference, ListBuckets `max-buckets`. */
export const listedBuckets = 10_000;
/** Reference, List*Configurations: entries per page. */
export const listedConfigurations = 100;
/** Reference, DeleteObjects. */
export const deletedKeys = 1000;
/** S3 refuses numbers in queries that do not fit a signed 32-bit integer. */
export const queryInteger = 2_147_483_647;

/** Guide, "Categorizing your storage using tags": characters are UTF-16 units. */
export const objectTags = 10;
export const bucketTags = 50;
export const tagKeyCharacters = 128;
export const tagValueCharacters = 256;

/** Reference of each configuration. */
export const lifecycleRules = 1000;
export const newerNoncurrentVersions = { minimum: 1, maximum: 100 } as const;
export const replicationRules = 1000;
export const corsRules = 100;
export const routingRules = 50;
export const ruleIdCharacters = 255;
/** Reference, FilterRule: of a prefix or suffix of keys. */
export const notificationFilterBytes = 1024;
export const configurationsPerBucket = 1000;

/** Guide, "ACL overview": grants of one list. */
export const aclGrants = 100;

/** Reference, POST Object: what stands before the file. */
export const formFieldsBytes = 20 * kibibyte;

/** Guide, "Filtering and retrieving data using Amazon S3 Select": bytes. */
export const selectExpressionBytes = 256 * kibibyte;
export const selectRecordBytes = mebibyte;
/** Guide, ibid.: of a Parquet object, uncompressed. */
export const parquetRowGroupBytes = 512 * mebibyte;
/** Our bound on the row groups that all queries over Parquet read at a time in a process: then Busy. */
export const parquetHeldBytes = gibibyte;
/** Our bound on what a row group has in columns that are nested: they are decoded as a whole. */
export const parquetNestedBytes = 64 * mebibyte;

/** Reference, PutObjectAnnotation. */
export const annotationBytes = mebibyte;
export const annotationsPerObject = 1000;
export const annotationNameBytes = 512;

/**
 * Bytes of a body that is read whole before the operation runs. Where the reference names a bound it
 * stands here; the rest is what the largest legal document needs, doubled.
 */
const bodyBytesByOperation: Partial<Record<OperationName, number>> = {
  // 10,000 parts of up to some 300 bytes each (part number, ETag, checksum).
  CompleteMultipartUpload: 8 * mebibyte,
  // 1,000 keys of 1,024 bytes, each byte of which may be an escape of six characters.
  DeleteObjects: 8 * mebibyte,
  // Reference: 64 KB.
  PutBucketCors: 64 * kibibyte,
  // Reference: 128 KB.
  PutBucketWebsite: 128 * kibibyte,
  // Reference: 2 MB.
  PutBucketReplication: 2 * mebibyte,
  // 1,000 rules with filters.
  PutBucketLifecycleConfiguration: 4 * mebibyte,
  PutBucketNotificationConfiguration: mebibyte,
  // Larger than a legal policy, so that the operation can say what is wrong with it.
  PutBucketPolicy: 64 * kibibyte,
  // Reference: an expression of up to 256 KB.
  SelectObjectContent: mebibyte,
};

const otherBodyBytes = 256 * kibibyte;

export function collectedBodyBytes(operation: OperationName): number {
  return bodyBytesByOperation[operation] ?? otherBodyBytes;
}

/**
 * Our bound between bodies that may be collected chunk by chunk and bodies that only stream: the memory
 * of a longer one's chunks is freed while it arrives.
 */
export const longBodyBytes = 128 * kibibyte;

/** Our bound on requests to IAM, STS and KMS: the longest policies they take are 128 KiB, encoded thrice. */
export const serviceBodyBytes = 512 * kibibyte;

/** Our bounds on XML: no document of S3's schema nests deeper than 8 elements. */
export const xmlDepth = 16;
/** A completion of 10,000 parts with all checksums has about 150,000 elements. */
export const xmlElements = 200_000;

/** Our bound on the number of query parameters of one request. */
export const queryParameters = 200;

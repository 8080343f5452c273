// What each operation demands of its caller: the action that policies name, and the permission of an
// access control list that gives the same. From "Required permissions for Amazon S3 API operations"
// and "Access control list (ACL) overview" (User Guide). The compiler asks for a line for every
// operation of the model.

import type { AclPermission } from "../model/access-control-list.ts";
import type { OperationName } from "../model/types.generated.ts";

export interface OperationRule {
  /** `s3:GetObject`. */
  readonly action: string;
  /** The action when a version is named. */
  readonly versionAction?: string;
  readonly on: "service" | "bucket" | "object";
  readonly acl?: { readonly of: "bucket" | "object"; readonly permission: AclPermission };
}

/**
 * `undefined`: nothing is demanded before the operation runs. A preflight is never signed, a form
 * carries its caller inside, DeleteObjects is judged key by key.
 */
export const operationRules: Readonly<Record<OperationName, OperationRule | undefined>> = {
  AbortMultipartUpload: onObject("AbortMultipartUpload", { bucketAcl: "WRITE" }),
  CompleteMultipartUpload: onObject("PutObject", { bucketAcl: "WRITE" }),
  CopyObject: onObject("PutObject", { bucketAcl: "WRITE" }),
  CreateBucket: onBucket("CreateBucket"),
  CreateBucketMetadataConfiguration: onBucket("CreateBucketMetadataTableConfiguration"),
  CreateBucketMetadataTableConfiguration: onBucket("CreateBucketMetadataTableConfiguration"),
  CreateMultipartUpload: onObject("PutObject", { bucketAcl: "WRITE" }),
  CreateSession: { action: "s3express:CreateSession", on: "bucket" },
  DeleteAccountPublicAccessBlock: { action: "s3:PutAccountPublicAccessBlock", on: "service" },
  DeleteBucket: onBucket("DeleteBucket"),
  DeleteBucketAnalyticsConfiguration: onBucket("PutAnalyticsConfiguration"),
  DeleteBucketCors: onBucket("PutBucketCORS"),
  DeleteBucketEncryption: onBucket("PutEncryptionConfiguration"),
  DeleteBucketIntelligentTieringConfiguration: onBucket("PutIntelligentTieringConfiguration"),
  DeleteBucketInventoryConfiguration: onBucket("PutInventoryConfiguration"),
  DeleteBucketLifecycle: onBucket("PutLifecycleConfiguration"),
  DeleteBucketMetadataConfiguration: onBucket("DeleteBucketMetadataTableConfiguration"),
  DeleteBucketMetadataTableConfiguration: onBucket("DeleteBucketMetadataTableConfiguration"),
  DeleteBucketMetricsConfiguration: onBucket("PutMetricsConfiguration"),
  DeleteBucketOwnershipControls: onBucket("PutBucketOwnershipControls"),
  DeleteBucketPolicy: onBucket("DeleteBucketPolicy"),
  DeleteBucketReplication: onBucket("PutReplicationConfiguration"),
  DeleteBucketTagging: onBucket("PutBucketTagging"),
  DeleteBucketWebsite: onBucket("DeleteBucketWebsite"),
  // Deleting a version for good is given by no access control list, but for the bucket's owner.
  DeleteObject: onObject("DeleteObject", { version: "DeleteObjectVersion", bucketAcl: "WRITE" }),
  DeleteObjectAnnotation: onObject("DeleteObjectAnnotation", {
    version: "DeleteObjectVersionAnnotation",
  }),
  DeleteObjectTagging: onObject("DeleteObjectTagging", { version: "DeleteObjectVersionTagging" }),
  DeleteObjects: undefined,
  DeletePublicAccessBlock: onBucket("PutBucketPublicAccessBlock"),
  GetAccountPublicAccessBlock: { action: "s3:GetAccountPublicAccessBlock", on: "service" },
  GetBucketAbac: onBucket("GetBucketAbac"),
  GetBucketAccelerateConfiguration: onBucket("GetAccelerateConfiguration"),
  GetBucketAcl: onBucket("GetBucketAcl", "READ_ACP"),
  GetBucketAnalyticsConfiguration: onBucket("GetAnalyticsConfiguration"),
  GetBucketCors: onBucket("GetBucketCORS"),
  GetBucketEncryption: onBucket("GetEncryptionConfiguration"),
  GetBucketIntelligentTieringConfiguration: onBucket("GetIntelligentTieringConfiguration"),
  GetBucketInventoryConfiguration: onBucket("GetInventoryConfiguration"),
  GetBucketLifecycleConfiguration: onBucket("GetLifecycleConfiguration"),
  GetBucketLocation: onBucket("GetBucketLocation"),
  GetBucketLogging: onBucket("GetBucketLogging"),
  GetBucketMetadataConfiguration: onBucket("GetBucketMetadataTableConfiguration"),
  GetBucketMetadataTableConfiguration: onBucket("GetBucketMetadataTableConfiguration"),
  GetBucketMetricsConfiguration: onBucket("GetMetricsConfiguration"),
  GetBucketNotificationConfiguration: onBucket("GetBucketNotification"),
  GetBucketOwnershipControls: onBucket("GetBucketOwnershipControls"),
  GetBucketPolicy: onBucket("GetBucketPolicy"),
  GetBucketPolicyStatus: onBucket("GetBucketPolicyStatus"),
  GetBucketReplication: onBucket("GetReplicationConfiguration"),
  GetBucketRequestPayment: onBucket("GetBucketRequestPayment"),
  GetBucketTagging: onBucket("GetBucketTagging"),
  GetBucketVersioning: onBucket("GetBucketVersioning"),
  GetBucketWebsite: onBucket("GetBucketWebsite"),
  GetObject: onObject("GetObject", { version: "GetObjectVersion", acl: "READ" }),
  GetObjectAcl: onObject("GetObjectAcl", { version: "GetObjectVersionAcl", acl: "READ_ACP" }),
  GetObjectAnnotation: onObject("GetObjectAnnotation", { version: "GetObjectVersionAnnotation" }),
  GetObjectAttributes: onObject("GetObject", { version: "GetObjectVersion", acl: "READ" }),
  GetObjectLegalHold: onObject("GetObjectLegalHold"),
  GetObjectLockConfiguration: onBucket("GetBucketObjectLockConfiguration"),
  GetObjectRetention: onObject("GetObjectRetention"),
  GetObjectTagging: onObject("GetObjectTagging", { version: "GetObjectVersionTagging" }),
  GetObjectTorrent: onObject("GetObjectTorrent", {
    version: "GetObjectVersionTorrent",
    acl: "READ",
  }),
  GetPublicAccessBlock: onBucket("GetBucketPublicAccessBlock"),
  HeadBucket: onBucket("ListBucket", "READ"),
  HeadObject: onObject("GetObject", { version: "GetObjectVersion", acl: "READ" }),
  ListBucketAnalyticsConfigurations: onBucket("GetAnalyticsConfiguration"),
  ListBucketIntelligentTieringConfigurations: onBucket("GetIntelligentTieringConfiguration"),
  ListBucketInventoryConfigurations: onBucket("GetInventoryConfiguration"),
  ListBucketMetricsConfigurations: onBucket("GetMetricsConfiguration"),
  ListBuckets: { action: "s3:ListAllMyBuckets", on: "service" },
  ListDirectoryBuckets: { action: "s3express:ListAllMyDirectoryBuckets", on: "service" },
  ListMultipartUploads: onBucket("ListBucketMultipartUploads", "READ"),
  ListObjectAnnotations: onObject("ListObjectAnnotations", {
    version: "ListObjectVersionAnnotations",
  }),
  ListObjectVersions: onBucket("ListBucketVersions", "READ"),
  ListObjects: onBucket("ListBucket", "READ"),
  ListObjectsV2: onBucket("ListBucket", "READ"),
  ListParts: onObject("ListMultipartUploadParts", { bucketAcl: "READ" }),
  ListTagsForResource: onBucket("ListTagsForResource"),
  PostObject: undefined,
  Preflight: undefined,
  PutAccountPublicAccessBlock: { action: "s3:PutAccountPublicAccessBlock", on: "service" },
  PutBucketAbac: onBucket("PutBucketAbac"),
  PutBucketAccelerateConfiguration: onBucket("PutAccelerateConfiguration"),
  PutBucketAcl: onBucket("PutBucketAcl", "WRITE_ACP"),
  PutBucketAnalyticsConfiguration: onBucket("PutAnalyticsConfiguration"),
  PutBucketCors: onBucket("PutBucketCORS"),
  PutBucketEncryption: onBucket("PutEncryptionConfiguration"),
  PutBucketIntelligentTieringConfiguration: onBucket("PutIntelligentTieringConfiguration"),
  PutBucketInventoryConfiguration: onBucket("PutInventoryConfiguration"),
  PutBucketLifecycleConfiguration: onBucket("PutLifecycleConfiguration"),
  PutBucketLogging: onBucket("PutBucketLogging"),
  PutBucketMetricsConfiguration: onBucket("PutMetricsConfiguration"),
  PutBucketNotificationConfiguration: onBucket("PutBucketNotification"),
  PutBucketOwnershipControls: onBucket("PutBucketOwnershipControls"),
  PutBucketPolicy: onBucket("PutBucketPolicy"),
  PutBucketReplication: onBucket("PutReplicationConfiguration"),
  PutBucketRequestPayment: onBucket("PutBucketRequestPayment"),
  PutBucketTagging: onBucket("PutBucketTagging"),
  PutBucketVersioning: onBucket("PutBucketVersioning"),
  PutBucketWebsite: onBucket("PutBucketWebsite"),
  PutObject: onObject("PutObject", { bucketAcl: "WRITE" }),
  PutObjectAcl: onObject("PutObjectAcl", { version: "PutObjectVersionAcl", acl: "WRITE_ACP" }),
  PutObjectAnnotation: onObject("PutObjectAnnotation", { version: "PutObjectVersionAnnotation" }),
  PutObjectLegalHold: onObject("PutObjectLegalHold"),
  PutObjectLockConfiguration: onBucket("PutBucketObjectLockConfiguration"),
  PutObjectRetention: onObject("PutObjectRetention"),
  PutObjectTagging: onObject("PutObjectTagging", { version: "PutObjectVersionTagging" }),
  PutPublicAccessBlock: onBucket("PutBucketPublicAccessBlock"),
  RenameObject: onObject("PutObject", { bucketAcl: "WRITE" }),
  RestoreObject: onObject("RestoreObject"),
  // It has no parameter for a version: one that a request names is not read.
  SelectObjectContent: onObject("GetObject", { acl: "READ" }),
  TagResource: onBucket("TagResource"),
  UntagResource: onBucket("UntagResource"),
  UpdateBucketMetadataAnnotationTableConfiguration: onBucket(
    "UpdateBucketMetadataAnnotationTableConfiguration",
  ),
  UpdateBucketMetadataInventoryTableConfiguration: onBucket(
    "UpdateBucketMetadataInventoryTableConfiguration",
  ),
  UpdateBucketMetadataJournalTableConfiguration: onBucket(
    "UpdateBucketMetadataJournalTableConfiguration",
  ),
  UpdateObjectEncryption: onObject("UpdateObjectEncryption"),
  UploadPart: onObject("PutObject", { bucketAcl: "WRITE" }),
  UploadPartCopy: onObject("PutObject", { bucketAcl: "WRITE" }),
  WriteGetObjectResponse: { action: "s3-object-lambda:WriteGetObjectResponse", on: "service" },
};

function onBucket(action: string, permission?: AclPermission): OperationRule {
  const rule = { action: `s3:${action}`, on: "bucket" } as const;
  return permission === undefined ? rule : { ...rule, acl: { of: "bucket", permission } };
}

function onObject(
  action: string,
  options: {
    readonly version?: string;
    readonly acl?: AclPermission;
    readonly bucketAcl?: AclPermission;
  } = {},
): OperationRule {
  const { version, acl, bucketAcl } = options;
  return {
    action: `s3:${action}`,
    on: "object",
    ...(version === undefined ? {} : { versionAction: `s3:${version}` }),
    ...(acl === undefined ? {} : { acl: { of: "object", permission: acl } }),
    ...(bucketAcl === undefined ? {} : { acl: { of: "bucket", permission: bucketAcl } }),
  };
}

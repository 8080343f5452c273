// The complete table of S3's operations: the compiler refuses a model with an operation that nobody
// has decided about. `notImplemented` is a decision: the operation routes to itself and says so.

import type { OperationName, OperationTypes } from "../model/types.generated.ts";
import type { Operation } from "./operation.ts";
import { getObjectAnnotation } from "./object/get-object-annotation.ts";
import { deleteObjectAnnotation } from "./object/delete-object-annotation.ts";
import { listObjectAnnotations } from "./object/list-object-annotations.ts";
import { putObjectAnnotation } from "./object/put-object-annotation.ts";
import { getBucketAbac, putBucketAbac } from "./bucket-configuration/abac.ts";
import { getBucketLogging, putBucketLogging } from "./bucket-configuration/logging.ts";
import {
  getBucketAccelerateConfiguration,
  putBucketAccelerateConfiguration,
} from "./bucket-configuration/acceleration.ts";
import {
  getObjectLockConfiguration,
  putObjectLockConfiguration,
} from "./bucket-configuration/object-lock.ts";
import {
  getBucketRequestPayment,
  putBucketRequestPayment,
} from "./bucket-configuration/request-payment.ts";
import {
  deleteBucketTagging,
  getBucketTagging,
  putBucketTagging,
} from "./bucket-configuration/tagging.ts";
import {
  deleteBucketPolicy,
  getBucketPolicy,
  getBucketPolicyStatus,
  putBucketPolicy,
} from "./bucket-configuration/policy.ts";
import {
  deleteBucketEncryption,
  getBucketEncryption,
  putBucketEncryption,
} from "./bucket-configuration/encryption.ts";
import {
  deleteBucketCors,
  getBucketCors,
  preflight,
  putBucketCors,
} from "./bucket-configuration/cors.ts";
import {
  deleteBucketIntelligentTieringConfiguration,
  getBucketIntelligentTieringConfiguration,
  listBucketIntelligentTieringConfigurations,
  putBucketIntelligentTieringConfiguration,
} from "./bucket-configuration/intelligent-tiering.ts";
import {
  deleteBucketReplication,
  getBucketReplication,
  putBucketReplication,
} from "./bucket-configuration/replication.ts";
import {
  deleteBucketLifecycle,
  getBucketLifecycleConfiguration,
  putBucketLifecycleConfiguration,
} from "./bucket-configuration/lifecycle.ts";
import {
  deleteBucketInventoryConfiguration,
  getBucketInventoryConfiguration,
  listBucketInventoryConfigurations,
  putBucketInventoryConfiguration,
} from "./bucket-configuration/inventory.ts";
import {
  deleteBucketAnalyticsConfiguration,
  getBucketAnalyticsConfiguration,
  listBucketAnalyticsConfigurations,
  putBucketAnalyticsConfiguration,
} from "./bucket-configuration/analytics.ts";
import {
  deleteBucketMetricsConfiguration,
  getBucketMetricsConfiguration,
  listBucketMetricsConfigurations,
  putBucketMetricsConfiguration,
} from "./bucket-configuration/metrics.ts";
import {
  getBucketNotificationConfiguration,
  putBucketNotificationConfiguration,
} from "./bucket-configuration/notification.ts";
import { getBucketVersioning, putBucketVersioning } from "./bucket-configuration/versioning.ts";
import {
  deleteBucketWebsite,
  getBucketWebsite,
  putBucketWebsite,
} from "./bucket-configuration/website.ts";
import {
  deleteAccountPublicAccessBlock,
  getAccountPublicAccessBlock,
  putAccountPublicAccessBlock,
} from "./account/account-public-access-block.ts";
import { listTagsForResource, tagResource, untagResource } from "./account/resource-tags.ts";
import { getBucketAcl, putBucketAcl } from "./bucket-configuration/acl.ts";
import {
  deleteBucketOwnershipControls,
  getBucketOwnershipControls,
  putBucketOwnershipControls,
} from "./bucket-configuration/ownership-controls.ts";
import {
  deletePublicAccessBlock,
  getPublicAccessBlock,
  putPublicAccessBlock,
} from "./bucket-configuration/public-access-block.ts";
import { createBucket } from "./bucket/create-bucket.ts";
import { deleteBucket } from "./bucket/delete-bucket.ts";
import { getBucketLocation } from "./bucket/get-bucket-location.ts";
import { headBucket } from "./bucket/head-bucket.ts";
import { listBuckets } from "./bucket/list-buckets.ts";
import { listObjectVersions } from "./bucket/list-object-versions.ts";
import { listObjects, listObjectsV2 } from "./bucket/list-objects.ts";
import { abortMultipartUpload } from "./multipart/abort-multipart-upload.ts";
import { completeMultipartUpload } from "./multipart/complete-multipart-upload.ts";
import { createMultipartUpload } from "./multipart/create-multipart-upload.ts";
import { listMultipartUploads } from "./multipart/list-multipart-uploads.ts";
import { listParts } from "./multipart/list-parts.ts";
import { uploadPart } from "./multipart/upload-part.ts";
import { uploadPartCopy } from "./multipart/upload-part-copy.ts";
import { copyObject } from "./object/copy-object.ts";
import { deleteObject } from "./object/delete-object.ts";
import { deleteObjects } from "./object/delete-objects.ts";
import { getObject } from "./object/get-object.ts";
import { getObjectAttributes } from "./object/get-object-attributes.ts";
import { getObjectTorrent } from "./object/get-object-torrent.ts";
import { headObject } from "./object/head-object.ts";
import { getObjectLegalHold, putObjectLegalHold } from "./object/object-legal-hold.ts";
import { getObjectRetention, putObjectRetention } from "./object/object-retention.ts";
import {
  deleteObjectTagging,
  getObjectTagging,
  putObjectTagging,
} from "./object/object-tagging.ts";
import { updateObjectEncryption } from "./object/update-object-encryption.ts";
import { getObjectAcl, putObjectAcl } from "./object/object-acl.ts";
import { postObject } from "./object/post-object.ts";
import { putObject } from "./object/put-object.ts";
import { restoreObject } from "./object/restore-object.ts";
import { selectObjectContent } from "./object/select-object-content.ts";

/** The pipeline answers S3's NotImplemented for it. */
export const notImplemented = "not implemented";

export type OperationTable = {
  readonly [Name in OperationName]:
    | Operation<OperationTypes[Name]["input"], OperationTypes[Name]["output"]>
    | typeof notImplemented;
};

export const operations = {
  AbortMultipartUpload: abortMultipartUpload,
  CompleteMultipartUpload: completeMultipartUpload,
  CopyObject: copyObject,
  CreateBucket: createBucket,
  CreateBucketMetadataConfiguration: notImplemented,
  CreateBucketMetadataTableConfiguration: notImplemented,
  CreateMultipartUpload: createMultipartUpload,
  CreateSession: notImplemented,
  DeleteAccountPublicAccessBlock: deleteAccountPublicAccessBlock,
  DeleteBucket: deleteBucket,
  DeleteBucketAnalyticsConfiguration: deleteBucketAnalyticsConfiguration,
  DeleteBucketCors: deleteBucketCors,
  DeleteBucketEncryption: deleteBucketEncryption,
  DeleteBucketIntelligentTieringConfiguration: deleteBucketIntelligentTieringConfiguration,
  DeleteBucketInventoryConfiguration: deleteBucketInventoryConfiguration,
  DeleteBucketLifecycle: deleteBucketLifecycle,
  DeleteBucketMetadataConfiguration: notImplemented,
  DeleteBucketMetadataTableConfiguration: notImplemented,
  DeleteBucketMetricsConfiguration: deleteBucketMetricsConfiguration,
  DeleteBucketOwnershipControls: deleteBucketOwnershipControls,
  DeleteBucketPolicy: deleteBucketPolicy,
  DeleteBucketReplication: deleteBucketReplication,
  DeleteBucketTagging: deleteBucketTagging,
  DeleteBucketWebsite: deleteBucketWebsite,
  DeleteObject: deleteObject,
  DeleteObjectAnnotation: deleteObjectAnnotation,
  DeleteObjectTagging: deleteObjectTagging,
  DeleteObjects: deleteObjects,
  DeletePublicAccessBlock: deletePublicAccessBlock,
  GetAccountPublicAccessBlock: getAccountPublicAccessBlock,
  GetBucketAbac: getBucketAbac,
  GetBucketAccelerateConfiguration: getBucketAccelerateConfiguration,
  GetBucketAcl: getBucketAcl,
  GetBucketAnalyticsConfiguration: getBucketAnalyticsConfiguration,
  GetBucketCors: getBucketCors,
  GetBucketEncryption: getBucketEncryption,
  GetBucketIntelligentTieringConfiguration: getBucketIntelligentTieringConfiguration,
  GetBucketInventoryConfiguration: getBucketInventoryConfiguration,
  GetBucketLifecycleConfiguration: getBucketLifecycleConfiguration,
  GetBucketLocation: getBucketLocation,
  GetBucketLogging: getBucketLogging,
  GetBucketMetadataConfiguration: notImplemented,
  GetBucketMetadataTableConfiguration: notImplemented,
  GetBucketMetricsConfiguration: getBucketMetricsConfiguration,
  GetBucketNotificationConfiguration: getBucketNotificationConfiguration,
  GetBucketOwnershipControls: getBucketOwnershipControls,
  GetBucketPolicy: getBucketPolicy,
  GetBucketPolicyStatus: getBucketPolicyStatus,
  GetBucketReplication: getBucketReplication,
  GetBucketRequestPayment: getBucketRequestPayment,
  GetBucketTagging: getBucketTagging,
  GetBucketVersioning: getBucketVersioning,
  GetBucketWebsite: getBucketWebsite,
  GetObject: getObject,
  GetObjectAcl: getObjectAcl,
  GetObjectAnnotation: getObjectAnnotation,
  GetObjectAttributes: getObjectAttributes,
  GetObjectLegalHold: getObjectLegalHold,
  GetObjectLockConfiguration: getObjectLockConfiguration,
  GetObjectRetention: getObjectRetention,
  GetObjectTagging: getObjectTagging,
  GetObjectTorrent: getObjectTorrent,
  GetPublicAccessBlock: getPublicAccessBlock,
  HeadBucket: headBucket,
  HeadObject: headObject,
  ListBucketAnalyticsConfigurations: listBucketAnalyticsConfigurations,
  ListBucketIntelligentTieringConfigurations: listBucketIntelligentTieringConfigurations,
  ListBucketInventoryConfigurations: listBucketInventoryConfigurations,
  ListBucketMetricsConfigurations: listBucketMetricsConfigurations,
  ListBuckets: listBuckets,
  ListDirectoryBuckets: notImplemented,
  ListMultipartUploads: listMultipartUploads,
  ListObjectAnnotations: listObjectAnnotations,
  ListObjectVersions: listObjectVersions,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListParts: listParts,
  ListTagsForResource: listTagsForResource,
  PostObject: postObject,
  Preflight: preflight,
  PutAccountPublicAccessBlock: putAccountPublicAccessBlock,
  PutBucketAbac: putBucketAbac,
  PutBucketAccelerateConfiguration: putBucketAccelerateConfiguration,
  PutBucketAcl: putBucketAcl,
  PutBucketAnalyticsConfiguration: putBucketAnalyticsConfiguration,
  PutBucketCors: putBucketCors,
  PutBucketEncryption: putBucketEncryption,
  PutBucketIntelligentTieringConfiguration: putBucketIntelligentTieringConfiguration,
  PutBucketInventoryConfiguration: putBucketInventoryConfiguration,
  PutBucketLifecycleConfiguration: putBucketLifecycleConfiguration,
  PutBucketLogging: putBucketLogging,
  PutBucketMetricsConfiguration: putBucketMetricsConfiguration,
  PutBucketNotificationConfiguration: putBucketNotificationConfiguration,
  PutBucketOwnershipControls: putBucketOwnershipControls,
  PutBucketPolicy: putBucketPolicy,
  PutBucketReplication: putBucketReplication,
  PutBucketRequestPayment: putBucketRequestPayment,
  PutBucketTagging: putBucketTagging,
  PutBucketVersioning: putBucketVersioning,
  PutBucketWebsite: putBucketWebsite,
  PutObject: putObject,
  PutObjectAcl: putObjectAcl,
  PutObjectAnnotation: putObjectAnnotation,
  PutObjectLegalHold: putObjectLegalHold,
  PutObjectLockConfiguration: putObjectLockConfiguration,
  PutObjectRetention: putObjectRetention,
  PutObjectTagging: putObjectTagging,
  PutPublicAccessBlock: putPublicAccessBlock,
  RenameObject: notImplemented,
  RestoreObject: restoreObject,
  SelectObjectContent: selectObjectContent,
  TagResource: tagResource,
  UntagResource: untagResource,
  UpdateBucketMetadataAnnotationTableConfiguration: notImplemented,
  UpdateBucketMetadataInventoryTableConfiguration: notImplemented,
  UpdateBucketMetadataJournalTableConfiguration: notImplemented,
  UpdateObjectEncryption: updateObjectEncryption,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  WriteGetObjectResponse: notImplemented,
} as const satisfies OperationTable;

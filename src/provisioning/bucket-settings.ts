// The settings of a bucket that can be declared: each is one pair of operations, with the operations'
// own names for its parts.

import type { OperationName } from "../model/types.generated.ts";

export interface BucketSetting {
  readonly put: OperationName;
  readonly get: OperationName;
  /** The member of the put's input that the setting is. */
  readonly member: string;
  /** The member of the get's output; absent: the output itself. */
  readonly found?: string;
  /** A bucket has many, each with an id: the setting is a list, and what it does not name is left. */
  readonly isByIds?: true;
  /** Members whose letters may come back as capitals. */
  readonly caselessMember?: string;
}

/** In the order in which they are applied: ownership before lists, versions before locks. */
export const bucketSettings: Readonly<Record<string, BucketSetting>> = {
  versioning: {
    put: "PutBucketVersioning",
    get: "GetBucketVersioning",
    member: "VersioningConfiguration",
  },
  ownershipControls: {
    put: "PutBucketOwnershipControls",
    get: "GetBucketOwnershipControls",
    member: "OwnershipControls",
    found: "OwnershipControls",
  },
  publicAccessBlock: {
    put: "PutPublicAccessBlock",
    get: "GetPublicAccessBlock",
    member: "PublicAccessBlockConfiguration",
    found: "PublicAccessBlockConfiguration",
  },
  acl: { put: "PutBucketAcl", get: "GetBucketAcl", member: "AccessControlPolicy" },
  policy: { put: "PutBucketPolicy", get: "GetBucketPolicy", member: "Policy", found: "Policy" },
  encryption: {
    put: "PutBucketEncryption",
    get: "GetBucketEncryption",
    member: "ServerSideEncryptionConfiguration",
    found: "ServerSideEncryptionConfiguration",
  },
  objectLock: {
    put: "PutObjectLockConfiguration",
    get: "GetObjectLockConfiguration",
    member: "ObjectLockConfiguration",
    found: "ObjectLockConfiguration",
  },
  tagging: { put: "PutBucketTagging", get: "GetBucketTagging", member: "Tagging" },
  abac: {
    put: "PutBucketAbac",
    get: "GetBucketAbac",
    member: "AbacStatus",
    found: "AbacStatus",
  },
  requestPayment: {
    put: "PutBucketRequestPayment",
    get: "GetBucketRequestPayment",
    member: "RequestPaymentConfiguration",
  },
  cors: { put: "PutBucketCors", get: "GetBucketCors", member: "CORSConfiguration" },
  lifecycle: {
    put: "PutBucketLifecycleConfiguration",
    get: "GetBucketLifecycleConfiguration",
    member: "LifecycleConfiguration",
  },
  website: { put: "PutBucketWebsite", get: "GetBucketWebsite", member: "WebsiteConfiguration" },
  notification: {
    put: "PutBucketNotificationConfiguration",
    get: "GetBucketNotificationConfiguration",
    member: "NotificationConfiguration",
    caselessMember: "Name",
  },
  replication: {
    put: "PutBucketReplication",
    get: "GetBucketReplication",
    member: "ReplicationConfiguration",
    found: "ReplicationConfiguration",
  },
  logging: { put: "PutBucketLogging", get: "GetBucketLogging", member: "BucketLoggingStatus" },
  accelerate: {
    put: "PutBucketAccelerateConfiguration",
    get: "GetBucketAccelerateConfiguration",
    member: "AccelerateConfiguration",
  },
  intelligentTiering: {
    put: "PutBucketIntelligentTieringConfiguration",
    get: "GetBucketIntelligentTieringConfiguration",
    member: "IntelligentTieringConfiguration",
    found: "IntelligentTieringConfiguration",
    isByIds: true,
  },
  inventory: {
    put: "PutBucketInventoryConfiguration",
    get: "GetBucketInventoryConfiguration",
    member: "InventoryConfiguration",
    found: "InventoryConfiguration",
    isByIds: true,
  },
  analytics: {
    put: "PutBucketAnalyticsConfiguration",
    get: "GetBucketAnalyticsConfiguration",
    member: "AnalyticsConfiguration",
    found: "AnalyticsConfiguration",
    isByIds: true,
  },
  metrics: {
    put: "PutBucketMetricsConfiguration",
    get: "GetBucketMetricsConfiguration",
    member: "MetricsConfiguration",
    found: "MetricsConfiguration",
    isByIds: true,
  },
};

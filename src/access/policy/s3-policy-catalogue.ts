// Every S3 action with what it is about and the condition keys that it knows, and every condition key with
// its type: "Actions, resources, and condition keys for Amazon S3" of the Service Authorization Reference.
// A key that ends in a slash is a family: a tag's name follows.

export type S3ResourceType = "bucket" | "object" | "other" | "none";

export interface S3PolicyAction {
  /** As S3 writes it, without `s3:`. */
  readonly name: string;
  readonly resources: readonly S3ResourceType[];
  /** In lower case; without those that every action knows. */
  readonly conditionKeys: ReadonlySet<string>;
}

export type ConditionKeyType =
  | "String"
  | "StringList"
  | "Arn"
  | "Numeric"
  | "Bool"
  | "Date"
  | "Ip"
  | "Binary";

const grantKeys = [
  "s3:x-amz-acl",
  "s3:x-amz-grant-full-control",
  "s3:x-amz-grant-read",
  "s3:x-amz-grant-read-acp",
  "s3:x-amz-grant-write",
  "s3:x-amz-grant-write-acp",
] as const;
const encryptionKeys = [
  "s3:x-amz-server-side-encryption",
  "s3:x-amz-server-side-encryption-aws-kms-key-id",
  "s3:x-amz-server-side-encryption-customer-algorithm",
] as const;
const lockKeys = [
  "s3:object-lock-event-hold",
  "s3:object-lock-event-hold-duration-days",
  "s3:object-lock-mode",
  "s3:object-lock-remaining-retention-days",
  "s3:object-lock-retain-until-date",
] as const;
const tagSetKeys = ["s3:RequestObjectTag/", "s3:RequestObjectTagKeys"] as const;
const listKeys = ["s3:delimiter", "s3:max-keys", "s3:prefix"] as const;
const tagRequestKeys = ["aws:RequestTag/", "aws:TagKeys"] as const;

/** About objects. */
const objectActions: Readonly<Record<string, readonly string[]>> = {
  AbortMultipartUpload: ["s3:AccessGrantsInstanceArn"],
  BypassGovernanceRetention: [
    "s3:x-amz-copy-source",
    "s3:x-amz-metadata-directive",
    "s3:x-amz-storage-class",
    "s3:x-amz-website-redirect-location",
    ...grantKeys,
    ...encryptionKeys,
    ...tagSetKeys,
  ],
  DeleteObject: ["s3:AccessGrantsInstanceArn", "s3:if-match"],
  DeleteObjectAnnotation: ["s3:ExistingObjectTag/", "s3:x-amz-object-if-match"],
  DeleteObjectTagging: ["s3:ExistingObjectTag/"],
  DeleteObjectVersion: ["s3:AccessGrantsInstanceArn", "s3:versionid"],
  DeleteObjectVersionAnnotation: [
    "s3:ExistingObjectTag/",
    "s3:versionid",
    "s3:x-amz-object-if-match",
  ],
  DeleteObjectVersionTagging: ["s3:ExistingObjectTag/", "s3:versionid"],
  GetObject: ["s3:AccessGrantsInstanceArn", "s3:ExistingObjectTag/"],
  GetObjectAcl: ["s3:AccessGrantsInstanceArn", "s3:ExistingObjectTag/"],
  GetObjectAnnotation: ["s3:ExistingObjectTag/"],
  GetObjectAttributes: ["s3:ExistingObjectTag/"],
  GetObjectLegalHold: [],
  GetObjectRetention: [],
  GetObjectTagging: ["s3:ExistingObjectTag/"],
  GetObjectTorrent: [],
  GetObjectVersion: ["s3:AccessGrantsInstanceArn", "s3:ExistingObjectTag/", "s3:versionid"],
  GetObjectVersionAcl: ["s3:AccessGrantsInstanceArn", "s3:ExistingObjectTag/", "s3:versionid"],
  GetObjectVersionAnnotation: ["s3:ExistingObjectTag/", "s3:versionid"],
  GetObjectVersionAnnotationForReplication: [],
  GetObjectVersionAttributes: ["s3:ExistingObjectTag/", "s3:versionid"],
  GetObjectVersionForReplication: [],
  GetObjectVersionTagging: ["s3:ExistingObjectTag/", "s3:versionid"],
  GetObjectVersionTorrent: ["s3:versionid"],
  InitiateReplication: [],
  ListMultipartUploadParts: ["s3:AccessGrantsInstanceArn"],
  ListObjectAnnotations: [
    "s3:annotation-prefix",
    "s3:ExistingObjectTag/",
    "s3:max-annotation-results",
  ],
  ListObjectVersionAnnotations: [
    "s3:annotation-prefix",
    "s3:ExistingObjectTag/",
    "s3:max-annotation-results",
    "s3:versionid",
  ],
  ObjectOwnerOverrideToBucketOwner: [],
  PutObject: [
    "s3:AccessGrantsInstanceArn",
    "s3:if-match",
    "s3:if-none-match",
    "s3:object-lock-legal-hold",
    "s3:ObjectCreationOperation",
    "s3:x-amz-copy-source",
    "s3:x-amz-metadata-directive",
    "s3:x-amz-object-annotation-directive",
    "s3:x-amz-storage-class",
    "s3:x-amz-website-redirect-location",
    ...grantKeys,
    ...encryptionKeys,
    ...lockKeys,
    ...tagSetKeys,
  ],
  PutObjectAcl: [
    "s3:AccessGrantsInstanceArn",
    "s3:ExistingObjectTag/",
    "s3:x-amz-storage-class",
    ...grantKeys,
  ],
  PutObjectAnnotation: ["s3:ExistingObjectTag/", "s3:x-amz-object-if-match"],
  PutObjectLegalHold: ["s3:object-lock-legal-hold"],
  PutObjectRetention: [...lockKeys],
  PutObjectTagging: ["s3:ExistingObjectTag/", ...tagSetKeys],
  PutObjectVersionAcl: [
    "s3:AccessGrantsInstanceArn",
    "s3:ExistingObjectTag/",
    "s3:versionid",
    "s3:x-amz-storage-class",
    ...grantKeys,
  ],
  PutObjectVersionAnnotation: ["s3:ExistingObjectTag/", "s3:versionid", "s3:x-amz-object-if-match"],
  PutObjectVersionTagging: ["s3:ExistingObjectTag/", "s3:versionid", ...tagSetKeys],
  ReplicateDelete: [],
  ReplicateObject: [
    "s3:object-lock-event-hold",
    "s3:object-lock-event-hold-duration-days",
    ...encryptionKeys,
  ],
  ReplicateObjectAnnotation: [],
  ReplicateTags: [],
  RestoreObject: [],
  UpdateObjectEncryption: [
    "s3:ExistingObjectTag/",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
  ],
};

/** About buckets. */
const bucketActions: Readonly<Record<string, readonly string[]>> = {
  AllowVendedLogDeliveryForResource: [
    "s3:deliverySourceArn",
    "s3:logType",
    "s3:resourceArnBeingAuthorized",
  ],
  CreateBucket: [
    "s3:locationconstraint",
    "s3:x-amz-bucket-namespace",
    "s3:x-amz-object-ownership",
    ...grantKeys,
    ...tagRequestKeys,
  ],
  CreateBucketMetadataTableConfiguration: [],
  DeleteBucket: [],
  DeleteBucketMetadataTableConfiguration: [],
  DeleteBucketPolicy: [],
  DeleteBucketWebsite: [],
  GetAccelerateConfiguration: [],
  GetAnalyticsConfiguration: [],
  GetBucketAbac: [],
  GetBucketAcl: [],
  GetBucketCORS: [],
  GetBucketLocation: [],
  GetBucketLogging: [],
  GetBucketMetadataTableConfiguration: [],
  GetBucketNotification: [],
  GetBucketObjectLockConfiguration: [],
  GetBucketOwnershipControls: [],
  GetBucketPolicy: [],
  GetBucketPolicyStatus: [],
  GetBucketPublicAccessBlock: [],
  GetBucketRequestPayment: [],
  GetBucketTagging: [],
  GetBucketVersioning: [],
  GetBucketWebsite: [],
  GetEncryptionConfiguration: [],
  GetIntelligentTieringConfiguration: [],
  GetInventoryConfiguration: [],
  GetLifecycleConfiguration: [],
  GetMetricsConfiguration: [],
  GetReplicationConfiguration: [],
  ListBucket: ["s3:AccessGrantsInstanceArn", ...listKeys],
  ListBucketMultipartUploads: ["s3:AccessGrantsInstanceArn"],
  ListBucketVersions: ["s3:AccessGrantsInstanceArn", ...listKeys],
  PauseReplication: ["s3:destinationRegion"],
  PutAccelerateConfiguration: [],
  PutAnalyticsConfiguration: [],
  PutBucketAbac: [],
  PutBucketAcl: [...grantKeys],
  PutBucketCORS: [],
  PutBucketLogging: [],
  PutBucketNotification: [],
  PutBucketObjectLockConfiguration: [],
  PutBucketOwnershipControls: [],
  PutBucketPolicy: [],
  PutBucketPublicAccessBlock: [],
  PutBucketRequestPayment: [],
  PutBucketTagging: [],
  PutBucketVersioning: [],
  PutBucketWebsite: [],
  PutEncryptionConfiguration: [],
  PutIntelligentTieringConfiguration: [],
  PutInventoryConfiguration: ["s3:InventoryAccessibleOptionalFields"],
  PutLifecycleConfiguration: [],
  PutMetricsConfiguration: [],
  PutReplicationConfiguration: ["s3:isReplicationPauseRequest"],
  UpdateBucketMetadataAnnotationTableConfiguration: [],
  UpdateBucketMetadataInventoryTableConfiguration: [],
  UpdateBucketMetadataJournalTableConfiguration: [],
};

/** About buckets, access points and other things that S3 Control's tag operations take. */
const taggedActions: Readonly<Record<string, readonly string[]>> = {
  ListTagsForResource: [],
  TagResource: [...tagRequestKeys],
  UntagResource: ["aws:TagKeys"],
};

/** About nothing in particular: only the resource `*` covers them. */
const accountActions: Readonly<Record<string, readonly string[]>> = {
  CreateJob: ["s3:RequestJobOperation", "s3:RequestJobPriority", ...tagRequestKeys],
  CreateStorageLensGroup: [...tagRequestKeys],
  GetAccessPoint: ["aws:ResourceTag/", "s3:AccessPointTag/"],
  GetAccountPublicAccessBlock: [],
  ListAccessGrantsInstances: [],
  ListAccessPoints: [],
  ListAccessPointsForObjectLambda: [],
  ListAllMyBuckets: [],
  ListJobs: [],
  ListMultiRegionAccessPoints: [],
  ListStorageLensConfigurations: [],
  ListStorageLensGroups: [],
  PutAccessPointPublicAccessBlock: [],
  PutAccountPublicAccessBlock: [],
  PutStorageLensConfiguration: [...tagRequestKeys],
};

/** About things that a bucket policy cannot name, by the type of the thing. */
const otherActions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  accessgrant: {
    CreateAccessGrant: ["aws:ResourceTag/", "s3:AccessGrantScope", ...tagRequestKeys],
    DeleteAccessGrant: ["aws:ResourceTag/", "s3:AccessGrantScope"],
    GetAccessGrant: ["aws:ResourceTag/", "s3:AccessGrantScope"],
  },
  accessgrantsinstance: {
    AssociateAccessGrantsIdentityCenter: ["aws:ResourceTag/"],
    CreateAccessGrantsInstance: ["aws:ResourceTag/", ...tagRequestKeys],
    DeleteAccessGrantsInstance: ["aws:ResourceTag/"],
    DeleteAccessGrantsInstanceResourcePolicy: ["aws:ResourceTag/"],
    DissociateAccessGrantsIdentityCenter: ["aws:ResourceTag/"],
    GetAccessGrantsInstance: ["aws:ResourceTag/"],
    GetAccessGrantsInstanceForPrefix: ["aws:ResourceTag/"],
    GetAccessGrantsInstanceResourcePolicy: ["aws:ResourceTag/"],
    GetDataAccess: ["aws:ResourceTag/"],
    ListAccessGrants: ["aws:ResourceTag/"],
    ListAccessGrantsLocations: ["aws:ResourceTag/"],
    ListCallerAccessGrants: ["aws:ResourceTag/"],
    PutAccessGrantsInstanceResourcePolicy: ["aws:ResourceTag/"],
  },
  accessgrantslocation: {
    CreateAccessGrantsLocation: [
      "aws:ResourceTag/",
      "s3:AccessGrantsLocationScope",
      ...tagRequestKeys,
    ],
    DeleteAccessGrantsLocation: ["aws:ResourceTag/", "s3:AccessGrantsLocationScope"],
    GetAccessGrantsLocation: ["aws:ResourceTag/", "s3:AccessGrantsLocationScope"],
    UpdateAccessGrantsLocation: ["aws:ResourceTag/", "s3:AccessGrantsLocationScope"],
  },
  accesspoint: {
    CreateAccessPoint: [
      "aws:ResourceTag/",
      "s3:AccessPointTag/",
      "s3:locationconstraint",
      "s3:x-amz-acl",
      ...tagRequestKeys,
    ],
    DeleteAccessPoint: ["aws:ResourceTag/", "s3:AccessPointTag/"],
    DeleteAccessPointPolicy: ["aws:ResourceTag/", "s3:AccessPointTag/"],
    GetAccessPointPolicy: ["aws:ResourceTag/", "s3:AccessPointTag/"],
    GetAccessPointPolicyStatus: ["aws:ResourceTag/", "s3:AccessPointTag/"],
    PutAccessPointPolicy: [],
  },
  job: {
    DeleteJobTagging: ["s3:ExistingJobOperation", "s3:ExistingJobPriority"],
    DescribeJob: [],
    GetJobTagging: [],
    PutJobTagging: ["s3:ExistingJobOperation", "s3:ExistingJobPriority", ...tagRequestKeys],
    UpdateJobPriority: [
      "s3:ExistingJobOperation",
      "s3:ExistingJobPriority",
      "s3:RequestJobPriority",
    ],
    UpdateJobStatus: ["s3:ExistingJobOperation", "s3:ExistingJobPriority", "s3:JobSuspendedCause"],
  },
  multiregionaccesspoint: {
    CreateMultiRegionAccessPoint: [],
    DeleteMultiRegionAccessPoint: [],
    GetMultiRegionAccessPoint: [],
    GetMultiRegionAccessPointPolicy: [],
    GetMultiRegionAccessPointPolicyStatus: [],
    GetMultiRegionAccessPointRoutes: [],
    PutMultiRegionAccessPointPolicy: [],
    SubmitMultiRegionAccessPointRoutes: [],
  },
  multiregionaccesspointrequestarn: {
    DescribeMultiRegionAccessPointOperation: [],
  },
  objectlambdaaccesspoint: {
    CreateAccessPointForObjectLambda: [],
    DeleteAccessPointForObjectLambda: [],
    DeleteAccessPointPolicyForObjectLambda: [],
    GetAccessPointConfigurationForObjectLambda: [],
    GetAccessPointForObjectLambda: [],
    GetAccessPointPolicyForObjectLambda: [],
    GetAccessPointPolicyStatusForObjectLambda: [],
    PutAccessPointConfigurationForObjectLambda: [],
    PutAccessPointPolicyForObjectLambda: [],
  },
  storagelensconfiguration: {
    DeleteStorageLensConfiguration: [],
    DeleteStorageLensConfigurationTagging: [],
    GetStorageLensConfiguration: [],
    GetStorageLensConfigurationTagging: [],
    GetStorageLensDashboard: [],
    PutStorageLensConfigurationTagging: [...tagRequestKeys],
  },
  storagelensgroup: {
    DeleteStorageLensGroup: [],
    GetStorageLensGroup: [],
    UpdateStorageLensGroup: [],
  },
};

/** Keys of S3 by type; global keys are in global-condition-keys.ts. */
const s3ConditionKeyTypes: Readonly<Record<string, ConditionKeyType>> = {
  "s3:AccessGrantScope": "String",
  "s3:AccessGrantsInstanceArn": "Arn",
  "s3:AccessGrantsLocationScope": "String",
  "s3:AccessPointNetworkOrigin": "String",
  "s3:AccessPointTag/": "String",
  "s3:annotation-prefix": "String",
  "s3:authType": "String",
  "s3:BucketTag/": "String",
  "s3:DataAccessPointAccount": "String",
  "s3:DataAccessPointArn": "Arn",
  "s3:delimiter": "String",
  "s3:deliverySourceArn": "Arn",
  "s3:destinationRegion": "String",
  "s3:ExistingJobOperation": "String",
  "s3:ExistingJobPriority": "Numeric",
  "s3:ExistingObjectTag/": "String",
  "s3:if-match": "String",
  "s3:if-none-match": "String",
  "s3:InventoryAccessibleOptionalFields": "StringList",
  "s3:isReplicationPauseRequest": "Bool",
  "s3:JobSuspendedCause": "String",
  "s3:locationconstraint": "String",
  "s3:logType": "String",
  "s3:max-annotation-results": "Numeric",
  "s3:max-keys": "Numeric",
  "s3:object-lock-event-hold": "String",
  "s3:object-lock-event-hold-duration-days": "Numeric",
  "s3:object-lock-legal-hold": "String",
  "s3:object-lock-mode": "String",
  "s3:object-lock-remaining-retention-days": "Numeric",
  "s3:object-lock-retain-until-date": "Date",
  "s3:ObjectCreationOperation": "Bool",
  "s3:prefix": "String",
  "s3:RequestJobOperation": "String",
  "s3:RequestJobPriority": "Numeric",
  "s3:RequestObjectTag/": "String",
  "s3:RequestObjectTagKeys": "StringList",
  "s3:ResourceAccount": "String",
  "s3:resourceArnBeingAuthorized": "Arn",
  "s3:signatureAge": "Numeric",
  "s3:signatureversion": "String",
  "s3:TlsVersion": "Numeric",
  "s3:versionid": "String",
  "s3:x-amz-acl": "String",
  "s3:x-amz-bucket-namespace": "String",
  "s3:x-amz-content-sha256": "String",
  "s3:x-amz-copy-source": "String",
  "s3:x-amz-grant-full-control": "String",
  "s3:x-amz-grant-read": "String",
  "s3:x-amz-grant-read-acp": "String",
  "s3:x-amz-grant-write": "String",
  "s3:x-amz-grant-write-acp": "String",
  "s3:x-amz-metadata-directive": "String",
  "s3:x-amz-object-annotation-directive": "String",
  "s3:x-amz-object-if-match": "String",
  "s3:x-amz-object-ownership": "String",
  "s3:x-amz-server-side-encryption": "String",
  "s3:x-amz-server-side-encryption-aws-kms-key-id": "Arn",
  "s3:x-amz-server-side-encryption-customer-algorithm": "String",
  "s3:x-amz-storage-class": "String",
  "s3:x-amz-website-redirect-location": "String",
};

/** What every action knows: who asked how, and through which access point (delegation to those). */
const sharedKeys: readonly string[] = [
  "s3:AccessPointNetworkOrigin",
  "s3:authType",
  "s3:BucketTag/",
  "s3:DataAccessPointAccount",
  "s3:DataAccessPointArn",
  "s3:ResourceAccount",
  "s3:signatureAge",
  "s3:signatureversion",
  "s3:TlsVersion",
  "s3:x-amz-content-sha256",
];

/** By name in lower case. */
export const s3PolicyActions: ReadonlyMap<string, S3PolicyAction> = new Map(
  [
    ...readTable(objectActions, ["object"]),
    ...readTable(bucketActions, ["bucket"]),
    ...readTable(taggedActions, ["bucket", "other"]),
    ...readTable(accountActions, ["none"]),
    ...Object.values(otherActions).flatMap((table) => readTable(table, ["other"])),
  ].map((action) => [action.name.toLowerCase(), action]),
);

/** By key in lower case. */
export const s3ConditionKeys: ReadonlyMap<string, ConditionKeyType> = new Map(
  Object.entries(s3ConditionKeyTypes).map(([key, type]) => [key.toLowerCase(), type]),
);

/** In lower case. */
export const sharedS3ConditionKeys: ReadonlySet<string> = new Set(
  sharedKeys.map((key) => key.toLowerCase()),
);

function readTable(
  table: Readonly<Record<string, readonly string[]>>,
  resources: readonly S3ResourceType[],
): readonly S3PolicyAction[] {
  return Object.entries(table).map(([name, keys]) => ({
    name,
    resources,
    conditionKeys: new Set(keys.map((key) => key.toLowerCase())),
  }));
}

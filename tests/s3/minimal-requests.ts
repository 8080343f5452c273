// For every implemented operation the smallest request that it accepts, as data: what the table of
// operations does not say by itself. The compiler asks for a row for each.

import type { OperationName } from "../../src/model/types.generated.ts";
import type { notImplemented, operations } from "../../src/operations/index.ts";

/** Without the preflight, which asks for no permission. */
export type ImplementedName = {
  [Name in OperationName]: (typeof operations)[Name] extends typeof notImplemented ? never : Name;
}[Exclude<OperationName, "Preflight">];

/** `{names}` in texts stand for what the test has made: `{upload}`, `{etag}`, `{source}`, `{key}`… */
export interface MinimalRequest {
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Sent before by the bucket's owner, so that there is something to answer with. */
  readonly after?: ImplementedName;
  /** What the request speaks of beside a bucket with an object. */
  readonly needs?: "lock" | "upload" | "archived" | "no bucket" | "no object";
  /** Actions that it asks for beside its own, and those for a version that is named. */
  readonly alsoDemands?: readonly string[];
  readonly versionAlsoDemands?: readonly string[];
  /** About the caller's own account: those of every account may. */
  readonly isOfAnyAccount?: true;
  /** Status of its answer where nothing has been set. */
  readonly absence?: 404;
  /** Its own action where the table of rules has none. */
  readonly action?: string;
}

const tagging = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
const blocks =
  "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>";
const ofAccount = { headers: { "x-amz-account-id": "{account}" } };
const encryption =
  "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>";
const ownership =
  "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership></Rule></OwnershipControls>";
const retention =
  "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>{tomorrow}</RetainUntilDate></Retention>";
const policy =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::{bucket}/nothing"}]}';
const inventory =
  "<InventoryConfiguration><Id>name</Id><IsEnabled>false</IsEnabled><Destination><S3BucketDestination><Bucket>arn:aws:s3:::reports</Bucket><Format>CSV</Format></S3BucketDestination></Destination><IncludedObjectVersions>Current</IncludedObjectVersions><Schedule><Frequency>Daily</Frequency></Schedule></InventoryConfiguration>";
const analytics =
  "<AnalyticsConfiguration><Id>name</Id><StorageClassAnalysis/></AnalyticsConfiguration>";
const annotation = { query: "annotationName=note" };
const absent = { absence: 404 } as const;
const named = { query: "id=name" };
const copy = { headers: { "x-amz-copy-source": "{source}" }, alsoDemands: ["s3:GetObject"] };

const selection =
  "<SelectObjectContentRequest><Expression>SELECT * FROM S3Object</Expression><ExpressionType>SQL</ExpressionType><InputSerialization><CSV/></InputSerialization><OutputSerialization><CSV/></OutputSerialization></SelectObjectContentRequest>";

export const minimalRequests: Readonly<Record<ImplementedName, MinimalRequest>> = {
  AbortMultipartUpload: { needs: "upload", query: "uploadId={upload}" },
  CompleteMultipartUpload: {
    needs: "upload",
    query: "uploadId={upload}",
    body: "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>",
  },
  CopyObject: copy,
  CreateBucket: { needs: "no bucket", isOfAnyAccount: true },
  CreateMultipartUpload: {},
  DeleteAccountPublicAccessBlock: ofAccount,
  DeleteBucket: { needs: "no object" },
  DeleteBucketAnalyticsConfiguration: { ...named, ...absent },
  DeleteBucketCors: {},
  DeleteBucketEncryption: {},
  DeleteBucketIntelligentTieringConfiguration: { ...named, ...absent },
  DeleteBucketInventoryConfiguration: { ...named, ...absent },
  DeleteBucketLifecycle: {},
  DeleteBucketMetricsConfiguration: { ...named, ...absent },
  DeleteBucketOwnershipControls: {},
  DeleteBucketPolicy: { after: "PutBucketPolicy" },
  DeleteBucketReplication: {},
  DeleteBucketTagging: {},
  DeleteBucketWebsite: {},
  DeleteObject: {},
  DeleteObjectAnnotation: annotation,
  DeleteObjectTagging: {},
  DeleteObjects: {
    action: "s3:DeleteObject",
    body: "<Delete><Object><Key>{key}</Key></Object></Delete>",
  },
  DeletePublicAccessBlock: {},
  GetAccountPublicAccessBlock: { ...ofAccount, after: "PutAccountPublicAccessBlock" },
  GetBucketAbac: {},
  GetBucketAccelerateConfiguration: {},
  GetBucketAcl: {},
  GetBucketAnalyticsConfiguration: { ...named, ...absent },
  GetBucketCors: absent,
  GetBucketEncryption: {},
  GetBucketIntelligentTieringConfiguration: { ...named, ...absent },
  GetBucketInventoryConfiguration: { ...named, ...absent },
  GetBucketLifecycleConfiguration: absent,
  GetBucketLocation: {},
  GetBucketLogging: {},
  GetBucketMetricsConfiguration: { ...named, ...absent },
  GetBucketNotificationConfiguration: {},
  GetBucketOwnershipControls: { after: "PutBucketOwnershipControls" },
  GetBucketPolicy: { after: "PutBucketPolicy" },
  GetBucketPolicyStatus: { after: "PutBucketPolicy" },
  GetBucketReplication: absent,
  GetBucketRequestPayment: {},
  GetBucketTagging: { after: "PutBucketTagging" },
  GetBucketVersioning: {},
  GetBucketWebsite: absent,
  GetObject: {},
  GetObjectAcl: {},
  GetObjectAnnotation: { ...annotation, after: "PutObjectAnnotation" },
  GetObjectAttributes: {
    headers: { "x-amz-object-attributes": "ETag" },
    alsoDemands: ["s3:GetObjectAttributes"],
    versionAlsoDemands: ["s3:GetObjectVersionAttributes"],
  },
  GetObjectLegalHold: { needs: "lock", after: "PutObjectLegalHold" },
  GetObjectLockConfiguration: { needs: "lock" },
  GetObjectRetention: { needs: "lock", after: "PutObjectRetention" },
  GetObjectTagging: {},
  GetPublicAccessBlock: {},
  GetObjectTorrent: {},
  HeadBucket: {},
  HeadObject: {},
  ListBucketAnalyticsConfigurations: {},
  ListBucketIntelligentTieringConfigurations: {},
  ListBucketInventoryConfigurations: {},
  ListBucketMetricsConfigurations: {},
  ListBuckets: { isOfAnyAccount: true },
  ListMultipartUploads: {},
  ListObjectAnnotations: {},
  ListObjectVersions: {},
  ListObjects: {},
  ListObjectsV2: {},
  ListParts: { needs: "upload", query: "uploadId={upload}" },
  ListTagsForResource: ofAccount,
  PostObject: { action: "s3:PutObject" },
  PutAccountPublicAccessBlock: { ...ofAccount, body: blocks },
  PutBucketAbac: { body: "<AbacStatus><Status>Disabled</Status></AbacStatus>" },
  PutBucketAccelerateConfiguration: {
    body: "<AccelerateConfiguration><Status>Enabled</Status></AccelerateConfiguration>",
  },
  PutBucketAcl: { headers: { "x-amz-acl": "private" } },
  PutBucketCors: {
    body: "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>",
  },
  PutBucketEncryption: { body: encryption },
  PutBucketNotificationConfiguration: { body: "<NotificationConfiguration/>" },
  PutBucketLifecycleConfiguration: {
    body: "<LifecycleConfiguration><Rule><Filter/><Status>Disabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
  },
  PutBucketIntelligentTieringConfiguration: {
    ...named,
    body: "<IntelligentTieringConfiguration><Id>name</Id><Status>Enabled</Status><Tiering><Days>90</Days><AccessTier>ARCHIVE_ACCESS</AccessTier></Tiering></IntelligentTieringConfiguration>",
  },
  PutBucketInventoryConfiguration: { ...named, body: inventory },
  PutBucketAnalyticsConfiguration: { ...named, body: analytics },
  PutBucketMetricsConfiguration: {
    ...named,
    body: "<MetricsConfiguration><Id>name</Id></MetricsConfiguration>",
  },
  PutBucketOwnershipControls: { body: ownership },
  PutBucketPolicy: { body: policy },
  PutBucketReplication: {
    // Object lock has switched versioning on.
    needs: "lock",
    body: "<ReplicationConfiguration><Role>arn:aws:iam::{account}:role/r</Role><Rule><Prefix/><Status>Enabled</Status><Destination><Bucket>arn:aws:s3:::{versioned}</Bucket></Destination></Rule></ReplicationConfiguration>",
    alsoDemands: ["iam:PassRole"],
  },
  PutBucketRequestPayment: {
    body: "<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>",
  },
  PutBucketTagging: { body: tagging },
  PutBucketLogging: { body: "<BucketLoggingStatus/>" },
  PutBucketVersioning: {
    body: "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
  },
  PutBucketWebsite: {
    body: "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>",
  },
  PutObject: { body: "text" },
  PutObjectAcl: { headers: { "x-amz-acl": "private" } },
  PutObjectAnnotation: { ...annotation, body: "text" },
  PutObjectLegalHold: { needs: "lock", body: "<LegalHold><Status>OFF</Status></LegalHold>" },
  PutObjectLockConfiguration: {
    needs: "lock",
    body: "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>",
  },
  PutObjectRetention: { needs: "lock", body: retention },
  PutObjectTagging: { body: tagging },
  PutPublicAccessBlock: { body: blocks },
  RestoreObject: { needs: "archived", body: "<RestoreRequest><Days>1</Days></RestoreRequest>" },
  SelectObjectContent: { body: selection },
  TagResource: {
    ...ofAccount,
    body: "<TagResourceRequest><Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags></TagResourceRequest>",
  },
  UntagResource: { ...ofAccount, query: "tagKeys=a" },
  UpdateObjectEncryption: {
    body: "<ObjectEncryption><SSE-KMS><KMSKeyArn>{kmsKey}</KMSKeyArn></SSE-KMS></ObjectEncryption>",
    alsoDemands: ["kms:GenerateDataKey"],
  },
  UploadPart: { needs: "upload", query: "partNumber=2&uploadId={upload}", body: "text" },
  UploadPartCopy: { ...copy, needs: "upload", query: "partNumber=2&uploadId={upload}" },
};

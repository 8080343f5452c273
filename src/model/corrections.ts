// What the SDK's schemas lack or get wrong, one entry each with its reason. Read only by
// tools/generate-model.ts, which applies it: the generated tables already hold the corrected truth.

import type { InputMember, OperationDefinition, ShapeMember } from "./operation-table.ts";

/** Success statuses that the model states as 200 but the service answers otherwise. */
export const statuses: Readonly<Record<string, number>> = {
  // Seen on the wire, and in the sample responses of the API reference: 204 No Content.
  PutBucketAnalyticsConfiguration: 204,
  PutBucketIntelligentTieringConfiguration: 204,
  PutBucketInventoryConfiguration: 204,
  PutBucketMetricsConfiguration: 204,
  PutBucketPolicy: 204,
  PutBucketTagging: 204,
};

/**
 * Operations that the model wants a checksum for and the service does not: s3cmd has always sent their
 * documents without one, and those of CORS, lifecycle, tagging and others with Content-MD5, since
 * S3 refuses them otherwise (S3/S3.py of s3cmd 2.4.0). Versioning: github.com/minio/minio/pull/9852, and the
 * clients of AWS SDK for Java 1 and MinIO's for JavaScript send none; tags of objects: measured,
 * github.com/versity/versitygw/issues/1662.
 */
export const checksumNotDemanded: readonly string[] = [
  "PutBucketAcl",
  "PutBucketLogging",
  "PutBucketPolicy",
  "PutBucketRequestPayment",
  "PutBucketVersioning",
  "PutBucketWebsite",
  "PutObjectAcl",
  "PutObjectTagging",
];

/** Root elements of output documents for which the schemas have no name, or a wrong one. */
export const outputRoots: Readonly<Record<string, string>> = {
  // The output is the configuration's own shape, whose name is the element.
  GetBucketNotificationConfiguration: "NotificationConfiguration",
  // As the service answers them; the reference prints other names for both.
  ListBucketAnalyticsConfigurations: "ListBucketAnalyticsConfigurationsResult",
  ListBucketIntelligentTieringConfigurations: "ListIntelligentTieringConfigurationsResult",
  // No sample is published; named after the other listings. Every SDK ignores the root's name.
  ListObjectAnnotations: "ListObjectAnnotationsResult",
  PutObjectAnnotation: "PutObjectAnnotationResult",
};

/**
 * Outputs whose one body member is itself the document: `<LocationConstraint>eu-west-1<…>`, without an
 * inner element. The schemas nest the element twice.
 */
export const unwrappedOutputs: readonly string[] = ["GetBucketLocation"];

/** Shapes and enumerations whose names would hide a global or say nothing outside their context. */
export const typeNames: Readonly<Record<string, string>> = {
  Object: "ListedObject",
  Error: "DeleteError",
  Type: "GranteeType",
};

/**
 * Enumerations that S3 answers with an error of their own rather than MalformedXML; the XML reader
 * lets every text through and the operation judges.
 */
export const openEnumerations: readonly string[] = [
  // IllegalLocationConstraintException, InvalidLocationConstraint.
  "BucketLocationConstraint",
  // InvalidArgument: "A specified event is not supported for notifications".
  "Event",
  // In any case, and else InvalidArgument: "filter rule name must be either prefix or suffix".
  "FilterRuleName",
  // Select has one error code for each of them.
  "CompressionType",
  "ExpressionType",
  "FileHeaderInfo",
  "JSONType",
  "QuoteFields",
  // InvalidRequest: "Invalid protocol, protocol can be http or https."
  "Protocol",
];

/** Members that the payload or the body already tells, where a second source could only disagree. */
export const membersLeftOut: Readonly<Record<string, readonly string[]>> = {
  // With aws-chunked the header counts the framing too: `context.payload.lengthBytes` is the truth.
  PutObjectRequest: ["ContentLength"],
  UploadPartRequest: ["ContentLength"],
  // The encoder writes Content-Length from the body itself.
  GetObjectOutput: ["ContentLength", "ExpiresString"],
  GetObjectAnnotationOutput: ["ContentLength"],
  // An SDK's convenience, the same header as Expires.
  HeadObjectOutput: ["ExpiresString"],
  // Versions and DeleteMarkers become one list, see `addedMembers`.
  ListObjectVersionsOutput: ["Versions", "DeleteMarkers"],
};

/** Members whose type the schemas narrow beyond what S3 does. */
export const memberTypes: Readonly<Record<string, ShapeMember["type"]>> = {
  // S3 stores whatever text the client sent as Expires and returns it unchanged.
  "PutObjectRequest.Expires": "string",
  "CopyObjectRequest.Expires": "string",
  "CreateMultipartUploadRequest.Expires": "string",
  "WriteGetObjectResponseRequest.Expires": "string",
  "GetObjectOutput.Expires": "string",
  "HeadObjectOutput.Expires": "string",
  // The override is echoed as text too.
  "GetObjectRequest.ResponseExpires": "string",
  "HeadObjectRequest.ResponseExpires": "string",
};

/** Bodies that the schemas make optional and S3 demands: MissingRequestBodyError. */
export const requiredMembers: readonly string[] = [
  "PutBucketLifecycleConfigurationRequest.LifecycleConfiguration",
  "PutObjectLegalHoldRequest.LegalHold",
  "PutObjectLockConfigurationRequest.ObjectLockConfiguration",
  "PutObjectRetentionRequest.Retention",
  "RestoreObjectRequest.RestoreRequest",
];

/** Members that the schemas demand and whose lack is the operation's to judge. */
export const optionalMembers: readonly string[] = [
  // MissingRequiredParameter.
  "SelectObjectContentRequest.Expression",
  "SelectObjectContentRequest.ExpressionType",
  "SelectObjectContentRequest.InputSerialization",
  "SelectObjectContentRequest.OutputSerialization",
];

/** Members that S3 has on the wire and the schemas do not. */
export const addedMembers: Readonly<Record<string, readonly ShapeMember[]>> = {
  // The old PutBucketNotification form carries a role; S3 reads and ignores it.
  LambdaFunctionConfiguration: [{ name: "InvocationRole", wire: "InvocationRole", type: "string" }],
  // The service reads it and answers InvalidRequest; leaving it out would say MalformedXML.
  ObjectEncryption: [{ name: "SSES3", wire: "SSE-S3", type: { structure: "SSES3" } }],
  // S3 prints versions and delete markers interleaved in the order of the listing; two separate lists
  // cannot say that order. An entry's element is the element of its one member.
  ListObjectVersionsOutput: [
    {
      name: "Entries",
      wire: "",
      type: { list: { structure: "VersionEntry" }, flattened: true },
    },
  ],
};

const grantWrite: InputMember = {
  name: "GrantWrite",
  in: "header",
  wire: "x-amz-grant-write",
  type: "string",
};

/**
 * Between two Holdfast servers alone: the request is replication, and what it makes is a replica (of this
 * identity). It asks for permissions of its own, see access/authorize.ts.
 */
const replica: InputMember = {
  name: "Replica",
  in: "header",
  wire: "x-amz-holdfast-replica",
  type: "string",
};

const bypassGovernance: InputMember = {
  name: "BypassGovernanceRetention",
  in: "header",
  wire: "x-amz-bypass-governance-retention",
  type: "boolean",
};

/** Headers, and parameters of queries, that S3 acts upon or answers with and the schemas do not bind. */
export const addedHeaders: Readonly<Record<string, readonly InputMember[]>> = {
  // The service handles it (github.com/aws/aws-sdk-kotlin/issues/1645): browsers resume downloads by it.
  GetObjectRequest: [{ name: "IfRange", in: "header", wire: "If-Range", type: "string" }],
  HeadObjectRequest: [{ name: "IfRange", in: "header", wire: "If-Range", type: "string" }],
  // The service stores it with the other grants (ceph/s3-tests, test_object_header_acl_grants).
  PutObjectRequest: [grantWrite, replica],
  CopyObjectRequest: [grantWrite],
  CreateMultipartUploadRequest: [grantWrite, replica],
  DeleteObjectRequest: [replica],
  // What s3:GetObjectVersionTorrent is about: "the torrent files about a specific version of an object"
  // (Service Authorization Reference).
  GetObjectTorrentRequest: [{ name: "VersionId", in: "query", wire: "versionId", type: "string" }],
  // "Using BitTorrent to retrieve objects stored in Amazon S3" (Developer Guide), sample response.
  GetObjectTorrentOutput: [
    { name: "ContentType", in: "header", wire: "Content-Type", type: "string" },
    { name: "ContentDisposition", in: "header", wire: "Content-Disposition", type: "string" },
  ],
  PutObjectAnnotationRequest: [replica],
  // "If the object is protected by Object Lock in governance mode, you must also include the
  // x-amz-bypass-governance-retention header" (Reference, DeleteObjectAnnotation).
  DeleteObjectAnnotationRequest: [bypassGovernance, replica],
  PutObjectTaggingRequest: [replica],
  DeleteObjectTaggingRequest: [replica],
  PutObjectAclRequest: [replica],
  PutObjectRetentionRequest: [replica],
  PutObjectLegalHoldRequest: [replica],
};

/** Shapes that no schema has. */
export const addedShapes: Readonly<Record<string, readonly ShapeMember[]>> = {
  PostResponse: [
    { name: "Location", wire: "Location", type: "string" },
    { name: "Bucket", wire: "Bucket", type: "string" },
    { name: "Key", wire: "Key", type: "string" },
    { name: "ETag", wire: "ETag", type: "string" },
  ],
  VersionEntry: [
    { name: "Version", wire: "Version", type: { structure: "ObjectVersion" } },
    { name: "DeleteMarker", wire: "DeleteMarker", type: { structure: "DeleteMarkerEntry" } },
  ],
};

/** Added shapes of which exactly one member is present. */
export const addedUnions: readonly string[] = ["VersionEntry"];

/**
 * The order in which S3 prints elements, from the sample responses of the API reference. Old clients
 * read some of them in sequence. Members that are not named keep the schema's order, after the named.
 */
export const memberOrder: Readonly<Record<string, readonly string[]>> = {
  ListBucketsOutput: ["Owner", "Buckets", "Prefix", "ContinuationToken"],
  Bucket: ["Name", "CreationDate", "BucketRegion", "BucketArn"],
  ListObjectsOutput: [
    "Name",
    "Prefix",
    "Marker",
    "NextMarker",
    "MaxKeys",
    "Delimiter",
    "EncodingType",
    "IsTruncated",
    "Contents",
    "CommonPrefixes",
  ],
  ListObjectsV2Output: [
    "Name",
    "Prefix",
    "StartAfter",
    "ContinuationToken",
    "NextContinuationToken",
    "KeyCount",
    "MaxKeys",
    "Delimiter",
    "EncodingType",
    "IsTruncated",
    "Contents",
    "CommonPrefixes",
  ],
  ListObjectVersionsOutput: [
    "Name",
    "Prefix",
    "KeyMarker",
    "VersionIdMarker",
    "NextKeyMarker",
    "NextVersionIdMarker",
    "MaxKeys",
    "Delimiter",
    "EncodingType",
    "IsTruncated",
    "Entries",
    "CommonPrefixes",
  ],
  ListMultipartUploadsOutput: [
    "Bucket",
    "KeyMarker",
    "UploadIdMarker",
    "NextKeyMarker",
    "NextUploadIdMarker",
    "Delimiter",
    "Prefix",
    "MaxUploads",
    "EncodingType",
    "IsTruncated",
    "Uploads",
    "CommonPrefixes",
  ],
  ListPartsOutput: [
    "Bucket",
    "Key",
    "UploadId",
    "Initiator",
    "Owner",
    "StorageClass",
    "PartNumberMarker",
    "NextPartNumberMarker",
    "MaxParts",
    "IsTruncated",
    "ChecksumAlgorithm",
    "ChecksumType",
    "Parts",
  ],
  Object: ["Key", "LastModified", "ETag", "ChecksumAlgorithm", "ChecksumType", "Size", "Owner"],
  ObjectVersion: ["Key", "VersionId", "IsLatest", "LastModified", "ETag"],
  DeleteMarkerEntry: ["Key", "VersionId", "IsLatest", "LastModified", "Owner"],
  MultipartUpload: ["Key", "UploadId", "Initiator", "Owner", "StorageClass", "Initiated"],
  Owner: ["ID", "DisplayName"],
  Grantee: ["Type", "ID", "DisplayName", "EmailAddress", "URI"],
  AccessControlPolicy: ["Owner", "Grants"],
  CopyObjectResult: ["LastModified", "ETag"],
  CopyPartResult: ["LastModified", "ETag"],
  LifecycleRule: ["ID", "Prefix", "Filter", "Status"],
  RoutingRule: ["Condition", "Redirect"],
  Error: ["Key", "VersionId", "Code", "Message"],
};

/** Malformed documents that get an error code of their own. */
export const malformedBodyErrors: Readonly<
  Record<string, NonNullable<OperationDefinition["malformedBodyError"]>>
> = {
  PutBucketAcl: "MalformedACLError",
  PutObjectAcl: "MalformedACLError",
};

/** Empty bodies that get another error code than MissingRequestBodyError. */
export const emptyBodyErrors: Readonly<
  Record<string, NonNullable<OperationDefinition["emptyBodyError"]>>
> = { SelectObjectContent: "EmptyRequestBody" };

/** Operations that stand at an exact path of their own. */
export const paths: Readonly<Record<string, string>> = {
  // Object Lambda's answer: neither bucket nor key. The schema's route is a host, `{RequestRoute}.`.
  WriteGetObjectResponse: "/WriteGetObjectResponse",
};

/**
 * The deprecated twins share the address of their successors, and their documents are subsets of
 * the successors' documents (one Transition instead of many, `Event` once instead of repeated,
 * InvocationRole ignored): one operation serves both names.
 */
export const deprecatedTwins = {
  GetBucketLifecycle: "GetBucketLifecycleConfiguration",
  PutBucketLifecycle: "PutBucketLifecycleConfiguration",
  GetBucketNotification: "GetBucketNotificationConfiguration",
  PutBucketNotification: "PutBucketNotificationConfiguration",
} as const;

const bucketLabel: InputMember = {
  name: "Bucket",
  in: "label",
  wire: "",
  type: "string",
  required: true,
};

/** S3 Control's: the account stands in a header, and clients put it before the host's name too. */
function ofControl(
  method: "GET" | "PUT" | "POST" | "DELETE",
  path: string,
): Omit<OperationDefinition, "name" | "input" | "output"> {
  const status = method === "DELETE" ? 204 : 200;
  return { method, level: "service", query: [], path, control: true, status };
}

// Block Public Access of a whole account: named there as the operations of buckets are.
const accountBlockPath = "/v20180820/configuration/publicAccessBlock";
const tagsPath = "/v20180820/tags/{ResourceArn}";

const accountId: InputMember = {
  name: "AccountId",
  in: "header",
  wire: "x-amz-account-id",
  type: "string",
  required: true,
};

const accountBlock = {
  name: "PublicAccessBlockConfiguration",
  in: "payload",
  wire: "PublicAccessBlockConfiguration",
  type: { structure: "PublicAccessBlockConfiguration" },
} as const;

const resourceArn: InputMember = {
  name: "ResourceArn",
  in: "label",
  wire: "",
  type: "string",
  required: true,
};

const tagList = {
  name: "Tags",
  in: "body",
  wire: "Tags",
  type: { list: { structure: "Tag" }, element: "Tag" },
} as const;

/** Operations that answer with the headers of another one beside their own members. */
export const borrowedOutputs: Readonly<Record<string, string>> = { PostObject: "PutObject" };

/** Requests that S3 answers but no model of S3 itself calls operations. */
export const addedOperations: readonly {
  readonly definition: Omit<OperationDefinition, "name">;
  readonly name: string;
}[] = [
  {
    // A browser's form upload: the key, the policy and the file are fields of the form.
    name: "PostObject",
    definition: {
      method: "POST",
      level: "bucket",
      query: [],
      status: 204,
      input: [
        bucketLabel,
        { name: "ContentType", in: "header", wire: "Content-Type", type: "string" },
        { name: "Body", in: "payload", wire: "", type: "stream" },
      ],
      // As the sample of the reference shows it, and as scripts in browsers read it.
      withoutNamespace: true,
      // What PutObject answers, where the form was sent, and a document when the form asks for one.
      output: [
        { name: "Location", in: "header", wire: "Location", type: "string" },
        {
          name: "PostResponse",
          in: "payload",
          wire: "PostResponse",
          type: { structure: "PostResponse" },
        },
      ],
    },
  },
  {
    // A browser's CORS preflight, for a bucket or an object. Never signed.
    name: "Preflight",
    definition: {
      method: "OPTIONS",
      level: "object",
      query: [],
      status: 200,
      input: [
        bucketLabel,
        { name: "Key", in: "label", wire: "", type: "string" },
        { name: "Origin", in: "header", wire: "Origin", type: "string" },
        {
          name: "AccessControlRequestMethod",
          in: "header",
          wire: "Access-Control-Request-Method",
          type: "string",
        },
        {
          name: "AccessControlRequestHeaders",
          in: "header",
          wire: "Access-Control-Request-Headers",
          type: "string",
        },
      ],
      output: (
        [
          ["AllowOrigin", "Access-Control-Allow-Origin", "string"],
          ["AllowMethods", "Access-Control-Allow-Methods", "string"],
          ["AllowHeaders", "Access-Control-Allow-Headers", "string"],
          ["ExposeHeaders", "Access-Control-Expose-Headers", "string"],
          ["AllowCredentials", "Access-Control-Allow-Credentials", "string"],
          ["MaxAge", "Access-Control-Max-Age", "integer"],
          ["Vary", "Vary", "string"],
        ] as const
      ).map(([name, wire, type]) => ({ name, in: "header", wire, type })),
    },
  },
  {
    name: "GetAccountPublicAccessBlock",
    definition: {
      ...ofControl("GET", accountBlockPath),
      input: [accountId],
      output: [accountBlock],
    },
  },
  {
    name: "PutAccountPublicAccessBlock",
    definition: {
      ...ofControl("PUT", accountBlockPath),
      input: [accountId, { ...accountBlock, required: true }],
      output: [],
    },
  },
  {
    name: "DeleteAccountPublicAccessBlock",
    definition: { ...ofControl("DELETE", accountBlockPath), input: [accountId], output: [] },
  },
  {
    name: "TagResource",
    definition: {
      ...ofControl("POST", tagsPath),
      status: 204,
      inputRoot: "TagResourceRequest",
      input: [resourceArn, accountId, { ...tagList, required: true }],
      output: [],
    },
  },
  {
    name: "UntagResource",
    definition: {
      ...ofControl("DELETE", tagsPath),
      input: [
        resourceArn,
        accountId,
        {
          name: "TagKeys",
          in: "query",
          wire: "tagKeys",
          type: { list: "string", flattened: true },
          required: true,
        },
      ],
      output: [],
    },
  },
  {
    name: "ListTagsForResource",
    definition: {
      ...ofControl("GET", tagsPath),
      input: [resourceArn, accountId],
      outputRoot: "ListTagsForResourceResult",
      output: [tagList],
    },
  },
];

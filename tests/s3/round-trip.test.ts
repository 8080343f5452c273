// What tools like Terraform do with a bucket: apply every sub-resource, refresh by reading everything
// that a bucket can have, find nothing to change, destroy, and all of it again. The reads are those of
// the AWS provider's `aws_s3_bucket` (internal/service/s3/bucket.go), which takes exactly these answers
// for "not configured", and of its resources for single sub-resources.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { operations as definitions } from "../../src/model/operations.generated.ts";
import { notImplemented, operations } from "../../src/operations/index.ts";
import { KMS } from "@aws-sdk/client-kms";
import {
  S3ServiceException,
  type LifecycleRule,
  type ReplicationConfiguration,
} from "@aws-sdk/client-s3";
import { STS } from "@aws-sdk/client-sts";
import { newControlClient } from "./control-client.ts";
import { startTestServer } from "./test-server.ts";

const { s3, server } = await startTestServer();
const settings = { region: server.region, credentials: server.credentials };
const kms = new KMS({ ...settings, endpoint: server.endpoint });
const sts = new STS({ ...settings, endpoint: server.endpoint });
const control = newControlClient(server);
after(() => {
  for (const client of [kms, sts, control]) client.destroy();
});

const called = new Set<string>();
s3.middlewareStack.add(
  (next, { commandName = "" }) => {
    called.add(commandName.replace(/Command$/, ""));
    return next;
  },
  { step: "initialize" },
);

const { Account: AccountId = "" } = await sts.getCallerIdentity({});
const KMSMasterKeyID = (await kms.createKey({})).KeyMetadata?.Arn;
const { Owner } = await s3.listBuckets({});

/** One sub-resource; values are those of its read, without what belongs to the transport. */
interface SubResource {
  readonly refresh: (Bucket: string) => Promise<unknown>;
  /** Of a new bucket. Text: the code of the error. */
  readonly unset: unknown;
  /** Absent: nothing can set it yet, or another one sets it. */
  readonly apply?: (Bucket: string) => Promise<unknown>;
  readonly planned?: (Bucket: string) => unknown;
  /** Absent: the provider leaves it as it is. */
  readonly destroy?: (Bucket: string) => Promise<unknown>;
  /** Where it is not `unset`. */
  readonly destroyed?: unknown;
}

/** Blanks, order and spelling of its own: it must come back as it went. */
const policyOf = (Bucket: string): string => `{
  "Version" : "2012-10-17",   "Id": "as written – ü",
  "Statement": [ { "Sid":"only", "Effect": "Deny",
    "Principal": {"AWS": ["${AccountId}"]},
    "Action": "s3:GetObject", "Resource": [ "arn:aws:s3:::${Bucket}/secret/*" ] ,
    "Condition": {"Bool": {"aws:SecureTransport": false}} } ]
}
`;
const tagging = {
  TagSet: [
    { Key: "zone", Value: "b" },
    { Key: "a key: with/signs", Value: "" },
  ],
};
const blocks = {
  BlockPublicAcls: true,
  IgnorePublicAcls: false,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: false,
};
const ownershipControls = { Rules: [{ ObjectOwnership: "BucketOwnerPreferred" as const }] };
const fullControl = {
  Grantee: { Type: "CanonicalUser", ID: Owner?.ID, DisplayName: Owner?.DisplayName },
  Permission: "FULL_CONTROL",
} as const;
const logDelivery = {
  Grantee: { Type: "Group", URI: "http://acs.amazonaws.com/groups/s3/LogDelivery" },
  Permission: "WRITE",
} as const;
const corsRules = [
  { AllowedMethods: ["GET", "HEAD"], AllowedOrigins: ["https://example.com"], MaxAgeSeconds: 600 },
];
const website = {
  IndexDocument: { Suffix: "index.html" },
  ErrorDocument: { Key: "errors/404.html" },
  RoutingRules: [
    {
      Condition: { KeyPrefixEquals: "a b/", HttpErrorCodeReturnedEquals: "404" },
      Redirect: { Protocol: "https" as const, HostName: "example.com", HttpRedirectCode: "302" },
    },
    { Redirect: { ReplaceKeyPrefixWith: "" } },
  ],
};

const encryption = {
  Rules: [
    {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" as const, KMSMasterKeyID },
      BucketKeyEnabled: true,
      BlockedEncryptionTypes: { EncryptionType: ["SSE-C" as const] },
    },
  ],
};
await s3.createBucket({ Bucket: "replicas", ObjectLockEnabledForBucket: true });
await s3.createBucket({ Bucket: "logs" });
const logging = {
  LoggingEnabled: {
    TargetBucket: "logs",
    TargetPrefix: "of bucket/",
    TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: "EventTime" as const } },
  },
};
const replication: ReplicationConfiguration = {
  Role: `arn:aws:iam::${AccountId}:role/replication`,
  Rules: [
    {
      ID: "all",
      Priority: 0,
      Status: "Enabled",
      Filter: { Prefix: "" },
      DeleteMarkerReplication: { Status: "Enabled" },
      Destination: { Bucket: "arn:aws:s3:::replicas", StorageClass: "STANDARD_IA" },
    },
  ],
};
const intelligentTiering = [
  {
    Id: "ArchiveOnly",
    Status: "Disabled" as const,
    Tierings: [{ Days: 730, AccessTier: "ARCHIVE_ACCESS" as const }],
  },
  {
    Id: "both_tiers",
    Status: "Enabled" as const,
    Filter: { And: { Prefix: "logs/", Tags: [{ Key: "kind", Value: "log" }] } },
    Tierings: [
      { Days: 180, AccessTier: "DEEP_ARCHIVE_ACCESS" as const },
      { Days: 90, AccessTier: "ARCHIVE_ACCESS" as const },
    ],
  },
];
const metrics = [
  { Id: "EntireBucket" },
  {
    Id: "red.photos_1-2",
    Filter: { And: { Prefix: "photos/", Tags: [{ Key: "colour", Value: "red" }] } },
  },
];

const inventory = [
  {
    Id: "everything",
    IsEnabled: true,
    Destination: {
      S3BucketDestination: {
        AccountId: "123456789012",
        Bucket: "arn:aws:s3:::reports",
        Format: "Parquet" as const,
        Prefix: "inventories/",
        Encryption: { SSEKMS: { KeyId: "arn:aws:kms:us-east-1:123456789012:key/k-1" } },
      },
    },
    Schedule: { Frequency: "Weekly" as const },
    Filter: { Prefix: "photos/" },
    IncludedObjectVersions: "All" as const,
    OptionalFields: ["ETag" as const, "Size" as const],
  },
  {
    Id: "least",
    IsEnabled: false,
    Destination: {
      S3BucketDestination: { Bucket: "arn:aws:s3:::reports", Format: "CSV" as const },
    },
    Schedule: { Frequency: "Daily" as const },
    IncludedObjectVersions: "Current" as const,
  },
];
const analytics = [
  { Id: "all", StorageClassAnalysis: {} },
  {
    Id: "red",
    Filter: { And: { Prefix: "photos/", Tags: [{ Key: "colour", Value: "red" }] } },
    StorageClassAnalysis: {
      DataExport: {
        OutputSchemaVersion: "V_1" as const,
        Destination: {
          S3BucketDestination: {
            Bucket: "arn:aws:s3:::reports",
            Format: "CSV" as const,
            Prefix: "analyses",
          },
        },
      },
    },
  },
];

const lifecycleRules: LifecycleRule[] = [
  {
    ID: "everything in one rule",
    Filter: {
      And: {
        Prefix: "logs/",
        Tags: [
          { Key: "kind", Value: "log" },
          { Key: "empty", Value: "" },
        ],
        ObjectSizeGreaterThan: 0,
        ObjectSizeLessThan: 1024,
      },
    },
    Status: "Enabled",
    Expiration: { Days: 365 },
    Transitions: [
      { Days: 30, StorageClass: "STANDARD_IA" },
      { Days: 90, StorageClass: "GLACIER" },
    ],
    NoncurrentVersionTransitions: [
      { NoncurrentDays: 30, StorageClass: "STANDARD_IA", NewerNoncurrentVersions: 2 },
    ],
    NoncurrentVersionExpiration: { NoncurrentDays: 60, NewerNoncurrentVersions: 3 },
  },
  {
    ID: "on a day",
    Filter: { Prefix: "" },
    Status: "Disabled",
    Expiration: { Date: new Date("2030-01-01T00:00:00Z") },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
  },
  {
    ID: "markers",
    Filter: {},
    Status: "Enabled",
    Expiration: { ExpiredObjectDeleteMarker: true },
  },
];
const notTruncated = { IsTruncated: false };

/** In the order in which they are applied: some need one before them. */
const subResources: Readonly<Record<string, SubResource>> = {
  head: {
    refresh: async (Bucket) => {
      const { BucketArn, ...others } = await s3.headBucket({ Bucket });
      assert.equal(BucketArn, `arn:aws:s3:::${Bucket}`);
      return others;
    },
    unset: { BucketRegion: "us-east-1", AccessPointAlias: false },
  },
  location: { refresh: (Bucket) => s3.getBucketLocation({ Bucket }), unset: {} },
  ownershipControls: {
    refresh: (Bucket) => s3.getBucketOwnershipControls({ Bucket }),
    unset: { OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] } },
    apply: (Bucket) =>
      s3.putBucketOwnershipControls({ Bucket, OwnershipControls: ownershipControls }),
    planned: () => ({ OwnershipControls: ownershipControls }),
    destroy: (Bucket) => s3.deleteBucketOwnershipControls({ Bucket }),
    destroyed: "OwnershipControlsNotFoundError",
  },
  publicAccessBlock: {
    refresh: (Bucket) => s3.getPublicAccessBlock({ Bucket }),
    unset: {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        IgnorePublicAcls: true,
        BlockPublicPolicy: true,
        RestrictPublicBuckets: true,
      },
    },
    apply: (Bucket) => s3.putPublicAccessBlock({ Bucket, PublicAccessBlockConfiguration: blocks }),
    planned: () => ({ PublicAccessBlockConfiguration: blocks }),
    destroy: (Bucket) => s3.deletePublicAccessBlock({ Bucket }),
    destroyed: "NoSuchPublicAccessBlockConfiguration",
  },
  acl: {
    refresh: (Bucket) => s3.getBucketAcl({ Bucket }),
    unset: { Owner, Grants: [fullControl] },
    apply: (Bucket) =>
      s3.putBucketAcl({
        Bucket,
        AccessControlPolicy: { Owner, Grants: [fullControl, logDelivery] },
      }),
    planned: () => ({ Owner, Grants: [fullControl, logDelivery] }),
    destroyed: { Owner, Grants: [fullControl, logDelivery] },
  },
  policy: {
    refresh: (Bucket) => s3.getBucketPolicy({ Bucket }),
    unset: "NoSuchBucketPolicy",
    apply: (Bucket) => s3.putBucketPolicy({ Bucket, Policy: policyOf(Bucket) }),
    planned: (Bucket) => ({ Policy: policyOf(Bucket) }),
    destroy: (Bucket) => s3.deleteBucketPolicy({ Bucket }),
  },
  policyStatus: {
    refresh: (Bucket) => s3.getBucketPolicyStatus({ Bucket }),
    unset: "NoSuchBucketPolicy",
    planned: () => ({ PolicyStatus: { IsPublic: false } }),
  },
  versioning: {
    refresh: (Bucket) => s3.getBucketVersioning({ Bucket }),
    unset: {},
    apply: (Bucket) =>
      s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } }),
    planned: () => ({ Status: "Enabled" }),
    destroy: (Bucket) =>
      s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Suspended" } }),
    destroyed: { Status: "Suspended" },
  },
  encryption: {
    refresh: (Bucket) => s3.getBucketEncryption({ Bucket }),
    unset: {
      ServerSideEncryptionConfiguration: {
        Rules: [
          {
            ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" },
            BucketKeyEnabled: false,
            BlockedEncryptionTypes: { EncryptionType: ["SSE-C"] },
          },
        ],
      },
    },
    apply: (Bucket) =>
      s3.putBucketEncryption({ Bucket, ServerSideEncryptionConfiguration: encryption }),
    planned: () => ({ ServerSideEncryptionConfiguration: encryption }),
    destroy: (Bucket) => s3.deleteBucketEncryption({ Bucket }),
  },
  requestPayment: {
    refresh: (Bucket) => s3.getBucketRequestPayment({ Bucket }),
    unset: { Payer: "BucketOwner" },
    apply: (Bucket) =>
      s3.putBucketRequestPayment({
        Bucket,
        RequestPaymentConfiguration: { Payer: "Requester" },
      }),
    planned: () => ({ Payer: "Requester" }),
    destroy: (Bucket) =>
      s3.putBucketRequestPayment({
        Bucket,
        RequestPaymentConfiguration: { Payer: "BucketOwner" },
      }),
  },
  tagging: {
    refresh: (Bucket) => s3.getBucketTagging({ Bucket }),
    unset: "NoSuchTagSet",
    apply: (Bucket) => s3.putBucketTagging({ Bucket, Tagging: tagging }),
    planned: () => tagging,
    destroy: (Bucket) => s3.deleteBucketTagging({ Bucket }),
  },
  tagsOfResource: {
    refresh: (Bucket) =>
      control.listTagsForResource({ AccountId, ResourceArn: `arn:aws:s3:::${Bucket}` }),
    unset: { Tags: [] },
    planned: () => ({ Tags: tagging.TagSet }),
  },
  abac: {
    refresh: (Bucket) => s3.getBucketAbac({ Bucket }),
    unset: { AbacStatus: { Status: "Disabled" } },
    apply: (Bucket) => s3.putBucketAbac({ Bucket, AbacStatus: { Status: "Enabled" } }),
    planned: () => ({ AbacStatus: { Status: "Enabled" } }),
    destroy: (Bucket) => s3.putBucketAbac({ Bucket, AbacStatus: { Status: "Disabled" } }),
  },
  objectLock: {
    refresh: (Bucket) => s3.getObjectLockConfiguration({ Bucket }),
    unset: "ObjectLockConfigurationNotFoundError",
  },
  cors: {
    refresh: (Bucket) => s3.getBucketCors({ Bucket }),
    unset: "NoSuchCORSConfiguration",
    apply: (Bucket) => s3.putBucketCors({ Bucket, CORSConfiguration: { CORSRules: corsRules } }),
    planned: () => ({ CORSRules: corsRules }),
    destroy: (Bucket) => s3.deleteBucketCors({ Bucket }),
  },
  website: {
    refresh: (Bucket) => s3.getBucketWebsite({ Bucket }),
    unset: "NoSuchWebsiteConfiguration",
    apply: (Bucket) => s3.putBucketWebsite({ Bucket, WebsiteConfiguration: website }),
    planned: () => website,
    destroy: (Bucket) => s3.deleteBucketWebsite({ Bucket }),
  },
  lifecycle: {
    refresh: (Bucket) => s3.getBucketLifecycleConfiguration({ Bucket }),
    unset: "NoSuchLifecycleConfiguration",
    apply: (Bucket) =>
      s3.putBucketLifecycleConfiguration({
        Bucket,
        LifecycleConfiguration: { Rules: lifecycleRules },
        TransitionDefaultMinimumObjectSize: "varies_by_storage_class",
      }),
    planned: () => ({
      Rules: lifecycleRules,
      TransitionDefaultMinimumObjectSize: "varies_by_storage_class",
    }),
    destroy: (Bucket) => s3.deleteBucketLifecycle({ Bucket }),
  },
  replication: {
    refresh: (Bucket) => s3.getBucketReplication({ Bucket }),
    unset: "ReplicationConfigurationNotFoundError",
    apply: (Bucket) => s3.putBucketReplication({ Bucket, ReplicationConfiguration: replication }),
    planned: () => ({ ReplicationConfiguration: replication }),
    destroy: (Bucket) => s3.deleteBucketReplication({ Bucket }),
  },
  accelerate: {
    refresh: (Bucket) => s3.getBucketAccelerateConfiguration({ Bucket }),
    unset: {},
    apply: (Bucket) =>
      s3.putBucketAccelerateConfiguration({
        Bucket,
        AccelerateConfiguration: { Status: "Enabled" },
      }),
    planned: () => ({ Status: "Enabled" }),
    destroy: (Bucket) =>
      s3.putBucketAccelerateConfiguration({
        Bucket,
        AccelerateConfiguration: { Status: "Suspended" },
      }),
    destroyed: { Status: "Suspended" },
  },
  logging: {
    refresh: (Bucket) => s3.getBucketLogging({ Bucket }),
    unset: {},
    apply: (Bucket) => s3.putBucketLogging({ Bucket, BucketLoggingStatus: logging }),
    planned: () => logging,
    destroy: (Bucket) => s3.putBucketLogging({ Bucket, BucketLoggingStatus: {} }),
  },
  notification: {
    refresh: (Bucket) => s3.getBucketNotificationConfiguration({ Bucket }),
    unset: {},
    apply: (Bucket) =>
      s3.putBucketNotificationConfiguration({
        Bucket,
        NotificationConfiguration: notification,
        SkipDestinationValidation: true,
      }),
    planned: () => notification,
    destroy: (Bucket) =>
      s3.putBucketNotificationConfiguration({ Bucket, NotificationConfiguration: {} }),
  },
  analytics: {
    refresh: (Bucket) => s3.listBucketAnalyticsConfigurations({ Bucket }),
    unset: notTruncated,
    apply: async (Bucket) => {
      for (const AnalyticsConfiguration of analytics.toReversed()) {
        const { Id } = AnalyticsConfiguration;
        await s3.putBucketAnalyticsConfiguration({ Bucket, Id, AnalyticsConfiguration });
      }
    },
    planned: () => ({ ...notTruncated, AnalyticsConfigurationList: analytics }),
    destroy: async (Bucket) => {
      for (const { Id } of analytics) {
        await valueOf(s3.deleteBucketAnalyticsConfiguration({ Bucket, Id }));
      }
    },
  },
  intelligentTiering: {
    refresh: (Bucket) => s3.listBucketIntelligentTieringConfigurations({ Bucket }),
    unset: notTruncated,
    apply: async (Bucket) => {
      for (const IntelligentTieringConfiguration of intelligentTiering.toReversed()) {
        const { Id } = IntelligentTieringConfiguration;
        const input = { Bucket, Id, IntelligentTieringConfiguration };
        await s3.putBucketIntelligentTieringConfiguration(input);
      }
    },
    planned: () => ({
      ...notTruncated,
      IntelligentTieringConfigurationList: intelligentTiering,
    }),
    destroy: async (Bucket) => {
      for (const { Id } of intelligentTiering) {
        await valueOf(s3.deleteBucketIntelligentTieringConfiguration({ Bucket, Id }));
      }
    },
  },
  inventory: {
    refresh: (Bucket) => s3.listBucketInventoryConfigurations({ Bucket }),
    unset: notTruncated,
    apply: async (Bucket) => {
      for (const InventoryConfiguration of inventory.toReversed()) {
        const { Id } = InventoryConfiguration;
        await s3.putBucketInventoryConfiguration({ Bucket, Id, InventoryConfiguration });
      }
    },
    planned: () => ({ ...notTruncated, InventoryConfigurationList: inventory }),
    destroy: async (Bucket) => {
      for (const { Id } of inventory) {
        await valueOf(s3.deleteBucketInventoryConfiguration({ Bucket, Id }));
      }
    },
  },
  metrics: {
    refresh: (Bucket) => s3.listBucketMetricsConfigurations({ Bucket }),
    unset: notTruncated,
    apply: async (Bucket) => {
      for (const MetricsConfiguration of metrics.toReversed()) {
        const { Id } = MetricsConfiguration;
        await s3.putBucketMetricsConfiguration({ Bucket, Id, MetricsConfiguration });
      }
    },
    planned: () => ({ ...notTruncated, MetricsConfigurationList: metrics }),
    destroy: async (Bucket) => {
      // What is already gone is told, and no matter.
      for (const { Id } of metrics) {
        await valueOf(s3.deleteBucketMetricsConfiguration({ Bucket, Id }));
      }
    },
  },
};

const notification = {
  QueueConfigurations: [
    {
      Id: "images",
      QueueArn: "arn:aws:sqs:us-east-1:123456789012:images",
      Events: ["s3:ObjectCreated:*" as const],
      Filter: { Key: { FilterRules: [{ Name: "Prefix" as "prefix", Value: "images/" }] } },
    },
  ],
  EventBridgeConfiguration: {},
};

const lockRule = { DefaultRetention: { Mode: "GOVERNANCE" as const, Days: 3 } };
const lockConfiguration = { ObjectLockEnabled: "Enabled" as const, Rule: lockRule };

/** Object lock needs versioning, for good. */
const lockedSubResources: Readonly<Record<string, SubResource>> = {
  ...subResources,
  versioning: {
    refresh: (Bucket) => s3.getBucketVersioning({ Bucket }),
    unset: { Status: "Enabled" },
  },
  objectLock: {
    refresh: (Bucket) => s3.getObjectLockConfiguration({ Bucket }),
    unset: { ObjectLockConfiguration: { ObjectLockEnabled: "Enabled" } },
    apply: (Bucket) =>
      s3.putObjectLockConfiguration({ Bucket, ObjectLockConfiguration: lockConfiguration }),
    planned: () => ({ ObjectLockConfiguration: lockConfiguration }),
    destroy: (Bucket) =>
      s3.putObjectLockConfiguration({
        Bucket,
        ObjectLockConfiguration: { ObjectLockEnabled: "Enabled" },
      }),
  },
};

/** What a read says, or the code of its refusal, which must be a 404. */
async function valueOf(read: Promise<unknown>): Promise<unknown> {
  try {
    const { $metadata: _, ...value } = (await read) as Record<string, unknown>;
    return value;
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    assert.equal(error.$metadata.httpStatusCode, 404, error.name);
    return error.name;
  }
}

type State = "unset" | "planned" | "destroyed";

function expected(resource: SubResource, state: State, Bucket: string): unknown {
  const { unset, planned, destroyed = unset } = resource;
  if (planned === undefined || state === "unset") return unset;
  return state === "planned" ? planned(Bucket) : destroyed;
}

for (const [kind, resources] of Object.entries({
  plain: subResources,
  "object-lock": lockedSubResources,
})) {
  describe(`a bucket of the kind ${kind}`, () => {
    const Bucket = `round-trip-${kind}`;
    const names = Object.keys(resources);

    const checkAll = async (state: State): Promise<void> => {
      const states = Object.fromEntries(
        names.map((name) => [name, expected(resources[name] as SubResource, state, Bucket)]),
      );
      const found: Record<string, unknown> = {};
      for (const name of names) {
        found[name] = await valueOf((resources[name] as SubResource).refresh(Bucket));
      }
      assert.deepEqual(
        JSON.parse(JSON.stringify(found)),
        JSON.parse(JSON.stringify(states)),
        state,
      );
    };
    const applyAll = async (): Promise<void> => {
      for (const { apply } of Object.values(resources)) await apply?.(Bucket);
    };
    const destroyAll = async (): Promise<void> => {
      for (const { destroy } of Object.values(resources).toReversed()) await destroy?.(Bucket);
    };

    for (const round of ["first", "second"]) {
      test(`${round} round: create, apply, plan, destroy`, async () => {
        await s3.createBucket({ Bucket, ObjectLockEnabledForBucket: kind === "object-lock" });
        await checkAll("unset");
        await applyAll();
        await checkAll("planned");
        await destroyAll();
        await checkAll("destroyed");
        // What was destroyed is applied anew, and what is already gone is destroyed again.
        await applyAll();
        await checkAll("planned");
        await destroyAll();
        await destroyAll();
        await checkAll("destroyed");
        await s3.deleteBucket({ Bucket });
        const gone = await valueOf(s3.headBucket({ Bucket }));
        assert.equal(gone, "NotFound");
      });
    }
  });
}

test("no sub-resource that is implemented is left out", () => {
  const implemented = Object.values(definitions).filter(({ name, level, query }) => {
    const isSubResource = level === "bucket" && query.length === 1 && !/^List(?!Bucket)/.test(name);
    // The listings have all that is found by an id.
    const isOfOne =
      query.length === 1 && /(Analytics|Tiering|Inventory|Metrics)Configuration$/.test(name);
    return isSubResource && !isOfOne && operations[name] !== notImplemented;
  });
  const reads = implemented.filter(({ method }) => method === "GET").map(({ name }) => name);
  const writes = implemented.filter(({ method }) => method === "PUT").map(({ name }) => name);
  assert.ok(reads.length > writes.length && writes.length > 0);
  const missing = [...reads, ...writes].filter((name) => !called.has(name));
  assert.deepEqual(missing, []);
});

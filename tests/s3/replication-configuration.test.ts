// PutBucketReplication, GetBucketReplication and DeleteBucketReplication: what is accepted reads back,
// and what S3 refuses is refused in its words.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { ReplicationConfiguration, ReplicationRule } from "@aws-sdk/client-s3";
import { assertRefused, elementsOf, md5Base64, startTestServer } from "./test-server.ts";

const { s3, server, newBucket, newBucketName, send } = await startTestServer();
const Role = `arn:aws:iam::${server.accountId}:role/replication`;

let source = "";
let target = "";
let targetArn = "";
before(async () => {
  source = await newBucket("Enabled");
  target = await newBucket("Enabled");
  targetArn = `arn:aws:s3:::${target}`;
});

function put(Rules: ReplicationRule[], Bucket = source): Promise<unknown> {
  return s3.putBucketReplication({ Bucket, ReplicationConfiguration: { Role, Rules } });
}

function putWithRole(role: string): Promise<unknown> {
  const ReplicationConfiguration = { Role: role, Rules: [rule()] };
  return s3.putBucketReplication({ Bucket: source, ReplicationConfiguration });
}

/** A rule of the second schema. */
function rule(changes: Partial<ReplicationRule> = {}): ReplicationRule {
  return {
    ID: "all",
    Status: "Enabled",
    Priority: 1,
    Filter: {},
    DeleteMarkerReplication: { Status: "Disabled" },
    Destination: { Bucket: targetArn },
    ...changes,
  };
}

describe("what is accepted", () => {
  test("reads back exactly, in the second schema with all that it has", async () => {
    const configuration: ReplicationConfiguration = {
      Role,
      Rules: [
        {
          ID: "everything",
          Priority: 7,
          Status: "Enabled",
          Filter: { And: { Prefix: "docs/", Tags: [{ Key: "a", Value: "b" }] } },
          SourceSelectionCriteria: {
            SseKmsEncryptedObjects: { Status: "Enabled" },
            ReplicaModifications: { Status: "Enabled" },
          },
          ExistingObjectReplication: { Status: "Disabled" },
          DeleteMarkerReplication: { Status: "Disabled" },
          Destination: {
            Bucket: targetArn,
            Account: server.accountId,
            StorageClass: "STANDARD_IA",
            AccessControlTranslation: { Owner: "Destination" },
            EncryptionConfiguration: {
              ReplicaKmsKeyID: `arn:aws:kms:us-east-1:${server.accountId}:key/abc`,
            },
            ReplicationTime: { Status: "Enabled", Time: { Minutes: 15 } },
            Metrics: { Status: "Enabled", EventThreshold: { Minutes: 15 } },
          },
        },
        rule({ ID: "tag", Priority: 2, Filter: { Tag: { Key: "t", Value: "" } } }),
        rule({ ID: "empty", Priority: 0, DeleteMarkerReplication: { Status: "Enabled" } }),
      ],
    };
    await s3.putBucketReplication({ Bucket: source, ReplicationConfiguration: configuration });
    const found = await s3.getBucketReplication({ Bucket: source });
    assert.deepEqual(found.ReplicationConfiguration, configuration);
  });

  test("reads back in the first schema, with an id for the rule that had none", async () => {
    const Rules: ReplicationRule[] = [
      { Status: "Enabled", Prefix: "a/", Destination: { Bucket: targetArn } },
      { ID: "b", Status: "Disabled", Prefix: "b/", Destination: { Bucket: targetArn } },
    ];
    await put(Rules);
    const found = await s3.getBucketReplication({ Bucket: source });
    const [first, second] = found.ReplicationConfiguration?.Rules ?? [];
    assert.match(first?.ID ?? "", /^[0-9a-f-]{36}$/);
    assert.deepEqual({ ...first, ID: undefined }, { ...Rules[0], ID: undefined });
    assert.deepEqual(second, Rules[1]);
  });

  test("keeps an empty prefix of the first schema, which the token of old accompanies", async () => {
    const body = `<ReplicationConfiguration><Role>${Role}</Role><Rule><Prefix/><Status>Enabled</Status><Destination><Bucket>${targetArn}</Bucket></Destination></Rule></ReplicationConfiguration>`;
    const { text } = await send({
      method: "PUT",
      path: `/${source}`,
      query: "replication=",
      headers: {
        "x-amz-bucket-object-lock-token": "given by support",
        "content-md5": md5Base64(body),
      },
      body,
    });
    assert.equal(text, "");
    const shown = await send({ path: `/${source}`, query: "replication=" });
    assert.deepEqual(elementsOf(shown.text, "Prefix"), [""]);
    assert.deepEqual(elementsOf(shown.text, "Filter"), []);
  });

  test("is gone when it is deleted, and deleting it again is no error", async () => {
    await put([rule()]);
    await s3.deleteBucketReplication({ Bucket: source });
    await s3.deleteBucketReplication({ Bucket: source });
    await assertRefused(s3.getBucketReplication({ Bucket: source }), {
      code: "ReplicationConfigurationNotFoundError",
      status: 404,
      message: "The replication configuration was not found",
      fields: { BucketName: source },
    });
  });

  test("keeps versioning from being suspended", async () => {
    await put([rule()]);
    const suspension = s3.putBucketVersioning({
      Bucket: source,
      VersioningConfiguration: { Status: "Suspended" },
    });
    await assertRefused(suspension, { code: "InvalidBucketState", status: 409 });
    await s3.deleteBucketReplication({ Bucket: source });
    const other = await newBucket("Enabled");
    await s3.putBucketVersioning({
      Bucket: other,
      VersioningConfiguration: { Status: "Suspended" },
    });
  });
});

const invalidRequest = (message: string) => ({ code: "InvalidRequest", status: 400, message });
const invalidArgument = (message: string) => ({ code: "InvalidArgument", status: 400, message });
const malformed = { code: "MalformedXML", status: 400 };
const schema = (words: string) =>
  invalidRequest(
    `${words} for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.`,
  );
const kms = (id: string) => ({ EncryptionConfiguration: { ReplicaKmsKeyID: id } });
const asksForKms = {
  SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" as const } },
};
const to = (destination: Partial<ReplicationRule["Destination"]>) =>
  rule({ Destination: { Bucket: targetArn, ...destination } });

describe("what is refused", () => {
  const cases: readonly [
    string,
    () => ReplicationRule[],
    { readonly code: string; readonly status: number; readonly message?: string },
  ][] = [
    ["neither prefix nor filter", () => [{ ...rule(), Filter: undefined }], malformed],
    ["prefix and filter", () => [rule({ Prefix: "a" })], malformed],
    [
      "a filter that says two things",
      () => [rule({ Filter: { Prefix: "a", Tag: { Key: "a", Value: "b" } } })],
      malformed,
    ],
    ["an And of one", () => [rule({ Filter: { And: { Prefix: "a" } } })], malformed],
    [
      "a tag twice",
      () => {
        const Tags = ["1", "2"].map((Value) => ({ Key: "a", Value }));
        return [rule({ Filter: { And: { Tags } } })];
      },
      invalidRequest("Duplicate Tag Keys are not allowed."),
    ],
    [
      "a filter without a word about delete markers",
      () => [rule({ DeleteMarkerReplication: undefined })],
      schema("DeleteMarkerReplication must be specified"),
    ],
    [
      "a filter without priority",
      () => [rule({ Priority: undefined })],
      schema("Priority must be specified"),
    ],
    [
      "a priority without filter",
      () => [{ Status: "Enabled", Prefix: "", Priority: 1, Destination: { Bucket: targetArn } }],
      schema("Priority cannot be used"),
    ],
    [
      "delete markers by tag",
      () => [
        rule({
          Filter: { Tag: { Key: "a", Value: "b" } },
          DeleteMarkerReplication: { Status: "Enabled" },
        }),
      ],
      invalidRequest(
        "Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide for more information.",
      ),
    ],
    [
      "a priority twice",
      () => [rule(), rule({ ID: "b", Filter: { Prefix: "b" } })],
      invalidRequest("Found duplicate priority 1."),
    ],
    [
      "an id twice",
      () => [rule(), rule({ Priority: 2 })],
      invalidArgument("Rule Id must be unique"),
    ],
    [
      "an id of 256 characters",
      () => [rule({ ID: "i".repeat(256) })],
      invalidArgument("Rule Id cannot be greater than 255"),
    ],
    [
      "overlapping prefixes in the first schema",
      () =>
        ["a", "ab"].map((Prefix) => ({
          Status: "Enabled",
          Prefix,
          Destination: { Bucket: targetArn },
        })),
      invalidRequest("Found overlapping prefixes 'a' and 'ab'"),
    ],
    [
      "empty criteria",
      () => [rule({ SourceSelectionCriteria: {} })],
      invalidRequest("SourceSelectionCriteria cannot be empty."),
    ],
    [
      "KMS objects without a key",
      () => [rule(asksForKms)],
      invalidRequest("ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present."),
    ],
    [
      "a key without KMS objects",
      () => [to(kms(`arn:aws:kms:us-east-1:${server.accountId}:key/a`))],
      invalidRequest(
        "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.",
      ),
    ],
    [
      "a key that is no ARN",
      () => [{ ...to(kms("alias/mine")), ...asksForKms }],
      invalidArgument("Invalid ReplicaKmsKeyID ARN."),
    ],
    [
      "a bucket that is no ARN",
      () => [to({ Bucket: target })],
      invalidArgument("Invalid bucket ARN"),
    ],
    [
      "the bucket itself",
      () => [to({ Bucket: `arn:aws:s3:::${source}` })],
      invalidRequest("Destination bucket cannot be the same as the source bucket."),
    ],
    [
      "a bucket that is not there",
      () => [to({ Bucket: "arn:aws:s3:::nowhere-at-all" })],
      invalidRequest("Destination bucket must exist."),
    ],
    ["a class of other buckets", () => [to({ StorageClass: "OUTPOSTS" })], malformed],
    [
      "another owner without an account",
      () => [to({ AccessControlTranslation: { Owner: "Destination" } })],
      invalidRequest(
        "Account must be specified if the Owner in AccessControlTranslation has a value",
      ),
    ],
    [
      "time control without metrics",
      () => [to({ ReplicationTime: { Status: "Enabled", Time: { Minutes: 15 } } })],
      invalidRequest(
        "Replication destination must contain both ReplicationTime and Metrics or neither.",
      ),
    ],
    [
      "time control of other minutes",
      () => [
        to({
          ReplicationTime: { Status: "Enabled", Time: { Minutes: 10 } },
          Metrics: { Status: "Enabled", EventThreshold: { Minutes: 15 } },
        }),
      ],
      invalidArgument("Invalid time minute value"),
    ],
    [
      "a threshold without time control",
      () => [to({ Metrics: { Status: "Enabled", EventThreshold: { Minutes: 15 } } })],
      invalidArgument(
        "Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled",
      ),
    ],
  ];
  for (const [what, rules, expected] of cases) {
    test(what, async () => {
      await assertRefused(put(rules()), expected);
    });
  }

  test("more than 1,000 rules", async () => {
    const rules = Array.from({ length: 1001 }, (_, index) =>
      rule({ ID: String(index), Priority: index, Filter: { Prefix: `${index}/` } }),
    );
    await assertRefused(put(rules), { code: "InvalidRequest", status: 400 });
    await put(rules.slice(1));
  });

  test("buckets without versioning, on either side", async () => {
    const plain = await newBucket();
    await assertRefused(put([rule()], plain), {
      ...invalidRequest(
        "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
      ),
      fields: { BucketName: plain },
    });
    await assertRefused(
      put([to({ Bucket: `arn:aws:s3:::${plain}` })]),
      invalidRequest("Destination bucket must have versioning enabled."),
    );
  });

  test("roles that are none, and those of another account", async () => {
    await assertRefused(
      putWithRole("replication"),
      invalidArgument("Invalid Role specified in replication configuration"),
    );
    await assertRefused(
      putWithRole(`arn:aws:iam::${server.accountId}:user/me`),
      invalidArgument("The relative id should start with role"),
    );
    await assertRefused(putWithRole("arn:aws:iam::123456789012:role/theirs"), {
      code: "AccessDenied",
      status: 403,
    });
  });

  test("a bucket that is not there", async () => {
    await assertRefused(put([rule()], newBucketName()), { code: "NoSuchBucket", status: 404 });
  });
});

// What a bucket says about configurations that it does not have. Tools that read a whole bucket ask for
// all of them and know exactly these answers as "there is none".

import assert from "node:assert/strict";
import { test } from "node:test";
import type { S3 } from "@aws-sdk/client-s3";
import { assertErrorAnswer, assertRefused, startTestServer } from "./test-server.ts";

const { s3, newBucket, send } = await startTestServer();
const Bucket = await newBucket();
const Id = "any";

type Call = (client: S3, bucket: string) => Promise<unknown>;

const absent: readonly (readonly [string, string, string, Call])[] = [
  [
    "GetBucketCors",
    "NoSuchCORSConfiguration",
    "The CORS configuration does not exist",
    (client, name) => client.getBucketCors({ Bucket: name }),
  ],
  [
    "GetBucketWebsite",
    "NoSuchWebsiteConfiguration",
    "The specified bucket does not have a website configuration",
    (client, name) => client.getBucketWebsite({ Bucket: name }),
  ],
  [
    "GetBucketLifecycleConfiguration",
    "NoSuchLifecycleConfiguration",
    "The lifecycle configuration does not exist",
    (client, name) => client.getBucketLifecycleConfiguration({ Bucket: name }),
  ],
  [
    "GetBucketReplication",
    "ReplicationConfigurationNotFoundError",
    "The replication configuration was not found",
    (client, name) => client.getBucketReplication({ Bucket: name }),
  ],
];

const byId: readonly (readonly [string, Call])[] = [
  [
    "GetBucketAnalyticsConfiguration",
    (client, name) => client.getBucketAnalyticsConfiguration({ Bucket: name, Id }),
  ],
  [
    "DeleteBucketAnalyticsConfiguration",
    (client, name) => client.deleteBucketAnalyticsConfiguration({ Bucket: name, Id }),
  ],
  [
    "GetBucketIntelligentTieringConfiguration",
    (client, name) => client.getBucketIntelligentTieringConfiguration({ Bucket: name, Id }),
  ],
  [
    "DeleteBucketIntelligentTieringConfiguration",
    (client, name) => client.deleteBucketIntelligentTieringConfiguration({ Bucket: name, Id }),
  ],
  [
    "GetBucketInventoryConfiguration",
    (client, name) => client.getBucketInventoryConfiguration({ Bucket: name, Id }),
  ],
  [
    "DeleteBucketInventoryConfiguration",
    (client, name) => client.deleteBucketInventoryConfiguration({ Bucket: name, Id }),
  ],
  [
    "GetBucketMetricsConfiguration",
    (client, name) => client.getBucketMetricsConfiguration({ Bucket: name, Id }),
  ],
  [
    "DeleteBucketMetricsConfiguration",
    (client, name) => client.deleteBucketMetricsConfiguration({ Bucket: name, Id }),
  ],
];

/** The document's root with nothing inside, but for `inside`. */
function documentOf(root: string, inside = ""): RegExp {
  const content = inside === "" ? "(?:/>|></ROOT>)" : `>${inside}</ROOT>`;
  return new RegExp(`<ROOT xmlns="[^"]+" ?${content}$`.replaceAll("ROOT", root));
}

const notTruncated = "<IsTruncated>false</IsTruncated>";
const empty: readonly (readonly [string, string, RegExp])[] = [
  ["GetBucketAccelerateConfiguration", "accelerate", documentOf("AccelerateConfiguration")],
  ["GetBucketLogging", "logging", documentOf("BucketLoggingStatus")],
  ["GetBucketNotificationConfiguration", "notification", documentOf("NotificationConfiguration")],
  [
    "ListBucketAnalyticsConfigurations",
    "analytics",
    documentOf("ListBucketAnalyticsConfigurationsResult", notTruncated),
  ],
  [
    "ListBucketIntelligentTieringConfigurations",
    "intelligent-tiering",
    documentOf("ListIntelligentTieringConfigurationsResult", notTruncated),
  ],
  [
    "ListBucketInventoryConfigurations",
    "inventory",
    documentOf("ListInventoryConfigurationsResult", notTruncated),
  ],
  [
    "ListBucketMetricsConfigurations",
    "metrics",
    documentOf("ListMetricsConfigurationsResult", notTruncated),
  ],
];

const deletions: readonly (readonly [string, Call])[] = [
  ["DeleteBucketCors", (client, name) => client.deleteBucketCors({ Bucket: name })],
  ["DeleteBucketWebsite", (client, name) => client.deleteBucketWebsite({ Bucket: name })],
  ["DeleteBucketLifecycle", (client, name) => client.deleteBucketLifecycle({ Bucket: name })],
  ["DeleteBucketReplication", (client, name) => client.deleteBucketReplication({ Bucket: name })],
];

const noBucket = { code: "NoSuchBucket", status: 404 };

for (const [name, code, message, call] of absent) {
  test(`${name}: 404 ${code}`, async () => {
    const refusal = { code, status: 404, message, fields: { BucketName: Bucket } };
    await assertRefused(call(s3, Bucket), refusal);
    await assertRefused(call(s3, "no-such"), noBucket);
  });
}

for (const [name, call] of byId) {
  test(`${name}: 404 NoSuchConfiguration`, async () => {
    await assertRefused(call(s3, Bucket), {
      code: "NoSuchConfiguration",
      status: 404,
      message: "The specified configuration does not exist.",
    });
    await assertRefused(call(s3, "no-such"), noBucket);
  });
}

for (const [name, query, document] of empty) {
  test(`${name}: an empty document`, async () => {
    const answer = await send({ path: `/${Bucket}`, query });
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.text, document);
    const missing = await send({ path: "/no-such", query });
    assertErrorAnswer(missing, noBucket);
  });
}

for (const [name, call] of deletions) {
  test(`${name}: nothing to delete is no error`, async () => {
    const { $metadata } = (await call(s3, Bucket)) as { $metadata: { httpStatusCode?: number } };
    assert.equal($metadata.httpStatusCode, 204);
    await assertRefused(call(s3, "no-such"), noBucket);
  });
}

test("strangers and those whom the policy denies learn nothing of it", async () => {
  const mine = await newBucket();
  const query = "cors";
  const unsigned = await send({ path: `/${mine}`, query, isSigned: false });
  assertErrorAnswer(unsigned, { code: "AccessDenied", status: 403 });
  await s3.putBucketPolicy({
    Bucket: mine,
    Policy: JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Deny",
          Principal: "*",
          Action: [
            "s3:GetBucketCORS",
            "s3:PutLifecycleConfiguration",
            "s3:GetMetricsConfiguration",
          ],
          Resource: `arn:aws:s3:::${mine}`,
        },
      ],
    }),
  });
  const denied = { code: "AccessDenied", status: 403 };
  await assertRefused(s3.getBucketCors({ Bucket: mine }), denied);
  await assertRefused(s3.deleteBucketLifecycle({ Bucket: mine }), denied);
  await assertRefused(s3.getBucketMetricsConfiguration({ Bucket: mine, Id }), denied);
  await assertRefused(s3.listBucketMetricsConfigurations({ Bucket: mine }), denied);
  await assertRefused(s3.getBucketWebsite({ Bucket: mine }), {
    code: "NoSuchWebsiteConfiguration",
    status: 404,
  });
});

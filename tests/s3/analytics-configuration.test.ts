// Analytics configurations as documents: what is refused. What they do is in analytics.test.ts, how they
// read back in round-trip.test.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnalyticsConfiguration } from "@aws-sdk/client-s3";
import { assertErrorAnswer, assertRefused, startTestServer } from "./test-server.ts";

const { s3, newBucket, send } = await startTestServer();

const destination =
  "<S3BucketDestination><Format>CSV</Format><Bucket>arn:aws:s3:::reports</Bucket></S3BucketDestination>";

function exported(version: string, inside: string): string {
  return `<StorageClassAnalysis><DataExport><OutputSchemaVersion>${version}</OutputSchemaVersion><Destination>${inside}</Destination></DataExport></StorageClassAnalysis>`;
}

function configurationOf(
  bucketName: string,
  others: Partial<AnalyticsConfiguration> = {},
): AnalyticsConfiguration {
  return {
    Id: "report",
    StorageClassAnalysis: {
      DataExport: {
        OutputSchemaVersion: "V_1",
        Destination: {
          S3BucketDestination: { Bucket: `arn:aws:s3:::${bucketName}`, Format: "CSV" },
        },
      },
    },
    ...others,
  };
}

async function put(Bucket: string, configuration: AnalyticsConfiguration, Id?: string) {
  return s3.putBucketAnalyticsConfiguration({
    Bucket,
    Id: Id ?? configuration.Id ?? "",
    AnalyticsConfiguration: configuration,
  });
}

test("a wrong configuration is refused and leaves what was there", async () => {
  const Bucket = await newBucket();
  const answer = await put(Bucket, configurationOf("reports"));
  assert.equal(answer.$metadata.httpStatusCode, 204);
  const malformed = { code: "MalformedXML", status: 400 };
  await assertRefused(put(Bucket, configurationOf("reports"), "other"), malformed);
  await assertRefused(put(Bucket, configurationOf("R")), {
    code: "InvalidS3DestinationBucket",
    status: 400,
  });
  const tag = { Key: "a", Value: "b" };
  await assertRefused(
    put(Bucket, configurationOf("reports", { Filter: { And: { Tags: [tag] } } })),
    malformed,
  );
  await assertRefused(
    put(Bucket, configurationOf("reports", { Filter: { And: { Tags: [tag, tag] } } })),
    { code: "InvalidTag", status: 400 },
  );
  const documents = [
    "",
    "<StorageClassAnalysis><DataExport/></StorageClassAnalysis>",
    "<StorageClassAnalysis/><Filter/>",
    "<StorageClassAnalysis/><Filter><Prefix>a</Prefix><Tag><Key>b</Key><Value>c</Value></Tag></Filter>",
    exported("V_2", destination),
    exported("V_1", destination.replace("CSV", "ORC")),
  ];
  for (const inside of documents) {
    const body = `<AnalyticsConfiguration><Id>report</Id>${inside}</AnalyticsConfiguration>`;
    const query = "analytics&id=report";
    const refused = await send({ method: "PUT", path: `/${Bucket}`, query, body });
    assertErrorAnswer(refused, malformed);
  }
  const found = await s3.getBucketAnalyticsConfiguration({ Bucket, Id: "report" });
  assert.deepEqual(found.AnalyticsConfiguration, configurationOf("reports"));
});

// Inventory configurations as documents: what is taken, what is refused, and how they are listed. What they
// do is in inventory.test.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { InventoryConfiguration } from "@aws-sdk/client-s3";
import { enumerations } from "../../src/model/types.generated.ts";
import { assertErrorAnswer, assertRefused, startTestServer } from "./test-server.ts";

const { s3, newBucket, send } = await startTestServer();

const malformed = { code: "MalformedXML", status: 400 };
const wrong = { code: "InvalidArgument", status: 400 };

function configuration(
  Id: string,
  destination: object = {},
  others: Partial<InventoryConfiguration> = {},
): InventoryConfiguration {
  return {
    Id,
    IsEnabled: true,
    Destination: {
      S3BucketDestination: { Bucket: "arn:aws:s3:::reports", Format: "CSV", ...destination },
    },
    IncludedObjectVersions: "Current",
    Schedule: { Frequency: "Daily" },
    ...others,
  };
}

function put(Bucket: string, InventoryConfiguration: InventoryConfiguration, Id?: string) {
  return s3.putBucketInventoryConfiguration({
    Bucket,
    Id: Id ?? InventoryConfiguration.Id ?? "",
    InventoryConfiguration,
  });
}

test("each reads back as it was put, is replaced as a whole, and goes away", async () => {
  const Bucket = await newBucket();
  const configurations = [
    configuration("least"),
    configuration("sse-s3", { Encryption: { SSES3: {} }, Format: "ORC" }),
    configuration("kms", { Encryption: { SSEKMS: { KeyId: "1234abcd-12ab" } }, Format: "Parquet" }),
    configuration("account", { AccountId: "123456789012", Prefix: "a/ü" }),
    configuration("off", {}, { IsEnabled: false, Schedule: { Frequency: "Weekly" } }),
    configuration("all", {}, { IncludedObjectVersions: "All", Filter: { Prefix: "photos/&" } }),
    configuration("fields", {}, { OptionalFields: [...enumerations.InventoryOptionalField] }),
  ];
  for (const each of configurations) {
    const answer = await put(Bucket, each);
    assert.equal(answer.$metadata.httpStatusCode, 204);
  }
  for (const each of configurations) {
    const found = await s3.getBucketInventoryConfiguration({ Bucket, Id: each.Id });
    assert.deepEqual(found.InventoryConfiguration, each);
  }
  await put(Bucket, configuration("all"));
  const replaced = await s3.getBucketInventoryConfiguration({ Bucket, Id: "all" });
  assert.deepEqual(replaced.InventoryConfiguration, configuration("all"));
  await s3.deleteBucketInventoryConfiguration({ Bucket, Id: "all" });
  const missing = { code: "NoSuchConfiguration", status: 404 };
  await assertRefused(s3.getBucketInventoryConfiguration({ Bucket, Id: "all" }), missing);
  await assertRefused(s3.deleteBucketInventoryConfiguration({ Bucket, Id: "all" }), missing);
  const listed = await s3.listBucketInventoryConfigurations({ Bucket });
  assert.equal(listed.InventoryConfigurationList?.length, configurations.length - 1);
});

test("a wrong one is refused and leaves what was there", async () => {
  const Bucket = await newBucket();
  const Id = "kept";
  await put(Bucket, configuration(Id));
  await assertRefused(put(Bucket, configuration("other"), Id), { code: "IdMismatch", status: 400 });
  await assertRefused(put(Bucket, configuration("x".repeat(65))), wrong);
  await assertRefused(put(Bucket, configuration("a b")), wrong);
  const noBucket = { code: "InvalidS3DestinationBucket", status: 400 };
  for (const arn of ["reports", "arn:aws:s3:::R", "arn:aws:s3::123456789012:reports"]) {
    await assertRefused(put(Bucket, configuration(Id, { Bucket: arn })), noBucket);
  }
  await assertRefused(put(Bucket, configuration(Id, { AccountId: "1" })), wrong);
  await assertRefused(put(Bucket, configuration(Id, { Prefix: "p".repeat(513) })), wrong);
  for (const encryption of [{}, { SSES3: {}, SSEKMS: { KeyId: "k" } }]) {
    await assertRefused(put(Bucket, configuration(Id, { Encryption: encryption })), malformed);
  }
  await assertRefused(
    put(Bucket, configuration(Id, {}, { OptionalFields: ["Size", "Size"] })),
    malformed,
  );
  const { InventoryConfigurationList } = await s3.listBucketInventoryConfigurations({ Bucket });
  assert.deepEqual(InventoryConfigurationList, [configuration(Id)]);
  await assertRefused(put("no-such-bucket", configuration(Id)), {
    code: "NoSuchBucket",
    status: 404,
  });
});

test("what the schema does not know is refused", async () => {
  const Bucket = await newBucket();
  const parts: Readonly<Record<string, string>> = {
    Id: "<Id>a</Id>",
    IsEnabled: "<IsEnabled>true</IsEnabled>",
    Destination:
      "<Destination><S3BucketDestination><Bucket>arn:aws:s3:::reports</Bucket><Format>CSV</Format></S3BucketDestination></Destination>",
    Versions: "<IncludedObjectVersions>Current</IncludedObjectVersions>",
    Schedule: "<Schedule><Frequency>Daily</Frequency></Schedule>",
  };
  const wrongParts: readonly Readonly<Record<string, string>>[] = [
    ...Object.keys(parts).map((name) => ({ [name]: "" })),
    { IsEnabled: "<IsEnabled>maybe</IsEnabled>" },
    { Versions: "<IncludedObjectVersions>current</IncludedObjectVersions>" },
    { Schedule: "<Schedule><Frequency>Hourly</Frequency></Schedule>" },
    { Destination: parts["Destination"]?.replace("CSV", "JSON") ?? "" },
    { Destination: "<Destination/>" },
    { Fields: "<OptionalFields><Field>Colour</Field></OptionalFields>" },
    { Filter: "<Filter/>" },
    { More: "<Filters><Prefix>a</Prefix></Filters>" },
  ];
  const document = (changed: Readonly<Record<string, string>>): string =>
    `<InventoryConfiguration>${Object.values({ ...parts, ...changed }).join("")}</InventoryConfiguration>`;
  const putRaw = (body: string) =>
    send({ method: "PUT", path: `/${Bucket}`, query: "inventory&id=a", body });
  for (const changed of wrongParts) {
    assertErrorAnswer(await putRaw(document(changed)), malformed);
  }
  assert.equal((await putRaw(document({}))).status, 204);
});

test("a thousand fit, and are listed a hundred to a page in the order of their ids", async () => {
  const Bucket = await newBucket();
  const ids = Array.from({ length: 1000 }, (_, index) => `id-${String(index).padStart(4, "0")}`);
  for (const Id of ids.toReversed()) await put(Bucket, configuration(Id));
  const full = { code: "TooManyConfigurations", status: 400 };
  await assertRefused(put(Bucket, configuration("one-too-many")), full);
  await put(Bucket, configuration("id-0500", { Format: "ORC" }));
  const found: (string | undefined)[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.listBucketInventoryConfigurations({ Bucket, ContinuationToken });
    assert.equal(page.InventoryConfigurationList?.length, 100);
    found.push(...(page.InventoryConfigurationList ?? []).map(({ Id }) => Id));
    ContinuationToken = page.NextContinuationToken;
    assert.equal(page.IsTruncated, ContinuationToken !== undefined);
  } while (ContinuationToken !== undefined);
  assert.deepEqual(found, ids);
});

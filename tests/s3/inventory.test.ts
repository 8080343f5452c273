// What inventory configurations do: reports in the destination that list exactly the objects.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { InventoryDestination } from "@aws-sdk/client-s3";
import { enumerations } from "../../src/model/types.generated.ts";
import { dayMilliseconds, readCsvFile, start, startInventoryServer } from "./inventory-server.ts";

const inventory = await startInventoryServer();
const { s3, server, advance, newBucket, put, keysOf, bytesOf, putInventory, readManifest } =
  inventory;

const run = () => server.runWorker("inventory");

/** How many reports the worker could not write. */
async function failures(): Promise<number | undefined> {
  return (await run())["failed"];
}

function destinationOf(Bucket: string, AccountId?: string): InventoryDestination {
  return {
    S3BucketDestination: { Bucket: `arn:aws:s3:::${Bucket}`, Format: "CSV" as const, AccountId },
  };
}

describe("a report in CSV", () => {
  test("lists exactly the current objects, where and as S3 writes it", async () => {
    const source = await newBucket();
    const destination = await inventory.newDestination(source);
    const keys = ["a b+c/ü&.txt", "photos/cat.jpg", "x\"y',z"].toSorted();
    for (const key of keys) await put(source, key);
    const marked = await newBucket("Enabled");
    await put(marked, "other bucket");
    await s3.putBucketInventoryConfiguration({
      Bucket: source,
      Id: "my.report",
      InventoryConfiguration: {
        Id: "my.report",
        IsEnabled: true,
        Destination: {
          S3BucketDestination: {
            Bucket: `arn:aws:s3:::${destination}`,
            Format: "CSV",
            Prefix: "inv/daily",
            AccountId: server.accountId,
          },
        },
        IncludedObjectVersions: "Current",
        Schedule: { Frequency: "Daily" },
        OptionalFields: ["ETag", "Size", "LastModifiedDate"],
      },
    });
    await run();
    assert.deepEqual(await keysOf(destination), []);
    advance(dayMilliseconds);
    await run();
    const time = "2026-03-06T10-20Z";
    const found = await keysOf(destination);
    const folder = `inv/daily/${source}/my.report`;
    assert.deepEqual(
      found.filter((key) => !key.includes("/data/")),
      [
        `${folder}/${time}/manifest.checksum`,
        `${folder}/${time}/manifest.json`,
        `${folder}/hive/dt=2026-03-06-10-20/symlink.txt`,
      ],
    );
    const manifest = await readManifest(destination);
    const [file] = manifest.files;
    assert.match(file?.key ?? "", new RegExp(`^${folder}/data/[0-9a-f-]{36}\\.csv\\.gz$`));
    assert.deepEqual(manifest, {
      sourceBucket: source,
      destinationBucket: `arn:aws:s3:::${destination}`,
      version: "2016-11-30",
      creationTimestamp: String(start + dayMilliseconds),
      fileFormat: "CSV",
      fileSchema: "Bucket, Key, Size, LastModifiedDate, ETag",
      files: manifest.files,
    });
    const symlink = await bytesOf(destination, `${folder}/hive/dt=2026-03-06-10-20/symlink.txt`);
    assert.equal(symlink.toString(), `s3://${destination}/${file?.key}`);
    const rows = readCsvFile(await bytesOf(destination, file?.key ?? ""));
    const expected = await Promise.all(
      keys.map(async (Key) => {
        const head = await s3.headObject({ Bucket: source, Key });
        return [
          source,
          Key,
          String(head.ContentLength),
          head.LastModified?.toISOString(),
          head.ETag?.replaceAll('"', ""),
        ];
      }),
    );
    assert.deepEqual(
      rows.map(([bucket, key, ...others]) => [bucket, decodeURIComponent(key ?? ""), ...others]),
      expected,
    );
    assert.equal(rows[0]?.[1], "a%20b%2Bc/%C3%BC%26.txt");
  });

  test("lists all versions and delete markers of a prefix, the newest first", async () => {
    const source = await newBucket("Enabled");
    const destination = await inventory.newDestination(source);
    const first = await put(source, "logs/a", "1");
    const second = await put(source, "logs/a", "22");
    const gone = await put(source, "logs/b", "3");
    const { VersionId: marker } = await s3.deleteObject({ Bucket: source, Key: "logs/b" });
    await put(source, "other");
    await putInventory(source, destination, {
      IncludedObjectVersions: "All",
      Filter: { Prefix: "logs/" },
      OptionalFields: ["Size", "StorageClass"],
    });
    await run();
    advance(dayMilliseconds);
    await run();
    const { files, fileSchema } = await readManifest(destination);
    assert.equal(
      fileSchema,
      "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, StorageClass",
    );
    assert.deepEqual(readCsvFile(await bytesOf(destination, files[0]?.key ?? "")), [
      [source, "logs/a", second.versionId, "true", "false", "2", "STANDARD"],
      [source, "logs/a", first.versionId, "false", "false", "1", "STANDARD"],
      [source, "logs/b", marker, "true", "true", "", ""],
      [source, "logs/b", gone.versionId, "false", "false", "1", "STANDARD"],
    ]);
  });

  test("tells every optional field", async () => {
    const source = await newBucket("Enabled");
    const destination = await inventory.newDestination(source);
    await s3.putBucketLifecycleConfiguration({
      Bucket: source,
      LifecycleConfiguration: {
        Rules: [{ ID: "r", Filter: { Prefix: "" }, Status: "Enabled", Expiration: { Days: 3 } }],
      },
    });
    const upload = await inventory.upload(source, "parts", [Buffer.from("part")]);
    const { parts, ...named } = upload;
    await s3.completeMultipartUpload({ ...named, MultipartUpload: { Parts: parts } });
    await putInventory(source, destination, {
      OptionalFields: [...enumerations.InventoryOptionalField],
    });
    await run();
    advance(dayMilliseconds);
    await run();
    const { files, fileSchema } = await readManifest(destination);
    const [row = []] = readCsvFile(await bytesOf(destination, files[0]?.key ?? ""));
    const shown = Object.fromEntries(
      fileSchema.split(", ").map((field, index) => [field, row[index]]),
    );
    const head = await s3.headObject({ Bucket: source, Key: "parts", ChecksumMode: "ENABLED" });
    const { Owner } = await s3.getObjectAcl({ Bucket: source, Key: "parts" });
    const modified = head.LastModified?.getTime() ?? 0;
    const midnight = (Math.floor(modified / dayMilliseconds) + 4) * dayMilliseconds;
    const { ObjectAccessControlList: list = "", ...others } = shown;
    assert.deepEqual(others, {
      Bucket: source,
      Key: "parts",
      Size: "4",
      LastModifiedDate: head.LastModified?.toISOString(),
      ETag: head.ETag?.replaceAll('"', ""),
      StorageClass: "STANDARD",
      IsMultipartUploaded: "true",
      ReplicationStatus: "",
      EncryptionStatus: "SSE-S3",
      ObjectLockRetainUntilDate: "",
      ObjectLockMode: "",
      ObjectLockLegalHoldStatus: "",
      IntelligentTieringAccessTier: "",
      BucketKeyStatus: "DISABLED",
      ChecksumAlgorithm: "CRC64NVME",
      ObjectOwner: Owner?.ID,
      LifecycleExpirationDate: new Date(midnight).toISOString(),
      IntelligentTieringReferenceDate: "",
      ObjectLockEventHoldStatus: "",
      ObjectLockEventHoldDuration: "",
    });
    assert.deepEqual(JSON.parse(Buffer.from(list, "base64").toString()), {
      version: "2022-11-10",
      status: "AVAILABLE",
      grants: [{ canonicalId: Owner?.ID, type: "CanonicalUser", permission: "FULL_CONTROL" }],
    });
  });
});

describe("the destination", () => {
  test("must let the service write, for this bucket and this account", async () => {
    const source = await newBucket();
    const destination = await newBucket();
    await put(source, "key");
    await putInventory(source, destination);
    await run();
    advance(dayMilliseconds);
    const Bucket = destination;
    const allowed = inventory.policyFor(destination, source);
    const refused = [
      undefined,
      allowed.replace(`arn:aws:s3:::${source}"`, 'arn:aws:s3:::another"'),
      allowed.replace(server.accountId, "123456789012"),
      allowed.replace("s3.amazonaws.com", "logging.s3.amazonaws.com"),
    ];
    for (const Policy of refused) {
      if (Policy !== undefined) await s3.putBucketPolicy({ Bucket, Policy });
      assert.equal(await failures(), 1);
      assert.deepEqual(await keysOf(destination), []);
      // It is asked again after an hour, and not before.
      assert.equal(await failures(), 0);
      advance(3_600_000);
    }
    await s3.putBucketPolicy({ Bucket, Policy: allowed });
    assert.deepEqual(await run(), { reports: 1, rows: 1, failed: 0 });
    assert.equal((await readManifest(destination)).files.length, 1);
  });

  test("may not be another account's than the configuration says, nor be gone", async () => {
    const source = await newBucket();
    const destination = await inventory.newDestination(source);
    await putInventory(source, destination, {
      Destination: destinationOf(destination, "123456789012"),
    });
    await putInventory(source, destination, {
      Id: "gone",
      Destination: destinationOf("no-bucket"),
    });
    await run();
    advance(dayMilliseconds);
    assert.equal((await run())["failed"], 2);
    assert.deepEqual(await keysOf(destination), []);
    for (const Id of ["report", "gone"]) {
      await s3.deleteBucketInventoryConfiguration({ Bucket: source, Id });
    }
  });

  test("keeps reports encrypted as the configuration says", async () => {
    const source = await newBucket();
    const destination = await inventory.newDestination(source);
    for (const [Id, Encryption] of [
      ["s3", { SSES3: {} }],
      ["kms", { SSEKMS: { KeyId: "alias/aws/s3" } }],
    ] as const) {
      await putInventory(source, destination, {
        Id,
        Destination: {
          S3BucketDestination: {
            Bucket: `arn:aws:s3:::${destination}`,
            Format: "CSV",
            Prefix: Id,
            Encryption,
          },
        },
      });
    }
    await put(source, "key");
    await run();
    advance(dayMilliseconds);
    assert.equal((await run())["failed"], 0);
    const keys = await keysOf(destination);
    assert.equal(keys.length, 8);
    for (const Key of keys) {
      const head = await s3.headObject({ Bucket: destination, Key });
      const wanted = Key.startsWith("kms/") ? "aws:kms" : "AES256";
      assert.equal(head.ServerSideEncryption, wanted, Key);
    }
  });
});

describe("the schedule", () => {
  test("is kept daily and weekly, and a report that is off is not written", async () => {
    const source = await newBucket();
    const destination = await inventory.newDestination(source);
    const withPrefix = (Prefix: string) => ({
      Destination: {
        S3BucketDestination: {
          Bucket: `arn:aws:s3:::${destination}`,
          Format: "CSV" as const,
          Prefix,
        },
      },
    });
    await putInventory(source, destination, { Id: "daily", ...withPrefix("daily") });
    await putInventory(source, destination, {
      Id: "weekly",
      ...withPrefix("weekly"),
      Schedule: { Frequency: "Weekly" },
    });
    await putInventory(source, destination, {
      Id: "off",
      ...withPrefix("off"),
      IsEnabled: false,
    });
    await run();
    for (let day = 0; day < 14; day += 1) {
      advance(dayMilliseconds);
      await run();
      await run();
    }
    const reports = (await keysOf(destination)).filter((key) => key.endsWith("manifest.checksum"));
    const count = (id: string) => reports.filter((key) => key.startsWith(id)).length;
    assert.equal(count("daily"), 14);
    // The first one at once, then on two Sundays; when the first one fell on a Sunday, it is one of them.
    assert.ok([2, 3].includes(count("weekly")), String(count("weekly")));
    const sundays = reports
      .filter((key) => key.startsWith("weekly"))
      .slice(1)
      .map((key) => /\d{4}-\d\d-\d\d/.exec(key)?.[0] ?? "");
    for (const day of sundays) assert.equal(new Date(day).getUTCDay(), 0, day);
    assert.equal(count("off"), 0);
  });
});

test("an empty bucket has a report without files", async () => {
  const source = await newBucket();
  const destination = await inventory.newDestination(source);
  await putInventory(source, destination);
  await run();
  advance(dayMilliseconds);
  await run();
  assert.deepEqual((await readManifest(destination)).files, []);
});

// Replication and encryption, and replication across accounts: what needs an opt-in, whose a replica is,
// and who has to allow it.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { KMS } from "@aws-sdk/client-kms";
import { createHash, randomBytes } from "node:crypto";
import { ruleTo, startReplicationServer } from "./replication-server.ts";
import { setVersioning, textOf } from "./test-server.ts";

const partner = { accessKeyId: "AKIAPARTNER000000000", secretAccessKey: "the partner's secret" };
const here = await startReplicationServer({
  customerKeys: "anywhere",
  defaultObjectOwnership: "ObjectWriter",
  defaultPublicAccessBlock: "off",
  provisioning: {
    accounts: [{ name: "partner", id: "222233334444", accessKeys: [partner] }],
  },
});
const { s3, server, newBucket, newPair, replicate, statusOf, work, put, role } = here;
const partnerS3 = here.client({ credentials: { ...partner } });
const { accessKeyId, secretAccessKey } = server.credentials;
const kms = new KMS({
  endpoint: server.endpoint,
  region: server.region,
  credentials: { accessKeyId, secretAccessKey },
});
after(() => kms.destroy());
const newKey = async () => (await kms.createKey({})).KeyMetadata?.Arn ?? "";

const upload = (Bucket: string, SSEKMSKeyId: string) =>
  s3.putObject({
    Bucket,
    Key: "key",
    Body: "secret",
    ServerSideEncryption: "aws:kms",
    SSEKMSKeyId,
  });

describe("objects under a KMS key", () => {
  test("stay without the opt-in", async () => {
    const [source, target] = await newPair();
    await upload(source, await newKey());
    await work();
    assert.equal(await statusOf(source, "key"), undefined);
    assert.equal((await s3.listObjectsV2({ Bucket: target })).KeyCount, 0);
  });

  test("go with it, under the replica's key", async () => {
    const [source, target] = [await newBucket("Enabled"), await newBucket("Enabled")];
    const [own, replicas] = [await newKey(), await newKey()];
    await replicate(source, [
      ruleTo(target, {
        SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" } },
        Destination: {
          Bucket: `arn:aws:s3:::${target}`,
          EncryptionConfiguration: { ReplicaKmsKeyID: replicas },
        },
      }),
    ]);
    const { VersionId } = await upload(source, own);
    await work();
    const found = await s3.getObject({ Bucket: target, Key: "key" });
    assert.equal(await textOf(found), "secret");
    assert.equal(found.SSEKMSKeyId, replicas);
    assert.equal(found.VersionId, VersionId);
    assert.equal(await statusOf(source, "key"), "COMPLETED");
  });

  test("fail while the replica's key is disabled", async () => {
    const [source, target] = [await newBucket("Enabled"), await newBucket("Enabled")];
    const [own, replicas] = [await newKey(), await newKey()];
    await replicate(source, [
      ruleTo(target, {
        SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" } },
        Destination: {
          Bucket: `arn:aws:s3:::${target}`,
          EncryptionConfiguration: { ReplicaKmsKeyID: replicas },
        },
      }),
    ]);
    await kms.disableKey({ KeyId: replicas });
    await upload(source, own);
    await work();
    assert.equal(await statusOf(source, "key"), "FAILED");
  });
});

test("objects under a customer's key go as they are, and open by the same key", async () => {
  const [source, target] = await newPair();
  const key = randomBytes(32);
  const customer = {
    SSECustomerAlgorithm: "AES256",
    SSECustomerKey: key.toString("base64"),
    SSECustomerKeyMD5: createHash("md5").update(key).digest("base64"),
  };
  await s3.putObject({ Bucket: source, Key: "small", Body: "secret", ...customer });
  const long = randomBytes(300_000);
  await s3.putObject({ Bucket: source, Key: "long", Body: long, ...customer });
  await work();
  const found = await s3.getObject({ Bucket: target, Key: "small", ...customer });
  assert.equal(await textOf(found), "secret");
  const other = await s3.getObject({ Bucket: target, Key: "long", ...customer });
  assert.deepEqual(Buffer.from((await other.Body?.transformToByteArray()) ?? []), long);
  const head = await s3.headObject({ Bucket: source, Key: "small", ...customer });
  assert.equal(head.ReplicationStatus, "COMPLETED");
});

const ownerOf = async (Bucket: string) =>
  (await partnerS3.getObjectAcl({ Bucket, Key: "key" })).Owner?.ID;

describe("a bucket of another account", () => {
  let count = 0;
  async function newPartnerBucket(actions: readonly string[]): Promise<string> {
    count += 1;
    const Bucket = `partner-${count}`;
    await partnerS3.createBucket({ Bucket });
    await setVersioning(partnerS3, Bucket, "Enabled");
    if (actions.length === 0) return Bucket;
    const Statement = {
      Effect: "Allow",
      Principal: { AWS: role },
      Action: actions,
      Resource: `arn:aws:s3:::${Bucket}/*`,
    };
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
    await partnerS3.putBucketPolicy({ Bucket, Policy });
    return Bucket;
  }
  test("must allow the role", async () => {
    const source = await newBucket("Enabled");
    const target = await newPartnerBucket([]);
    await replicate(source, [ruleTo(target)]);
    await put(source, "key");
    await work();
    assert.equal(await statusOf(source, "key"), "FAILED");
  });

  test("gets replicas that belong to the source's owner", async () => {
    const source = await newBucket("Enabled");
    const target = await newPartnerBucket(["s3:ReplicateObject"]);
    await replicate(source, [ruleTo(target)]);
    await put(source, "key");
    await work();
    assert.equal(await statusOf(source, "key"), "COMPLETED");
    const { Owner } = await s3.getObjectAcl({ Bucket: source, Key: "key" });
    const { Owner: replicas } = await s3.getObjectAcl({ Bucket: target, Key: "key" });
    assert.equal(replicas?.ID, Owner?.ID);
  });

  test("owns them where the rule hands them over", async () => {
    const source = await newBucket("Enabled");
    const target = await newPartnerBucket([
      "s3:ReplicateObject",
      "s3:ObjectOwnerOverrideToBucketOwner",
    ]);
    await replicate(source, [
      ruleTo(target, {
        Destination: {
          Bucket: `arn:aws:s3:::${target}`,
          Account: "222233334444",
          AccessControlTranslation: { Owner: "Destination" },
        },
      }),
    ]);
    await s3.putObject({ Bucket: source, Key: "key", Body: "text", ACL: "public-read" });
    await work();
    assert.equal(await ownerOf(target), (await partnerS3.listBuckets({})).Owner?.ID);
    const { Grants = [] } = await partnerS3.getObjectAcl({ Bucket: target, Key: "key" });
    assert.equal(Grants.length, 1);
  });

  test("gets no tags that the role may not write", async () => {
    const source = await newBucket("Enabled");
    const target = await newPartnerBucket(["s3:ReplicateObject"]);
    await replicate(source, [ruleTo(target)]);
    await s3.putObject({ Bucket: source, Key: "key", Body: "text", Tagging: "a=b" });
    await work();
    assert.equal(await statusOf(source, "key"), "COMPLETED");
    const head = await s3.headObject({ Bucket: target, Key: "key" });
    assert.equal(head.TagCount, undefined);
  });
});

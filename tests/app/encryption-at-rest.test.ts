// What lies in the data directory: nothing of an object's bytes, whatever encrypts it, and nothing of a
// customer's key. Bytes that were changed there are an error, and never served.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startTestServerAlone } from "../s3/test-server.ts";

const directory = await mkdtemp(join(tmpdir(), "holdfast-at-rest-"));
after(() => rm(directory, { recursive: true, force: true }));

const secret = "the quick brown fox jumps over the lazy dog; ";
const small = secret.repeat(20);
const large = secret.repeat(10_000);

const customerKey = randomBytes(32);
const sseC = {
  SSECustomerAlgorithm: "AES256",
  SSECustomerKey: customerKey.toString("base64"),
  SSECustomerKeyMD5: createHash("md5").update(customerKey).digest("base64"),
};

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test("the data directory shows nothing of what is stored", async () => {
  {
    const options = { store: { directory }, customerKeys: "anywhere" } as const;
    await using started = await startTestServerAlone(options);
    const { s3, newBucket } = started;
    const Bucket = await newBucket();
    const kinds = [
      ["sse-s3", {}],
      ["sse-c", sseC],
      ["sse-kms", { ServerSideEncryption: "aws:kms" }],
      ["dsse-kms", { ServerSideEncryption: "aws:kms:dsse" }],
    ] as const;
    for (const [name, settings] of kinds) {
      await s3.putObject({ Bucket, Key: `${name}/small`, Body: small, ...settings });
      await s3.putObject({ Bucket, Key: `${name}/large`, Body: large, ...settings });
      const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: name, ...settings });
      const part = { Bucket, Key: name, UploadId, PartNumber: 1, Body: large };
      await s3.uploadPart(name === "sse-c" ? { ...part, ...sseC } : part);
    }
  }
  const files = await filesBelow(directory);
  assert.ok(files.length >= 13, "the store's files were found");
  const needles = [
    Buffer.from(secret),
    customerKey,
    Buffer.from(customerKey.toString("base64")),
    Buffer.from(customerKey.toString("hex")),
    Buffer.from(sseC.SSECustomerKeyMD5),
    createHash("md5").update(customerKey).digest(),
  ];
  for (const file of files) {
    const content = await readFile(file);
    for (const needle of needles) {
      assert.ok(!content.includes(needle), `${file} holds what it must not`);
    }
  }
});

test("what was changed on the disk is an error, and not served", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-changed-"));
  after(() => rm(folder, { recursive: true, force: true }));
  let Bucket = "";
  {
    await using started = await startTestServerAlone({ store: { directory: folder } });
    Bucket = await started.newBucket();
    await started.s3.putObject({ Bucket, Key: "large", Body: large });
  }
  for (const blob of await filesBelow(join(folder, "blobs"))) {
    const content = await readFile(blob);
    if (content.byteLength < large.length) continue;
    content[100_000] = (content[100_000] as number) ^ 1;
    await writeFile(blob, content);
  }
  await using started = await startTestServerAlone({
    store: { directory: folder },
    logLevel: "silent",
  });
  const read = async () => {
    const { Body } = await started.plainS3.getObject({ Bucket, Key: "large" });
    return Body?.transformToString();
  };
  await assert.rejects(read);
});

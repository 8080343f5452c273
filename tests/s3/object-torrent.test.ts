// GetObjectTorrent: what a BitTorrent client can do with the file, and who gets it. "Using BitTorrent with
// Amazon S3" (Developer Guide), GetObjectTorrent (API reference).

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import type { S3 } from "@aws-sdk/client-s3";
import {
  assertErrorAnswer,
  assertRefused,
  bytesOf,
  mebibyte,
  patternBytes,
  smallestPartBytes,
  startTestServer,
} from "./test-server.ts";
import { downloadTorrent, parseTorrent, type TorrentFile } from "./torrent-file.ts";

const { s3, plainS3, newBucket, put, upload, send } = await startTestServer({
  customerKeys: "anywhere",
  defaultObjectOwnership: "ObjectWriter",
  defaultPublicAccessBlock: "off",
});

type Named = Parameters<S3["getObjectTorrent"]>[0];

async function torrentOf(input: Named): Promise<TorrentFile> {
  return parseTorrent(await bytesOf(await s3.getObjectTorrent(input)));
}

async function putPublic(Bucket: string, Key: string, Body: Uint8Array): Promise<void> {
  await plainS3.putObject({ Bucket, Key, Body, ACL: "public-read" });
}

const allow = (Bucket: string, ...Action: readonly string[]): string => {
  const Resource = `arn:aws:s3:::${Bucket}/*`;
  const Statement = [{ Effect: "Allow", Principal: "*", Action, Resource }];
  return JSON.stringify({ Version: "2012-10-17", Statement });
};

/** As a person gets it who opens the link. */
const fetchTorrent = (path: string, query = "torrent") => send({ path, query, isSigned: false });

describe("a torrent", () => {
  test("leads to the object's bytes, piece by piece", async () => {
    const Bucket = await newBucket();
    const body = patternBytes(5 * mebibyte + 12_345);
    await putPublic(Bucket, "films/Nelson", body);
    const torrent = await torrentOf({ Bucket, Key: "films/Nelson" });
    assert.equal(torrent.name, "Nelson");
    assert.equal(torrent.sizeBytes, body.length);
    assert.equal(torrent.hashes.length, Math.ceil(body.length / torrent.pieceBytes));
    assert.ok((await downloadTorrent(torrent)).equals(body));
    const { LastModified } = await s3.headObject({ Bucket, Key: "films/Nelson" });
    assert.equal(torrent.creationDate * 1000, LastModified?.getTime());
  });

  test("is the same the second time, and another one of other bytes", async () => {
    const Bucket = await newBucket();
    await putPublic(Bucket, "key", patternBytes(3 * mebibyte));
    const first = await bytesOf(await s3.getObjectTorrent({ Bucket, Key: "key" }));
    const second = await bytesOf(await s3.getObjectTorrent({ Bucket, Key: "key" }));
    assert.ok(second.equals(first));
    await putPublic(Bucket, "key", patternBytes(3 * mebibyte, 2));
    const third = await torrentOf({ Bucket, Key: "key" });
    assert.notEqual(third.infoHash, parseTorrent(first).infoHash);
    assert.ok((await downloadTorrent(third)).equals(patternBytes(3 * mebibyte, 2)));
  });

  test("of parts, of little and of nothing", async () => {
    const Bucket = await newBucket();
    const parts = [patternBytes(smallestPartBytes + 7), patternBytes(1000, 3)];
    const { parts: Parts, ...begun } = await upload(Bucket, "parts", parts);
    await s3.completeMultipartUpload({ ...begun, MultipartUpload: { Parts } });
    await s3.putObjectAcl({ Bucket, Key: "parts", ACL: "public-read" });
    const ofParts = await torrentOf({ Bucket, Key: "parts" });
    assert.ok((await downloadTorrent(ofParts)).equals(Buffer.concat(parts)));
    await putPublic(Bucket, "little", Buffer.from("meow"));
    const ofLittle = await torrentOf({ Bucket, Key: "little" });
    assert.deepEqual(ofLittle.hashes, [createHash("sha1").update("meow").digest("hex")]);
    assert.equal((await downloadTorrent(ofLittle)).toString(), "meow");
    await putPublic(Bucket, "nothing", Buffer.alloc(0));
    const ofNothing = await torrentOf({ Bucket, Key: "nothing" });
    assert.deepEqual([ofNothing.sizeBytes, ofNothing.hashes], [0, []]);
  });

  test("has a name and a source whatever the key", async () => {
    const Bucket = await newBucket();
    const names: Readonly<Record<string, string>> = {
      "größe & 1+1?.txt": "größe & 1+1?.txt",
      "folder/": "folder",
      "/": Bucket,
      "100%/日本": "日本",
    };
    for (const [Key, name] of Object.entries(names)) {
      await putPublic(Bucket, Key, Buffer.from(`text of ${Key}`));
      const torrent = await torrentOf({ Bucket, Key });
      assert.equal(torrent.name, name);
      assert.equal((await downloadTorrent(torrent)).toString(), `text of ${Key}`);
    }
  });

  test("is announced as a file of its own type, whatever the object's", async () => {
    const Bucket = await newBucket();
    const headersOf = async (path: string) => {
      const { headers, body } = await fetchTorrent(`/${Bucket}/${path}`);
      assert.equal(headers.get("content-type"), "application/x-bittorrent");
      assert.equal(headers.get("content-length"), String(body.length));
      return headers.get("content-disposition");
    };
    const plain = { Bucket, Key: "Nelson", ContentType: "video/mp4", ContentEncoding: "gzip" };
    await plainS3.putObject({ ...plain, ACL: "public-read", Body: "x" });
    assert.equal(await headersOf("Nelson"), "attachment; filename=Nelson.torrent;");
    await putPublic(Bucket, 'a "ü"', Buffer.from("x"));
    const quoted = String.raw`attachment; filename="a \"_\".torrent"; filename*=UTF-8''a%20%22%C3%BC%22.torrent`;
    assert.equal(await headersOf("a%20%22%C3%BC%22"), quoted);
  });

  test("of a version leads to that version", async () => {
    const Bucket = await newBucket("Enabled");
    const { versionId: VersionId } = await put(Bucket, "key", "old");
    await s3.putObjectAcl({ Bucket, Key: "key", VersionId, ACL: "public-read" });
    await putPublic(Bucket, "key", Buffer.from("new"));
    const old = await fetchTorrent(`/${Bucket}/key`, `torrent&versionId=${VersionId}`);
    assert.equal((await downloadTorrent(parseTorrent(old.body))).toString(), "old");
    const current = await torrentOf({ Bucket, Key: "key" });
    assert.equal((await downloadTorrent(current)).toString(), "new");
    await s3.deleteObject({ Bucket, Key: "key" });
    await assertRefused(s3.getObjectTorrent({ Bucket, Key: "key" }), {
      code: "NoSuchKey",
      status: 404,
    });
  });

  test("goes on when the client of another has gone", async () => {
    const Bucket = await newBucket();
    await putPublic(Bucket, "key", patternBytes(20 * mebibyte));
    const { Body } = await s3.getObjectTorrent({ Bucket, Key: "key" });
    // In Node.js it is a stream.
    (Body as unknown as { destroy: () => void }).destroy();
    const torrent = await torrentOf({ Bucket, Key: "key" });
    assert.equal(torrent.hashes.length, (20 * mebibyte) / torrent.pieceBytes);
  });
});

describe("a torrent is refused", () => {
  const denied = { code: "AccessDenied", status: 403 };

  test("to strangers, unless a list or a policy lets them have it", async () => {
    const Bucket = await newBucket();
    await put(Bucket, "key", "text");
    const path = `/${Bucket}/key`;
    assertErrorAnswer(await fetchTorrent(path), denied);
    await s3.putBucketPolicy({ Bucket, Policy: allow(Bucket, "s3:GetObject") });
    assertErrorAnswer(await fetchTorrent(path), denied);
    const Policy = allow(Bucket, "s3:GetObjectTorrent");
    await s3.putBucketPolicy({ Bucket, Policy });
    const { body } = await fetchTorrent(path);
    // Whoever has the file may download what anybody may read.
    await assert.rejects(downloadTorrent(parseTorrent(body)), /AccessDenied/);
    await s3.putBucketPolicy({
      Bucket,
      Policy: allow(Bucket, "s3:GetObject", "s3:GetObjectTorrent"),
    });
    assert.equal((await downloadTorrent(parseTorrent(body))).toString(), "text");
    await s3.deleteBucketPolicy({ Bucket });
    assertErrorAnswer(await fetchTorrent(path), denied);
    await s3.putObjectAcl({ Bucket, Key: "key", ACL: "public-read" });
    assert.equal((await fetchTorrent(path)).status, 200);
  });

  test("of a version by an action of its own", async () => {
    const Bucket = await newBucket("Enabled");
    const { versionId } = await put(Bucket, "key", "text");
    await s3.putBucketPolicy({ Bucket, Policy: allow(Bucket, "s3:GetObjectTorrent") });
    const path = `/${Bucket}/key`;
    const query = `torrent&versionId=${versionId}`;
    assert.equal((await fetchTorrent(path)).status, 200);
    assertErrorAnswer(await fetchTorrent(path, query), denied);
    await s3.putBucketPolicy({ Bucket, Policy: allow(Bucket, "s3:GetObjectVersionTorrent") });
    assert.equal((await fetchTorrent(path, query)).status, 200);
    assertErrorAnswer(await fetchTorrent(path), denied);
  });

  test("of what is not there", async () => {
    const Bucket = await newBucket();
    const missing = { code: "NoSuchKey", status: 404 };
    await assertRefused(s3.getObjectTorrent({ Bucket, Key: "missing" }), missing);
    const noBucket = { Bucket: "no-such-bucket", Key: "key" };
    const error = { code: "NoSuchBucket", status: 404 };
    await assertRefused(s3.getObjectTorrent(noBucket), error);
  });

  test("of a bucket", async () => {
    const Bucket = await newBucket();
    assertErrorAnswer(await send({ path: `/${Bucket}`, query: "torrent" }), {
      code: "RequestTorrentOfBucketError",
      status: 400,
      message: "Requesting the torrent file of a bucket is not permitted.",
    });
  });

  test("of what a customer's key encrypts", async () => {
    const Bucket = await newBucket();
    const key = Buffer.alloc(32, 1);
    await plainS3.putObject({
      Bucket,
      Key: "key",
      Body: "secret",
      SSECustomerAlgorithm: "AES256",
      SSECustomerKey: key.toString("base64"),
      SSECustomerKeyMD5: createHash("md5").update(key).digest("base64"),
    });
    await assertRefused(s3.getObjectTorrent({ Bucket, Key: "key" }), {
      code: "InvalidRequest",
      status: 400,
    });
  });

  test("of what lies in an archive", async () => {
    const Bucket = await newBucket();
    const archived = { Bucket, Key: "key", Body: "cold", StorageClass: "GLACIER" } as const;
    await plainS3.putObject(archived);
    await assertRefused(s3.getObjectTorrent({ Bucket, Key: "key" }), {
      code: "InvalidObjectState",
      status: 403,
      fields: { StorageClass: "GLACIER" },
    });
  });

  test("of 5 GiB", async () => {
    const Bucket = await newBucket();
    await plainS3.putObject({ Bucket, Key: "block", Body: patternBytes(64 * mebibyte) });
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "large" });
    const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
    const CopySource = `${Bucket}/block`;
    for (let PartNumber = 1; PartNumber <= 80; PartNumber += 1) {
      const part = { Bucket, Key: "large", UploadId, PartNumber, CopySource };
      const { CopyPartResult } = await s3.uploadPartCopy(part);
      Parts.push({ PartNumber, ETag: CopyPartResult?.ETag });
    }
    const place = { Bucket, Key: "large", UploadId };
    await s3.completeMultipartUpload({ ...place, MultipartUpload: { Parts } });
    const refused = { code: "InvalidRequest", status: 400, message: /too large for a torrent/ };
    await assertRefused(s3.getObjectTorrent({ Bucket, Key: "large" }), refused);
  });
});

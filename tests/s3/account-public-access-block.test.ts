// Block Public Access of an account: S3 Control's operations as `aws s3control` and its SDK send them
// (path, `x-amz-account-id`, the account before the host's name, signed for S3), and what they hold back.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { beforeEach, describe, test } from "node:test";
import {
  assertErrorAnswer,
  assertRefused,
  elementOf,
  startTestServer,
  type RawAnswer,
} from "./test-server.ts";

const server = await startTestServer({
  defaultObjectOwnership: "ObjectWriter",
  defaultPublicAccessBlock: "off",
});
const { s3 } = server;
const path = "/v20180820/configuration/publicAccessBlock";
const bucket = await server.newBucket();
const { AccessDenied: denied } = await accountOf();

/** A server tells its own account's callers who they are in a denial. */
async function accountOf(): Promise<{ readonly AccessDenied: string }> {
  await s3.putPublicAccessBlock({
    Bucket: bucket,
    PublicAccessBlockConfiguration: { BlockPublicAcls: true },
  });
  const error = await assertRefused(s3.putBucketAcl({ Bucket: bucket, ACL: "public-read" }), {
    code: "AccessDenied",
    status: 403,
  });
  await s3.deletePublicAccessBlock({ Bucket: bucket });
  return { AccessDenied: error.message };
}

const accountId = /arn:aws:iam::(\d{12}):/.exec(denied)?.[1] ?? "";
const xmlOf = (...switches: readonly string[]): string =>
  `<PublicAccessBlockConfiguration xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/">${switches.map((name) => `<${name}>true</${name}>`).join("")}</PublicAccessBlockConfiguration>`;

function control(
  method: string,
  options: { readonly body?: string; readonly account?: string; readonly host?: string } = {},
): Promise<RawAnswer> {
  const { body = "", account = accountId, host } = options;
  return server.send({
    method,
    path,
    headers: {
      "x-amz-account-id": account,
      ...(host === undefined ? {} : { host }),
      ...(body === "" ? {} : { "content-md5": createHash("md5").update(body).digest("base64") }),
    },
    body,
  });
}

async function isPublic(key: string): Promise<boolean> {
  const { status } = await server.send({ path: `/${bucket}/${key}`, isSigned: false });
  assert.ok(status === 200 || status === 403, String(status));
  return status === 200;
}

beforeEach(async () => {
  assert.equal((await control("DELETE")).status, 204);
});

test("is set, read and taken away", async () => {
  const missing = await control("GET");
  assert.equal(missing.status, 404);
  assert.match(
    missing.text,
    /^<\?xml version="1\.0" encoding="UTF-8"\?>\n?<ErrorResponse xmlns="http:\/\/awss3control\.amazonaws\.com\/doc\/2018-08-20\/"><Error><Code>NoSuchPublicAccessBlockConfiguration<\/Code><Message>The public access block configuration was not found<\/Message><AccountId>\d{12}<\/AccountId><\/Error><RequestId>\w+<\/RequestId><HostId>[^<]+<\/HostId><\/ErrorResponse>$/,
  );
  const body = xmlOf("BlockPublicAcls", "RestrictPublicBuckets");
  // Clients put the account before the name of the host that they were given.
  const host = `${accountId}.localhost:${server.server.port}`;
  for (const options of [{ body }, { body, host }]) {
    const put = await control("PUT", options);
    assert.equal(put.status, 200, put.text);
    const { status, text } = await control("GET", host === undefined ? {} : { host });
    assert.equal(status, 200);
    assert.ok(text.includes('xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/"'), text);
    assert.deepEqual(
      ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"].map(
        (name) => elementOf(text, name),
      ),
      ["true", "false", "false", "true"],
    );
    assert.equal((await control("DELETE", { host })).status, 204);
    assert.equal((await control("GET")).status, 404);
  }
});

test("is refused to others, without a signature, and for another account", async () => {
  const other = await control("GET", { account: "999999999999" });
  assert.equal(other.status, 403);
  assert.match(other.text, /<ErrorResponse [^>]*><Error><Code>AccessDenied<\/Code>/);
  const unsigned = await server.send({
    path,
    headers: { "x-amz-account-id": accountId },
    isSigned: false,
  });
  assert.equal(unsigned.status, 403);
  assert.match(unsigned.text, /<ErrorResponse /);
  const malformed = await control("PUT", { body: "<PublicAccessBlock/>" });
  assert.equal(malformed.status, 400);
  assert.match(malformed.text, /<Code>MalformedXML<\/Code>/);
});

test("a key of that name is a key", async () => {
  const Bucket = server.newBucketName();
  await s3.createBucket({ Bucket });
  const answer = await server.send({ path, isSigned: true });
  assertErrorAnswer(answer, { code: "NoSuchBucket", status: 404 });
});

describe("holds for every bucket of the account", () => {
  test("public lists are refused where the account blocks them", async () => {
    assert.equal((await control("PUT", { body: xmlOf("BlockPublicAcls") })).status, 200);
    const refused = {
      code: "AccessDenied",
      status: 403,
      message: /blocked by the BlockPublicAcls block public access setting\.$/,
    };
    const ACL = "public-read";
    await assertRefused(s3.putBucketAcl({ Bucket: bucket, ACL }), refused);
    await assertRefused(s3.putObject({ Bucket: bucket, Key: "k", Body: "x", ACL }), refused);
    await assertRefused(s3.createBucket({ Bucket: server.newBucketName(), ACL }), refused);
    await s3.putBucketAcl({ Bucket: bucket, ACL: "private" });
  });

  test("public lists that are stored give nothing where the account ignores them", async () => {
    await s3.putObject({ Bucket: bucket, Key: "open", Body: "x", ACL: "public-read" });
    assert.equal(await isPublic("open"), true);
    assert.equal((await control("PUT", { body: xmlOf("IgnorePublicAcls") })).status, 200);
    assert.equal(await isPublic("open"), false);
    assert.equal((await control("DELETE")).status, 204);
    assert.equal(await isPublic("open"), true);
  });
});

// CORS as pages of other origins meet it: the configuration, the preflight, and the headers on answers.
// What S3 answers is recorded in localstack/localstack (test_s3_cors.snapshot.json).

import assert from "node:assert/strict";
import { test } from "node:test";
import { GetObjectCommand, PutObjectCommand, type CORSRule } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { assertErrorAnswer, assertRefused, startTestServer } from "./test-server.ts";
import type { RawAnswer } from "./test-server.ts";

const { s3, plainS3, newBucket, newBucketName, put, send } = await startTestServer();

const page = "https://app.example";
const vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
const notAllowed =
  "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";

async function bucketWith(...CORSRules: CORSRule[]): Promise<string> {
  const Bucket = await newBucket();
  await s3.putBucketCors({ Bucket, CORSConfiguration: { CORSRules } });
  return Bucket;
}

function rule(parts: Partial<CORSRule> = {}): CORSRule {
  return { AllowedMethods: ["GET", "PUT"], AllowedOrigins: [page], ...parts };
}

function preflight(
  path: string,
  headers: Readonly<Record<string, string>>,
  query = "",
): Promise<RawAnswer> {
  return send({ method: "OPTIONS", path, query, headers, isSigned: false });
}

/** What the answer says to the browser. */
function corsOf({ headers }: RawAnswer): Readonly<Record<string, string>> {
  const found = [...headers].filter(([name]) => /^(?:access-control-|vary$)/.test(name));
  return Object.fromEntries(found);
}

const granted = {
  "access-control-allow-origin": page,
  "access-control-allow-methods": "GET, PUT",
  "access-control-allow-credentials": "true",
  vary,
};

test("a configuration reads back as it was put, and goes away", async () => {
  const CORSRules: CORSRule[] = [
    {
      ID: "one",
      AllowedMethods: ["PUT", "GET"],
      AllowedOrigins: ["http://test.example:80", "https://*.example"],
      AllowedHeaders: ["x-AMZ-server-SIDE-encryption", "*"],
      ExposeHeaders: ["ETag"],
      MaxAgeSeconds: 0,
    },
    { AllowedMethods: ["GET"], AllowedOrigins: [""] },
  ];
  const Bucket = await bucketWith(...CORSRules);
  const { CORSRules: found } = await s3.getBucketCors({ Bucket });
  assert.deepEqual(found, CORSRules);
  const { $metadata } = await s3.deleteBucketCors({ Bucket });
  assert.equal($metadata.httpStatusCode, 204);
  await assertRefused(s3.getBucketCors({ Bucket }), {
    code: "NoSuchCORSConfiguration",
    status: 404,
    message: "The CORS configuration does not exist",
    fields: { BucketName: Bucket },
  });
  assert.equal((await preflight(`/${Bucket}`, { origin: page })).status, 403);
});

test("what is wrong in a configuration is refused, and leaves the former one", async () => {
  const Bucket = await bucketWith(rule());
  const set = (...CORSRules: CORSRule[]): Promise<unknown> =>
    s3.putBucketCors({ Bucket, CORSConfiguration: { CORSRules } });
  await assertRefused(set(rule({ AllowedMethods: ["MYMETHOD"] })), {
    code: "InvalidRequest",
    status: 400,
    message: "Found unsupported HTTP method in CORS config. Unsupported method is MYMETHOD",
  });
  await assertRefused(set(rule({ AllowedOrigins: ["*example*.com"] })), {
    code: "InvalidRequest",
    status: 400,
    message: 'AllowedOrigin "*example*.com" can not have more than one wildcard.',
  });
  const malformed = { code: "MalformedXML", status: 400 };
  await assertRefused(set(), malformed);
  await assertRefused(set(rule({ AllowedMethods: undefined })), malformed);
  await assertRefused(set(rule({ AllowedOrigins: [] })), malformed);
  await assertRefused(set(rule({ ExposeHeaders: ["a".repeat(70_000)] })), {
    code: "MaxMessageLengthExceeded",
    status: 400,
  });
  const { CORSRules } = await s3.getBucketCors({ Bucket });
  assert.deepEqual(CORSRules, [rule()]);
});

test("a preflight is answered without a signature", async () => {
  const Bucket = await bucketWith(
    rule({
      MaxAgeSeconds: 3000,
      AllowedHeaders: ["x-amz-*"],
      ExposeHeaders: ["ETag", "x-amz-id-2"],
    }),
  );
  const answer = await preflight(`/${Bucket}/no/such/key`, {
    origin: page,
    "access-control-request-method": "PUT",
    "access-control-request-headers": "X-Amz-Date,x-amz-content-sha256",
  });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.text, "");
  assert.deepEqual(corsOf(answer), {
    ...granted,
    "access-control-allow-headers": "x-amz-date, x-amz-content-sha256",
    "access-control-expose-headers": "ETag, x-amz-id-2",
    "access-control-max-age": "3000",
  });
});

test("a preflight that no rule allows is told so", async () => {
  const Bucket = await bucketWith(rule());
  const asked = { origin: page, "access-control-request-method": "GET" };
  const refusals: readonly (readonly [string, Record<string, string>, string])[] = [
    [`/${Bucket}/key`, { ...asked, origin: "http://app.example" }, "OBJECT"],
    [`/${Bucket}`, { ...asked, origin: `${page}/` }, "BUCKET"],
    [`/${Bucket}/key`, { ...asked, "access-control-request-method": "DELETE" }, "OBJECT"],
    [`/${Bucket}/key`, { ...asked, "access-control-request-headers": "x-a" }, "OBJECT"],
  ];
  for (const [path, headers, ResourceType] of refusals) {
    const answer = await preflight(path, headers);
    const Method = headers["access-control-request-method"] ?? "";
    assertErrorAnswer(answer, {
      code: "AccessForbidden",
      status: 403,
      message: notAllowed,
      fields: { Method, ResourceType },
    });
    assert.deepEqual(corsOf(answer), {});
  }
});

test("a preflight that says too little, or is to no such bucket", async () => {
  const Bucket = await bucketWith(rule());
  const bare = await newBucket();
  for (const path of [`/${Bucket}/key`, `/${bare}`, `/${newBucketName()}`]) {
    assertErrorAnswer(await preflight(path, { "access-control-request-method": "GET" }), {
      code: "BadRequest",
      status: 400,
      message: "Insufficient information. Origin request header needed.",
    });
  }
  assertErrorAnswer(await preflight(`/${Bucket}/key`, { origin: page }), {
    code: "BadRequest",
    status: 400,
    message: "Invalid Access-Control-Request-Method: null",
  });
  const forbidden = { code: "AccessForbidden", status: 403 };
  assertErrorAnswer(await preflight(`/${bare}/key`, { origin: page }), {
    ...forbidden,
    message: "CORSResponse: CORS is not enabled for this bucket.",
    fields: { Method: "OPTIONS", ResourceType: "BUCKET" },
  });
  assertErrorAnswer(await preflight(`/${newBucketName()}`, { origin: page }), {
    ...forbidden,
    message: "CORSResponse: Bucket not found",
    fields: { Method: "OPTIONS", ResourceType: "BUCKET" },
  });
});

test("answers to a page of an allowed origin carry the headers, good or bad", async () => {
  const Bucket = await bucketWith(
    rule({ AllowedMethods: ["GET", "HEAD", "PUT", "DELETE"], ExposeHeaders: ["ETag"] }),
  );
  await put(Bucket, "key", "text");
  const expected = {
    ...granted,
    "access-control-allow-methods": "GET, HEAD, PUT, DELETE",
    "access-control-expose-headers": "ETag",
  };
  const headers = { origin: page };
  const path = `/${Bucket}/key`;
  const requests: readonly (readonly [number, Parameters<typeof send>[0]])[] = [
    [200, { path }],
    [200, { path: `/${Bucket}`, query: "list-type=2" }],
    [200, { path: `/${Bucket}`, query: "cors" }],
    [200, { path, method: "HEAD" }],
    [200, { path: `/${Bucket}/new`, method: "PUT", body: "new" }],
    [304, { path, headers: { "if-modified-since": new Date().toUTCString() } }],
    [404, { path: `/${Bucket}/none` }],
    [404, { path: `/${Bucket}/none`, method: "HEAD" }],
    [403, { path, isSigned: false }],
    [403, { path, credentials: { accessKeyId: "AKIANOBODY", secretAccessKey: "none" } }],
    [404, { path: `/${Bucket}`, query: "website" }],
    [204, { path: `/${Bucket}/new`, method: "DELETE" }],
    [204, { path, method: "DELETE" }],
    [204, { path: `/${Bucket}`, method: "DELETE" }],
  ];
  for (const [status, request] of requests) {
    const answer = await send({ ...request, headers: { ...request.headers, ...headers } });
    assert.equal(answer.status, status, answer.text);
    assert.deepEqual(corsOf(answer), expected, `${request.method ?? "GET"} ${request.path}`);
  }
});

test("other origins, methods and plain requests get their answers without the headers", async () => {
  const Bucket = await bucketWith(rule({ AllowedMethods: ["GET"] }));
  const path = `/${Bucket}/key`;
  const requests: readonly Parameters<typeof send>[0][] = [
    { path, method: "PUT", body: "text", headers: { origin: page } },
    { path },
    { path, headers: { origin: "https://evil.example" } },
    { path, headers: { origin: page, "access-control-request-method": "PUT" } },
    { path, headers: { origin: page, "access-control-request-headers": "x-a" } },
    { path: "/", headers: { origin: page } },
  ];
  for (const request of requests) {
    const answer = await send(request);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(corsOf(answer), {}, JSON.stringify(request));
  }
  const missing = await send({ path: `/${newBucketName()}`, headers: { origin: page } });
  assertErrorAnswer(missing, { code: "NoSuchBucket", status: 404 });
});

test("every origin is answered as such, and without credentials", async () => {
  const Bucket = await bucketWith(rule({ AllowedOrigins: ["*"] }));
  const expected = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, PUT",
    vary,
  };
  const asked = { origin: "null", "access-control-request-method": "GET" };
  assert.deepEqual(corsOf(await preflight(`/${Bucket}`, asked)), expected);
  const listed = await send({ path: `/${Bucket}`, headers: { origin: "null" } });
  assert.deepEqual(corsOf(listed), expected);
});

test("a page uploads and downloads with presigned URLs, as a browser does it", async () => {
  const Bucket = await bucketWith(rule({ AllowedHeaders: ["content-type"] }));
  const Key = "from page.txt";
  const upload = await getSignedUrl(plainS3, new PutObjectCommand({ Bucket, Key }));
  const asked = await fetch(upload, {
    method: "OPTIONS",
    headers: {
      Origin: page,
      "Access-Control-Request-Method": "PUT",
      "Access-Control-Request-Headers": "content-type",
    },
  });
  assert.equal(asked.status, 200, await asked.text());
  assert.equal(asked.headers.get("access-control-allow-origin"), page);
  assert.equal(asked.headers.get("access-control-allow-headers"), "content-type");
  const sent = await fetch(upload, {
    method: "PUT",
    headers: { Origin: page, "Content-Type": "text/plain" },
    body: "hello",
  });
  assert.equal(sent.status, 200, await sent.text());
  assert.equal(sent.headers.get("access-control-allow-origin"), page);
  const download = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key }));
  const read = await fetch(download, { headers: { Origin: page } });
  assert.deepEqual([read.status, await read.text()], [200, "hello"]);
  assert.equal(read.headers.get("vary"), vary);
});

test("the preflight of any request passes, whatever stands in its query", async () => {
  const Bucket = await bucketWith(rule({ AllowedMethods: ["POST"] }));
  const asked = { origin: page, "access-control-request-method": "POST" };
  const queries = ["delete", "uploads", "acl&tagging", "X-Amz-Signature=0&X-Amz-Algorithm=none"];
  for (const query of queries) {
    const answer = await preflight(`/${Bucket}/key`, asked, query);
    assert.equal(answer.status, 200, answer.text);
  }
  const signedWrong = { ...asked, authorization: "AWS4-HMAC-SHA256 nonsense" };
  assert.equal((await preflight(`/${Bucket}`, signedWrong)).status, 200);
});

// Visitors of websites that no browser is: odd targets and methods, headers that belong to S3, requests
// that would write. None of them reaches more than the pages, and none breaks the server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { exchange, rawRequest, requestBytes, type RawAnswer } from "./raw-client.ts";
import type { HeaderField } from "./raw-signer.ts";
import { startRawServer, succeed } from "./raw-server.ts";

const { port, server, bucket, send, sign, traces } = await startRawServer({
  websiteDomains: ["web.example"],
  websitePort: 0,
  defaultPublicAccessBlock: "off",
});
const host = `${bucket}.web.example`;
const Statement = [
  {
    Effect: "Allow",
    Principal: "*",
    Action: "s3:GetObject*",
    Resource: `arn:aws:s3:::${bucket}/*`,
  },
  { Effect: "Allow", Principal: "*", Action: "s3:ListBucket", Resource: `arn:aws:s3:::${bucket}` },
];
await succeed(
  send("PUT", `/${bucket}?policy`, {
    body: JSON.stringify({ Version: "2012-10-17", Statement }),
  }),
);
await succeed(
  send("PUT", `/${bucket}?website`, {
    body: "<WebsiteConfiguration><IndexDocument><Suffix>index</Suffix></IndexDocument></WebsiteConfiguration>",
  }),
);
await succeed(send("PUT", `/${bucket}/index`, { body: "home" }));
await succeed(send("PUT", `/${bucket}/a%2Fb%25c`, { body: "escaped" }));

function visit(
  target: string,
  { method = "GET", headers = [] as readonly HeaderField[], version = "HTTP/1.1" } = {},
): Promise<RawAnswer> {
  return exchange(port, requestBytes(rawRequest(method, target, { headers, host }), version), {
    method,
  });
}

const codeOf = ({ headers }: RawAnswer): string | undefined => headers.get("x-amz-error-code");

test("queries of S3's mean nothing", async () => {
  for (const query of [
    "versions",
    "uploads",
    "policy",
    "versionId=null",
    "list-type=2",
    "response-content-type=a/b",
    "X-Amz-Signature=0&X-Amz-Credential=x&X-Amz-Algorithm=AWS4-HMAC-SHA256",
    "%zz",
  ]) {
    const answer = await visit(`/?${query}`);
    assert.deepEqual([answer.status, answer.text], [200, "home"], query);
    assert.notEqual(answer.headers.get("content-type"), "a/b");
  }
});

test("headers of S3's mean nothing, broken ones neither", async () => {
  const headers: HeaderField[] = [
    ["Authorization", "AWS4-HMAC-SHA256 nonsense"],
    ["x-amz-content-sha256", "nonsense"],
    ["x-amz-date", "yesterday"],
    ["x-amz-expected-bucket-owner", "000000000000"],
    ["x-amz-server-side-encryption-customer-algorithm", "AES256"],
    ["x-amz-request-payer", "nobody"],
    ["Content-MD5", "nonsense"],
  ];
  const answer = await visit("/", { headers });
  assert.deepEqual([answer.status, answer.text], [200, "home"]);
});

test("nothing is written, whoever signs", async () => {
  const before = await traces();
  for (const method of ["PUT", "POST", "DELETE", "PATCH", "TRACE", "PROPFIND"]) {
    const request = rawRequest(method, "/index", { headers: [["Host", host]], body: "evil" });
    for (const each of [request, sign(request)]) {
      const answer = await exchange(port, requestBytes(each), { method });
      assert.equal(answer.status, 405, method);
      assert.equal(codeOf(answer), "MethodNotAllowed");
      assert.match(answer.text, /<li>ResourceType: OBJECT<\/li>/);
    }
  }
  assert.deepEqual(await traces(), before);
});

test("keys are what the path says once it is decoded once", async () => {
  assert.equal((await visit("/a%2Fb%25c")).text, "escaped");
  assert.equal((await visit("/a/b%25c")).text, "escaped");
  assert.equal(codeOf(await visit("/a/b%2525c")), "NoSuchKey");
  assert.equal(codeOf(await visit("/../index")), "NoSuchKey");
  assert.equal(codeOf(await visit("/%ff")), "InvalidURI");
  assert.equal(codeOf(await visit("/%")), "InvalidURI");
  assert.equal(codeOf(await visit(`/${"k".repeat(1025)}`)), "KeyTooLongError");
  const absolute = await visit(`http://${host}/index?x`);
  assert.deepEqual([absolute.status, absolute.text], [200, "home"]);
});

test("what visitors send comes back as text alone", async () => {
  const key = '<script>alert("1")</script>&amp;';
  const { status, text, headers } = await visit(`/${encodeURIComponent(key)}%0d%0aX-Evil:1`);
  assert.equal(status, 404);
  assert.ok(!text.includes("<script>"), text);
  assert.match(text, /<li>Key: &lt;script&gt;/);
  assert.equal(headers.get("x-evil"), undefined);
});

test("conditions and ranges hold for pages, and a HEAD has no body", async () => {
  const whole = await visit("/");
  const etag = whole.headers.get("etag") ?? "";
  const unchanged = await visit("/", { headers: [["If-None-Match", etag]] });
  assert.deepEqual([unchanged.status, unchanged.text], [304, ""]);
  const changed = await visit("/", { headers: [["If-Match", '"other"']] });
  assert.deepEqual([changed.status, codeOf(changed)], [412, "PreconditionFailed"]);
  const beyond = await visit("/", { headers: [["Range", "bytes=9-"]] });
  assert.deepEqual([beyond.status, codeOf(beyond)], [416, "InvalidRange"]);
  for (const target of ["/", "/none"]) {
    const head = await visit(target, { method: "HEAD" });
    const read = await visit(target);
    assert.deepEqual([head.status, head.text], [read.status, ""]);
    assert.equal(head.headers.get("content-length"), read.headers.get("content-length"));
  }
});

test("a port for websites bears hosts of every kind", async () => {
  const websitePort = Number(new URL(server.websiteEndpoint ?? "").port);
  for (const name of ["", ".", "..", "[::1]:9000", "-", "a".repeat(300), "%00", `${bucket}.`]) {
    const bytes = requestBytes(rawRequest("GET", "/", { host: name }));
    const answer = await exchange(websitePort, bytes);
    const isKnown = name.startsWith(bucket);
    assert.equal(answer.status, isKnown ? 200 : answer.status, name);
    assert.ok(isKnown || answer.status === 404 || answer.status === 400, `${name} ${answer.text}`);
  }
  const old = await exchange(websitePort, Buffer.from("GET / HTTP/1.0\r\n\r\n"));
  assert.equal(codeOf(old), "NoSuchBucket");
});

// Every operation is reached by the smallest request that its row in the table describes, and what no
// operation answers is refused in S3's words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { S3Error } from "../../src/model/errors.ts";
import { operations } from "../../src/model/operations.generated.ts";
import { parseAddress } from "../../src/protocol/address.ts";
import { parseQuery } from "../../src/protocol/query.ts";
import { createRouter, type Route } from "../../src/protocol/router.ts";
import { smallestRequest } from "./smallest-request.ts";

const router = createRouter();

function route(method: string, target: string, headers: readonly string[] = []): Route {
  const address = parseAddress(target, "s3.example.com", []);
  const query = parseQuery(address.rawQuery);
  return router.route({
    method,
    address,
    query,
    headers: { has: (name) => headers.includes(name) },
  });
}

function nameOf(method: string, target: string, headers: readonly string[] = []): string {
  const { operation, refusal } = route(method, target, headers);
  return operation?.name ?? (refusal?.code as string);
}

for (const operation of Object.values(operations)) {
  test(`${operation.name} routes to itself`, () => {
    const { target, headers } = smallestRequest(operation);
    assert.equal(nameOf(operation.method, target, headers), operation.name);
  });
}

test("an SDK's x-id and unknown query keys mean nothing", () => {
  assert.equal(nameOf("GET", "/bucket/key?x-id=GetObject"), "GetObject");
  assert.equal(nameOf("GET", "/bucket/key?x-id=PutObject&foo=bar"), "GetObject");
  assert.equal(nameOf("GET", "/bucket?foo"), "ListObjects");
  assert.equal(nameOf("GET", "/bucket?Versioning"), "ListObjects");
  assert.equal(nameOf("GET", "/bucket?list-type=1"), "ListObjects");
});

test("a sub-resource counts with and without a value, in any place of the query", () => {
  assert.equal(nameOf("POST", "/bucket?delete="), "DeleteObjects");
  assert.equal(nameOf("GET", "/bucket?prefix=a&versions&max-keys=1"), "ListObjectVersions");
  assert.equal(nameOf("GET", "/bucket/?uploads=1"), "ListMultipartUploads");
});

test("required members break ties inside a group only", () => {
  assert.equal(nameOf("GET", "/bucket?analytics"), "ListBucketAnalyticsConfigurations");
  assert.equal(nameOf("GET", "/bucket?analytics&id=1"), "GetBucketAnalyticsConfiguration");
  // Without its id this must not become CreateBucket or DeleteBucket.
  assert.equal(nameOf("PUT", "/bucket?analytics"), "PutBucketAnalyticsConfiguration");
  assert.equal(nameOf("DELETE", "/bucket?metrics"), "DeleteBucketMetricsConfiguration");
  assert.equal(nameOf("PUT", "/b/k", ["x-amz-copy-source"]), "CopyObject");
  assert.equal(
    nameOf("PUT", "/b/k?partNumber=1&uploadId=u", ["x-amz-copy-source"]),
    "UploadPartCopy",
  );
  assert.equal(nameOf("PUT", "/b/k?partNumber=1&uploadId=u"), "UploadPart");
});

test("the sub-resources of a bucket at a key's path are answered or ignored as in S3", () => {
  assert.equal(nameOf("GET", "/bucket/key?location"), "GetBucketLocation");
  assert.equal(nameOf("POST", "/bucket/key?delete"), "DeleteObjects");
  assert.equal(nameOf("GET", "/bucket/key?ownershipControls"), "GetObject");
  assert.equal(nameOf("GET", "/bucket/key?versions"), "InvalidRequest");
  assert.equal(nameOf("GET", "/bucket/key?logging"), "NoLoggingStatusForKey");
  assert.equal(nameOf("GET", "/bucket/key?uploads"), "InvalidRequest");
});

test("a preflight is routed whatever its query", () => {
  assert.equal(nameOf("OPTIONS", "/bucket/key?acl&tagging"), "Preflight");
  assert.equal(nameOf("OPTIONS", "/bucket"), "Preflight");
  assert.equal(nameOf("OPTIONS", "/"), "AccessForbidden");
});

const refusals: readonly [
  method: string,
  target: string,
  type: string,
  allow: string | undefined,
][] = [
  ["PATCH", "/", "SERVICE", "GET"],
  ["POST", "/", "SERVICE", "GET"],
  ["PATCH", "/bucket", "BUCKET", "GET, HEAD, PUT, POST, DELETE"],
  ["POST", "/bucket/key", "OBJECT", "GET, HEAD, PUT, DELETE"],
  ["PUT", "/bucket?location", "LOCATION", "GET"],
  ["DELETE", "/bucket?acl", "ACL", "GET, PUT"],
  ["POST", "/bucket?policy", "BUCKETPOLICY", "GET, PUT, DELETE"],
  ["GET", "/bucket?delete", "MULTI_OBJECT_DELETE", "POST"],
  ["HEAD", "/bucket?versions", "BUCKETVERSIONS", "GET"],
  ["POST", "/bucket/key?tagging", "OBJECT_TAGGING", "GET, PUT, DELETE"],
  ["POST", "/bucket/key?legal-hold", "OBJECT_LOCK_LEGALHOLD", "GET, PUT"],
  ["PATCH", "/bucket/key?uploadId=u", "UPLOAD", "GET, POST, DELETE"],
  ["PUT", "/bucket/key?uploadId=u", "UPLOAD", "GET, POST, DELETE"],
  ["PATCH", "/bucket/key?uploadId=u&partNumber=1", "PART", "PUT"],
  ["GET", "/bucket/key?uploadId=u&partNumber=1", "PART", "PUT"],
];

for (const [method, target, type, allow] of refusals) {
  test(`${method} ${target} is not allowed`, () => {
    const { refusal } = route(method, target);
    assert.ok(refusal instanceof S3Error);
    assert.equal(refusal.code, "MethodNotAllowed");
    assert.equal(refusal.status, 405);
    assert.deepEqual(refusal.fields, { Method: method, ResourceType: type });
    assert.equal(refusal.headers["allow"], allow);
  });
}

test("a bucket has no torrent", () => {
  assert.equal(nameOf("GET", "/bucket?torrent"), "RequestTorrentOfBucketError");
  assert.equal(nameOf("PUT", "/bucket?torrent"), "MethodNotAllowed");
  assert.equal(nameOf("GET", "/bucket/key?torrent&versionId=v"), "GetObjectTorrent");
});

test("a method that S3 does not know is a bad request", () => {
  assert.equal(nameOf("PROPFIND", "/bucket"), "BadRequest");
  assert.equal(nameOf("get", "/bucket"), "BadRequest");
});

test("two sub-resources conflict and are named in alphabetical order", () => {
  for (const target of ["/bucket?versioning&acl", "/bucket/key?tagging&acl&tagging"]) {
    assert.throws(
      () => route("GET", target),
      (error) => error instanceof S3Error && error.fields["ArgumentValue"] === "acl",
    );
  }
  assert.throws(() => route("GET", "/bucket?uploads&uploadId=x"), {
    message: "Conflicting query string parameters: uploadId, uploads",
  });
  assert.equal(nameOf("GET", "/bucket?acl&acl"), "GetBucketAcl");
});

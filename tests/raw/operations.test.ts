// Methods, sub-resources and operations that do nothing: each is refused in S3's words, to strangers
// with nothing but Access Denied, and leaves no trace.

import { describe, test } from "node:test";
import { operations as definitions } from "../../src/model/operations.generated.ts";
import { notImplemented, operations } from "../../src/operations/index.ts";
import { rawRequest, requestBytes, type Expectation } from "./raw-client.ts";
import { startRawServer } from "./raw-server.ts";
import type { HeaderField } from "./raw-signer.ts";
import { smallestRequest } from "./smallest-request.ts";

const server = await startRawServer();
const { bucket } = server;
const body = "<Anything><At>all</At></Anything>";

describe("an operation without an implementation leaves no trace", () => {
  for (const definition of Object.values(definitions)) {
    const { name, method } = definition;
    if (operations[name] !== notImplemented || method === "OPTIONS" || name === "PostObject") {
      continue;
    }
    test(name, async () => {
      const { target, headers } = smallestRequest(definition, bucket);
      const fields = headers.map((header): HeaderField => [header, "1"]);
      const request = rawRequest(method, target, { headers: fields, body });
      await server.assertRefused(requestBytes(server.sign(request)), {
        status: 501,
        code: "NotImplemented",
      });
      await server.assertRefused(requestBytes(request), { status: 403, code: "AccessDenied" });
    });
  }
});

const badRequest: Expectation = { status: 400, code: "BadRequest" };

const refusals: readonly (readonly [string, string, Expectation])[] = [
  ["PROPFIND", `/${bucket}`, badRequest],
  [
    "PATCH",
    `/${bucket}/old`,
    { status: 405, code: "MethodNotAllowed", fields: { Method: "PATCH", ResourceType: "OBJECT" } },
  ],
  [
    "POST",
    `/${bucket}/old`,
    { status: 405, code: "MethodNotAllowed", fields: { Method: "POST", ResourceType: "OBJECT" } },
  ],
  [
    "PUT",
    "/",
    { status: 405, code: "MethodNotAllowed", fields: { Method: "PUT", ResourceType: "SERVICE" } },
  ],
  [
    "DELETE",
    "/",
    {
      status: 405,
      code: "MethodNotAllowed",
      fields: { Method: "DELETE", ResourceType: "SERVICE" },
    },
  ],
  [
    "DELETE",
    `/${bucket}?versioning`,
    {
      status: 405,
      code: "MethodNotAllowed",
      fields: { Method: "DELETE", ResourceType: "VERSIONING" },
    },
  ],
  ["DELETE", `/${bucket}?location`, { status: 405, code: "MethodNotAllowed" }],
  ["DELETE", `/${bucket}?uploads`, { status: 405, code: "MethodNotAllowed" }],
  [
    "PUT",
    `/${bucket}?versions`,
    { status: 405, code: "MethodNotAllowed", fields: { ResourceType: "BUCKETVERSIONS" } },
  ],
  [
    "DELETE",
    `/${bucket}/old?acl`,
    { status: 405, code: "MethodNotAllowed", fields: { ResourceType: "ACL" } },
  ],
  ["PUT", `/${bucket}/old?uploads`, { status: 405, code: "MethodNotAllowed" }],
  [
    "DELETE",
    `/${bucket}/upload?uploadId=${server.uploadId}&partNumber=1`,
    { status: 405, code: "MethodNotAllowed", fields: { ResourceType: "PART" } },
  ],
  [
    "GET",
    `/${bucket}?acl&policy`,
    {
      status: 400,
      code: "InvalidArgument",
      message: "Conflicting query string parameters: acl, policy",
      fields: { ArgumentName: "ResourceType", ArgumentValue: "acl" },
    },
  ],
  ["DELETE", `/${bucket}?lifecycle&cors`, { status: 400, code: "InvalidArgument" }],
  [
    "GET",
    `/${bucket}/old?versions`,
    {
      status: 400,
      code: "InvalidRequest",
      message: "There is no such thing as the ?versions sub-resource for a key",
    },
  ],
  [
    "GET",
    `/${bucket}/old?uploads`,
    {
      status: 400,
      code: "InvalidRequest",
      message: "Key is not expected for the GET method ?uploads subresource",
    },
  ],
  [
    "GET",
    `/${bucket}?uploadId=1`,
    { status: 400, code: "InvalidRequest", message: "A key must be specified" },
  ],
  [
    "PUT",
    `/${bucket}/new?partNumber=0&uploadId=${server.uploadId}`,
    {
      status: 400,
      code: "InvalidArgument",
      message: "Part number must be an integer between 1 and 10000, inclusive",
      fields: { ArgumentName: "partNumber", ArgumentValue: "0" },
    },
  ],
  [
    "PUT",
    `/${bucket}/new?partNumber=10001&uploadId=${server.uploadId}`,
    {
      status: 400,
      code: "InvalidArgument",
      fields: { ArgumentName: "partNumber", ArgumentValue: "10001" },
    },
  ],
  [
    "PUT",
    `/${bucket}/upload?partNumber=1&uploadId=nonsense`,
    { status: 404, code: "NoSuchUpload" },
  ],
  [
    "PUT",
    `/${bucket}/other?partNumber=1&uploadId=${server.uploadId}`,
    { status: 404, code: "NoSuchUpload" },
  ],
  ["DELETE", `/${bucket}/upload?uploadId=..%2F..%2F`, { status: 404, code: "NoSuchUpload" }],
  [
    "GET",
    `/${bucket}/old?versionId=..`,
    { status: 400, code: "InvalidArgument", message: "Invalid version id specified" },
  ],
  ["DELETE", `/${bucket}/old?versionId=%00`, { status: 400, code: "InvalidArgument" }],
  ["PUT", "/NoUpperCase", { status: 400, code: "InvalidBucketName" }],
  ["PUT", "/..", { status: 400, code: "InvalidBucketName" }],
  ["PUT", "/a%2Fb", { status: 400, code: "InvalidBucketName" }],
  ["GET", "//old", { status: 400, code: "InvalidBucketName" }],
  [
    "GET",
    "/no-such-bucket",
    { status: 404, code: "NoSuchBucket", fields: { BucketName: "no-such-bucket" } },
  ],
  ["DELETE", "/no-such-bucket/key", { status: 404, code: "NoSuchBucket" }],
  ["DELETE", `/${bucket}`, { status: 409, code: "BucketNotEmpty", fields: { BucketName: bucket } }],
];

describe("refused without a trace", () => {
  for (const [method, target, expected] of refusals) {
    const name = target.replace(server.uploadId, "id");
    test(`${method} ${name}: ${expected.code}`, () =>
      server.assertRefused(requestBytes(server.sign(rawRequest(method, target))), expected));
  }
});

test("a query of more parameters than anybody needs is refused", () => {
  const query = Array.from({ length: 201 }, (_, index) => `p${index}=1`).join("&");
  const request = server.sign(rawRequest("GET", `/${bucket}?${query}`));
  return server.assertRefused(requestBytes(request), { status: 400, code: "InvalidURI" });
});

const numbers: readonly (readonly [string, Expectation])[] = [
  [
    "max-keys=many",
    {
      status: 400,
      code: "InvalidArgument",
      message: "Provided max-keys not an integer or within integer range",
    },
  ],
  ["max-keys=2147483648", { status: 400, code: "InvalidArgument" }],
  [
    "max-keys=-1",
    {
      status: 400,
      code: "InvalidArgument",
      message: "Argument maxKeys must be an integer between 0 and 2147483647",
    },
  ],
  ["max-keys=1e3", { status: 400, code: "InvalidArgument" }],
  [
    "encoding-type=utf8",
    {
      status: 400,
      code: "InvalidArgument",
      message: "Invalid Encoding Method specified in Request",
    },
  ],
  [
    "list-type=2&continuation-token=nonsense",
    {
      status: 400,
      code: "InvalidArgument",
      message: "The continuation token provided is incorrect",
    },
  ],
  ["list-type=2&continuation-token=", { status: 400, code: "InvalidArgument" }],
  ["versions&version-id-marker=1", { status: 400, code: "InvalidArgument" }],
  ["uploads&max-uploads=-1", { status: 400, code: "InvalidArgument" }],
];

describe("a listing with a parameter that makes no sense is refused", () => {
  for (const [query, expected] of numbers) {
    test(query, () =>
      server.assertRefused(
        requestBytes(server.sign(rawRequest("GET", `/${bucket}?${query}`))),
        expected,
      ),
    );
  }
});

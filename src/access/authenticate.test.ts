import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../base/clock.ts";
import { authenticate } from "./authenticate.ts";
import type { Authentication } from "./authenticate.ts";

function ask(
  headers: Readonly<Record<string, string>>,
  query = "",
): Authentication | Promise<Authentication> {
  return authenticate(
    {
      method: "GET",
      rawPath: "/bucket/key",
      rawQuery: query,
      headers: new Map(Object.entries(headers)),
      virtualHostBucket: undefined,
      isEncrypted: false,
    },
    { credentials: { find: () => undefined }, region: "us-east-1", clock: systemClock },
  );
}

test("a request without any authentication is anonymous", () => {
  for (const query of ["", "versionId=1", "Expires=1", "X-Amz-Date=20130524T000000Z"]) {
    assert.deepEqual(ask({ host: "localhost", "x-amz-date": "20130524T000000Z" }, query), {
      caller: { kind: "anonymous" },
      integrity: { kind: "unsigned" },
      presigned: false,
      signatureVersion: undefined,
    });
  }
});

function integrity(value: string): unknown {
  const answer = ask({ "x-amz-content-sha256": value });
  assert.ok(!(answer instanceof Promise));
  return answer.integrity;
}

test("an anonymous upload may announce a hash or an unsigned stream, but no signed chunks", () => {
  const sha256Hex = "a".repeat(64);
  assert.deepEqual(integrity("UNSIGNED-PAYLOAD"), { kind: "unsigned" });
  assert.deepEqual(integrity("A".repeat(64)), { kind: "digest", sha256Hex });
  assert.deepEqual(integrity("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), {
    kind: "chunked",
    trailer: true,
    chunkSignatures: undefined,
  });
  assert.throws(() => integrity("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), {
    code: "InvalidRequest",
    message: /^Anonymous requests don't support this x-amz-content-sha256 value\./,
  });
  assert.throws(() => integrity("abc"), { code: "InvalidArgument" });
});

test("an Authorization header of no known kind is refused", () => {
  assert.throws(() => ask({ authorization: "Bearer abc" }), {
    code: "InvalidArgument",
    message: "Unsupported Authorization Type",
    fields: { ArgumentName: "Authorization", ArgumentValue: "Bearer abc" },
  });
  for (const authorization of ["", "AWS", "Bearer"]) {
    assert.throws(() => ask({ authorization }), {
      code: "InvalidArgument",
      message: "Authorization header is invalid -- one and only one ' ' (space) required",
    });
  }
  assert.throws(() => ask({ authorization: "AWS4-HMAC-SHA512 Credential=a" }), {
    code: "InvalidRequest",
    message: /Please use AWS4-HMAC-SHA256\.$/,
  });
});

test("an Authorization header beside a presigned query is refused", () => {
  for (const query of [
    "X-Amz-Algorithm=AWS4-HMAC-SHA256",
    "X-Amz-Signature=abc",
    "AWSAccessKeyId=a&Signature=b&Expires=1",
    "Signature=b",
  ]) {
    assert.throws(() => ask({ authorization: "Bearer abc" }, query), {
      code: "InvalidArgument",
      message: /^Only one auth mechanism allowed;/,
    });
  }
});

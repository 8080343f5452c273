import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { S3Error } from "../model/errors.ts";
import { authenticate } from "./authenticate.ts";
import type { Authentication } from "./authenticate.ts";
import type { AccountId, CanonicalId } from "./caller.ts";
import { rootCredentials } from "./credentials.ts";

const accessKeyId = "AKIAIOSFODNN7EXAMPLE";
const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const caller = {
  kind: "identified",
  accessKeyId,
  accountId: "000000000000" as AccountId,
  canonicalId: "0".repeat(64) as CanonicalId,
  displayName: "root",
  principal: { kind: "root", arn: "arn:aws:iam::123456789012:root", userId: "123456789012" },
} as const;

interface Sent {
  readonly method?: string;
  readonly bucket?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function verify(sent: Sent, now: number): Authentication {
  const answer = authenticate(
    {
      method: sent.method ?? "GET",
      rawPath: sent.path ?? "/",
      rawQuery: sent.query ?? "",
      headers: new Map(Object.entries(sent.headers ?? {})),
      virtualHostBucket: sent.bucket,
      isEncrypted: false,
    },
    {
      credentials: rootCredentials(accessKeyId, secret, caller),
      region: "us-east-1",
      clock: new ManualClock(now),
    },
  );
  assert.ok(!(answer instanceof Promise));
  return answer;
}

function refusal(sent: Sent, now: number): S3Error {
  try {
    verify(sent, now);
  } catch (error) {
    assert.ok(error instanceof S3Error, String(error));
    return error;
  }
  return assert.fail("was accepted");
}

function signedBy(text: string): string {
  return createHmac("sha1", secret).update(text, "latin1").digest("base64");
}

// The examples of "Signing and Authenticating REST Requests" in the Amazon S3 documentation. Left out are
// DELETE, whose signature contradicts the text around it, and the upload, which names no secret.
interface Example extends Sent {
  readonly name: string;
  readonly date: string;
  readonly signature: string;
}

const bucket = "awsexamplebucket1";
const examples: readonly Example[] = [
  {
    name: "object GET",
    bucket,
    path: "/photos/puppy.jpg",
    date: "Tue, 27 Mar 2007 19:36:42 +0000",
    signature: "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=",
  },
  {
    name: "object PUT",
    method: "PUT",
    bucket,
    path: "/photos/puppy.jpg",
    headers: { "content-type": "image/jpeg", "content-length": "94328" },
    date: "Tue, 27 Mar 2007 21:15:45 +0000",
    signature: "iqRzw+ileNPu1fhspnRs8nOjjIA=",
  },
  {
    name: "list",
    bucket,
    query: "prefix=photos&max-keys=50&marker=puppy",
    date: "Tue, 27 Mar 2007 19:42:41 +0000",
    signature: "m0WP8eCtspQl5Ahe6L1SozdX9YA=",
  },
  {
    name: "fetch of a subresource",
    bucket,
    query: "acl",
    date: "Tue, 27 Mar 2007 19:44:46 +0000",
    signature: "82ZHiFIjc+WbcwFKGUVEQspPn+0=",
  },
  {
    name: "list of all buckets",
    date: "Wed, 28 Mar 2007 01:29:59 +0000",
    signature: "qGdzdERIC03wnaRNKh6OqZehG9s=",
  },
  {
    name: "unicode keys",
    path: "/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re",
    date: "Wed, 28 Mar 2007 01:49:49 +0000",
    signature: "DNEZGsoieTZ92F3bUfSPQcbGmlM=",
  },
];

for (const { name, date, signature, ...sent } of examples) {
  test(`the documented example: ${name}`, () => {
    const headers = { ...sent.headers, date, authorization: `AWS ${accessKeyId}:${signature}` };
    const now = Date.parse(date);
    const answer = verify({ ...sent, headers }, now);
    assert.equal(answer.signatureVersion, "v2");
    assert.equal(answer.presigned, false);
    assert.deepEqual(answer.integrity, { kind: "unsigned" });
    for (const changed of [
      { ...sent, method: "HEAD" },
      { ...sent, path: `${sent.path ?? "/"}x` },
      { ...sent, bucket: "other" },
      { ...sent, query: "versionId=1" },
      { ...sent, query: "retention" },
    ]) {
      const error = refusal({ ...changed, headers }, now);
      assert.equal(error.code, "SignatureDoesNotMatch");
    }
    const added = { ...headers, "x-amz-acl": "public-read" };
    assert.equal(refusal({ ...sent, headers: added }, now).code, "SignatureDoesNotMatch");
  });
}

const presigned: Sent = {
  bucket: "johnsmith",
  path: "/photos/puppy.jpg",
  query: `AWSAccessKeyId=${accessKeyId}&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620`,
};

test("the documented presigned GET", () => {
  const now = 1_175_139_620_000;
  const answer = verify(presigned, now);
  assert.equal(answer.presigned, true);
  verify({ ...presigned, query: (presigned.query as string).replace("%2B", "+") }, now);

  const expired = refusal(presigned, now + 1000);
  assert.equal(expired.code, "AccessDenied");
  assert.equal(expired.message, "Request has expired");
  assert.deepEqual(expired.fields, {
    Expires: "2007-03-29T03:40:20Z",
    ServerTime: "2007-03-29T03:40:21Z",
  });
});

const now = Date.UTC(2007, 2, 27, 21, 20, 26);
const date = "Tue, 27 Mar 2007 21:20:26 +0000";

test("amz headers are signed by name, and x-amz-date takes the place of Date", () => {
  const text = [
    "PUT\n4gJE4saaMU4BqNR0kLY+lw==\napplication/x-download\n",
    "x-amz-acl:public-read",
    `x-amz-date:${date}`,
    "x-amz-meta-reviewedby:joe@johnsmith.net,jane@johnsmith.net",
    "/static.johnsmith.net/db-backup.dat.gz",
  ].join("\n");
  verify(
    {
      method: "PUT",
      bucket: "static.johnsmith.net",
      path: "/db-backup.dat.gz",
      headers: {
        date: "Thu, 01 Jan 1970 00:00:00 GMT",
        "x-amz-meta-reviewedby": "joe@johnsmith.net,jane@johnsmith.net",
        "x-amz-date": date,
        "x-amz-acl": "public-read",
        "content-type": "application/x-download",
        "content-md5": "4gJE4saaMU4BqNR0kLY+lw==",
        authorization: `AWS ${accessKeyId}:${signedBy(text)}`,
      },
    },
    now,
  );
});

test("overrides of response headers are signed decoded, in order of name", () => {
  const text = `GET\n\n\n${date}\n/b/k?response-content-disposition=attachment; filename="a b"&response-content-type=text/plain&versionId=`;
  verify(
    {
      path: "/b/k",
      query:
        "versionId=&response-content-type=text%2Fplain&ignored=1&response-content-disposition=attachment%3B%20filename%3D%22a%20b%22",
      headers: { date, authorization: `AWS ${accessKeyId}:${signedBy(text)}` },
    },
    now,
  );
});

test("headers that boto moves into a presigned query are signed as headers", () => {
  const expires = now / 1000 + 60;
  const signature = encodeURIComponent(
    signedBy(`PUT\n\ntext/plain\n${expires}\nx-amz-acl:private\n/b/k`),
  );
  const sent = (acl: string): Sent => ({
    method: "PUT",
    path: "/b/k",
    query: `AWSAccessKeyId=${accessKeyId}&Signature=${signature}&content-type=text%2Fplain&x-amz-acl=${acl}&Expires=${expires}`,
  });
  verify(sent("private"), now);
  verify({ ...sent("private"), headers: { "x-amz-acl": "private" } }, now);
  assert.equal(refusal(sent("public-read"), now).code, "SignatureDoesNotMatch");
  const contradiction = { ...sent("public-read"), headers: { "x-amz-acl": "private" } };
  assert.equal(refusal(contradiction, now).code, "SignatureDoesNotMatch");
});

test("a mismatch tells what was signed here", () => {
  const error = refusal({ headers: { date, authorization: `AWS ${accessKeyId}:bad` } }, now);
  assert.deepEqual(error.fields, {
    AWSAccessKeyId: accessKeyId,
    StringToSign: `GET\n\n\n${date}\n/`,
    SignatureProvided: "bad",
    StringToSignBytes: Buffer.from(`GET\n\n\n${date}\n/`).toString("hex").match(/../g)?.join(" "),
  });
});

interface Refusal {
  readonly name: string;
  readonly sent: Sent;
  readonly code: string;
  readonly message?: string;
}

const authorization = `AWS ${accessKeyId}:abc`;
const refusals: readonly Refusal[] = [
  {
    name: "a header without a colon",
    sent: { headers: { date, authorization: "AWS nothing" } },
    code: "InvalidArgument",
    message: "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature",
  },
  {
    name: "a header with a second colon",
    sent: { headers: { date, authorization: `${authorization}:hoge` } },
    code: "InvalidArgument",
    message: "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature",
  },
  {
    name: "no date",
    sent: { headers: { authorization } },
    code: "AccessDenied",
    message: "AWS authentication requires a valid Date or x-amz-date header",
  },
  {
    name: "a date that is none",
    sent: { headers: { date: "yesterday", authorization } },
    code: "AccessDenied",
    message: "AWS authentication requires a valid Date or x-amz-date header",
  },
  {
    name: "a date too far away",
    sent: { headers: { date: "Tue, 27 Mar 2007 20:20:26 +0000", authorization } },
    code: "RequestTimeTooSkewed",
  },
  {
    name: "an unknown key",
    sent: { headers: { date, authorization: "AWS AKIDNOBODY:abc" } },
    code: "InvalidAccessKeyId",
  },
  {
    name: "a session token",
    sent: { headers: { date, authorization, "x-amz-security-token": "abc" } },
    code: "InvalidToken",
  },
  {
    name: "a query without Expires",
    sent: { query: `AWSAccessKeyId=${accessKeyId}&Signature=abc` },
    code: "AccessDenied",
    message:
      "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
  },
  {
    name: "an Expires that is no time",
    sent: { query: `AWSAccessKeyId=${accessKeyId}&Signature=abc&Expires=soon` },
    code: "AccessDenied",
    message: "Invalid date (should be seconds since epoch): soon",
  },
  {
    name: "an Expires past 2038",
    sent: { query: `AWSAccessKeyId=${accessKeyId}&Signature=abc&Expires=2147483648` },
    code: "AccessDenied",
    message: "Invalid date (should be seconds since epoch): 2147483648",
  },
];

for (const { name, sent, code, message } of refusals) {
  test(`refused: ${name}`, () => {
    const error = refusal(sent, now);
    assert.equal(error.code, code, error.message);
    if (message !== undefined) assert.equal(error.message, message);
  });
}

test("chunk signatures have nothing to hang on", () => {
  const mode = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  const text = `PUT\n\n\n${date}\nx-amz-content-sha256:${mode}\n/b/k`;
  const error = refusal(
    {
      method: "PUT",
      path: "/b/k",
      headers: {
        date,
        "x-amz-content-sha256": mode,
        authorization: `AWS ${accessKeyId}:${signedBy(text)}`,
      },
    },
    now,
  );
  assert.equal(error.code, "InvalidRequest");
});

test("a bucket that the path names without a final slash is signed with one, as boto does", () => {
  const signature = signedBy(`GET\n\n\n${date}\n/bucket/?uploads`);
  const headers = { date, authorization: `AWS ${accessKeyId}:${signature}` };
  verify({ path: "/bucket", query: "uploads", headers }, now);
  verify({ path: "/bucket/", query: "uploads", headers }, now);
  assert.equal(refusal({ path: "/bucket/x", query: "uploads", headers }, now).status, 403);
});

test("a parameter with an empty value may be signed by its name alone, and no other one", () => {
  const date = "Tue, 27 Mar 2007 19:36:42 +0000";
  const send = (query: string, signed: string) => {
    const authorization = `AWS ${accessKeyId}:${signedBy(`PUT\n\n\n${date}\n/bucket/key${signed}`)}`;
    return { method: "PUT", path: "/bucket/key", query, headers: { date, authorization } };
  };
  const now = Date.parse(date);
  assert.equal(verify(send("policy=", "?policy"), now).signatureVersion, "v2");
  assert.equal(verify(send("policy=", "?policy="), now).signatureVersion, "v2");
  assert.equal(refusal(send("policy", "?policy="), now).code, "SignatureDoesNotMatch");
  assert.equal(refusal(send("uploadId=1", "?uploadId"), now).code, "SignatureDoesNotMatch");
  assert.equal(refusal(send("acl=", "?policy"), now).code, "SignatureDoesNotMatch");
});

test("a time before 1970 is no time", () => {
  const early = "Tue, 07 Jul 1950 21:53:04 GMT";
  const signature = signedBy(`GET\n\n\n${early}\n/bucket/key`);
  const headers = { date: early, authorization: `AWS ${accessKeyId}:${signature}` };
  assert.equal(refusal({ path: "/bucket/key", headers }, now).code, "AccessDenied");
});

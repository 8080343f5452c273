import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { S3Error } from "../model/errors.ts";
import { authenticate } from "./authenticate.ts";
import type { Authentication, SignedRequest } from "./authenticate.ts";
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
const credentials = rootCredentials(accessKeyId, secret, caller);
const exampleTime = Date.UTC(2013, 4, 24);
const emptySha256 = createHash("sha256").digest("hex");

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function request(sent: Sent): SignedRequest {
  return {
    method: sent.method ?? "GET",
    rawPath: sent.path ?? "/",
    rawQuery: sent.query ?? "",
    headers: new Map(Object.entries(sent.headers ?? {})),
    virtualHostBucket: undefined,
    isEncrypted: false,
  };
}

function verify(sent: Sent, now = exampleTime, region = "us-east-1"): Authentication {
  const answer = authenticate(request(sent), {
    credentials,
    region,
    clock: new ManualClock(now),
  });
  assert.ok(!(answer instanceof Promise));
  return answer;
}

function refusal(sent: Sent, now = exampleTime): S3Error {
  try {
    verify(sent, now);
  } catch (error) {
    assert.ok(error instanceof S3Error, String(error));
    return error;
  }
  return assert.fail("was accepted");
}

function header(signedHeaders: string, signature: string, scope = "20130524/us-east-1/s3"): string {
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`;
}

// Examples of "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)" and of
// "Using Query Parameters" in the Amazon S3 API Reference.
const host = "examplebucket.s3.amazonaws.com";
const getObject: Sent = {
  path: "/test.txt",
  headers: {
    host,
    range: "bytes=0-9",
    "x-amz-content-sha256": emptySha256,
    "x-amz-date": "20130524T000000Z",
    authorization: header(
      "host;range;x-amz-content-sha256;x-amz-date",
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
  },
};

function listing(query: string, signature: string): Sent {
  return {
    query,
    headers: {
      host,
      "x-amz-content-sha256": emptySha256,
      "x-amz-date": "20130524T000000Z",
      authorization: header("host;x-amz-content-sha256;x-amz-date", signature),
    },
  };
}

const presignedQuery =
  "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
const presigned: Sent = { path: "/test.txt", query: presignedQuery, headers: { host } };

test("the documented GET of a range", () => {
  const answer = verify(getObject);
  assert.deepEqual(answer, {
    caller,
    integrity: { kind: "digest", sha256Hex: emptySha256 },
    presigned: false,
    signatureVersion: "v4",
  });
});

test("the documented PUT", () => {
  const sha256 = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
  const answer = verify({
    method: "PUT",
    path: "/test$file.text",
    headers: {
      host,
      date: "Fri, 24 May 2013 00:00:00 GMT",
      "x-amz-date": "20130524T000000Z",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": sha256,
      authorization: header(
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
      ),
    },
  });
  assert.deepEqual(answer.integrity, { kind: "digest", sha256Hex: sha256 });
});

test("the documented GET of a lifecycle and of a listing", () => {
  verify(listing("lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
  verify(
    listing(
      "max-keys=2&prefix=J",
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
  );
});

test("the documented presigned GET", () => {
  const answer = verify(presigned);
  assert.deepEqual(answer.integrity, { kind: "unsigned" });
  assert.equal(answer.presigned, true);
  verify(presigned, exampleTime + 86_400_000);
});

// "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks".
test("the documented chain of chunk signatures", () => {
  const answer = verify({
    method: "PUT",
    path: "/examplebucket/chunkObject.txt",
    headers: {
      host: "s3.amazonaws.com",
      "x-amz-date": "20130524T000000Z",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
      "content-encoding": "aws-chunked",
      "x-amz-decoded-content-length": "66560",
      "content-length": "66824",
      authorization: header(
        "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
      ),
    },
  });
  assert.ok(answer.integrity.kind === "chunked");
  assert.equal(answer.integrity.trailer, false);
  const chain = answer.integrity.chunkSignatures;
  assert.ok(chain !== undefined);
  const first = createHash("sha256").update("a".repeat(65_536)).digest("hex");
  const second = createHash("sha256").update("a".repeat(1024)).digest("hex");
  chain.verifyChunk("ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", first);
  assert.throws(() => chain.verifyChunk("0".repeat(64), second), { code: "SignatureDoesNotMatch" });
  chain.verifyChunk("0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", second);
  chain.verifyChunk(
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    emptySha256,
  );
});

test("the documented chain with a trailing checksum", () => {
  const answer = verify({
    method: "PUT",
    path: "/examplebucket/chunkObject.txt",
    headers: {
      host: "s3.amazonaws.com",
      "x-amz-date": "20130524T000000Z",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
      "content-encoding": "aws-chunked",
      "x-amz-decoded-content-length": "66560",
      "x-amz-trailer": "x-amz-checksum-crc32c",
      authorization: header(
        "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
        "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
      ),
    },
  });
  assert.ok(answer.integrity.kind === "chunked" && answer.integrity.trailer);
  const chain = answer.integrity.chunkSignatures;
  assert.ok(chain !== undefined);
  chain.verifyChunk(
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    sha256Hex("a".repeat(65_536)),
  );
  chain.verifyChunk(
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    sha256Hex("a".repeat(1024)),
  );
  chain.verifyChunk(
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    emptySha256,
  );
  const trailerSignature = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";
  assert.throws(() => chain.verifyTrailer(trailerSignature, "x-amz-checksum-crc32c:AAAAAA==\n"), {
    code: "SignatureDoesNotMatch",
  });
  chain.verifyTrailer(trailerSignature, "x-amz-checksum-crc32c:sOO8/Q==\n");
});

test("blanks around the components of the Authorization header do not matter, nor does their order", () => {
  const headers = getObject.headers as Record<string, string>;
  const authorization = headers["authorization"] as string;
  const [credential, signed, signature] = authorization
    .slice("AWS4-HMAC-SHA256 ".length)
    .split(",");
  for (const spelled of [
    `AWS4-HMAC-SHA256 ${credential}, ${signed}, ${signature}`,
    `AWS4-HMAC-SHA256   ${credential} ,${signed} ,  ${signature} `,
    `AWS4-HMAC-SHA256 ${signature},${credential},${signed}`,
  ]) {
    verify({ ...getObject, headers: { ...headers, authorization: spelled } });
  }
});

test("a mismatch tells what was signed here", () => {
  const error = refusal({ ...getObject, path: "/other.txt" });
  assert.equal(error.code, "SignatureDoesNotMatch");
  assert.equal(error.status, 403);
  assert.deepEqual(Object.keys(error.fields), [
    "AWSAccessKeyId",
    "StringToSign",
    "SignatureProvided",
    "StringToSignBytes",
    "CanonicalRequest",
    "CanonicalRequestBytes",
  ]);
  const canonical = String(error.fields["CanonicalRequest"]);
  assert.ok(canonical.startsWith("GET\n/other.txt\n\nhost:examplebucket"));
  assert.ok(String(error.fields["CanonicalRequestBytes"]).startsWith("47 45 54 0a 2f"));
  assert.ok(String(error.fields["StringToSign"]).endsWith(sha256Hex(canonical)));
});

function sha256Hex(text: string): string {
  return createHash("sha256").update(text, "latin1").digest("hex");
}

interface Refusal {
  readonly name: string;
  readonly sent: Sent;
  readonly code: string;
  readonly message?: RegExp | string;
  readonly fields?: Readonly<Record<string, string | number>>;
  readonly now?: number;
}

function withHeaders(changes: Readonly<Record<string, string | undefined>>): Sent {
  const headers: Record<string, string> = { ...getObject.headers };
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
  }
  return { ...getObject, headers };
}

function withAuthorization(from: string, to: string): Sent {
  const authorization = (getObject.headers as Record<string, string>)["authorization"] as string;
  assert.ok(authorization.includes(from));
  return withHeaders({ authorization: authorization.replace(from, to) });
}

function withQuery(from: string, to: string): Sent {
  assert.ok(presignedQuery.includes(from));
  return { ...presigned, query: presignedQuery.replace(from, to) };
}

const refusals: readonly Refusal[] = [
  {
    name: "a region that is not the server's",
    sent: withAuthorization("us-east-1", "eu-west-1"),
    code: "AuthorizationHeaderMalformed",
    message:
      "The authorization header is malformed; the region 'eu-west-1' is wrong; expecting 'us-east-1'",
    fields: { Region: "us-east-1" },
  },
  {
    name: "a service that is not s3",
    sent: withAuthorization("/s3/", "/ec2/"),
    code: "AuthorizationHeaderMalformed",
    message:
      'The authorization header is malformed; incorrect service "ec2". This endpoint belongs to "s3".',
  },
  {
    name: "a scope with another end",
    sent: withAuthorization("aws4_request", "aws5_request"),
    code: "AuthorizationHeaderMalformed",
    message:
      'The authorization header is malformed; incorrect terminal "aws5_request". This endpoint uses "aws4_request".',
  },
  {
    name: "a scope that is too short",
    sent: withAuthorization("/s3/aws4_request", ""),
    code: "AuthorizationHeaderMalformed",
    message: /the Credential is mal-formed; expecting "<YOUR-AKID>\/YYYYMMDD/,
  },
  {
    name: "a scope whose date is none",
    sent: withAuthorization("20130524/", "2013-5-24/"),
    code: "AuthorizationHeaderMalformed",
    message:
      /incorrect date format "2013-5-24"\. This date in the credential must be in the format/,
  },
  {
    name: "a scope of another day",
    sent: withAuthorization("20130524/", "20130523/"),
    code: "AuthorizationHeaderMalformed",
    message:
      'The authorization header is malformed; Invalid credential date "20130523". This date is not the same as X-Amz-Date: "20130524".',
  },
  {
    name: "a header without a signature",
    sent: withAuthorization(
      ",Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
      "",
    ),
    code: "AuthorizationHeaderMalformed",
    message: /requires three components: Credential, SignedHeaders, and Signature\./,
  },
  {
    name: "a header with an unknown component",
    sent: withAuthorization("Credential=", "Credenadsftial="),
    code: "AuthorizationHeaderMalformed",
    message: /the authorization component "Credenadsftial=AKIA[^"]*" is malformed\./,
  },
  {
    name: "a header that names no component value",
    sent: withAuthorization(
      "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date",
      "SignedHeaders=",
    ),
    code: "AuthorizationHeaderMalformed",
    message: /missing SignedHeaders\./,
  },
  {
    name: "an unknown access key",
    sent: withAuthorization(accessKeyId, "AKIDNOBODY"),
    code: "InvalidAccessKeyId",
    fields: { AWSAccessKeyId: "AKIDNOBODY" },
  },
  {
    name: "a request without x-amz-content-sha256",
    sent: withHeaders({ "x-amz-content-sha256": undefined }),
    code: "InvalidRequest",
    message: "Missing required header for this request: x-amz-content-sha256",
  },
  {
    name: "a payload hash that is none",
    sent: withHeaders({ "x-amz-content-sha256": "GIBBERISH" }),
    code: "InvalidArgument",
    message: /^x-amz-content-sha256 must be UNSIGNED-PAYLOAD, .* or a valid sha256 value\.$/,
    fields: { ArgumentName: "x-amz-content-sha256", ArgumentValue: "GIBBERISH" },
  },
  {
    name: "chunks signed with version 4A",
    sent: withHeaders({ "x-amz-content-sha256": "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD" }),
    code: "InvalidRequest",
    message: /Please use AWS4-HMAC-SHA256/,
  },
  {
    name: "a header of version 4A",
    sent: withAuthorization("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
    code: "InvalidRequest",
    message: /Please use AWS4-HMAC-SHA256/,
  },
  {
    name: "a request without a date",
    sent: withHeaders({ "x-amz-date": undefined }),
    code: "AccessDenied",
    message: "AWS authentication requires a valid Date or x-amz-date header",
  },
  {
    name: "a date in no known form",
    sent: withHeaders({ "x-amz-date": "2013-05-24T00:00:00Z" }),
    code: "AccessDenied",
    message: "AWS authentication requires a valid Date or x-amz-date header",
  },
  {
    name: "a request older than fifteen minutes",
    sent: getObject,
    now: exampleTime + 900_001,
    code: "RequestTimeTooSkewed",
    fields: {
      RequestTime: "20130524T000000Z",
      ServerTime: "2013-05-24T00:15:00Z",
      MaxAllowedSkewMilliseconds: 900_000,
    },
  },
  {
    name: "a request from the future",
    sent: getObject,
    now: exampleTime - 900_001,
    code: "RequestTimeTooSkewed",
  },
  {
    name: "amz headers that are not signed",
    sent: withHeaders({ "x-amz-tagging": "a=b", "x-amz-acl": "public-read" }),
    code: "AccessDenied",
    message: "There were headers present in the request which were not signed",
    fields: { HeadersNotSigned: "x-amz-tagging, x-amz-acl" },
  },
  {
    name: "a host that is not signed",
    sent: withAuthorization("host;range", "range"),
    code: "AccessDenied",
    fields: { HeadersNotSigned: "host" },
  },
  {
    name: "a signed header that did not arrive",
    sent: withHeaders({ range: undefined }),
    code: "SignatureDoesNotMatch",
  },
  {
    name: "a session token in the query",
    sent: withQuery("X-Amz-Expires=86400", "X-Amz-Expires=86400&X-Amz-Security-Token=abc"),
    code: "InvalidToken",
    fields: { "Token-0": "abc" },
  },
  {
    name: "a presigned query without X-Amz-Date",
    sent: withQuery("X-Amz-Date=20130524T000000Z&", ""),
    code: "AuthorizationQueryParametersError",
    message: /requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date/,
  },
  {
    name: "a presigned query of another algorithm",
    sent: withQuery("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
    code: "AuthorizationQueryParametersError",
    message: /X-Amz-Algorithm only supports "AWS4-HMAC-SHA256/,
  },
  {
    name: "a lifetime that is no number",
    sent: withQuery("X-Amz-Expires=86400", "X-Amz-Expires=undefined"),
    code: "AuthorizationQueryParametersError",
    message: "X-Amz-Expires should be a number",
  },
  {
    name: "a negative lifetime",
    sent: withQuery("X-Amz-Expires=86400", "X-Amz-Expires=-1"),
    code: "AuthorizationQueryParametersError",
    message: "X-Amz-Expires must be non-negative",
  },
  {
    name: "a lifetime above a week",
    sent: withQuery("X-Amz-Expires=86400", "X-Amz-Expires=604801"),
    code: "AuthorizationQueryParametersError",
    message:
      "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
  },
  {
    name: "a presigned date in another form",
    sent: withQuery("X-Amz-Date=20130524T000000Z", "X-Amz-Date=20130524"),
    code: "AuthorizationQueryParametersError",
    message: /X-Amz-Date must be in the ISO8601 Long Format/,
  },
  {
    name: "a presigned query of another region",
    sent: withQuery("us-east-1", "us-gov-west-1"),
    code: "AuthorizationQueryParametersError",
    message:
      "Error parsing the X-Amz-Credential parameter; the region 'us-gov-west-1' is wrong; expecting 'us-east-1'",
    fields: { Region: "us-east-1" },
  },
  {
    name: "a presigned query whose credential is malformed",
    sent: withQuery("%2Fs3%2Faws4_request", ""),
    code: "AuthorizationQueryParametersError",
    message: /^Error parsing the X-Amz-Credential parameter; the Credential is mal-formed/,
  },
  {
    name: "a presigned query that has expired",
    sent: presigned,
    now: exampleTime + 86_401_000,
    code: "AccessDenied",
    message: "Request has expired",
    fields: {
      "X-Amz-Expires": "86400",
      Expires: "2013-05-25T00:00:00Z",
      ServerTime: "2013-05-25T00:00:01Z",
    },
  },
  {
    name: "a presigned query that is not valid yet",
    sent: presigned,
    now: exampleTime - 900_001,
    code: "AccessDenied",
    message: "Request is not valid yet",
  },
  {
    name: "a header that a presigned query did not sign",
    sent: { ...presigned, headers: { host, "x-amz-acl": "public-read" } },
    code: "AccessDenied",
    fields: { HeadersNotSigned: "x-amz-acl" },
  },
  {
    name: "two ways to authenticate at once",
    sent: { ...getObject, query: presignedQuery },
    code: "InvalidArgument",
    message: /^Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter/,
  },
];

for (const { name, sent, code, message, fields, now } of refusals) {
  test(`refused: ${name}`, () => {
    const error = refusal(sent, now);
    assert.equal(error.code, code, error.message);
    if (typeof message === "string") assert.equal(error.message, message);
    else if (message !== undefined) assert.match(error.message, message);
    for (const [field, value] of Object.entries(fields ?? {})) {
      assert.equal(error.fields[field], value, field);
    }
  });
}

test("a lookup that takes time is waited for", async () => {
  const options = { region: "us-east-1", clock: new ManualClock(exampleTime) };
  const slow = { find: async (id: string) => credentials.find(id, undefined) };
  const answer = await authenticate(request(getObject), { ...options, credentials: slow });
  assert.deepEqual(answer.caller, caller);
  await assert.rejects(
    async () =>
      authenticate(request({ ...getObject, path: "/x" }), { ...options, credentials: slow }),
    { code: "SignatureDoesNotMatch" },
  );
});

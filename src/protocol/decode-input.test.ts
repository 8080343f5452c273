import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import type { RequestPayload } from "../body/request-payload.ts";
import { HttpHeaders } from "../http/http-message.ts";
import { S3Error } from "../model/errors.ts";
import { operations } from "../model/operations.generated.ts";
import type { OperationName } from "../model/types.generated.ts";
import { parseAddress } from "./address.ts";
import { compileInputDecoder } from "./decode-input.ts";
import { parseQuery } from "./query.ts";

interface Sent {
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly trailers?: Readonly<Record<string, string>>;
}

async function decode(name: OperationName, sent: Sent): Promise<Record<string, unknown>> {
  const address = parseAddress(sent.target, undefined, []);
  const body = sent.body === undefined ? undefined : Buffer.from(sent.body);
  const trailers = new Map(Object.entries(sent.trailers ?? {}));
  const payload: RequestPayload = {
    stream: (async function* () {
      if (body !== undefined) yield body;
    })(),
    lengthBytes: body?.byteLength,
    isTransferCoded: false,
    announcedTrailers: [...trailers.keys()],
    trailers,
  };
  const input = await compileInputDecoder(operations[name])({
    address,
    query: parseQuery(address.rawQuery),
    headers: new HttpHeaders(Object.entries(sent.headers ?? {}).flat()),
    hasBody: body !== undefined,
    payload,
  });
  return { ...input };
}

async function refusalOf(name: OperationName, sent: Sent): Promise<S3Error> {
  try {
    await decode(name, sent);
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

function argument(error: S3Error): readonly unknown[] {
  assert.equal(error.code, "InvalidArgument");
  return [error.message, error.fields["ArgumentName"], error.fields["ArgumentValue"]];
}

test("headers, query and labels become typed members", async () => {
  const input = await decode("GetObject", {
    target: "/bucket/a%20key?versionId=v1&partNumber=3&response-content-type=text/plain",
    headers: {
      Range: "bytes=0-4",
      "IF-NONE-MATCH": '"etag"',
      "If-Modified-Since": "Wed, 28 Oct 2009 22:32:00 GMT",
      "x-amz-checksum-mode": "ENABLED",
      "X-Unknown": "x",
    },
  });
  assert.deepEqual(input, {
    Bucket: "bucket",
    Key: "a key",
    VersionId: "v1",
    PartNumber: 3,
    ResponseContentType: "text/plain",
    Range: "bytes=0-4",
    IfNoneMatch: '"etag"',
    IfModifiedSince: new Date("2009-10-28T22:32:00Z"),
    ChecksumMode: "ENABLED",
  });
});

test("a bucket operation asked at a key's path has no key", async () => {
  assert.deepEqual(await decode("GetBucketCors", { target: "/bucket/key?cors" }), {
    Bucket: "bucket",
  });
});

test("standard conditions with unreadable dates count as not sent", async () => {
  const input = await decode("GetObject", {
    target: "/b/k",
    headers: {
      "If-Modified-Since": "yesterday",
      "If-Unmodified-Since": "Wed, 31 Feb 2009 22:32:00 GMT",
    },
  });
  assert.deepEqual(input, { Bucket: "b", Key: "k" });
});

test("obsolete forms of HTTP dates are read", async () => {
  for (const text of ["Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]) {
    const input = await decode("HeadObject", {
      target: "/b/k",
      headers: { "If-Unmodified-Since": text },
    });
    assert.deepEqual(input["IfUnmodifiedSince"], new Date("1994-11-06T08:49:37Z"));
  }
});

const maxKeys = "Provided max-keys not an integer or within integer range";
const negative = "Argument maxKeys must be an integer between 0 and 2147483647";
const listingRefusals: readonly [query: string, ...expected: readonly string[]][] = [
  ["max-keys=abc", maxKeys, "max-keys", "abc"],
  ["max-keys=+5", maxKeys, "max-keys", " 5"],
  ["max-keys=1.5", maxKeys, "max-keys", "1.5"],
  ["max-keys=2147483648", maxKeys, "max-keys", "2147483648"],
  ["max-keys=-2147483649", maxKeys, "max-keys", "-2147483649"],
  ["max-keys=-1", negative, "maxKeys", "-1"],
  ["max-keys=-01", negative, "maxKeys", "-1"],
  ["encoding-type=xml", "Invalid Encoding Method specified in Request", "encoding-type", "xml"],
];

for (const [query, ...expected] of listingRefusals) {
  test(`a listing with ${query} is refused in S3's words`, async () => {
    const error = await refusalOf("ListObjectsV2", { target: `/b?list-type=2&${query}` });
    assert.deepEqual(argument(error), expected);
  });
}

async function readMaxKeys(query: string): Promise<unknown> {
  return (await decode("ListObjects", { target: `/b?${query}` }))["MaxKeys"];
}

test("numbers are read by their value, and the first of two counts", async () => {
  assert.equal(await readMaxKeys("max-keys="), undefined);
  assert.equal(await readMaxKeys("max-keys=0005"), 5);
  assert.equal(await readMaxKeys("max-keys=-0"), 0);
  assert.equal(await readMaxKeys(`max-keys=${"0".repeat(5000)}7`), 7);
  assert.equal(await readMaxKeys("max-keys=1&max-keys=abc"), 1);
  assert.equal(await readMaxKeys("max-keys=2147483647"), 2_147_483_647);
});

for (const value of ["0", "10001", "-1", "x", ""]) {
  test(`part number "${value}" is refused`, async () => {
    const error = await refusalOf("UploadPart", { target: `/b/k?uploadId=u&partNumber=${value}` });
    const text = "Part number must be an integer between 1 and 10000, inclusive";
    assert.deepEqual(argument(error), [text, "partNumber", value]);
  });
}

test("wrong booleans, dates and response overrides are refused", async () => {
  const bypass = await refusalOf("DeleteObject", {
    target: "/b/k",
    headers: { "x-amz-bypass-governance-retention": "maybe" },
  });
  assert.deepEqual(argument(bypass).slice(1), ["x-amz-bypass-governance-retention", "maybe"]);
  const retain = await refusalOf("PutObject", {
    target: "/b/k",
    headers: { "x-amz-object-lock-retain-until-date": "soon" },
  });
  assert.match(retain.message, /ISO 8601/);
  const override = await refusalOf("GetObject", {
    target: "/b/k?response-content-disposition=%E2%82%AC",
  });
  assert.match(override.message, /ISO-8859-1/);
});

test("missing required members are named", async () => {
  const attributes = await refusalOf("GetObjectAttributes", { target: "/b/k?attributes" });
  assert.match(attributes.message, /x-amz-object-attributes/);
  const id = await refusalOf("GetBucketMetricsConfiguration", { target: "/b?metrics" });
  assert.equal(id.fields["ArgumentName"], "id");
  assert.equal(
    (await refusalOf("GetObjectAnnotation", { target: "/b/k?annotation" })).code,
    "UserAnnotationNameMustBeSpecified",
  );
});

test("lists in headers", async () => {
  const input = await decode("GetObjectAttributes", {
    target: "/b/k?attributes",
    headers: { "x-amz-object-attributes": "ETag, ObjectSize ,Checksum" },
  });
  assert.deepEqual(input["ObjectAttributes"], ["ETag", "ObjectSize", "Checksum"]);
});

async function readEncoding(value: string): Promise<unknown> {
  const headers = { "Content-Encoding": value };
  return (await decode("PutObject", { target: "/b/k", headers }))["ContentEncoding"];
}

test("aws-chunked is no content encoding", async () => {
  assert.equal(await readEncoding("aws-chunked"), undefined);
  assert.equal(await readEncoding("aws-chunked, gzip"), "gzip");
  assert.equal(await readEncoding("gzip,AWS-Chunked"), "gzip");
  assert.equal(await readEncoding("gzip, br"), "gzip, br");
});

test("user metadata is text, whatever way it came", async () => {
  const input = await decode("PutObject", {
    target: "/b/k",
    headers: {
      "X-Amz-Meta-Plain": "a b",
      "x-amz-meta-encoded": "=?UTF-8?B?4oKs?= =?utf-8?Q?a_=C3=A9?=",
      "x-amz-meta-latin": "=?ISO-8859-1?Q?=E9?=",
      "x-amz-meta-unknown": "=?KOI8-R?B?4oKs?=",
      "x-amz-meta-raw": Buffer.from("€").toString("latin1"),
      "x-amz-meta-bytes": "\u00e9",
      "x-amz-meta-__proto__": "p",
    },
  });
  const metadata = input["Metadata"] as Record<string, string>;
  assert.deepEqual(Object.entries(metadata), [
    ["plain", "a b"],
    ["encoded", "€a é"],
    ["latin", "é"],
    ["unknown", "=?KOI8-R?B?4oKs?="],
    ["raw", "€"],
    ["bytes", "é"],
    ["__proto__", "p"],
  ]);
});

test("user metadata has at most 2 KB", async () => {
  const headers = { "x-amz-meta-a": "x".repeat(2047) };
  await decode("PutObject", { target: "/b/k", headers });
  const error = await refusalOf("PutObject", {
    target: "/b/k",
    headers: { "x-amz-meta-a": "x".repeat(2048) },
  });
  assert.equal(error.code, "MetadataTooLarge");
  assert.deepEqual(error.fields, { MaxSizeAllowed: 2048, Size: 2049 });
});

const document = "<Delete><Object><Key>k</Key></Object></Delete>";
const md5 = createHash("md5").update(document).digest("base64");
const crcBytes = Buffer.alloc(4);
crcBytes.writeUInt32BE(crc32(document));
const crc = crcBytes.toString("base64");
const emptyCrc = "AAAAAA==";

test("a body with any one integrity value is read", async () => {
  for (const headers of [{ "Content-MD5": md5 }, { "x-amz-checksum-crc32": crc }]) {
    const input = await decode("DeleteObjects", { target: "/b?delete", headers, body: document });
    assert.deepEqual(input["Delete"], { Objects: [{ Key: "k" }] });
  }
  await decode("DeleteObjects", {
    target: "/b?delete",
    body: document,
    trailers: { "x-amz-checksum-crc32": crc },
  });
});

const bodyRefusals: readonly [
  name: string,
  sent: Omit<Sent, "target">,
  code: string,
  message?: RegExp,
][] = [
  ["no integrity value", { body: document }, "InvalidRequest", /Content-MD5 OR x-amz-checksum/],
  [
    "a wrong MD5",
    { body: document, headers: { "Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg==" } },
    "BadDigest",
  ],
  ["no MD5", { body: document, headers: { "Content-MD5": "abc" } }, "InvalidDigest"],
  [
    "a wrong checksum",
    { body: document, headers: { "x-amz-checksum-crc32": emptyCrc } },
    "BadDigest",
    /CRC32 you specified/,
  ],
  [
    "a wrong checksum in the trailer",
    { body: document, trailers: { "x-amz-checksum-crc32": emptyCrc } },
    "BadDigest",
  ],
  [
    "no checksum",
    { body: document, headers: { "x-amz-checksum-crc32": "abc" } },
    "InvalidRequest",
    /Value for x-amz-checksum-crc32 header is invalid/,
  ],
  [
    "an unknown algorithm",
    { body: document, headers: { "x-amz-checksum-adler": crc } },
    "InvalidRequest",
    /algorithm type/,
  ],
  [
    "two checksums",
    { body: document, headers: { "x-amz-checksum-crc32": crc, "x-amz-checksum-crc32c": emptyCrc } },
    "InvalidRequest",
    /Expecting a single/,
  ],
  [
    "an announced algorithm without value",
    { body: document, headers: { "Content-MD5": md5, "x-amz-sdk-checksum-algorithm": "CRC32" } },
    "InvalidRequest",
    /no corresponding/,
  ],
  [
    "an announced algorithm that is not the sent one",
    {
      body: document,
      headers: { "x-amz-checksum-crc32": crc, "x-amz-sdk-checksum-algorithm": "SHA256" },
    },
    "InvalidRequest",
    /x-amz-sdk-checksum-algorithm/,
  ],
  ["an empty body", { body: "", headers: { "Content-MD5": md5 } }, "MissingRequestBodyError"],
  ["no body", { headers: { "Content-MD5": md5 } }, "MissingRequestBodyError"],
  ["no XML", { body: "{}", headers: { "Content-MD5": md5 } }, "MalformedXML"],
  [
    "a body beyond its bound",
    { body: Buffer.alloc(9 * 1024 * 1024), headers: { "Content-MD5": md5 } },
    "MaxMessageLengthExceeded",
  ],
];

for (const [name, sent, code, message] of bodyRefusals) {
  test(`DeleteObjects with ${name} is refused`, async () => {
    const error = await refusalOf("DeleteObjects", { target: "/b?delete", ...sent });
    assert.equal(error.code, code);
    if (message !== undefined) assert.match(error.message, message);
  });
}

test("a malformed ACL has a code of its own, and an ACL in headers needs no body", async () => {
  const headers = { "Content-MD5": createHash("md5").update("<x/>").digest("base64") };
  const error = await refusalOf("PutBucketAcl", { target: "/b?acl", headers, body: "<x/>" });
  assert.equal(error.code, "MalformedACLError");
  const input = await decode("PutBucketAcl", {
    target: "/b?acl",
    headers: { "x-amz-acl": "private" },
  });
  assert.deepEqual(input, { Bucket: "b", ACL: "private" });
});

test("a policy is taken as the text it is", async () => {
  const policy = '{"Version":"2012-10-17","Id":"é"}';
  const headers = { "Content-MD5": createHash("md5").update(policy).digest("base64") };
  const input = await decode("PutBucketPolicy", { target: "/b?policy", headers, body: policy });
  assert.equal(input["Policy"], policy);
});

test("members that stand in the body one by one", async () => {
  const body = `<SelectObjectContentRequest><Expression>select * from s3object</Expression>
    <ExpressionType>SQL</ExpressionType><InputSerialization><CSV/></InputSerialization>
    <OutputSerialization><JSON/></OutputSerialization></SelectObjectContentRequest>`;
  const input = await decode("SelectObjectContent", { target: "/b/k?select&select-type=2", body });
  assert.equal(input["Expression"], "select * from s3object");
  assert.deepEqual(input["InputSerialization"], { CSV: {} });
});

test("the streaming body of an upload stays unread", async () => {
  const input = await decode("PutObject", { target: "/b/k", body: "bytes" });
  assert.deepEqual(input, { Bucket: "b", Key: "k" });
});

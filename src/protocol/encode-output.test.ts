import assert from "node:assert/strict";
import { test } from "node:test";
import { collectBytes, type ByteStream } from "../base/bytes.ts";
import { S3Error } from "../model/errors.ts";
import { operations } from "../model/operations.generated.ts";
import type { OperationName, OperationTypes } from "../model/types.generated.ts";
import { parseAddress } from "./address.ts";
import { encodeError, type ErrorContext } from "./encode-error.ts";
import { compileOutputEncoder, type EncodedOutput, type Output } from "./encode-output.ts";

function encode<Name extends OperationName>(
  name: Name,
  output: OperationTypes[Name]["output"],
  status?: number,
): EncodedOutput {
  return compileOutputEncoder(operations[name]).encode(output as Output, status);
}

function documentOf<Name extends OperationName>(
  name: Name,
  output: OperationTypes[Name]["output"],
): string {
  const { body, headers } = encode(name, output);
  assert.ok(headers.includes("application/xml"));
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
  assert.ok(typeof body === "string" && body.startsWith(declaration));
  return body.slice(declaration.length);
}

const namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
const date = new Date("2009-10-12T17:50:30.000Z");

test("ListObjectsV2 as in the API reference", () => {
  assert.equal(
    documentOf("ListObjectsV2", {
      Name: "bucket",
      Prefix: "",
      KeyCount: 2,
      MaxKeys: 1000,
      Delimiter: "/",
      IsTruncated: false,
      Contents: [
        {
          Key: "my-image.jpg",
          LastModified: date,
          ETag: '"fba9dede5f27731c9771645a39863328"',
          Size: 434234,
          StorageClass: "STANDARD",
        },
      ],
      CommonPrefixes: [{ Prefix: "photos/" }],
    }),
    `<ListBucketResult ${namespace}><Name>bucket</Name><Prefix></Prefix><KeyCount>2</KeyCount>` +
      "<MaxKeys>1000</MaxKeys><Delimiter>/</Delimiter><IsTruncated>false</IsTruncated>" +
      "<Contents><Key>my-image.jpg</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified>" +
      "<ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><Size>434234</Size>" +
      "<StorageClass>STANDARD</StorageClass></Contents>" +
      "<CommonPrefixes><Prefix>photos/</Prefix></CommonPrefixes></ListBucketResult>",
  );
});

test("versions and delete markers stand in the order of the listing", () => {
  const Owner = { ID: "o" };
  assert.equal(
    documentOf("ListObjectVersions", {
      Name: "b",
      Entries: [
        { DeleteMarker: { Key: "k", VersionId: "2", IsLatest: true, LastModified: date, Owner } },
        { Version: { Key: "k", VersionId: "1", IsLatest: false, Size: 0 } },
        { DeleteMarker: { Key: "l", VersionId: "null", IsLatest: false } },
      ],
    }),
    `<ListVersionsResult ${namespace}><Name>b</Name>` +
      "<DeleteMarker><Key>k</Key><VersionId>2</VersionId><IsLatest>true</IsLatest>" +
      "<LastModified>2009-10-12T17:50:30.000Z</LastModified><Owner><ID>o</ID></Owner></DeleteMarker>" +
      "<Version><Key>k</Key><VersionId>1</VersionId><IsLatest>false</IsLatest><Size>0</Size></Version>" +
      "<DeleteMarker><Key>l</Key><VersionId>null</VersionId><IsLatest>false</IsLatest></DeleteMarker>" +
      "</ListVersionsResult>",
  );
});

test("ListBuckets wraps its list, also an empty one", () => {
  assert.equal(
    documentOf("ListBuckets", {
      Owner: { ID: "o", DisplayName: "d" },
      Buckets: [{ Name: "quotes", CreationDate: date }],
    }),
    `<ListAllMyBucketsResult ${namespace}><Owner><ID>o</ID><DisplayName>d</DisplayName></Owner>` +
      "<Buckets><Bucket><Name>quotes</Name><CreationDate>2009-10-12T17:50:30.000Z</CreationDate>" +
      "</Bucket></Buckets></ListAllMyBucketsResult>",
  );
  assert.match(documentOf("ListBuckets", { Buckets: [] }), /<Buckets><\/Buckets>/);
});

test("grantees declare and carry their type", () => {
  assert.equal(
    documentOf("GetBucketAcl", {
      Owner: { ID: "o" },
      Grants: [{ Grantee: { Type: "CanonicalUser", ID: "o" }, Permission: "FULL_CONTROL" }],
    }),
    `<AccessControlPolicy ${namespace}><Owner><ID>o</ID></Owner><AccessControlList><Grant>` +
      '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">' +
      "<ID>o</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList>" +
      "</AccessControlPolicy>",
  );
});

test("a bucket's location is not wrapped", () => {
  const root = `<LocationConstraint ${namespace}`;
  assert.equal(documentOf("GetBucketLocation", { LocationConstraint: "" }), `${root}/>`);
  assert.equal(
    documentOf("GetBucketLocation", { LocationConstraint: "eu-west-1" }),
    `${root}>eu-west-1</LocationConstraint>`,
  );
});

test("a configuration that was never set is an empty element", () => {
  assert.equal(documentOf("GetBucketVersioning", {}), `<VersioningConfiguration ${namespace}/>`);
  assert.equal(
    documentOf("GetBucketNotificationConfiguration", {}),
    `<NotificationConfiguration ${namespace}/>`,
  );
});

test("documents that are one payload member, and names that differ from members", () => {
  assert.equal(
    documentOf("CopyObject", { CopyObjectResult: { ETag: '"e"', LastModified: date } }),
    `<CopyObjectResult ${namespace}><LastModified>2009-10-12T17:50:30.000Z</LastModified>` +
      "<ETag>&quot;e&quot;</ETag></CopyObjectResult>",
  );
  assert.match(documentOf("GetBucketVersioning", { MFADelete: "Enabled" }), /<MfaDelete>/);
  const parts = { ObjectParts: { TotalPartsCount: 2, Parts: [{ PartNumber: 1 }] } };
  assert.match(
    documentOf("GetObjectAttributes", parts),
    /<ObjectParts><PartsCount>2<\/PartsCount><Part><PartNumber>1</,
  );
});

test("what XML cannot hold is written as a reference", () => {
  const Key = "a<b>&\"'\r\n\t\u0001\ufffe€😀";
  assert.match(
    documentOf("DeleteObjects", { Deleted: [{ Key }] }),
    /<Key>a&lt;b&gt;&amp;&quot;'&#13;\n\t&#x1;&#xfffe;€😀<\/Key>/,
  );
});

test("headers of an object, its metadata and its stream", async () => {
  const stream = (async function* (): ByteStream {
    yield Buffer.from("hello");
  })();
  const { status, headers, body } = encode(
    "GetObject",
    {
      Body: { stream, lengthBytes: 5 },
      LastModified: date,
      ETag: '"e"',
      ContentType: "text/plain",
      ContentRange: "bytes 0-4/10",
      DeleteMarker: undefined,
      TagCount: 2,
      ObjectLockRetainUntilDate: date,
      Metadata: { plain: "a b", other: "é\r\nx: y", "bad name": "z" },
    },
    206,
  );
  assert.equal(status, 206);
  assert.deepEqual(headers, [
    "Last-Modified",
    "Mon, 12 Oct 2009 17:50:30 GMT",
    "ETag",
    '"e"',
    "Content-Type",
    "text/plain",
    "Content-Range",
    "bytes 0-4/10",
    "x-amz-tagging-count",
    "2",
    "x-amz-object-lock-retain-until-date",
    "2009-10-12T17:50:30.000Z",
    "x-amz-meta-plain",
    "a b",
    "x-amz-meta-other",
    `=?UTF-8?B?${Buffer.from("é\r\nx: y").toString("base64")}?=`,
    "Content-Length",
    "5",
  ]);
  assert.equal(Buffer.from(await collectBytes(body as ByteStream, 100)).toString(), "hello");
});

test("no header can be injected", () => {
  const { headers } = encode("HeadObject", {
    ContentDisposition: "a\r\nSet-Cookie: b",
    ContentLanguage: "€",
    CacheControl: "\u00e9",
  });
  assert.deepEqual(headers, [
    "Content-Disposition",
    "a  Set-Cookie: b",
    "Content-Language",
    "\u00e2\u0082\u00ac",
    "Cache-Control",
    "\u00e9",
  ]);
});

test("an answer without members has neither document nor type", () => {
  assert.deepEqual(encode("DeleteBucket", {}), { status: 204, headers: [], body: undefined });
  assert.deepEqual(encode("GetObject", { ETag: '"e"' }, 304).body, undefined);
});

test("a policy goes out as JSON", () => {
  const { headers, body } = encode("GetBucketPolicy", { Policy: "{}" });
  assert.deepEqual(headers, ["Content-Type", "application/json"]);
  assert.equal(body, "{}");
});

const context: ErrorContext = {
  method: "GET",
  requestId: "4442587FB7D0A2F9",
  hostId: "host",
  address: parseAddress("/bucket/a%26b", undefined, []),
};

function errorText(error: S3Error): string {
  const { body } = encodeError(error, context);
  assert.ok(typeof body === "string");
  return body;
}

test("an error document names the key, the fields and the ids", () => {
  const { status, headers, body } = encodeError(new S3Error("NoSuchKey"), context);
  assert.equal(status, 404);
  assert.deepEqual(headers, ["Content-Type", "application/xml"]);
  assert.equal(
    body,
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>' +
      "<Message>The specified key does not exist.</Message><Key>a&amp;b</Key>" +
      "<RequestId>4442587FB7D0A2F9</RequestId><HostId>host</HostId></Error>",
  );
  const argument = { ArgumentName: "max-keys", ArgumentValue: "<" };
  assert.match(
    errorText(new S3Error("InvalidArgument", { fields: argument })),
    /<ArgumentName>max-keys<\/ArgumentName><ArgumentValue>&lt;<\/ArgumentValue><RequestId>/,
  );
  assert.match(errorText(new S3Error("NoSuchBucket")), /<BucketName>bucket<\/BucketName>/);
});

test("HEAD and 304 have no error document", () => {
  const head = encodeError(new S3Error("NoSuchKey"), { ...context, method: "HEAD" });
  assert.equal(head.status, 404);
  assert.equal(head.body, undefined);
  const options = { headers: { etag: '"e"' } };
  assert.deepEqual(encodeError(new S3Error("NotModified", options), context), {
    status: 304,
    headers: ["etag", '"e"'],
    body: undefined,
  });
});

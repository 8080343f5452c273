// XML documents that are not what they must be, for every operation that reads one today: refused as a
// whole, at once, without following any of what they ask for.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { collectedBodyBytes } from "../../src/model/limits.ts";
import { rawRequest, requestBytes, type Expectation } from "./raw-client.ts";
import { startRawServer, succeed } from "./raw-server.ts";
import type { HeaderField } from "./raw-signer.ts";

const server = await startRawServer();
const { bucket } = server;

interface Subject {
  readonly name:
    | "DeleteObjects"
    | "CompleteMultipartUpload"
    | "CreateBucket"
    | "PutBucketVersioning"
    | "PutBucketTagging"
    | "PutObjectTagging"
    | "PutObjectLockConfiguration"
    | "PutObjectRetention"
    | "PutObjectLegalHold"
    | "PutBucketRequestPayment";
  readonly method: string;
  readonly target: string;
  readonly root: string;
  /** What a right document holds. */
  readonly inner: string;
  /** An element that must stand there once. */
  readonly single: string;
  /** What S3 says of an empty body; absent where it may be. */
  readonly empty?: string;
}

const subjects: readonly Subject[] = [
  {
    name: "DeleteObjects",
    method: "POST",
    target: `/${bucket}?delete`,
    root: "Delete",
    inner: "<Object><Key>old</Key></Object>",
    single: "<Quiet>true</Quiet>",
    empty: "MissingRequestBodyError",
  },
  {
    name: "CompleteMultipartUpload",
    method: "POST",
    target: `/${bucket}/upload?uploadId=${server.uploadId}`,
    root: "CompleteMultipartUpload",
    inner: "<Part><PartNumber>1</PartNumber><ETag>&quot;e&quot;</ETag></Part>",
    single: "<Part><PartNumber>1</PartNumber><PartNumber>1</PartNumber><ETag>e</ETag></Part>",
    empty: "MalformedXML",
  },
  {
    name: "CreateBucket",
    method: "PUT",
    target: "/created-by-xml",
    root: "CreateBucketConfiguration",
    inner: "<LocationConstraint></LocationConstraint>",
    single: "<LocationConstraint></LocationConstraint>",
  },
  {
    name: "PutBucketVersioning",
    method: "PUT",
    target: `/${bucket}?versioning`,
    root: "VersioningConfiguration",
    inner: "<Status>Enabled</Status>",
    single: "<Status>Enabled</Status>",
    empty: "MissingRequestBodyError",
  },
  {
    name: "PutBucketTagging",
    method: "PUT",
    target: `/${bucket}?tagging`,
    root: "Tagging",
    inner: "<TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet>",
    single: "<TagSet/>",
    empty: "MissingRequestBodyError",
  },
  {
    name: "PutObjectTagging",
    method: "PUT",
    target: `/${bucket}/old?tagging`,
    root: "Tagging",
    inner: "<TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet>",
    single: "<TagSet/>",
    empty: "MissingRequestBodyError",
  },
  {
    name: "PutObjectLockConfiguration",
    method: "PUT",
    target: `/${bucket}?object-lock`,
    root: "ObjectLockConfiguration",
    inner: "<ObjectLockEnabled>Enabled</ObjectLockEnabled>",
    single: "<ObjectLockEnabled>Enabled</ObjectLockEnabled>",
    empty: "MissingRequestBodyError",
  },
  {
    name: "PutObjectRetention",
    method: "PUT",
    target: `/${bucket}/old?retention`,
    root: "Retention",
    inner: "<Mode>GOVERNANCE</Mode><RetainUntilDate>2099-01-01T00:00:00Z</RetainUntilDate>",
    single: "<Mode>GOVERNANCE</Mode>",
    empty: "MissingRequestBodyError",
  },
  {
    name: "PutObjectLegalHold",
    method: "PUT",
    target: `/${bucket}/old?legal-hold`,
    root: "LegalHold",
    inner: "<Status>ON</Status>",
    single: "<Status>ON</Status>",
    empty: "MissingRequestBodyError",
  },
  {
    name: "PutBucketRequestPayment",
    method: "PUT",
    target: `/${bucket}?requestPayment`,
    root: "RequestPaymentConfiguration",
    inner: "<Payer>Requester</Payer>",
    single: "<Payer>Requester</Payer>",
    empty: "MissingRequestBodyError",
  },
];

function bytesOf(subject: Subject, body: string | Uint8Array): Buffer {
  const digest = createHash("md5").update(body).digest("base64");
  const headers: HeaderField[] = [["Content-MD5", digest]];
  const { method, target } = subject;
  return requestBytes(server.sign(rawRequest(method, target, { headers, body })));
}

type Damage = (subject: Subject) => string | Uint8Array;

function documentOf({ root, inner }: Subject, prologue = "", extra = ""): string {
  return `${prologue}<${root}>${extra}${inner}</${root}>`;
}

function withEntity(subject: Subject, declarations: string, use: string): string {
  return documentOf(subject, `<!DOCTYPE ${subject.root} [${declarations}]>`, use);
}

/** Ten times ten times … a billion. */
const laughs = Array.from({ length: 10 }, (_, index) => {
  const inner = index === 0 ? "ha" : `&l${index - 1};`.repeat(10);
  return `<!ENTITY l${index} "${inner}">`;
}).join("");

const damages: readonly (readonly [string, Damage])[] = [
  ["plain text", () => "delete everything"],
  ["JSON", () => '{"Delete":{}}'],
  ["blanks alone", () => "  \n "],
  ["a root that is not closed", (subject) => `<${subject.root}>${subject.inner}`],
  ["a root that is closed twice", (subject) => `${documentOf(subject)}</${subject.root}>`],
  ["two roots", (subject) => documentOf(subject).repeat(2)],
  ["tags that cross", (subject) => documentOf(subject, "", "<a><b></a></b>")],
  ["another root", (subject) => `<Other>${subject.inner}</Other>`],
  [
    "a root in other letters",
    (subject) => documentOf({ ...subject, root: subject.root.toLowerCase() }),
  ],
  ["an element that nobody knows", (subject) => documentOf(subject, "", "<Surprise>1</Surprise>")],
  ["text between elements", (subject) => documentOf(subject, "", "text")],
  ["an element twice", (subject) => documentOf(subject, "", subject.single.repeat(2))],
  ["an attribute without quotes", (subject) => documentOf(subject).replace(">", " a=b>")],
  ["an attribute twice", (subject) => documentOf(subject).replace(">", ' a="1" a="2">')],
  ["a prefix that was not declared", (subject) => documentOf(subject, "", "<x:y/>")],
  ["a document type", (subject) => documentOf(subject, `<!DOCTYPE ${subject.root}>`)],
  ["an entity of its own", (subject) => withEntity(subject, '<!ENTITY e "old">', "<Key>&e;</Key>")],
  [
    "a file as an entity",
    (subject) => withEntity(subject, '<!ENTITY e SYSTEM "file:///etc/passwd">', "<Key>&e;</Key>"),
  ],
  [
    "a document type of another server",
    (subject) =>
      documentOf(subject, `<!DOCTYPE ${subject.root} SYSTEM "http://127.0.0.1:1/x.dtd">`),
  ],
  [
    "a parameter entity",
    (subject) => withEntity(subject, "<!ENTITY % p \"<!ENTITY e 'x'>\"> %p;", "<Key>&e;</Key>"),
  ],
  ["a billion laughs", (subject) => withEntity(subject, laughs, "<Key>&l9;</Key>")],
  ["an entity that nobody declared", (subject) => documentOf(subject, "", "<Key>&nbsp;</Key>")],
  ["a bare ampersand", (subject) => documentOf(subject, "", "<Key>a&b</Key>")],
  ["a null character by reference", (subject) => documentOf(subject, "", "<Key>&#0;</Key>")],
  ["a null byte", (subject) => documentOf(subject, "", "<Key>\0</Key>")],
  ["a control character", (subject) => documentOf(subject, "", "<Key>\u0001</Key>")],
  ["a processing instruction", (subject) => documentOf(subject, "<?php echo 1 ?>")],
  ["a style sheet", (subject) => documentOf(subject, '<?xml-stylesheet href="a.xsl"?>')],
  ["a declaration in the wrong place", (subject) => documentOf(subject, ' <?xml version="1.0"?>')],
  ["another encoding", (subject) => documentOf(subject, '<?xml version="1.0" encoding="UTF-16"?>')],
  ["UTF-16", (subject) => Buffer.from(`\ufeff${documentOf(subject)}`, "utf16le")],
  [
    "bytes that are not UTF-8",
    (subject) => Buffer.from(documentOf(subject, "", "<Key>\u00ff\u00fe</Key>"), "latin1"),
  ],
  [
    "an overlong encoding",
    (subject) => Buffer.from(documentOf(subject, "", "<Key>\u00c0\u00af</Key>"), "latin1"),
  ],
  [
    "a thousand levels",
    (subject) => documentOf(subject, "", `${"<a>".repeat(1000)}${"</a>".repeat(1000)}`),
  ],
  [
    "a thousand levels of its own element",
    ({ root }) => `${`<${root}>`.repeat(1000)}${`</${root}>`.repeat(1000)}`,
  ],
  [
    "ten thousand attributes",
    (subject) =>
      documentOf(subject).replace(
        ">",
        `${Array.from({ length: 10_000 }, (_, index) => ` a${index}=""`).join("")}><x/>`,
      ),
  ],
  ["a comment that does not end", (subject) => documentOf(subject, "<!-- ")],
  ["CDATA that does not end", (subject) => documentOf(subject, "", "<Key><![CDATA[ ")],
];

for (const subject of subjects) {
  describe(`${subject.name} refuses`, () => {
    const malformed: Expectation = {
      status: 400,
      code: "MalformedXML",
      message:
        "The XML you provided was not well-formed or did not validate against our published schema",
    };
    for (const [name, damage] of damages) {
      test(name, () => server.assertRefused(bytesOf(subject, damage(subject)), malformed));
    }

    test("a document of more bytes than it can need", () => {
      const limitBytes = collectedBodyBytes(subject.name);
      const document = documentOf(subject, " ".repeat(limitBytes));
      return server.assertRefused(bytesOf(subject, document), {
        status: 400,
        code: "MaxMessageLengthExceeded",
        message: "Your request was too big.",
        fields: { MaxMessageLengthBytes: String(limitBytes) },
      });
    });

    test("a document that was changed after its digest was made", () => {
      const right = documentOf(subject);
      const request = rawRequest(subject.method, subject.target, {
        headers: [
          ["Content-MD5", createHash("md5").update(right).digest("base64")],
          ["x-amz-content-sha256", "UNSIGNED-PAYLOAD"],
        ],
        body: `${right} `,
      });
      const expected = { status: 400, code: "BadDigest" };
      return server.assertRefused(requestBytes(server.sign(request)), expected);
    });

    const { empty } = subject;
    if (empty !== undefined) {
      test("an empty body", () =>
        server.assertRefused(bytesOf(subject, ""), { status: 400, code: empty }));
    }
  });
}

test("DeleteObjects refuses a document without any digest", () => {
  const [subject] = subjects as [Subject];
  const request = rawRequest("POST", subject.target, { body: documentOf(subject) });
  return server.assertRefused(requestBytes(server.sign(request)), {
    status: 400,
    code: "InvalidRequest",
    message: "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
  });
});

const contents: readonly (readonly [number, string, string, string])[] = [
  [0, "no object at all", "<Delete></Delete>", "MalformedXML"],
  [0, "an object without key", "<Delete><Object/></Delete>", "MalformedXML"],
  [
    0,
    "a Quiet that is neither",
    "<Delete><Quiet>maybe</Quiet><Object><Key>old</Key></Object></Delete>",
    "MalformedXML",
  ],
  [
    0,
    "1001 objects",
    `<Delete>${"<Object><Key>old</Key></Object>".repeat(1001)}</Delete>`,
    "MalformedXML",
  ],
  [
    0,
    "more elements than any document needs",
    `<Delete>${"<Object/>".repeat(200_001)}</Delete>`,
    "MalformedXML",
  ],
  [1, "no part", "<CompleteMultipartUpload></CompleteMultipartUpload>", "MalformedXML"],
  [
    1,
    "a part number in words",
    "<CompleteMultipartUpload><Part><PartNumber>one</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>",
    "MalformedXML",
  ],
  [
    1,
    "a part that was not uploaded",
    "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>",
    "InvalidPart",
  ],
  [
    2,
    "a region that does not exist",
    "<CreateBucketConfiguration><LocationConstraint>mars-north-1</LocationConstraint></CreateBucketConfiguration>",
    "InvalidLocationConstraint",
  ],
  [
    2,
    "another region",
    "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>",
    "IllegalLocationConstraintException",
  ],
  [
    3,
    "a state that does not exist",
    "<VersioningConfiguration><Status>Maybe</Status></VersioningConfiguration>",
    "MalformedXML",
  ],
  [
    3,
    "no state",
    "<VersioningConfiguration></VersioningConfiguration>",
    "IllegalVersioningConfigurationException",
  ],
  [
    3,
    "MFA delete",
    "<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>",
    "AccessDenied",
  ],
];

describe("a well-formed document is refused with", () => {
  for (const [index, name, document, code] of contents) {
    const subject = subjects[index] as Subject;
    test(`${name} (${subject.name})`, () =>
      server.assertRefused(bytesOf(subject, document), {
        status: code === "AccessDenied" ? 403 : 400,
        code,
      }));
  }
});

test("a byte order mark, comments, CDATA, prefixes and references mean what they mean in XML", async () => {
  const document = `\ufeff<?xml version="1.0" encoding="utf-8" standalone="yes"?><!-- c -->
    <s3:Delete xmlns:s3="http://s3.amazonaws.com/doc/2006-03-01/"><!-- c --><s3:Object>
    <s3:Key><![CDATA[none<]]>&amp;&#x41;&#66;</s3:Key></s3:Object></s3:Delete>`;
  const before = await server.traces();
  const request = rawRequest("POST", `/${bucket}?delete`, {
    headers: [["Content-MD5", createHash("md5").update(document).digest("base64")]],
    body: document,
  });
  const answer = await succeed(
    server.send("POST", `/${bucket}?delete`, { headers: request.headers, body: request.body }),
  );
  assert.match(answer.text, /<Deleted><Key>none&lt;&amp;AB<\/Key><\/Deleted>/);
  assert.deepEqual(await server.traces(), before);
});

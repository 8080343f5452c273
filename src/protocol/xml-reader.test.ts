import assert from "node:assert/strict";
import { test } from "node:test";
import type { ShapeDefinition } from "../model/operation-table.ts";
import { shapes } from "../model/operations.generated.ts";
import { compileReader, readXml, XmlRefusedError } from "./xml-reader.ts";

function read(root: string, shapeName: string, text: string | Uint8Array): unknown {
  const shape = shapes[shapeName] as ShapeDefinition;
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  return readXml(bytes, root, compileReader(shape.members, shape.union === true));
}

const namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

test("a completion with namespace, declaration and white space", () => {
  const text = `<?xml version="1.0" encoding="UTF-8"?>
    <CompleteMultipartUpload ${namespace}>
      <Part><PartNumber>1</PartNumber><ETag>"a&amp;b"</ETag></Part>
      <Part><ETag><![CDATA["c"]]></ETag><PartNumber> 2 </PartNumber></Part>
    </CompleteMultipartUpload>`;
  assert.deepEqual(read("CompleteMultipartUpload", "CompletedMultipartUpload", text), {
    Parts: [
      { PartNumber: 1, ETag: '"a&b"' },
      { ETag: '"c"', PartNumber: 2 },
    ],
  });
});

test("keys keep their blanks and their references", () => {
  const text =
    "\ufeff<Delete><Object><Key> a&#10;&#x20AC; </Key></Object><Quiet>true</Quiet></Delete>";
  assert.deepEqual(read("Delete", "Delete", text), {
    Objects: [{ Key: " a\n€ " }],
    Quiet: true,
  });
});

test("an access control policy with its attribute", () => {
  const text = `<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList>
    <Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">
    <ID>u</ID><DisplayName/></Grantee><Permission>READ</Permission></Grant>
    </AccessControlList></AccessControlPolicy>`;
  assert.deepEqual(read("AccessControlPolicy", "AccessControlPolicy", text), {
    Owner: { ID: "o" },
    Grants: [{ Grantee: { Type: "CanonicalUser", ID: "u", DisplayName: "" }, Permission: "READ" }],
  });
});

test("both forms of a lifecycle configuration, the deprecated one included", () => {
  const text = `<LifecycleConfiguration><Rule><ID>r</ID><Prefix>logs/</Prefix><Status>Enabled</Status>
    <Transition><Date>2026-01-01T00:00:00Z</Date><StorageClass>GLACIER</StorageClass></Transition>
    <Expiration><Days>365</Days></Expiration></Rule></LifecycleConfiguration>`;
  assert.deepEqual(read("LifecycleConfiguration", "BucketLifecycleConfiguration", text), {
    Rules: [
      {
        ID: "r",
        Prefix: "logs/",
        Status: "Enabled",
        Transitions: [{ Date: new Date("2026-01-01T00:00:00Z"), StorageClass: "GLACIER" }],
        Expiration: { Days: 365 },
      },
    ],
  });
});

test("the deprecated notification form", () => {
  const text = `<NotificationConfiguration><CloudFunctionConfiguration><Id>i</Id><Event>s3:ObjectCreated:*</Event>
    <CloudFunction>arn</CloudFunction><InvocationRole>role</InvocationRole></CloudFunctionConfiguration></NotificationConfiguration>`;
  assert.deepEqual(read("NotificationConfiguration", "NotificationConfiguration", text), {
    LambdaFunctionConfigurations: [
      { Id: "i", Events: ["s3:ObjectCreated:*"], LambdaFunctionArn: "arn", InvocationRole: "role" },
    ],
  });
});

test("wrapped lists, empty ones and empty roots", () => {
  assert.deepEqual(read("Tagging", "Tagging", "<Tagging><TagSet/></Tagging>"), { TagSet: [] });
  assert.deepEqual(
    read("VersioningConfiguration", "VersioningConfiguration", "<VersioningConfiguration/>"),
    {},
  );
  assert.deepEqual(
    read(
      "Tagging",
      "Tagging",
      "<Tagging><TagSet><Tag><Key>k</Key><Value></Value></Tag></TagSet></Tagging>",
    ),
    { TagSet: [{ Key: "k", Value: "" }] },
  );
});

const tag = "<Tag><Key>k</Key><Value>v</Value></Tag>";
const malformed: Readonly<Record<string, string | Uint8Array>> = {
  "an empty document": "",
  "white space alone": "  \n",
  "no XML": "TagSet",
  JSON: '{"TagSet":[]}',
  "a cut document": "<Tagging><TagSet>",
  "a mismatched end tag": "<Tagging><TagSet></Tagging></TagSet>",
  "another root": "<Tags><TagSet/></Tags>",
  "a root in another case": "<tagging><TagSet/></tagging>",
  "a second root": "<Tagging><TagSet/></Tagging><Tagging/>",
  "text after the root": "<Tagging><TagSet/></Tagging>x",
  "text between elements": "<Tagging>x<TagSet/></Tagging>",
  "an unknown element": "<Tagging><TagSet/><More/></Tagging>",
  "an unknown element in a list": `<Tagging><TagSet>${tag}<More/></TagSet></Tagging>`,
  "an element inside text":
    "<Tagging><TagSet><Tag><Key><b/></Key><Value/></Tag></TagSet></Tagging>",
  "an element twice": "<Tagging><TagSet/><TagSet/></Tagging>",
  "a scalar twice":
    "<Tagging><TagSet><Tag><Key>a</Key><Key>b</Key><Value/></Tag></TagSet></Tagging>",
  "a required element missing": "<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>",
  "a required list missing": "<Tagging/>",
  "a document type": "<!DOCTYPE Tagging><Tagging><TagSet/></Tagging>",
  "an entity of its own":
    '<!DOCTYPE t [<!ENTITY e "x">]><Tagging><TagSet><Tag><Key>&e;</Key><Value/></Tag></TagSet></Tagging>',
  "an undefined entity": "<Tagging><TagSet><Tag><Key>&nbsp;</Key><Value/></Tag></TagSet></Tagging>",
  "a processing instruction": "<?php x?><Tagging><TagSet/></Tagging>",
  "another encoding": '<?xml version="1.0" encoding="ISO-8859-1"?><Tagging><TagSet/></Tagging>',
  "bytes that are not UTF-8": Buffer.from("<Tagging><TagSet/></Tagging>\u00ff", "latin1"),
  "a NUL": "<Tagging>\u0000<TagSet/></Tagging>",
  "a control character": "<Tagging><TagSet><Tag><Key>\u0001</Key><Value/></Tag></TagSet></Tagging>",
  "an unbound prefix": "<x:Tagging><TagSet/></x:Tagging>",
  "an attribute twice": '<Tagging a="1" a="2"><TagSet/></Tagging>',
  "a stray ampersand": "<Tagging><TagSet><Tag><Key>a & b</Key><Value/></Tag></TagSet></Tagging>",
  "a depth beyond the bound": "<Tagging>".repeat(40),
};

for (const [name, text] of Object.entries(malformed)) {
  test(`${name} is refused`, () => {
    assert.throws(() => read("Tagging", "Tagging", text), XmlRefusedError);
  });
}

const wrongValues: readonly [root: string, shape: string, text: string][] = [
  ["Retention", "ObjectLockRetention", "<Retention><Mode>SOFT</Mode></Retention>"],
  [
    "Retention",
    "ObjectLockRetention",
    "<Retention><RetainUntilDate>tomorrow</RetainUntilDate></Retention>",
  ],
  [
    "CompleteMultipartUpload",
    "CompletedMultipartUpload",
    "<CompleteMultipartUpload><Part><PartNumber>one</PartNumber></Part></CompleteMultipartUpload>",
  ],
  [
    "PublicAccessBlockConfiguration",
    "PublicAccessBlockConfiguration",
    "<PublicAccessBlockConfiguration><BlockPublicAcls>yes</BlockPublicAcls></PublicAccessBlockConfiguration>",
  ],
  ["ObjectEncryption", "ObjectEncryption", "<ObjectEncryption/>"],
  [
    "ObjectEncryption",
    "ObjectEncryption",
    "<ObjectEncryption><SSE-S3/><SSE-KMS><KMSKeyArn>a</KMSKeyArn></SSE-KMS></ObjectEncryption>",
  ],
];

for (const [root, shape, text] of wrongValues) {
  test(`a wrong value is refused: ${text}`, () => {
    assert.throws(() => read(root, shape, text), XmlRefusedError);
  });
}

test("too many elements are refused", () => {
  const text = `<Tagging><TagSet>${"<Tag><Key/><Value/></Tag>".repeat(70_000)}</TagSet></Tagging>`;
  assert.throws(() => read("Tagging", "Tagging", text), XmlRefusedError);
});

// Mutates XML documents and makes up queries, all of them signed, so that they reach the decoders: every
// answer is sound, and nothing that exists is changed.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { operations } from "../../src/model/operations.generated.ts";
import { rawRequest, requestBytes } from "../raw/raw-client.ts";
import { startRawServer, succeed } from "../raw/raw-server.ts";
import { encode } from "../raw/raw-signer.ts";
import type { SeededRandom } from "../simulation/seeded-random.ts";
import { converse, fuzz, hastyLimits, mutate } from "./fuzzing.ts";

const server = await startRawServer({ limits: hastyLimits });
const { bucket } = server;
/** Its state may change: documents that are still right are obeyed. */
const open = "open-bucket";
await succeed(server.send("PUT", `/${open}`));

interface Subject {
  readonly method: string;
  readonly target: string;
  readonly document: string;
}

const subjects: readonly Subject[] = [
  {
    method: "POST",
    target: `/${open}?delete`,
    document: `<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>none</Key><VersionId>null</VersionId></Object><Object><Key>other &amp; more</Key></Object><Quiet>false</Quiet></Delete>`,
  },
  {
    method: "POST",
    target: `/${bucket}/upload?uploadId=${server.uploadId}`,
    document: `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part></CompleteMultipartUpload>`,
  },
  {
    method: "PUT",
    target: `/${open}`,
    document: `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint></LocationConstraint><Tags><Tag><Key>k</Key><Value>v</Value></Tag></Tags></CreateBucketConfiguration>`,
  },
  {
    method: "PUT",
    target: `/${open}?versioning`,
    document: `<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Disabled</MfaDelete></VersioningConfiguration>`,
  },
];

const xmlTokens = [
  "<",
  ">",
  "</",
  "/>",
  "&",
  "&amp;",
  "&#0;",
  "&#x1F40E;",
  "&#99999999;",
  "&e;",
  "<!DOCTYPE Delete [<!ENTITY e 'x'>]>",
  "<!-- -->",
  "<!--",
  "<![CDATA[",
  "]]>",
  "<?x y?>",
  '<?xml version="1.1"?>',
  "<Object><Key>none</Key></Object>",
  "<Part/>",
  "<Status>Suspended</Status>",
  "<a>".repeat(50),
  ' a="b"',
  ' xmlns:x="y"',
  "x:",
  "\ufeff",
  "\0",
  "\xff",
  "\xc3\xa9",
  "99999999999999999999",
  "-1",
  "1e9",
];

test("changed documents get sound answers and change nothing else", async (context) => {
  const listing = await server.send("GET", `/${bucket}?versions`);
  const uploads = await server.send("GET", `/${bucket}?uploads`);
  const attempts = await fuzz(async (random) => {
    const { method, target, document } = random.pick(subjects);
    const body = mutate(random, Buffer.from(document, "latin1"), xmlTokens);
    const headers = [["Content-MD5", createHash("md5").update(body).digest("base64")]] as const;
    const request = server.sign(rawRequest(method, target, { headers, body }));
    const answers = await converse(server.port, requestBytes(request));
    assert.equal(answers.length, 1);
    if (target.includes("uploadId")) assert.ok((answers[0]?.status ?? 0) >= 400);
  });
  assert.equal((await server.send("GET", `/${bucket}?versions`)).text, listing.text);
  assert.equal((await server.send("GET", `/${bucket}?uploads`)).text, uploads.text);
  assert.deepEqual(server.failures, []);
  context.diagnostic(`${attempts} attempts`);
  assert.ok(attempts > 20, `${attempts} attempts`);
});

const queryNames = [
  ...new Set(
    Object.values(operations).flatMap(({ query, input }) => [
      ...query.map(({ name }) => name),
      ...input.filter((member) => member.in === "query").map(({ wire }) => wire),
    ]),
  ),
  "x-id",
  "nonsense",
  "",
];
const queryValues = [
  "",
  "0",
  "1",
  "-1",
  "1000",
  "2147483648",
  "9".repeat(30),
  "true",
  "url",
  "2",
  "null",
  "old",
  "/",
  "..",
  "\0",
  "\r\nX-Evil: 1",
  "\u00e9",
  "\xff\xfe",
  "a".repeat(1500),
  "<&>\"'",
  "2026-01-15T12:00:00Z",
  "Thu, 15 Jan 2026 12:00:00 GMT",
  "text/plain",
];

function makeQuery(random: SeededRandom): string {
  const count = random.below(5);
  return Array.from({ length: count }, () => {
    const name = encode(random.pick(queryNames));
    if (random.chance(0.3)) return name;
    const value = random.chance(0.2)
      ? Buffer.from(random.bytes(random.below(20))).toString("latin1")
      : random.pick(queryValues);
    // Now and then as it is: some of it is no query any more, and must be refused as such.
    return `${name}=${random.chance(0.1) ? value.replaceAll(/[\s\0]/g, "") : encode(value)}`;
  }).join("&");
}

test("made-up queries get sound answers and change nothing", async (context) => {
  const before = await server.traces();
  const paths = ["/", `/${bucket}`, `/${bucket}/old`, `/${bucket}/none`, "/no-such-bucket/key"];
  const changing = [`/${bucket}/none`, "/no-such-bucket"];
  const attempts = await fuzz(async (random) => {
    const isRead = random.chance(0.7);
    const path = random.pick(isRead ? paths : changing);
    const method = isRead ? "GET" : random.pick(["DELETE", "POST"]);
    const query = makeQuery(random);
    const target = query === "" ? path : `${path}?${query}`;
    // The one POST without a body that creates something.
    if (method === "POST" && /[?&]uploads(?:[=&]|$)/.test(target)) return;
    const answers = await converse(
      server.port,
      requestBytes(server.sign(rawRequest(method, target))),
    );
    assert.equal(answers.length, 1, target);
    assert.equal(answers[0]?.headers.has("x-evil"), false);
  });
  assert.deepEqual(await server.traces(), before);
  assert.deepEqual(server.failures, []);
  context.diagnostic(`${attempts} attempts`);
  assert.ok(attempts > 20, `${attempts} attempts`);
});

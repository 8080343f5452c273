// Mutates browser forms. Whatever is changed, the answer is S3's own, the server goes on, and nothing is
// stored that the signed policy does not allow.

import assert from "node:assert/strict";
import { test } from "node:test";
import { boundary, formBody, formType, signedFieldsV4 } from "../raw/browser-form.ts";
import { rawRequest, requestBytes } from "../raw/raw-client.ts";
import { startMilliseconds, startRawServer, succeed } from "../raw/raw-server.ts";
import { elementsOf } from "../s3/test-server.ts";
import { converse, fuzz, hastyLimits, mutate } from "./fuzzing.ts";

const server = await startRawServer({
  limits: hastyLimits,
  defaultObjectOwnership: "ObjectWriter",
  defaultPublicAccessBlock: "off",
});
const { bucket, signer } = server;
const maximumBytes = 4096;

const tokens = [
  "\r\n",
  "\n",
  "\r\n\r\n",
  `\r\n--${boundary}`,
  `--${boundary}--`,
  `\r\n--${boundary}\r\n`,
  "--",
  "\0",
  '"',
  "\\",
  ";",
  'name="file"',
  'name="key"',
  'name="acl"',
  'name="policy"',
  'Content-Disposition: form-data; name="file"; filename="x"',
  "filename*=utf-8''x",
  "${filename}",
  "content-type: multipart/mixed; boundary=x",
  "public-read",
  "../",
  "x".repeat(300),
];

function build(): Buffer {
  const fields = [
    ["key", "allowed/${filename}"],
    ["acl", "private"],
    ["x-amz-meta-a", "b"],
  ] as const;
  const conditions = [
    { bucket },
    ["starts-with", "$key", "allowed/"],
    { acl: "private" },
    ["starts-with", "$x-amz-meta-a", ""],
    ["content-length-range", 0, maximumBytes],
  ];
  const signed = signedFieldsV4(signer, conditions, { now: new Date(startMilliseconds) });
  const file = { name: "file.txt", content: "content ".repeat(100) };
  return formBody([...fields, ...signed], file, [["Submit", "Upload"]]);
}

const whole = build();

async function send(body: Buffer): Promise<readonly number[]> {
  const headers = [["Content-Type", formType]] as const;
  const request = rawRequest("POST", `/${bucket}`, { headers, body });
  return (await converse(server.port, requestBytes(request))).map(({ status }) => status);
}

test("mutated forms", async () => {
  assert.deepEqual(await send(whole), [204]);
  let stored = 0;
  const attempts = await fuzz(async (random) => {
    const [status] = await send(mutate(random, whole, tokens));
    assert.ok(status !== undefined, "there is an answer");
    if (status < 300) stored += 1;
  });
  assert.ok(attempts > 50 && stored > 0, `${attempts} forms, ${stored} stored`);
  const listing = await succeed(server.send("GET", `/${bucket}?encoding-type=url&prefix=`));
  const keys = elementsOf(listing.text, "Key").filter((key) => key !== "old");
  for (const key of keys) assert.ok(key.startsWith("allowed/"), key);
  for (const size of elementsOf(listing.text, "Size")) assert.ok(Number(size) <= maximumBytes);
  const first = keys[0] as string;
  const acl = await succeed(server.send("GET", `/${bucket}/${first}?acl`));
  assert.equal(elementsOf(acl.text, "Permission").length, 1);
});

// Every operation that nobody has written yet says so: NotImplemented, 501, and no side effect.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { OperationDefinition } from "../../src/model/operation-table.ts";
import { operations as definitions } from "../../src/model/operations.generated.ts";
import { notImplemented, operations } from "../../src/operations/index.ts";
import { assertErrorAnswer, startTestServer, type RawAnswer } from "./test-server.ts";

const { s3, newBucket, put, send } = await startTestServer();
const Bucket = await newBucket();
await put(Bucket, "key", "text");

/** The smallest request that the operation's row in the table describes. */
function request(definition: OperationDefinition): Promise<RawAnswer> {
  const paths = { service: "/", bucket: `/${Bucket}`, object: `/${Bucket}/key` };
  const pairs = definition.query.map(({ name, value }) =>
    value === "" ? name : `${name}=${value}`,
  );
  const headers: Record<string, string> = {};
  for (const member of definition.input) {
    if (member.required !== true) continue;
    if (member.in === "query") pairs.push(`${member.wire}=1`);
    if (member.in === "header") headers[member.wire.toLowerCase()] = "1";
  }
  if (definition.name === "ListDirectoryBuckets") pairs.push("max-directory-buckets=10");
  const hasBody = ["PUT", "POST"].includes(definition.method);
  const body = hasBody ? "<Anything/>" : "";
  if (hasBody) headers["content-md5"] = createHash("md5").update(body).digest("base64");
  const path = definition.path ?? paths[definition.level];
  return send({ method: definition.method, path, query: pairs.join("&"), headers, body });
}

const missing = Object.values(definitions).filter(
  ({ name }) => operations[name] === notImplemented,
);

for (const definition of missing) {
  test(`${definition.name} is not implemented`, async () => {
    const answer = await request(definition);
    assertErrorAnswer(answer, { code: "NotImplemented", status: 501 });
  });
}

test("none of them has done anything", async () => {
  assert.ok(missing.length > 0);
  const read = await send({ path: `/${Bucket}/key` });
  assert.equal(read.text, "text");
  assert.equal(read.headers.get("x-amz-tagging-count"), undefined);
  assert.equal((await s3.listObjectsV2({ Bucket })).KeyCount, 1);
  assert.equal((await s3.listBuckets({})).Buckets?.length, 1);
  assert.equal((await s3.listMultipartUploads({ Bucket })).Uploads, undefined);
});

// Mutates the heads of signed requests. Whatever is changed, a signed request either does what was signed
// or nothing at all.

import assert from "node:assert/strict";
import { test } from "node:test";
import { rawRequest, requestBytes } from "../raw/raw-client.ts";
import { startMilliseconds, startRawServer } from "../raw/raw-server.ts";
import { presignV2, presignV4, signHeaderV2, type RawRequest } from "../raw/raw-signer.ts";
import { elementsOf } from "../s3/test-server.ts";
import { converse, fuzz, hastyLimits, mutate } from "./fuzzing.ts";

const server = await startRawServer({ limits: hastyLimits });
const { bucket, signer } = server;
const milliseconds = startMilliseconds;

const tokens = [
  "\r\n",
  "\n",
  "\0",
  " ",
  ":",
  ",",
  ";",
  "=",
  "/",
  "//",
  "..",
  "%00",
  "%2F",
  "%",
  "?",
  "&",
  "#",
  "\xff",
  "PUT",
  "DELETE",
  "POST",
  "HTTP/1.0",
  "old",
  bucket,
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Expect: 100-continue\r\n",
  "Host: evil\r\n",
  "Connection: close\r\n",
  "x-amz-copy-source: /raw-bucket/old\r\n",
  "x-amz-date: 20260115T120000Z\r\n",
  "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n",
  "If-None-Match: *\r\n",
  "Credential=",
  "SignedHeaders=host",
  "Signature=",
  "AWS4-HMAC-SHA256 ",
  "AWS ",
  "Authorization: ",
  "X-Amz-Signature=0&",
  "99999999999999999999",
  "-1",
];

const body = Buffer.from("what was signed");
const target = (lane: number): string => `/${bucket}/fuzz-${lane}`;

/** All of them leave the object with `body`, or leave everything as it is. */
const subjects: readonly ((lane: number) => RawRequest)[] = [
  (lane) => server.sign(rawRequest("PUT", target(lane), { body })),
  (lane) =>
    server.sign(rawRequest("PUT", target(lane), { headers: [["x-amz-meta-name", "value"]], body })),
  () => server.sign(rawRequest("GET", `/${bucket}/old`)),
  () => server.sign(rawRequest("GET", `/${bucket}?list-type=2&prefix=o&max-keys=10`)),
  () => server.sign(rawRequest("DELETE", `/${bucket}/none`)),
  () => presignV4(rawRequest("GET", `/${bucket}/old`), signer, { milliseconds }).request,
  () => signHeaderV2(rawRequest("GET", `/${bucket}/old`), signer, { milliseconds }),
  () =>
    presignV2(rawRequest("GET", `/${bucket}/old`), signer, {
      expiresSeconds: milliseconds / 1000 + 60,
    }),
];

test("a changed head never does anything that was not signed", async (context) => {
  const before = await server.traces();
  let accepted = 0;
  const attempts = await fuzz(async (random, lane) => {
    const request = random.pick(subjects)(lane);
    const bytes = requestBytes(request);
    const headBytes = bytes.byteLength - request.body.byteLength;
    const answers = await converse(server.port, mutate(random, bytes, tokens, 0, headBytes));
    for (const { status, text } of answers) {
      if (status >= 300) continue;
      accepted += 1;
      const isRead = request.method === "GET" && request.target.includes("/old");
      if (isRead) assert.equal(text, "old bytes");
    }
    const stored = await server.send("GET", target(lane));
    if (stored.status === 404) return;
    assert.ok(stored.body.equals(body), "what was signed, and all of it");
    assert.equal((await server.send("DELETE", target(lane))).status, 204);
  });
  assert.deepEqual(await server.traces(), before);
  assert.deepEqual(server.failures, []);
  context.diagnostic(`${attempts} attempts`);
  assert.ok(attempts > 20, `${attempts} attempts`);
  assert.ok(accepted < attempts);
  const listing = await server.send("GET", `/${bucket}?list-type=2`);
  assert.deepEqual(elementsOf(listing.text, "Key"), ["old"]);
});

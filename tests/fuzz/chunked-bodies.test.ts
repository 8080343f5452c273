// Mutates aws-chunked bodies. Whatever is changed, either exactly the signed bytes are stored or none.

import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { joinPieces, makePieces, modeNames, type StreamingMode } from "../raw/chunked-body.ts";
import { rawRequest, requestBytes } from "../raw/raw-client.ts";
import { eventually, startMilliseconds, startRawServer } from "../raw/raw-server.ts";
import { signHeaderV4, type HeaderField } from "../raw/raw-signer.ts";
import { patternBytes } from "../s3/test-server.ts";
import { converse, fuzz, hastyLimits, mutate } from "./fuzzing.ts";

const server = await startRawServer({ limits: hastyLimits });
const { bucket, signer } = server;
const trailerName = "x-amz-checksum-crc32";
const modes = ["signed", "signed-trailer", "unsigned-trailer"] as const;

const tokens = [
  "\r\n",
  "\n",
  "\r",
  "0\r\n",
  "0\r\n\r\n",
  "\r\n0;chunk-signature=",
  ";chunk-signature=",
  ";",
  "2000",
  "ffffffffffffffff",
  "-1",
  "0x10",
  " ",
  "\0",
  `${trailerName}:`,
  `${trailerName}:AAAAAA==\r\n`,
  "x-amz-trailer-signature:",
  "x-amz-meta-a:b\r\n",
];

function build(
  mode: StreamingMode,
  target: string,
  content: Buffer,
): { readonly head: Buffer; readonly body: Buffer } {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(content));
  const trailers: HeaderField[] =
    mode === "signed" ? [] : [[trailerName, checksum.toString("base64")]];
  const announced: HeaderField[] = mode === "signed" ? [] : [["x-amz-trailer", trailerName]];
  const request = rawRequest("PUT", target, {
    headers: [
      ["x-amz-content-sha256", modeNames[mode]],
      ["x-amz-decoded-content-length", String(content.byteLength)],
      ...announced,
    ],
  });
  const { request: signed, seed } = signHeaderV4(request, signer, {
    milliseconds: startMilliseconds,
  });
  const chunks = [
    content.subarray(0, 8192),
    content.subarray(8192, 20_000),
    content.subarray(20_000),
  ];
  const filled = chunks.filter((chunk) => chunk.byteLength > 0);
  const body = joinPieces(makePieces(mode, seed, filled, trailers));
  const head = requestBytes({ ...signed, body: Buffer.alloc(0) });
  return { head, body };
}

/** Near the framing: the data itself is most of a body and the least interesting part of it. */
function pickRange(bodyBytes: number, at: number): readonly [number, number] {
  const starts = [0, 8192, 20_000, bodyBytes - 400];
  const from = Math.max(0, Math.min(starts[at] as number, bodyBytes - 1));
  return [from, Math.min(bodyBytes, from + 400)];
}

test("a changed body is stored as it was signed or not at all", async (context) => {
  const before = await server.traces();
  let stored = 0;
  const attempts = await fuzz(async (random, lane) => {
    const target = `/${bucket}/fuzz-${lane}`;
    const content = patternBytes(random.chance(0.3) ? 70_000 : 9000, 1 + random.below(100));
    const { head, body } = build(random.pick(modes), target, content);
    const [from, to] = random.chance(0.2)
      ? [0, body.byteLength]
      : pickRange(body.byteLength, random.below(4));
    const changed = random.chance(0.05) ? body : mutate(random, body, tokens, from, to);
    const framed = head
      .toString("latin1")
      .replace(/Content-Length: \d+/, `Content-Length: ${changed.byteLength}`);
    const bytes = Buffer.concat([Buffer.from(framed, "latin1"), changed]);
    const [answer, ...more] = await converse(server.port, bytes);
    assert.ok(answer !== undefined && more.length === 0, "one request, one answer");
    const read = await server.send("GET", target);
    assert.equal(read.status, answer.status === 200 ? 200 : 404, answer.text);
    if (read.status !== 200) return;
    stored += 1;
    assert.ok(read.body.equals(content), "the signed bytes");
    assert.equal((await server.send("DELETE", target)).status, 204);
  });
  // Blobs of the objects that were stored and removed wait for the sweeper; refused ones left none.
  const after = await server.traces();
  assert.deepEqual(after.listings, before.listings);
  await eventually(async () => (await server.traces()).blobFiles.length <= stored);
  assert.ok((await server.traces()).blobFiles.length <= stored);
  assert.deepEqual(server.failures, []);
  context.diagnostic(`${attempts} attempts`);
  assert.ok(attempts > 20, `${attempts} attempts`);
});

// Annotations whose bodies are damaged, lie about their length or their digests, or are no text: refused
// with S3's error, and nothing of them stays.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { elementOf } from "../s3/test-server.ts";
import { chunks, content, crc32Of, damages, everyMode, trailerName } from "./chunk-damages.ts";
import { joinPieces, makePieces, modeNames, type StreamingMode } from "./chunked-body.ts";
import { exchange, rawRequest, requestBytes, type Expectation } from "./raw-client.ts";
import { startMilliseconds, startRawServer, succeed } from "./raw-server.ts";
import { signHeaderV4, type HeaderField } from "./raw-signer.ts";

const server = await startRawServer();
const { bucket, signer } = server;
const target = `/${bucket}/old?annotation&annotationName=note`;
const list = `/${bucket}/old?annotation`;
type Body = Parameters<typeof makePieces>[2];

interface Upload {
  readonly mode: StreamingMode;
  readonly body?: Body;
  readonly damage?: (typeof damages)[number][2];
  readonly decodedLength?: string;
}

function build({ mode, body = chunks, damage, decodedLength }: Upload): Buffer {
  const whole = Buffer.concat(body);
  const announced = mode === "signed" ? [] : [["x-amz-trailer", trailerName] as const];
  const request = rawRequest("PUT", target, {
    headers: [
      ["Content-Encoding", "aws-chunked"],
      ["x-amz-content-sha256", modeNames[mode]],
      ["x-amz-decoded-content-length", decodedLength ?? String(whole.byteLength)],
      ...announced,
    ],
  });
  const { request: signed, seed } = signHeaderV4(request, signer, {
    milliseconds: startMilliseconds,
  });
  const trailers: HeaderField[] = mode === "signed" ? [] : [[trailerName, crc32Of(whole)]];
  const pieces = makePieces(mode, seed, body, trailers);
  return requestBytes({ ...signed, body: damage?.(pieces, seed) ?? joinPieces(pieces) });
}

const put = (headers: readonly HeaderField[], body: string | Uint8Array = "text"): Buffer =>
  requestBytes(server.sign(rawRequest("PUT", target, { headers, body })));

for (const mode of everyMode) {
  describe(`an annotation in ${modeNames[mode]}`, () => {
    for (const [name, modes, damage, expected] of damages) {
      if (!modes.includes(mode)) continue;
      test(`is refused with ${name}`, () =>
        server.assertRefused(build({ mode, damage }), expected));
    }

    for (const length of [content.byteLength - 1, content.byteLength + 1]) {
      test(`is refused with a decoded length of ${length}`, () =>
        server.assertRefused(build({ mode, decodedLength: String(length) }), {
          status: 400,
          code: "IncompleteBody",
        }));
    }

    test("is read back without the coding", async () => {
      const text = Buffer.from("größer als ein Wort ".repeat(5000));
      const body = [text.subarray(0, 65_536), text.subarray(65_536)];
      await succeed(exchange(server.port, build({ mode, body })));
      assert.ok((await succeed(server.send("GET", target))).body.equals(text));
      await succeed(server.send("DELETE", target));
    });
  });
}

const refusals: readonly (readonly [string, Buffer, Expectation])[] = [
  [
    "two checksums",
    put([
      ["x-amz-checksum-crc32", "AAAAAA=="],
      ["x-amz-checksum-crc32c", "AAAAAA=="],
    ]),
    { status: 400, code: "InvalidRequest" },
  ],
  [
    "a checksum that does not exist",
    put([["x-amz-checksum-crc99", "AAAAAA=="]]),
    { status: 400, code: "InvalidRequest" },
  ],
  [
    "a wrong checksum",
    put([["x-amz-checksum-crc32", "AAAAAA=="]]),
    { status: 400, code: "BadDigest" },
  ],
  ["an odd Content-MD5", put([["Content-MD5", "text"]]), { status: 400, code: "InvalidDigest" }],
  [
    "another digest than was signed",
    put([["x-amz-content-sha256", "0".repeat(64)]]),
    { status: 400, code: "XAmzContentSHA256Mismatch" },
  ],
  [
    "a NUL in two bytes",
    put([], Buffer.from([0x61, 0xc0, 0x80])),
    {
      status: 415,
      code: "UnsupportedMediaType",
    },
  ],
  [
    "half of a surrogate pair",
    put([], Buffer.from([0xed, 0xa0, 0x80])),
    {
      status: 415,
      code: "UnsupportedMediaType",
    },
  ],
  [
    "more than 1 MiB",
    put([], Buffer.alloc(1024 * 1024 + 1, "x")),
    { status: 400, code: "EntityTooLarge", fields: { MaxSizeAllowed: "1048576" } },
  ],
  ["nothing", put([], ""), { status: 400, code: "EntityTooSmall" }],
];

describe("an annotation", () => {
  for (const [name, bytes, expected] of refusals) {
    test(`with ${name} is refused`, () => server.assertRefused(bytes, expected));
  }

  test("that is not there yet needs a name, and its sub-resource a method that it has", async () => {
    const post = rawRequest("POST", list, { body: "text" });
    await server.assertRefused(requestBytes(server.sign(post)), {
      status: 405,
      code: "MethodNotAllowed",
      fields: { ResourceType: "OBJECT_ANNOTATIONS" },
    });
    await server.assertRefused(requestBytes(server.sign(rawRequest("DELETE", list))), {
      status: 400,
      code: "UserAnnotationNameMustBeSpecified",
    });
  });

  test("is in no list after all of this", async () => {
    const { text } = await succeed(server.send("GET", list));
    assert.equal(elementOf(text, "AnnotationCount"), "0");
    assert.equal((await succeed(server.send("GET", `/${bucket}/old`))).text, "old bytes");
  });
});

// Bodies in the aws-chunked coding, in each streaming mode, for objects and for parts: whatever is wrong
// with a chunk, a signature, a trailing field or a length is refused, and no byte of it stays.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RawClient } from "../http/raw-client.ts";
import { elementOf } from "../s3/test-server.ts";
import {
  chunks,
  content,
  crc32Of,
  damages,
  everyMode,
  incomplete,
  trailerName,
  type Damage,
} from "./chunk-damages.ts";
import { joinPieces, makePieces, modeNames, type StreamingMode } from "./chunked-body.ts";
import {
  exchange,
  headBytes,
  rawRequest,
  readAnswer,
  requestBytes,
  type Expectation,
  type RawAnswer,
} from "./raw-client.ts";
import { startMilliseconds, startRawServer, succeed } from "./raw-server.ts";
import { signHeaderV4, type HeaderField } from "./raw-signer.ts";

const server = await startRawServer();
const { bucket, signer } = server;

// Parts bring a checksum only where their upload was created with its algorithm.
const begun = await succeed(
  server.send("POST", `/${bucket}/with-checksums?uploads`, {
    headers: [["x-amz-checksum-algorithm", "CRC32"]],
  }),
);
const checkedUploadId = elementOf(begun.text, "UploadId");

type Place = "object" | "part";

function targetOf(place: Place, mode: StreamingMode): string {
  if (place === "object") return `/${bucket}/new`;
  return mode === "signed"
    ? `/${bucket}/upload?partNumber=1&uploadId=${server.uploadId}`
    : `/${bucket}/with-checksums?partNumber=1&uploadId=${checkedUploadId}`;
}

const objectTarget = targetOf("object", "signed");

interface Upload {
  readonly mode: StreamingMode;
  readonly place: Place;
  readonly damage?: Damage;
  readonly headers?: readonly HeaderField[];
  readonly decodedLength?: string | undefined;
}

function build(upload: Upload): Buffer {
  const { mode, place, damage, headers = [] } = upload;
  const decodedLength = "decodedLength" in upload ? upload.decodedLength : content.byteLength;
  const announced = mode === "signed" ? [] : [["x-amz-trailer", trailerName] as const];
  const length: HeaderField[] =
    decodedLength === undefined ? [] : [["x-amz-decoded-content-length", String(decodedLength)]];
  const request = rawRequest("PUT", targetOf(place, mode), {
    headers: [
      ["Content-Encoding", "aws-chunked"],
      ["x-amz-content-sha256", modeNames[mode]],
      ...announced,
      ...length,
      ...headers,
    ],
  });
  const { request: signed, seed } = signHeaderV4(request, signer, {
    milliseconds: startMilliseconds,
  });
  const trailers: HeaderField[] = mode === "signed" ? [] : [[trailerName, crc32Of(content)]];
  const pieces = makePieces(mode, seed, chunks, trailers);
  const body = damage?.(pieces, seed) ?? joinPieces(pieces);
  return requestBytes({ ...signed, body });
}

for (const mode of everyMode) {
  describe(modeNames[mode], () => {
    for (const place of ["object", "part"] as const) {
      for (const [name, modes, damage, expected] of damages) {
        if (!modes.includes(mode)) continue;
        test(`refuses the ${place} with ${name}`, () =>
          server.assertRefused(build({ mode, place, damage }), expected));
      }
    }

    test("stores the bytes of an object that is right, and nothing of the coding", async () => {
      await succeed(exchange(server.port, build({ mode, place: "object" })));
      const read = await succeed(server.send("GET", objectTarget));
      assert.ok(read.body.equals(content));
      assert.equal(read.headers.get("content-encoding"), undefined);
      await succeed(server.send("DELETE", objectTarget));
    });

    test("stores the bytes of a part that is right", async () => {
      const answer = await succeed(exchange(server.port, build({ mode, place: "part" })));
      const [path = "", query = ""] = targetOf("part", mode).split("?");
      const listed = await server.send("GET", `${path}?${query.replace("partNumber=1&", "")}`);
      assert.equal(elementOf(listed.text, "Size"), String(content.byteLength));
      assert.equal(elementOf(listed.text, "ETag"), answer.headers.get("etag"));
    });

    const lengths: readonly (readonly [string | undefined, Expectation])[] = [
      [undefined, { status: 411, code: "MissingContentLength" }],
      ["many", { status: 411, code: "MissingContentLength" }],
      ["-1", { status: 411, code: "MissingContentLength" }],
      [String(content.byteLength - 1), incomplete],
      [String(content.byteLength + 1), incomplete],
      ["0", incomplete],
    ];
    for (const [decodedLength, expected] of lengths) {
      test(`refuses the decoded length ${decodedLength}`, () =>
        server.assertRefused(build({ mode, place: "object", decodedLength }), expected));
    }

    test("refuses more than 5 GiB by the announcement alone", () =>
      server.assertRefused(
        build({ mode, place: "object", decodedLength: String(5 * 1024 ** 3 + 1) }),
        {
          status: 400,
          code: "EntityTooLarge",
          fields: { ProposedSize: "5368709121", MaxSizeAllowed: "5368709120" },
        },
      ));
  });
}

const put = (headers: readonly HeaderField[], body: Uint8Array = content): Buffer =>
  requestBytes(server.sign(rawRequest("PUT", objectTarget, { headers, body })));

describe("what the modes ask of the headers", () => {
  for (const value of ["x-amz-meta-a", "x-amz-checksum-md4", "", `${trailerName},${trailerName}`]) {
    test(`an x-amz-trailer that names ${JSON.stringify(value)} is refused`, () =>
      server.assertRefused(
        put([
          ["x-amz-content-sha256", modeNames["unsigned-trailer"]],
          ["x-amz-decoded-content-length", "10"],
          ["x-amz-trailer", value],
        ]),
        {
          status: 400,
          code: "InvalidRequest",
          message: "The value specified in the x-amz-trailer header is not supported",
        },
      ));
  }

  test("a checksum in a header and another announced as trailer are refused", () =>
    server.assertRefused(
      build({
        mode: "unsigned-trailer",
        place: "object",
        headers: [["x-amz-checksum-crc32c", "AAAAAA=="]],
      }),
      {
        status: 400,
        code: "InvalidRequest",
        message:
          "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
      },
    ));

  test("a trailer of another algorithm than x-amz-sdk-checksum-algorithm is refused", () =>
    server.assertRefused(
      build({
        mode: "unsigned-trailer",
        place: "object",
        headers: [["x-amz-sdk-checksum-algorithm", "SHA256"]],
      }),
      {
        status: 400,
        code: "InvalidRequest",
        message: "Value for x-amz-sdk-checksum-algorithm header is invalid.",
      },
    ));

  for (const mode of ["PAYLOAD", "PAYLOAD-TRAILER"]) {
    test(`STREAMING-AWS4-ECDSA-P256-SHA256-${mode} is refused`, () =>
      server.assertRefused(
        put([["x-amz-content-sha256", `STREAMING-AWS4-ECDSA-P256-SHA256-${mode}`]]),
        { status: 400, code: "InvalidRequest", message: /Please use AWS4-HMAC-SHA256\.$/ },
      ));
  }

  test("a chunk below 8 KiB that is not the last is refused", () => {
    const small = [content.subarray(0, 100), content.subarray(100, 200)];
    const headers: HeaderField[] = [
      ["x-amz-content-sha256", modeNames.signed],
      ["x-amz-decoded-content-length", "200"],
    ];
    const { request, seed } = signHeaderV4(rawRequest("PUT", objectTarget, { headers }), signer, {
      milliseconds: startMilliseconds,
    });
    const body = joinPieces(makePieces("signed", seed, small, []));
    return server.assertRefused(requestBytes({ ...request, body }), {
      status: 403,
      code: "InvalidChunkSizeError",
      message: "Only the last chunk is allowed to have a size less than 8192 bytes",
      fields: { Chunk: "2", BadChunkSize: "100" },
    });
  });

  test("UNSIGNED-PAYLOAD takes the bytes as they are", async () => {
    await succeed(exchange(server.port, put([["x-amz-content-sha256", "UNSIGNED-PAYLOAD"]])));
    assert.ok((await server.send("GET", objectTarget)).body.equals(content));
    await succeed(server.send("DELETE", objectTarget));
  });

  test("HTTP's own chunks around the coding need no Content-Length", async () => {
    const whole = build({ mode: "signed", place: "object" });
    const at = whole.indexOf("\r\n\r\n") + 4;
    const head = whole
      .subarray(0, at)
      .toString("latin1")
      .replace(/Content-Length: \d+/, "Transfer-Encoding: chunked");
    const encoded: Buffer[] = [Buffer.from(head, "latin1")];
    for (let from = at; from < whole.byteLength; from += 10_000) {
      const piece = whole.subarray(from, from + 10_000);
      encoded.push(Buffer.from(`${piece.byteLength.toString(16)}\r\n`), piece, Buffer.from("\r\n"));
    }
    const unfinished = Buffer.concat(encoded);
    // Cut off before HTTP's own end, the body is not whole although the coding in it is.
    await server.assertRefused(unfinished, incomplete, { endsSending: true });
    await succeed(exchange(server.port, Buffer.concat([unfinished, Buffer.from("0\r\n\r\n")])));
    assert.ok((await server.send("GET", objectTarget)).body.equals(content));
    await succeed(server.send("DELETE", objectTarget));
  });

  test("a body that arrives byte by byte is decoded the same", async () => {
    const small = content.subarray(0, 9000);
    const headers: HeaderField[] = [
      ["x-amz-content-sha256", modeNames.signed],
      ["x-amz-decoded-content-length", String(small.byteLength)],
    ];
    const { request, seed } = signHeaderV4(rawRequest("PUT", objectTarget, { headers }), signer, {
      milliseconds: startMilliseconds,
    });
    const cut = [small.subarray(0, 8192), small.subarray(8192)];
    const body = joinPieces(makePieces("signed", seed, cut, []));
    const answer = await sendInPieces(headBytes({ ...request, body }), body, 97);
    assert.equal(answer.status, 200, answer.text);
    assert.ok((await server.send("GET", objectTarget)).body.equals(small));
    await succeed(server.send("DELETE", objectTarget));
  });
});

async function sendInPieces(head: Buffer, body: Buffer, pieceBytes: number): Promise<RawAnswer> {
  using client = await RawClient.connect(server.port);
  client.send(head);
  for (let from = 0; from < body.byteLength; from += pieceBytes) {
    client.send(body.subarray(from, from + pieceBytes));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return await readAnswer(client);
}

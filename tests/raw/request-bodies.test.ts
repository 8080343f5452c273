// How much of a body arrives, and what is promised about it: lengths that lie, digests that do not fit,
// 100 Continue, and bodies where none belongs.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { RawClient } from "../http/raw-client.ts";
import { patternBytes } from "../s3/test-server.ts";
import {
  assertError,
  exchange,
  headBytes,
  rawRequest,
  readAnswer,
  requestBytes,
  type Expectation,
} from "./raw-client.ts";
import { eventually, startRawServer, succeed, blobFilesIn } from "./raw-server.ts";
import { sha256Hex, type HeaderField, type RawRequest } from "./raw-signer.ts";

const server = await startRawServer();
const { bucket } = server;
const target = `/${bucket}/new`;
const large = patternBytes(300_000);
const unsigned: HeaderField = ["x-amz-content-sha256", "UNSIGNED-PAYLOAD"];

/** Content-Length is not signed: it is said after signing, whatever the body. */
function put(framing: readonly HeaderField[], body: string | Uint8Array): Buffer {
  const request = server.sign(rawRequest("PUT", target, { headers: [unsigned], body }));
  const { method, headers } = request;
  const lines = [...headers, ...framing].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines}\r\n`, "latin1");
  return Buffer.concat([head, request.body]);
}

const incomplete: Expectation = { status: 400, code: "IncompleteBody" };
const malformed: Expectation = { status: 400, code: "BadRequest" };
const missingLength: Expectation = {
  status: 411,
  code: "MissingContentLength",
  message: "You must provide the Content-Length HTTP header.",
};

describe("the length of a body", () => {
  for (const [size, body] of [
    ["small", large.subarray(0, 100)],
    ["large", large],
  ] as const) {
    test(`a ${size} body that ends too early is incomplete`, () =>
      server.assertRefused(
        put([["Content-Length", String(body.byteLength + 1)]], body),
        incomplete,
        { endsSending: true },
      ));

    test(`a ${size} body whose client vanishes leaves nothing`, async () => {
      const before = await server.traces();
      {
        using client = await RawClient.connect(server.port);
        client.send(put([["Content-Length", "10000000"]], body));
        const begun = (): Promise<boolean> =>
          blobFilesIn(server.directory).then((files) => files.length > before.blobFiles.length);
        assert.equal(await eventually(begun, 2000), size === "large", "a blob was begun");
      }
      const isGone = (): Promise<boolean> =>
        blobFilesIn(server.directory).then((files) => files.length === before.blobFiles.length);
      assert.ok(await eventually(isGone), "the blob that was begun is removed");
      assert.deepEqual(await server.traces(), before);
    });
  }

  test("bytes beyond the length are not the object's, and no request either", async () => {
    const bytes = put([["Content-Length", "5"]], "12345DELETE /x");
    using client = await RawClient.connect(server.port);
    client.send(bytes);
    client.endSending();
    assert.equal((await readAnswer(client)).status, 200);
    const rest = await client.closed();
    assert.equal((await server.send("GET", target)).text, "12345");
    assert.ok(rest.byteLength === 0 || rest.toString("latin1").includes("400 Bad Request"));
    await succeed(server.send("DELETE", target));
  });

  const lies: readonly (readonly [string, readonly HeaderField[], Expectation])[] = [
    ["no length", [], missingLength],
    ["an empty length", [["Content-Length", ""]], malformed],
    ["a negative length", [["Content-Length", "-1"]], malformed],
    ["a length in words", [["Content-Length", "five"]], malformed],
    ["a broken length", [["Content-Length", "5.0"]], malformed],
    ["a length with a sign", [["Content-Length", "+5"]], malformed],
    ["two lengths in one field", [["Content-Length", "5, 5"]], malformed],
    [
      "two lengths that differ",
      [
        ["Content-Length", "5"],
        ["Content-Length", "6"],
      ],
      malformed,
    ],
    [
      "the same length twice",
      [
        ["Content-Length", "5"],
        ["Content-Length", "5"],
      ],
      malformed,
    ],
    [
      "a length and a transfer coding",
      [
        ["Content-Length", "5"],
        ["Transfer-Encoding", "chunked"],
      ],
      malformed,
    ],
    [
      "a transfer coding and a length",
      [
        ["Transfer-Encoding", "chunked"],
        ["Content-Length", "5"],
      ],
      malformed,
    ],
    ["a transfer coding in disguise", [["Transfer-Encoding", "\x0bchunked"]], malformed],
    [
      "another transfer coding",
      [["Transfer-Encoding", "gzip, chunked"]],
      { status: 501, code: "NotImplemented" },
    ],
  ];
  for (const [name, framing, expected] of lies) {
    test(`${name} is refused`, () => server.assertRefused(put(framing, ""), expected));
  }

  test("HTTP's chunks do not spare S3's length", () =>
    server.assertRefused(put([["Transfer-Encoding", "chunked"]], "5\r\n12345\r\n0\r\n\r\n"), {
      status: 501,
      code: "NotImplemented",
      fields: { Header: "Transfer-Encoding" },
    }));

  test("HTTP's chunks that break are an incomplete body", () => {
    const headers: HeaderField[] = [
      ["x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"],
      ["x-amz-decoded-content-length", "300000"],
      ["Transfer-Encoding", "chunked"],
    ];
    const body = Buffer.concat([Buffer.from("493e0\r\n"), large.subarray(0, 200_000)]);
    const request = server.sign(rawRequest("PUT", target, { headers, body }));
    return server.assertRefused(requestBytes(request), incomplete, { endsSending: true });
  });

  for (const [name, path] of [
    ["an object", target],
    ["a part", `/${bucket}/upload?partNumber=1&uploadId=${server.uploadId}`],
  ] as const) {
    test(`${name} above 5 GiB is refused before a byte of it is read`, async () => {
      const declared = String(5 * 1024 ** 3 + 1);
      const headers: HeaderField[] = [unsigned, ["Content-Length", declared]];
      const request = server.sign(rawRequest("PUT", path, { headers }));
      await server.assertRefused(headBytes(request), {
        status: 400,
        code: "EntityTooLarge",
        message: "Your proposed upload exceeds the maximum allowed size",
        fields: { ProposedSize: declared, MaxSizeAllowed: String(5 * 1024 ** 3) },
      });
    });
  }
});

describe("the digests of a body", () => {
  const md5 = createHash("md5").update("right").digest("base64");
  const cases: readonly (readonly [string, readonly HeaderField[], string, Expectation])[] = [
    [
      "a wrong Content-MD5",
      [["Content-MD5", md5]],
      "wrong",
      {
        status: 400,
        code: "BadDigest",
        message: "The Content-MD5 you specified did not match what we received.",
        fields: {
          ExpectedDigest: md5,
          CalculatedDigest: createHash("md5").update("wrong").digest("base64"),
        },
      },
    ],
    ...["abc", "", "1B2M2Y8AsgTpgAmY7PhCfg", "1B2M2Y8AsgTpgAmY7PhCfg==x", "a".repeat(32)].map(
      (value) =>
        [
          `the malformed Content-MD5 ${JSON.stringify(value)}`,
          [["Content-MD5", value]],
          "right",
          {
            status: 400,
            code: "InvalidDigest",
            message: "The Content-MD5 you specified was invalid.",
            fields: { "Content-MD5": value },
          },
        ] as const,
    ),
    ...(
      [
        ["crc32", "AAAAAA=="],
        ["crc32c", "AAAAAA=="],
        ["crc64nvme", "AAAAAAAAAAA="],
        ["sha1", "2jmj7l5rSw0yVb/vlWAYkK/YBwk="],
        ["sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="],
      ] as const
    ).flatMap(
      ([name, value]) =>
        [
          [
            `a wrong ${name}`,
            [[`x-amz-checksum-${name}`, value]],
            "wrong",
            {
              status: 400,
              code: "BadDigest",
              message: `The ${name.toUpperCase()} you specified did not match the calculated checksum.`,
            },
          ],
          [
            `a malformed ${name}`,
            [[`x-amz-checksum-${name}`, value.slice(1)]],
            "wrong",
            {
              status: 400,
              code: "InvalidRequest",
              message: `Value for x-amz-checksum-${name} header is invalid.`,
            },
          ],
        ] as const,
    ),
    [
      "two checksums",
      [
        ["x-amz-checksum-crc32", "AAAAAA=="],
        ["x-amz-checksum-sha1", "2jmj7l5rSw0yVb/vlWAYkK/YBwk="],
      ],
      "",
      {
        status: 400,
        code: "InvalidRequest",
        message:
          "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
      },
    ],
    [
      "a checksum that nobody knows",
      [["x-amz-checksum-md4", "AAAAAA=="]],
      "",
      {
        status: 400,
        code: "InvalidRequest",
        message: "The algorithm type you specified in x-amz-checksum- header is invalid.",
      },
    ],
    [
      "an announced algorithm without its checksum",
      [["x-amz-sdk-checksum-algorithm", "CRC32"]],
      "",
      { status: 400, code: "InvalidRequest", message: /no corresponding x-amz-checksum-\*/ },
    ],
  ];
  for (const [name, headers, body, expected] of cases) {
    test(`${name} is refused`, () => {
      const request = rawRequest("PUT", target, { headers, body });
      return server.assertRefused(requestBytes(server.sign(request)), expected);
    });
  }

  test("a wrong digest of a large body takes its blob away", () => {
    const request = rawRequest("PUT", target, { headers: [["Content-MD5", md5]], body: large });
    const expected = { status: 400, code: "BadDigest" };
    return server.assertRefused(requestBytes(server.sign(request)), expected);
  });

  test("a refused body does not touch the object that was there", async () => {
    const headers: HeaderField[] = [["Content-MD5", md5]];
    const request = server.sign(rawRequest("PUT", `/${bucket}/old`, { headers, body: large }));
    await server.assertRefused(requestBytes(request), { status: 400, code: "BadDigest" });
    assert.equal((await server.send("GET", `/${bucket}/old`)).text, "old bytes");
  });
});

const expecting = (path: string, headers: readonly HeaderField[] = []): RawRequest =>
  rawRequest("PUT", path, {
    headers: [
      ["Expect", "100-continue"],
      ["x-amz-content-sha256", sha256Hex(large)],
      ["Content-Length", String(large.byteLength)],
      ...headers,
    ],
  });

describe("Expect: 100-continue", () => {
  test("is continued when the headers are in order", async () => {
    using client = await RawClient.connect(server.port);
    client.send(headBytes(server.sign(expecting(target))));
    assert.equal((await client.response()).status, 100);
    client.send(large);
    assert.equal((await readAnswer(client)).status, 200);
    assert.ok((await server.send("GET", target)).body.equals(large));
    await succeed(server.send("DELETE", target));
  });

  const refusals: readonly (readonly [string, () => RawRequest, Expectation])[] = [
    ["no signature", () => expecting(target), { status: 403, code: "AccessDenied" }],
    [
      "a wrong signature",
      () => {
        const request = server.sign(expecting(target));
        return { ...request, target: `/${bucket}/old` };
      },
      { status: 403, code: "SignatureDoesNotMatch" },
    ],
    [
      "a bucket that is not there",
      () => server.sign(expecting("/no-such-bucket/key")),
      { status: 404, code: "NoSuchBucket", fields: { BucketName: "no-such-bucket" } },
    ],
    [
      "an upload that is not there",
      () => server.sign(expecting(`${target}?partNumber=1&uploadId=none`)),
      { status: 404, code: "NoSuchUpload" },
    ],
    [
      "a condition that does not hold",
      () => server.sign(expecting(`/${bucket}/old`, [["If-None-Match", "*"]])),
      { status: 412, code: "PreconditionFailed", fields: { Condition: "If-None-Match" } },
    ],
    [
      "a malformed Content-MD5",
      () => server.sign(expecting(target, [["Content-MD5", "abc"]])),
      { status: 400, code: "InvalidDigest" },
    ],
    [
      "a storage class that does not exist",
      () => server.sign(expecting(target, [["x-amz-storage-class", "ATTIC"]])),
      { status: 400, code: "InvalidStorageClass" },
    ],
  ];
  for (const [name, build, expected] of refusals) {
    test(`is refused at once with ${name}, and no 100 before`, async () => {
      const before = await server.traces();
      using client = await RawClient.connect(server.port);
      client.send(headBytes(build()));
      const { status, headers, body } = await client.response();
      assertError({ status, headers, body, text: body.toString("utf8") }, expected);
      assert.deepEqual(await server.traces(), before);
    });
  }

  test("another expectation is ignored", async () => {
    const fields: HeaderField[] = [
      ["Expect", "200-ok"],
      ["Content-Length", "4"],
    ];
    using client = await RawClient.connect(server.port);
    client.send(put(fields, "text"));
    assert.equal((await client.response()).status, 200);
    await succeed(server.send("DELETE", target));
  });
});

describe("a body where none belongs", () => {
  const body = `GET /${bucket}/smuggled HTTP/1.1\r\nHost: h\r\n\r\n`;
  const cases: readonly (readonly [string, string, number])[] = [
    ["GET", `/${bucket}/old`, 200],
    ["HEAD", `/${bucket}/old`, 200],
    ["GET", "/", 200],
    ["DELETE", `/${bucket}/none`, 204],
  ];
  for (const [method, path, status] of cases) {
    test(`${method} ${path} ignores it, and it is no request`, async () => {
      const request = rawRequest(method, path, {
        headers: [["Content-Length", String(body.length)]],
        body,
      });
      const before = await server.traces();
      using client = await RawClient.connect(server.port);
      client.send(requestBytes(server.sign(request)));
      assert.equal((await readAnswer(client, method)).status, status);
      client.send(requestBytes(server.sign(rawRequest("GET", `/${bucket}/old`))));
      assert.equal((await readAnswer(client)).text, "old bytes");
      client.endSending();
      assert.equal((await client.closed()).byteLength, 0, "two requests, two answers");
      assert.deepEqual(await server.traces(), before);
    });
  }

  test("an unread large body does not take the answer away", async () => {
    const request = rawRequest("DELETE", `/${bucket}/none`, { body: Buffer.alloc(4_000_000) });
    const answer = await exchange(server.port, requestBytes(server.sign(request)));
    assert.equal(answer.status, 204);
  });
});

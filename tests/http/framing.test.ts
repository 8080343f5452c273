// Requests whose framing two readers could understand differently are refused, never guessed at.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { RawClient } from "./raw-client.ts";
import { startTestServer } from "./test-server.ts";

const smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

const malformedRequests: readonly (readonly [string, string])[] = [
  [
    "Content-Length with Transfer-Encoding",
    `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  ],
  [
    "Transfer-Encoding with Content-Length",
    `POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${smuggled}`,
  ],
  [
    "two different Content-Lengths",
    `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 36\r\n\r\n${smuggled}`,
  ],
  [
    "two equal Content-Lengths",
    `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx${smuggled}`,
  ],
  ["a list of Content-Lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\nx"],
  ["a negative Content-Length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n"],
  ["a signed Content-Length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\nx"],
  ["a hexadecimal Content-Length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\nx"],
  [
    "a Content-Length that no number holds",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9007199254740993\r\n\r\nx",
  ],
  ["an empty Content-Length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n"],
  [
    "two Transfer-Encodings",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "Transfer-Encoding that does not end in chunked",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
  ],
  [
    "Transfer-Encoding in HTTP/1.0",
    "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "a tab beside the value of Transfer-Encoding",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "a tab beside the value of Content-Length",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\t\r\n\r\nx",
  ],
  ["a blank before the colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n"],
  [
    "a blank before the colon of Content-Length",
    `POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 36\r\n\r\n${smuggled}`,
  ],
  ["a folded header", "GET / HTTP/1.1\r\nHost: h\r\nX-A: b\r\n c\r\n\r\n"],
  ["a header line that begins with a blank", "GET / HTTP/1.1\r\n Host: h\r\n\r\n"],
  ["bare line feeds", "GET / HTTP/1.1\nHost: h\n\n"],
  ["a bare line feed after a header", "GET / HTTP/1.1\r\nHost: h\nX-A: b\r\n\r\n"],
  ["a bare carriage return in a header", "GET / HTTP/1.1\r\nHost: h\rX-A: b\r\n\r\n"],
  ["a null byte in a header", "GET / HTTP/1.1\r\nHost: h\r\nX-A: a\0b\r\n\r\n"],
  ["a header without a name", "GET / HTTP/1.1\r\nHost: h\r\n: b\r\n\r\n"],
  ["no Host", "GET / HTTP/1.1\r\nX-A: b\r\n\r\n"],
  ["two Hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n"],
  ["an invalid character in the method", "G(T / HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["a blank in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["an unknown version", "GET / HTTP/3.7\r\nHost: h\r\n\r\n"],
  ["no HTTP at all", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n"],
];

describe("malformed framing", () => {
  for (const [name, bytes] of malformedRequests) {
    test(`refuses ${name} and closes`, async () => {
      await using server = await startTestServer();
      using client = await RawClient.connect(server.port);
      client.send(bytes);
      const response = await client.response();
      assert.equal(response.status, 400);
      assert.equal(response.body.toString(), "refused: malformed");
      assert.equal(response.headers.get("connection"), "close");
      client.endSending();
      assert.equal((await client.closed()).length, 0, "nothing follows the refusal");
      assert.deepEqual(server.seen, [], "no handler saw anything");
    });
  }

  const brokenChunks: readonly (readonly [string, string])[] = [
    ["a size that is not hexadecimal", "xyz\r\nabc\r\n0\r\n\r\n"],
    ["a size with a sign", "+3\r\nabc\r\n0\r\n\r\n"],
    ["a size with a prefix", "0x3\r\nabc\r\n0\r\n\r\n"],
    ["a chunk longer than its size", "2\r\nabc\r\n0\r\n\r\n"],
    ["bare line feeds", "3\nabc\n0\n\n"],
    ["a size that no number holds", "fffffffffffffffff\r\nabc\r\n"],
  ];
  for (const [name, body] of brokenChunks) {
    test(`ends a chunked body with ${name} as aborted`, async () => {
      await using server = await startTestServer();
      using client = await RawClient.connect(server.port);
      client.send(
        `PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${body}${smuggled}`,
      );
      const response = await client.response();
      assert.equal(response.status, 400);
      assert.equal(response.body.toString(), "RequestAbortedError");
      client.endSending();
      await client.closed();
      assert.deepEqual(server.seen, []);
    });
  }

  test("refuses a transfer coding that it cannot undo", async () => {
    await using server = await startTestServer();
    using client = await RawClient.connect(server.port);
    client.send("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
    const response = await client.response();
    assert.equal(response.body.toString(), "refused: transfer-coding-unsupported");
    client.endSending();
    await client.closed();
  });

  test("refuses CONNECT", async () => {
    await using server = await startTestServer();
    using client = await RawClient.connect(server.port);
    client.send("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n");
    assert.equal((await client.response()).body.toString(), "refused: method-unsupported");
    client.endSending();
    await client.closed();
  });

  test("answers the requests before a malformed one first", async () => {
    await using server = await startTestServer({}, async (request) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { status: 200, headers: [], body: request.target };
    });
    using client = await RawClient.connect(server.port);
    client.send(
      "GET /first HTTP/1.1\r\nHost: h\r\n\r\nGET /second HTTP/1.1\r\nHost: h\r\n\r\nnonsense\r\n\r\n",
    );
    assert.equal((await client.response()).body.toString(), "/first");
    assert.equal((await client.response()).body.toString(), "/second");
    assert.equal((await client.response()).body.toString(), "refused: malformed");
    client.endSending();
    await client.closed();
  });

  test("answers requests before one with two Hosts first, and nothing after it", async () => {
    await using server = await startTestServer();
    using client = await RawClient.connect(server.port);
    client.send(
      `GET /first HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n${smuggled}`,
    );
    assert.equal((await client.response()).status, 200);
    assert.equal((await client.response()).body.toString(), "refused: malformed");
    client.endSending();
    assert.equal((await client.closed()).length, 0);
    assert.deepEqual(
      server.seen.map((request) => request.target),
      ["/first"],
    );
  });
});

describe("bounds of the header section", () => {
  test("refuses more bytes than allowed", async () => {
    await using server = await startTestServer({ limits: { maximumHeaderBytes: 4096 } });
    using client = await RawClient.connect(server.port);
    client.send(`GET / HTTP/1.1\r\nHost: h\r\nX-A: ${"a".repeat(5000)}\r\n\r\n`);
    assert.equal((await client.response()).body.toString(), "refused: headers-too-large");
    client.endSending();
    await client.closed();
  });

  test("refuses more fields than allowed instead of dropping some", async () => {
    await using server = await startTestServer({ limits: { maximumHeaderFields: 10 } });
    using client = await RawClient.connect(server.port);
    client.send(`GET / HTTP/1.1\r\nHost: h\r\n${"X-A: b\r\n".repeat(10)}\r\n`);
    assert.equal((await client.response()).body.toString(), "refused: headers-too-large");
    client.endSending();
    await client.closed();
    assert.deepEqual(server.seen, []);
  });

  test("hands target, header values and their order over as sent", async () => {
    let raw: readonly string[] = [];
    await using server = await startTestServer({}, async (request) => {
      raw = request.headers.raw;
      return { status: 200, headers: [], body: request.target };
    });
    using client = await RawClient.connect(server.port);
    client.send(
      "GET /a%2f/../b//c?x=%zz&y HTTP/1.1\r\nHost: h\r\nX-B:  caf\xe9 \r\nx-a: 1\r\nX-A: 2\r\n\r\n",
    );
    assert.equal((await client.response()).body.toString(), "/a%2f/../b//c?x=%zz&y");
    assert.deepEqual(raw, ["Host", "h", "X-B", "caf\xe9", "x-a", "1", "X-A", "2"]);
  });
});

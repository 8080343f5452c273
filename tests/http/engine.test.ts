// What a connection promises beside requests and answers in order: TLS, patience with slow clients and
// its end, memory that producers may use again, fairness, and answers that HTTP cannot carry.

import assert from "node:assert/strict";
import { connect as connectTls } from "node:tls";
import { describe, test } from "node:test";
import { ManualClock } from "../../src/base/clock.ts";
import type { HttpHandler, HttpResponse } from "../../src/http/http-message.ts";
import { RawClient } from "./raw-client.ts";
import { testCertificate, testKey } from "./test-certificate.ts";
import { eventually, startTestServer } from "./test-server.ts";

const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

const echo: HttpHandler = async (request) => {
  const parts: Uint8Array[] = [];
  for await (const part of request.body) parts.push(part);
  return {
    status: 200,
    headers: ["X-Encrypted", String(request.isEncrypted)],
    body: Buffer.concat(parts),
  };
};

/** Everything that the server sends to a client that sends these bytes and waits for the end. */
async function talk(port: number, bytes: Uint8Array): Promise<Buffer> {
  const socket = connectTls({
    port,
    host: "127.0.0.1",
    ca: testCertificate,
    ALPNProtocols: ["http/1.1"],
  });
  const parts: Buffer[] = [];
  socket.on("data", (part) => parts.push(part));
  socket.write(bytes);
  await new Promise<void>((resolve, reject) => {
    socket.once("end", resolve);
    socket.once("error", reject);
  });
  assert.equal(socket.alpnProtocol, "http/1.1");
  socket.destroy();
  return Buffer.concat(parts);
}

describe("TLS", () => {
  const tls = { key: testKey, certificate: testCertificate };

  for (const bodyBytes of [10, 20_000, 3_000_000]) {
    test(`carries ${bodyBytes} bytes there and back`, async () => {
      await using server = await startTestServer({ tls }, echo);
      const body = Buffer.alloc(bodyBytes, "0123456789");
      const head = `PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: ${bodyBytes}\r\n\r\n`;
      const answer = await talk(server.port, Buffer.concat([Buffer.from(head), body]));
      const bodyStart = answer.indexOf("\r\n\r\n") + 4;
      assert.match(answer.toString("latin1", 0, bodyStart), /X-Encrypted: true/);
      assert.ok(answer.subarray(bodyStart).equals(body));
    });
  }

  test("carries pipelined requests and streams", async () => {
    await using server = await startTestServer({ tls }, async (request) => ({
      status: 200,
      headers: ["Content-Length", "200000"],
      body: (async function* () {
        for (let count = 0; count < 20; count += 1) yield Buffer.alloc(10_000, request.target[1]);
      })(),
    }));
    const requests = ["/a", "/b"].map((target) => `GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`);
    const last = "GET /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    const answers = await talk(server.port, Buffer.from(requests.join("") + last));
    for (const letter of ["a", "b", "c"]) {
      assert.ok(answers.includes(`\r\n\r\n${letter.repeat(200_000)}`), `the answer to /${letter}`);
    }
  });

  test("lets go of a client that never finishes its handshake", async () => {
    const limits = { headerTimeoutMilliseconds: 100 };
    await using server = await startTestServer({ tls, limits });
    using client = await RawClient.connect(server.port);
    await client.closed();
  });

  test("lets go of a client that does not speak it", async () => {
    await using server = await startTestServer({ tls });
    using client = await RawClient.connect(server.port);
    client.send(get);
    await client.closed();
    assert.deepEqual(server.seen, []);
  });
});

describe("slow clients", () => {
  test("that drip a body for ever lose patience's end with RequestTimeoutError", async () => {
    const limits = {
      idleTimeoutMilliseconds: 1000,
      minimumBodyBytesPerSecond: 1000,
      slowBodyGraceMilliseconds: 200,
    };
    await using server = await startTestServer({ limits });
    using client = await RawClient.connect(server.port);
    client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
    const began = performance.now();
    const drip = setInterval(() => client.send("a"), 20);
    try {
      assert.equal((await client.response()).body.toString(), "RequestTimeoutError");
      assert.ok(performance.now() - began >= 200, "not before its grace has passed");
    } finally {
      clearInterval(drip);
    }
  });

  test("that drip their header are refused however regularly they do", async () => {
    await using server = await startTestServer({ limits: { headerTimeoutMilliseconds: 150 } });
    using client = await RawClient.connect(server.port);
    const drip = setInterval(() => client.send("a"), 10);
    try {
      client.send("GET / HTTP/1.1\r\nHost: h\r\nX: ");
      assert.equal((await client.response()).body.toString(), "refused: timeout");
    } finally {
      clearInterval(drip);
    }
  });

  test("are told at once that nonsense is no request, before its end", async () => {
    await using server = await startTestServer();
    for (const bytes of [
      "\x16\x03\x01\x02\x00",
      "hello\r\n",
      "GET / HTTP/1.1\n",
      "PRI * HTTP/2.0\r\n",
    ]) {
      using client = await RawClient.connect(server.port);
      client.send(bytes);
      assert.equal((await client.response()).body.toString(), "refused: malformed", bytes);
    }
  });

  test("that pipeline and never read their answers are held back, then cut off", async () => {
    let answered = 0;
    const limits = { idleTimeoutMilliseconds: 300, maximumPipelinedRequests: 1000 };
    await using server = await startTestServer({ limits }, async () => {
      answered += 1;
      return { status: 200, headers: [], body: Buffer.alloc(512 * 1024) };
    });
    using client = await RawClient.connect(server.port);
    client.socket.pause();
    client.send(get.repeat(200));
    await eventually(() => answered > 0, "the first was answered");
    await sleep(1000);
    client.socket.resume();
    await client.closed();
    assert.ok(answered < 40, `${answered} answers made for a client that takes none`);
  });
});

describe("streams", () => {
  test("may use the memory of a chunk again when the next one is asked for", async () => {
    const rounds = 200;
    const shared = Buffer.alloc(40_000);
    await using server = await startTestServer({}, async () => ({
      status: 200,
      headers: ["Content-Length", String(rounds * shared.length)],
      body: (async function* () {
        for (let round = 0; round < rounds; round += 1) yield shared.fill(round);
      })(),
    }));
    using client = await RawClient.connect(server.port);
    client.socket.pause();
    client.send(get);
    await sleep(50);
    client.socket.resume();
    const { body } = await client.response();
    const expected = Buffer.concat(
      Array.from({ length: rounds }, (_, round) => Buffer.alloc(shared.length, round)),
    );
    assert.ok(body.equals(expected));
  });

  test("do not keep the server from others, however fast they and their clients are", async () => {
    await using server = await startTestServer({}, async (request) => {
      if (request.target === "/small") return { status: 200, headers: [], body: "small" };
      return {
        status: 200,
        headers: [],
        body: (async function* () {
          const chunk = Buffer.alloc(16 * 1024);
          for (;;) yield chunk;
        })(),
      };
    });
    using endless = await RawClient.connect(server.port);
    endless.send(get);
    await sleep(20);
    using other = await RawClient.connect(server.port);
    other.send("GET /small HTTP/1.1\r\nHost: h\r\n\r\n");
    assert.equal((await other.response()).body.toString(), "small");
  });

  test("to clients of HTTP/1.0 end with the connection", async () => {
    await using server = await startTestServer({}, async () => ({
      status: 200,
      headers: [],
      body: (async function* () {
        yield Buffer.from("one ");
        yield Buffer.from("two");
      })(),
    }));
    using client = await RawClient.connect(server.port);
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const response = await client.response();
    assert.equal(response.headers.get("transfer-encoding"), undefined);
    assert.equal(response.headers.get("connection"), "close");
    assert.equal(response.body.toString(), "one two");
  });
});

describe("answers", () => {
  const impossible: readonly (readonly [string, HttpResponse])[] = [
    ["a line end in a value", { status: 200, headers: ["X-A", "a\r\nX-B: b"] }],
    ["a character beyond Latin-1", { status: 200, headers: ["X-A", "\u010a"] }],
    ["a blank in a name", { status: 200, headers: ["X A", "a"] }],
    ["a field of the connection", { status: 200, headers: ["Transfer-Encoding", "chunked"] }],
    ["a status below 200", { status: 100, headers: [] }],
    ["a wrong length", { status: 200, headers: ["Content-Length", "5"], body: "abc" }],
  ];
  for (const [name, answer] of impossible) {
    test(`with ${name} are not sent`, async () => {
      const settled: unknown[] = [];
      await using server = await startTestServer({}, async () => ({
        ...answer,
        onSettled: (_bytes, failure) => settled.push(failure),
      }));
      using client = await RawClient.connect(server.port);
      client.send(get);
      assert.equal((await client.closed()).length, 0);
      assert.equal(server.responseErrors.length, 1);
      assert.ok(settled[0] instanceof Error);
    });
  }

  test("carry the date of the server's clock", async () => {
    const clock = new ManualClock(Date.UTC(2031, 1, 2, 3, 4, 5));
    await using server = await startTestServer({ clock });
    using client = await RawClient.connect(server.port);
    for (const date of ["Sun, 02 Feb 2031 03:04:05 GMT", "Sun, 02 Feb 2031 03:04:06 GMT"]) {
      client.send(get);
      assert.equal((await client.response()).headers.get("date"), date);
      clock.advance(1000);
    }
  });

  test("to HTTP/1.0 with keep-alive let the connection go on", async () => {
    await using server = await startTestServer();
    using client = await RawClient.connect(server.port);
    for (const _ of [1, 2]) {
      client.send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
      assert.equal((await client.response()).headers.get("connection"), "keep-alive");
    }
  });

  test("of many connections at once reach the right client", async () => {
    await using server = await startTestServer({}, async (request) => {
      await sleep(Number(request.target.slice(1)) % 3);
      return { status: 200, headers: [], body: request.target.repeat(500) };
    });
    const clients = await Promise.all(
      Array.from({ length: 30 }, () => RawClient.connect(server.port)),
    );
    for (let round = 0; round < 20; round += 1) {
      const answers = clients.map(async (client, index) => {
        const target = `/${round * 100 + index}`;
        client.send(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`);
        assert.equal((await client.response()).body.toString(), target.repeat(500));
      });
      await Promise.all(answers);
    }
    for (const client of clients) client[Symbol.dispose]();
  });

  test("are never made of a handler that throws or rejects", async () => {
    await using server = await startTestServer({}, (request) => {
      if (request.target === "/throw") throw new Error("thrown");
      return Promise.reject(new Error("rejected"));
    });
    for (const target of ["/throw", "/reject"]) {
      using client = await RawClient.connect(server.port);
      client.send(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`);
      assert.equal((await client.closed()).length, 0);
    }
    assert.deepEqual(server.responseErrors.map(String), ["Error: thrown", "Error: rejected"]);
  });
});

test("a client may send an empty line before its request", async () => {
  await using server = await startTestServer();
  using client = await RawClient.connect(server.port);
  client.send(`\r\n${get}`);
  assert.equal((await client.response()).status, 200);
  client.send("\r\n");
  await sleep(10);
  client.send(get);
  assert.equal((await client.response()).status, 200);
});

test("a large body waits in the socket until it is asked for", async () => {
  const asked = Promise.withResolvers<void>();
  let receivedBytes = 0;
  await using server = await startTestServer({}, async (request) => {
    await asked.promise;
    for await (const part of request.body) receivedBytes += part.byteLength;
    return { status: 200, headers: [], body: "all" };
  });
  using client = await RawClient.connect(server.port);
  const body = Buffer.alloc(32 * 1024 * 1024);
  client.send(`PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n`);
  client.send(body);
  await sleep(200);
  const heldBytes = body.length - client.socket.writableLength;
  assert.ok(heldBytes < 16 * 1024 * 1024, `${heldBytes} bytes were taken before anybody asked`);
  asked.resolve();
  assert.equal((await client.response()).body.toString(), "all");
  assert.equal(receivedBytes, body.length);
});

// The life of requests and responses on a connection: order, continuation, streaming, aborts, time.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { RequestAbortedError, type HttpResponse } from "../../src/http/http-message.ts";
import { RawClient } from "./raw-client.ts";
import { eventually, startTestServer } from "./test-server.ts";

const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** The answer as a client gets it, twice on one connection, so that wrong framing shows. */
async function answerTo(method: string, answer: HttpResponse) {
  await using server = await startTestServer({}, async () => answer);
  using client = await RawClient.connect(server.port);
  client.send(`${method} / HTTP/1.1\r\nHost: h\r\n\r\n`);
  const first = await client.response({ method });
  client.send(`${method} / HTTP/1.1\r\nHost: h\r\n\r\n`);
  const second = await client.response({ method });
  assert.deepEqual(second.body, first.body, "the connection stays in step");
  return first;
}

async function* inTwoChunks(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("one ");
  await sleep(2);
  yield Buffer.alloc(0);
  yield Buffer.from("two");
}

describe("requests on one connection", () => {
  test("are handled one after the other, and answered in order", async () => {
    let running = 0;
    let mostRunning = 0;
    await using server = await startTestServer({}, async (request) => {
      running += 1;
      mostRunning = Math.max(mostRunning, running);
      await sleep(request.target === "/0" ? 30 : 1);
      running -= 1;
      return { status: 200, headers: [], body: request.target };
    });
    using client = await RawClient.connect(server.port);
    const targets = ["/0", "/1", "/2", "/3", "/4"];
    client.send(targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`).join(""));
    for (const target of targets) {
      assert.equal((await client.response()).body.toString(), target);
    }
    assert.equal(mostRunning, 1);
  });

  test("may carry bodies while they are pipelined", async () => {
    await using server = await startTestServer();
    using client = await RawClient.connect(server.port);
    client.send("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    client.send(
      "PUT /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n",
    );
    client.send(get);
    assert.equal((await client.response()).body.toString(), "got 3");
    assert.equal((await client.response()).body.toString(), "got 3");
    assert.equal((await client.response()).body.toString(), "got 0");
    assert.deepEqual(
      server.seen.map((request) => request.body),
      ["abc", "def", ""],
    );
  });

  test("cut the connection when too many are sent ahead", async () => {
    await using server = await startTestServer(
      { limits: { maximumPipelinedRequests: 4 } },
      async () => {
        await sleep(50);
        return { status: 200, headers: [] };
      },
    );
    using client = await RawClient.connect(server.port);
    client.send(get.repeat(6));
    assert.equal((await client.closed()).length, 0);
  });

  test("get their answer after the client has ended its sending side", async () => {
    await using server = await startTestServer({}, async () => {
      await sleep(20);
      return { status: 200, headers: [], body: "late" };
    });
    using client = await RawClient.connect(server.port);
    client.send(get);
    client.endSending();
    assert.equal((await client.response()).body.toString(), "late");
    await client.closed();
  });

  test("are closed after an answer to HTTP/1.0 or with Connection: close", async () => {
    await using server = await startTestServer();
    for (const request of [
      "GET / HTTP/1.0\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    ]) {
      using client = await RawClient.connect(server.port);
      client.send(request);
      const response = await client.response();
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("connection"), "close");
      assert.equal((await client.closed()).length, 0);
    }
  });
});

describe("responses", () => {
  test("carry text as UTF-8 and header values as Latin-1", async () => {
    const response = await answerTo("GET", {
      status: 200,
      headers: ["x-amz-meta-a", "caf\xe9"],
      body: "caf\u00e9 \u20ac",
    });
    assert.equal(response.headers.get("x-amz-meta-a"), "caf\xe9");
    assert.equal(response.headers.get("content-length"), "9");
    assert.equal(response.body.toString("utf8"), "caf\u00e9 \u20ac");
  });

  test("keep Latin-1 header values beside an ASCII text", async () => {
    const headers = ["x-amz-meta-a", "\xff\xe9"];
    const response = await answerTo("GET", { status: 200, headers, body: "plain" });
    assert.equal(response.headers.get("x-amz-meta-a"), "\xff\xe9");
    assert.equal(response.body.toString(), "plain");
  });

  test("carry bytes, repeated header fields and one Date", async () => {
    const response = await answerTo("GET", {
      status: 206,
      headers: ["Date", "Tue, 01 Jan 2030 00:00:00 GMT", "X-A", "1", "X-A", "2"],
      body: Uint8Array.of(0, 255, 10),
    });
    assert.equal(response.status, 206);
    assert.deepEqual([...response.body], [0, 255, 10]);
    assert.equal(response.headers.get("date"), "Tue, 01 Jan 2030 00:00:00 GMT");
  });

  test("to HEAD keep their Content-Length and send no body", async () => {
    const response = await answerTo("HEAD", {
      status: 200,
      headers: ["Content-Length", "123456"],
      body: "not sent",
    });
    assert.equal(response.headers.get("content-length"), "123456");
  });

  test("with 204 and 304 have no body and no framing", async () => {
    for (const status of [204, 304]) {
      const response = await answerTo("GET", { status, headers: [], body: "not sent" });
      assert.equal(response.status, status);
      assert.equal(response.headers.get("content-length"), undefined);
      assert.equal(response.headers.get("transfer-encoding"), undefined);
    }
  });

  test("without a body say Content-Length: 0", async () => {
    const response = await answerTo("GET", { status: 200, headers: [] });
    assert.equal(response.headers.get("content-length"), "0");
  });

  test("stream with a declared length, and chunked without one", async () => {
    await using server = await startTestServer({}, async (request) => ({
      status: 200,
      headers: request.target === "/length" ? ["Content-Length", "7"] : [],
      body: inTwoChunks(),
    }));
    using client = await RawClient.connect(server.port);
    for (const target of ["/length", "/chunked", "/length"]) {
      client.send(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`);
      const response = await client.response();
      assert.equal(response.body.toString(), "one two");
      const coding = target === "/chunked" ? "chunked" : undefined;
      assert.equal(response.headers.get("transfer-encoding"), coding);
    }
  });

  for (const [name, declared] of [
    ["shorter", 10],
    ["longer", 3],
  ] as const) {
    test(`are cut off when their body is ${name} than declared`, async () => {
      const settled: unknown[] = [];
      await using server = await startTestServer({}, async () => ({
        status: 200,
        headers: ["Content-Length", String(declared)],
        body: (async function* () {
          yield Buffer.from("ab");
          yield Buffer.from("cd");
        })(),
        onSettled: (_bytes, failure) => settled.push(failure),
      }));
      using client = await RawClient.connect(server.port);
      client.send(get);
      await client.closed();
      assert.equal(server.responseErrors.length, 1);
      assert.match(String(settled[0]), /declared length/);
    });
  }

  test("are cut off, not ended, when their body throws", async () => {
    await using server = await startTestServer({}, async () => ({
      status: 200,
      headers: [],
      body: (async function* () {
        yield Buffer.from("begun");
        await sleep(5);
        throw new Error("block checksum");
      })(),
    }));
    using client = await RawClient.connect(server.port);
    client.send(get);
    const bytes = (await client.closed()).toString();
    assert.match(bytes, /begun/);
    assert.doesNotMatch(bytes, /\r\n0\r\n\r\n$/, "no end of the chunked body");
    assert.match(String(server.responseErrors[0]), /block checksum/);
  });

  test("close a stream that HEAD does not read", async () => {
    let isClosed = false;
    const body: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error("must not be read")),
        return: async () => {
          isClosed = true;
          return { done: true, value: undefined };
        },
      }),
    };
    await using server = await startTestServer({}, async () => ({
      status: 200,
      headers: [],
      body,
    }));
    using client = await RawClient.connect(server.port);
    client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    await client.response({ method: "HEAD" });
    await eventually(() => isClosed, "the stream was closed");
  });

  test("wait for a client that reads slowly, in constant memory", async () => {
    const chunk = Buffer.alloc(1024 * 1024, 7);
    const total = 64;
    let made = 0;
    await using server = await startTestServer({}, async () => ({
      status: 200,
      headers: ["Content-Length", String(total * chunk.length)],
      body: (async function* () {
        for (made = 0; made < total; made += 1) yield chunk;
      })(),
    }));
    using client = await RawClient.connect(server.port);
    client.socket.pause();
    client.send(get);
    await sleep(200);
    assert.ok(made < 16, `made ${made} MiB ahead of a client that reads nothing`);
    client.socket.resume();
    assert.equal((await client.response()).body.length, total * chunk.length);
  });
});

describe("100 Continue", () => {
  const head = "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";

  test("is sent when the body is asked for", async () => {
    await using server = await startTestServer();
    using client = await RawClient.connect(server.port);
    client.send(head);
    assert.equal((await client.response()).status, 100);
    client.send("abc");
    assert.equal((await client.response()).body.toString(), "got 3");
    client.send(get);
    assert.equal((await client.response()).status, 200, "the connection goes on");
  });

  test("is not sent when the answer does not need the body", async () => {
    await using server = await startTestServer({}, async () => ({ status: 403, headers: [] }));
    using client = await RawClient.connect(server.port);
    client.send(head);
    const response = await client.response();
    assert.equal(response.status, 403);
    assert.equal(response.headers.get("connection"), "close");
    client.endSending();
    await client.closed();
  });

  test("other expectations are ignored", async () => {
    await using server = await startTestServer();
    using client = await RawClient.connect(server.port);
    client.send(
      "PUT / HTTP/1.1\r\nHost: h\r\nExpect: the-unexpected\r\nContent-Length: 3\r\n\r\nabc",
    );
    assert.equal((await client.response()).status, 200);
    client.endSending();
    await client.closed();
  });
});

describe("a body that the answer did not wait for", () => {
  test("is thrown away when it is short, and the connection goes on", async () => {
    await using server = await startTestServer({}, async () => ({
      status: 403,
      headers: [],
      body: "no",
    }));
    using client = await RawClient.connect(server.port);
    for (const _ of [1, 2]) {
      client.send(
        `PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n${"a".repeat(50_000)}`,
      );
      const response = await client.response();
      assert.equal(response.status, 403);
      assert.equal(response.headers.get("connection"), "keep-alive");
      client.send("b".repeat(50_000));
    }
  });

  test("lets a client that reads late see the answer, then the connection ends", async () => {
    await using server = await startTestServer({}, async () => ({
      status: 403,
      headers: [],
      body: "no",
    }));
    using client = await RawClient.connect(server.port);
    const length = 4 * 1024 * 1024;
    client.send(`PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n`);
    client.send(Buffer.alloc(length, 97));
    await new Promise<void>((resolve) => {
      if (client.socket.writableLength === 0) resolve();
      else client.socket.once("drain", resolve);
    });
    const response = await client.response();
    assert.equal(response.body.toString(), "no");
    assert.equal(response.headers.get("connection"), "close");
    assert.equal((await client.closed()).length, 0);
  });

  test("is cut off after the bound", async () => {
    const limits = { maximumDiscardedBytes: 300_000, maximumDiscardMilliseconds: 5000 };
    await using server = await startTestServer({ limits }, async () => ({
      status: 403,
      headers: [],
      body: "no",
    }));
    using client = await RawClient.connect(server.port);
    client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n");
    assert.equal((await client.response()).status, 403);
    const chunk = Buffer.alloc(64 * 1024);
    let sent = 0;
    while (!client.isClosed && sent < 500_000_000) {
      client.send(chunk);
      sent += chunk.length;
      await sleep(1);
    }
    assert.ok(client.isClosed, "the server closed before everything was sent");
  });

  test("is abandoned half-read without stalling the connection", async () => {
    await using server = await startTestServer({}, async (request) => {
      for await (const _ of request.body) break;
      return { status: 200, headers: [], body: "enough" };
    });
    using client = await RawClient.connect(server.port);
    for (const _ of [1, 2]) {
      client.send(
        `PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n${"a".repeat(100_000)}`,
      );
      assert.equal((await client.response()).body.toString(), "enough");
      client.send("a".repeat(100_000));
    }
  });
});

describe("clients that go away", () => {
  test("in the middle of a body: its reader gets RequestAbortedError", async () => {
    const failures: unknown[] = [];
    await using server = await startTestServer({}, async (request) => {
      try {
        for await (const _ of request.body);
      } catch (error) {
        failures.push(error);
      }
      return { status: 400, headers: [] };
    });
    for (const framing of [
      "Content-Length: 10\r\n\r\nabc",
      "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    ]) {
      using client = await RawClient.connect(server.port);
      client.send(`PUT / HTTP/1.1\r\nHost: h\r\n${framing}`);
      await sleep(20);
      client.socket.resetAndDestroy();
      const count = failures.length;
      await eventually(() => failures.length > count, "the body failed");
    }
    for (const failure of failures) assert.ok(failure instanceof RequestAbortedError);
  });

  test("that only end their sending side early still get the answer", async () => {
    await using server = await startTestServer();
    using client = await RawClient.connect(server.port);
    client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
    client.endSending();
    const response = await client.response();
    assert.equal(response.body.toString(), "RequestAbortedError");
    await client.closed();
  });

  test("in the middle of a download: the stream is closed and the signal aborts", async () => {
    let isClosed = false;
    let isAborted = false;
    await using server = await startTestServer({}, async (request) => {
      request.signal.addEventListener("abort", () => (isAborted = true));
      return {
        status: 200,
        headers: [],
        body: (async function* () {
          try {
            for (;;) yield Buffer.alloc(256 * 1024);
          } finally {
            isClosed = true;
          }
        })(),
      };
    });
    using client = await RawClient.connect(server.port);
    client.send(get);
    await new Promise((resolve) => client.socket.once("data", resolve));
    client.socket.destroy();
    await eventually(() => isClosed && isAborted, "stream closed and signal aborted");
    assert.deepEqual(server.responseErrors, [], "no failure of ours");
  });

  test("before the answer: the signal aborts, the answer's stream is released", async () => {
    let answer: (() => void) | undefined;
    let isAborted = false;
    let isReleased = false;
    await using server = await startTestServer({}, async (request) => {
      request.signal.addEventListener("abort", () => (isAborted = true));
      await new Promise<void>((resolve) => (answer = resolve));
      const body = {
        [Symbol.asyncIterator]: () => ({
          next: () => Promise.reject(new Error("must not be read")),
          return: async () => {
            isReleased = true;
            return { done: true as const, value: undefined };
          },
        }),
      };
      return { status: 200, headers: [], body };
    });
    using client = await RawClient.connect(server.port);
    client.send(get);
    await eventually(() => answer !== undefined, "the request arrived");
    client.socket.resetAndDestroy();
    await eventually(() => isAborted, "the signal aborted");
    answer?.();
    await eventually(() => isReleased, "the stream was released");
  });

  test("does not abort the signal of a request that was answered", async () => {
    let signal: AbortSignal | undefined;
    await using server = await startTestServer({}, async (request) => {
      signal = request.signal;
      return { status: 200, headers: [], body: "done" };
    });
    using client = await RawClient.connect(server.port);
    client.send(get);
    await client.response();
    client.socket.destroy();
    await sleep(30);
    assert.equal(signal?.aborted, false);
  });
});

describe("slow clients", () => {
  test("that do not finish their headers are refused", async () => {
    await using server = await startTestServer({ limits: { headerTimeoutMilliseconds: 100 } });
    using client = await RawClient.connect(server.port);
    client.send("GET / HTTP/1.1\r\nHost:");
    assert.equal((await client.response()).body.toString(), "refused: timeout");
    client.endSending();
    await client.closed();
  });

  test("that send nothing at all are closed without a word", async () => {
    await using server = await startTestServer({ limits: { headerTimeoutMilliseconds: 100 } });
    using client = await RawClient.connect(server.port);
    assert.equal((await client.closed()).length, 0);
  });

  test("that stop in the middle of a body end it with RequestTimeoutError", async () => {
    await using server = await startTestServer({ limits: { idleTimeoutMilliseconds: 100 } });
    using client = await RawClient.connect(server.port);
    client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
    const response = await client.response();
    assert.equal(response.body.toString(), "RequestTimeoutError");
    assert.equal(response.headers.get("connection"), "close");
    await client.closed();
  });

  test("that send steadily are waited for", async () => {
    await using server = await startTestServer({ limits: { idleTimeoutMilliseconds: 100 } });
    using client = await RawClient.connect(server.port);
    client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\n");
    for (let count = 0; count < 8; count += 1) {
      await sleep(40);
      client.send("a");
    }
    assert.equal((await client.response()).body.toString(), "got 8");
  });

  test("are not blamed for a handler that takes longer than the idle time", async () => {
    await using server = await startTestServer(
      { limits: { idleTimeoutMilliseconds: 50 } },
      async (request) => {
        await sleep(200);
        let length = 0;
        for await (const chunk of request.body) length += chunk.length;
        await sleep(200);
        return { status: 200, headers: [], body: `slow ${length}` };
      },
    );
    using client = await RawClient.connect(server.port);
    client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    assert.equal((await client.response()).body.toString(), "slow 3");
  });

  test("that do not take the answer are cut off", async () => {
    let isClosed = false;
    await using server = await startTestServer(
      { limits: { idleTimeoutMilliseconds: 100 } },
      async () => ({
        status: 200,
        headers: [],
        body: (async function* () {
          try {
            for (;;) yield Buffer.alloc(1024 * 1024);
          } finally {
            isClosed = true;
          }
        })(),
      }),
    );
    using client = await RawClient.connect(server.port);
    client.socket.pause();
    client.send(get);
    await eventually(() => isClosed, "the stream was closed");
  });

  test("lose an idle connection after the keep-alive time", async () => {
    await using server = await startTestServer({ limits: { keepAliveTimeoutMilliseconds: 50 } });
    using client = await RawClient.connect(server.port);
    client.send(get);
    await client.response();
    assert.equal((await client.closed()).length, 0);
  });
});

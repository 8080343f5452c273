// Stopping: nothing new is accepted, what is in flight finishes, and what takes too long is cut off.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { RawClient } from "./raw-client.ts";
import { eventually, startTestServer } from "./test-server.ts";

const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

describe("draining", () => {
  test("finishes a request in flight, closes idle connections and refuses new ones", async () => {
    let isAsked = false;
    let answer: (() => void) | undefined;
    await using server = await startTestServer({}, async (request) => {
      if (request.target === "/first") return { status: 200, headers: [] };
      isAsked = true;
      await new Promise<void>((resolve) => (answer = resolve));
      return { status: 200, headers: [], body: "whole" };
    });
    using idle = await RawClient.connect(server.port);
    idle.send("GET /first HTTP/1.1\r\nHost: h\r\n\r\n");
    await idle.response();
    using untouched = await RawClient.connect(server.port);
    using busy = await RawClient.connect(server.port);
    busy.send(get);
    await eventually(() => isAsked, "the request arrived");

    const drained = server.server.drain(5000);
    await idle.closed();
    await untouched.closed();
    await assert.rejects(RawClient.connect(server.port), { code: "ECONNREFUSED" });
    assert.equal(busy.isClosed, false);
    answer?.();
    const response = await busy.response();
    assert.equal(response.body.toString(), "whole");
    assert.equal(response.headers.get("connection"), "close");
    assert.equal(await drained, true);
  });

  test("finishes a download that has begun, then closes its connection", async () => {
    let release: (() => void) | undefined;
    await using server = await startTestServer({}, async () => ({
      status: 200,
      headers: ["Content-Length", "8"],
      body: (async function* () {
        yield Buffer.from("half");
        await new Promise<void>((resolve) => (release = resolve));
        yield Buffer.from("half");
      })(),
    }));
    using client = await RawClient.connect(server.port);
    client.send(get);
    await eventually(() => release !== undefined, "the download began");
    const drained = server.server.drain(5000);
    release?.();
    assert.equal((await client.response()).body.toString(), "halfhalf");
    await client.closed();
    assert.equal(await drained, true);
  });

  test("cuts off what takes longer than its bound, and says so", async () => {
    let isAsked = false;
    await using server = await startTestServer({}, () => {
      isAsked = true;
      return new Promise(() => {});
    });
    using client = await RawClient.connect(server.port);
    client.send(get);
    await eventually(() => isAsked, "the request arrived");
    assert.equal(await server.server.drain(50), false);
    await client.closed();
  });

  test("tells the reader of an unfinished body when it is cut off", async () => {
    let failure: unknown;
    let isAsked = false;
    await using server = await startTestServer({}, async (request) => {
      isAsked = true;
      try {
        for await (const _ of request.body);
      } catch (error) {
        failure = error;
      }
      return { status: 400, headers: [] };
    });
    using client = await RawClient.connect(server.port);
    client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
    await eventually(() => isAsked, "the request arrived");
    assert.equal(await server.server.drain(50), false);
    await eventually(() => failure !== undefined, "the body failed");
  });
});

test("listening fails with the system's reason when the port is taken", async () => {
  await using server = await startTestServer();
  await assert.rejects(startTestServer({ port: server.port }), { code: "EADDRINUSE" });
});

// Clients that are slow, that stop, and that vanish, one and hundreds at once: each is let go of in time,
// and afterwards no descriptor, no blob and no memory of them is left.

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { RawClient } from "../http/raw-client.ts";
import { mebibyte, patternBytes } from "../s3/test-server.ts";
import { assertError, headBytes, rawRequest, readAnswer, requestBytes } from "./raw-client.ts";
import { blobFilesIn, eventually, startRawServer, succeed } from "./raw-server.ts";

const limits = {
  headerTimeoutMilliseconds: 400,
  idleTimeoutMilliseconds: 500,
  keepAliveTimeoutMilliseconds: 500,
  maximumDiscardMilliseconds: 300,
};
const server = await startRawServer({ limits });
const { bucket } = server;
const patience = 10_000;

const descriptors = "/proc/self/fd";
const canCount = existsSync(descriptors);
const countOptions = canCount ? {} : { skip: `this system has no ${descriptors}` };

/** Sockets of the clients count too: they are closed when this is asked. */
function openDescriptors(): number {
  return readdirSync(descriptors).length;
}

const large = patternBytes(8 * mebibyte);
await succeed(server.send("PUT", `/${bucket}/large`, { body: large }));
const get = requestBytes(server.sign(rawRequest("GET", `/${bucket}/large`)));
const putHead = headBytes(
  server.sign(
    rawRequest("PUT", `/${bucket}/new`, {
      headers: [
        ["x-amz-content-sha256", "UNSIGNED-PAYLOAD"],
        ["Content-Length", "10000000"],
      ],
    }),
  ),
);

async function blobCount(): Promise<number> {
  return (await blobFilesIn(server.directory)).length;
}

async function assertServing(): Promise<void> {
  assert.equal((await server.send("GET", `/${bucket}/old`)).text, "old bytes");
}

describe("a slow client", () => {
  test("that drips its header byte by byte is refused in time, and so are fifty", async () => {
    const head = `GET /${bucket}/old HTTP/1.1\r\nHost: h\r\nX-Slow: ${"a".repeat(500)}`;
    const began = performance.now();
    const drip = async (): Promise<void> => {
      using client = await RawClient.connect(server.port);
      for (const byte of head) {
        if (client.isClosed) break;
        client.send(byte);
        await delay(50);
      }
      await client.closed();
    };
    await Promise.all([assertServing(), ...Array.from({ length: 50 }, drip)]);
    assert.ok(performance.now() - began < patience);
  });

  test("that stops in the middle of its header is told so", async () => {
    using client = await RawClient.connect(server.port);
    client.send(`GET /${bucket}/old HTTP/1.1\r\nHost: h\r\nX-`);
    assertError(await readAnswer(client), { status: 400, code: "RequestTimeout" });
    await client.closed();
  });

  test("that says nothing at all is let go of without a word", async () => {
    using client = await RawClient.connect(server.port);
    assert.equal((await client.closed()).byteLength, 0);
  });

  test("that stops in the middle of a body is told so, and leaves no blob", async () => {
    const before = await blobCount();
    using client = await RawClient.connect(server.port);
    client.send(putHead);
    client.send(large.subarray(0, 300_000));
    assert.ok(await eventually(async () => (await blobCount()) > before));
    assertError(await readAnswer(client), {
      status: 400,
      code: "RequestTimeout",
      message:
        "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.",
    });
    await client.closed();
    assert.ok(await eventually(async () => (await blobCount()) === before));
    assert.equal((await server.send("HEAD", `/${bucket}/new`)).status, 404);
  });

  test("that is slow but steady is served", async () => {
    const body = patternBytes(20_000);
    const request = server.sign(rawRequest("PUT", `/${bucket}/steady`, { body }));
    using client = await RawClient.connect(server.port);
    client.send(headBytes(request));
    for (let from = 0; from < body.byteLength; from += 2000) {
      client.send(body.subarray(from, from + 2000));
      await delay(100);
    }
    assert.equal((await readAnswer(client)).status, 200);
    assert.ok((await server.send("GET", `/${bucket}/steady`)).body.equals(body));
    await succeed(server.send("DELETE", `/${bucket}/steady`));
  });

  test("that does not read its download is let go of", countOptions, async () => {
    const before = openDescriptors();
    const sockets = await Promise.all(Array.from({ length: 30 }, () => openPaused()));
    for (const socket of sockets) socket.write(get);
    await assertServing();
    // The server's side goes; the client learns it when it reads again.
    assert.ok(await eventually(() => openDescriptors() <= before + sockets.length, patience));
    for (const socket of sockets) socket.destroy();
    assert.ok(await eventually(() => openDescriptors() <= before, patience));
    await assertServing();
  });

  test("that reads slowly gets every byte", async () => {
    const socket = await openPaused();
    socket.write(get);
    const parts: Buffer[] = [];
    let missingBytes = Number.POSITIVE_INFINITY;
    while (missingBytes > 0) {
      const part = socket.read() as Buffer | null;
      if (part === null) {
        assert.ok(!socket.readableEnded && !socket.destroyed, "the connection stays");
        await new Promise((resolve) => socket.once("readable", resolve));
        continue;
      }
      parts.push(part);
      missingBytes -= part.byteLength;
      if (missingBytes === Number.POSITIVE_INFINITY) {
        const headBytes = part.indexOf("\r\n\r\n") + 4;
        missingBytes = headBytes + large.byteLength - part.byteLength;
      }
      if (parts.length % 20 === 0) await delay(20);
    }
    const received = Buffer.concat(parts);
    assert.ok(received.subarray(received.indexOf("\r\n\r\n") + 4).equals(large));
    socket.destroy();
  });
});

function openPaused(): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ port: server.port, host: "127.0.0.1" });
  socket.pause();
  socket.once("error", reject);
  socket.once("connect", () => {
    socket.on("error", () => {});
    resolve(socket);
  });
  return promise;
}

/** Opens, sends, waits for the first byte or a moment, and is gone. */
async function vanish(bytes: Uint8Array, afterMilliseconds: number): Promise<void> {
  const socket = await openPaused();
  socket.write(bytes);
  await delay(afterMilliseconds);
  socket.resetAndDestroy();
}

async function vanishTogether(count: number): Promise<void> {
  const halfAnUpload = Buffer.concat([putHead, large.subarray(0, 200_000)]);
  const clients = Array.from({ length: count }, (_, index) => {
    const bytes = index % 2 === 0 ? halfAnUpload : get;
    return vanish(bytes, index % 7 === 0 ? 0 : index % 100);
  });
  await Promise.all(clients);
}

test("hundreds of clients vanish in the middle of it", countOptions, async () => {
  const before = openDescriptors();
  const blobsBefore = await blobCount();
  const listings = (await server.traces()).listings;
  const memory: number[] = [];
  for (let round = 0; round < 4; round += 1) {
    await vanishTogether(300);
    await assertServing();
    assert.ok(await eventually(async () => (await blobCount()) === blobsBefore, patience));
    // A few of the requests that look at the listings may still be open.
    assert.ok(await eventually(() => openDescriptors() <= before + 4, patience));
    memory.push(process.memoryUsage().rss);
  }
  assert.deepEqual((await server.traces()).listings, listings);
  // Each round moves some 100 MiB; what it keeps must not be in proportion.
  const [, second = 0, , last = 0] = memory;
  const grownBytes = last - second;
  assert.ok(grownBytes < 64 * mebibyte, `${Math.round(grownBytes / mebibyte)} MiB more`);
});

test("more connections than allowed are turned away, and the others served", async () => {
  const small = await startRawServer({ limits: { ...limits, maximumConnections: 10 } });
  const sockets = await Promise.all(
    Array.from({ length: 40 }, () => RawClient.connect(small.port).catch(() => undefined)),
  );
  await eventually(() => sockets.filter((client) => client?.isClosed === false).length <= 10);
  assert.ok(sockets.filter((client) => client?.isClosed === false).length <= 10);
  for (const client of sockets) client?.[Symbol.dispose]();
  const isServing = async (): Promise<boolean> => {
    try {
      return (await small.send("GET", `/${small.bucket}/old`)).status === 200;
    } catch {
      return false;
    }
  };
  assert.ok(await eventually(isServing, patience));
});

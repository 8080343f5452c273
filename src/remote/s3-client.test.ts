import assert from "node:assert/strict";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { after, describe, it } from "node:test";
import { systemClock } from "../base/clock.ts";
import { RemoteS3Client } from "./s3-client.ts";

const refusal = "<Error><Code>NoSuchBucket</Code></Error>";
const head = (status: string, length: number): string =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`;

/** A server that sees each connection's first bytes, and says what it wants. */
async function clientOf(answer: (socket: Socket, request: string) => void) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => answer(socket, bytes.toString("latin1")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => server.close());
  const { port } = server.address() as AddressInfo; // it listens on a port
  const endpoint = `http://127.0.0.1:${port}`;
  const keys = { accessKeyId: "key", secretAccessKey: "secret" };
  const client = new RemoteS3Client({ endpoint, region: "us-east-1", ...keys }, systemClock);
  after(() => client[Symbol.dispose]());
  return client;
}

/** A put of so many bytes; and whether its stream was asked for more than its first chunk, and was ended. */
function newPut(lengthBytes: number) {
  const seen = { chunks: 0, isEnded: false };
  async function* chunks() {
    try {
      for (let left = lengthBytes; left > 0; left -= 65_536) {
        seen.chunks += 1;
        yield Buffer.alloc(Math.min(left, 65_536));
      }
    } finally {
      seen.isEnded = true;
    }
  }
  const body = { lengthBytes, stream: chunks() };
  return { seen, request: { method: "PUT", bucketName: "bucket", key: "key", body } as const };
}

describe("RemoteS3Client", () => {
  it("sends no long body to a server that does not want it, and tells its answer", async () => {
    const client = await clientOf((socket) => {
      socket.end(head("404 Not Found", refusal.length) + refusal);
    });
    const { request, seen } = newPut(8_000_000);
    const answer = await client.send(request, AbortSignal.timeout(5000));
    assert.equal(answer.status, 404);
    assert.equal(answer.body, refusal);
    assert.deepEqual(seen, { chunks: 1, isEnded: true });
  });

  it("tells the answer of a server that first asks for the body and then does not read it", async () => {
    const client = await clientOf((socket) => {
      socket.pause();
      socket.write(`HTTP/1.1 100 Continue\r\n\r\n${head("403 Forbidden", 0)}`);
    });
    const { request, seen } = newPut(50_000_000);
    const answer = await client.send(request, AbortSignal.timeout(5000));
    assert.equal(answer.status, 403);
    assert.ok(seen.chunks < 700, `${seen.chunks} chunks`);
  });

  it("waits in vain once, for a server that does not say that it wants a body", async () => {
    let bytes = 0;
    const client = await clientOf((socket, request) => {
      const expected = 200_000 + request.indexOf("\r\n\r\n") + 4;
      let received = request.length;
      const look = (more: number): void => {
        received += more;
        if (received < expected) return;
        bytes += 200_000;
        socket.end(head("200 OK", 0));
      };
      socket.on("data", (chunk) => look(chunk.byteLength));
      look(0);
    });
    const first = await client.send(newPut(200_000).request, AbortSignal.timeout(5000));
    assert.equal(first.status, 200);
    const began = performance.now();
    const second = await client.send(newPut(200_000).request, AbortSignal.timeout(5000));
    assert.equal(second.status, 200);
    assert.ok(performance.now() - began < 900, "the second body went at once");
    assert.equal(bytes, 400_000);
  });

  it("sends short bodies at once", async () => {
    let seen = "";
    const client = await clientOf((socket, request) => {
      seen = request;
      socket.end(head("200 OK", 0));
    });
    await client.send(newPut(1000).request, AbortSignal.timeout(5000));
    assert.doesNotMatch(seen, /expect:/i);
  });
});

// The generator's own checks: its signatures against Smithy's, its parser against every way in which
// bytes can be cut, and whole runs against a small server.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { SignatureV4 } from "@smithy/signature-v4";
import { LatencyHistogram } from "./load/latency-histogram.ts";
import { ResponseParser } from "./load/response-parser.ts";
import { RepeatedBody, RequestSigner } from "./load/signed-requests.ts";
import { runLoad } from "./load-generator.ts";

const credentials = { accessKey: "BENCHKEY", secretKey: "bench/secret+key", region: "eu-west-1" };

/** The hash that Smithy's signer wants to be given. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key = typeof secret === "string" ? secret : toBytes(secret);
    this.#hash = key === undefined ? createHash("sha256") : createHmac("sha256", key);
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(typeof data === "string" ? data : (toBytes(data) as Uint8Array));
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {}
}

function toBytes(data: ArrayBuffer | ArrayBufferView | undefined): Uint8Array | undefined {
  if (data === undefined) return undefined;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

test("signatures are those of @smithy/signature-v4", async () => {
  const oracle = new SignatureV4({
    service: "s3",
    region: credentials.region,
    credentials: {
      accessKeyId: credentials.accessKey,
      secretAccessKey: credentials.secretKey,
    },
    sha256: Sha256,
    uriEscapePath: false,
  });
  const date = new Date("2026-03-04T05:06:07.890Z");
  const body = new RepeatedBody(5000);
  const requests = [
    { method: "GET", path: "/bench/key-000001", query: {}, hash: "UNSIGNED-PAYLOAD" },
    { method: "PUT", path: "/bench/a%20b/c", query: {}, hash: body.digest("sha256") },
    {
      method: "GET",
      path: "/bench",
      query: { prefix: "a/b", delimiter: "/", "list-type": "2", uploads: "" },
      hash: "UNSIGNED-PAYLOAD",
    },
  ];
  for (const { method, path, query, hash } of requests) {
    const headers = { host: "127.0.0.1:9000", "x-amz-checksum-crc32": body.crc32Base64() };
    const expected = await oracle.sign(
      {
        method,
        protocol: "http:",
        hostname: "127.0.0.1",
        path,
        query,
        headers: { ...headers, "x-amz-content-sha256": hash },
      },
      { signingDate: date },
    );
    const text = new URLSearchParams(query as Record<string, string>).toString();
    const signed = new RequestSigner(credentials).sign({
      method,
      path,
      query: text,
      headers,
      payloadHash: hash,
      date,
    });
    assert.equal(signed["authorization"], expected.headers["authorization"]);
    assert.equal(signed["x-amz-date"], expected.headers["x-amz-date"]);
  }
});

test("an answer is read the same however its bytes are cut", () => {
  const answers: [text: string, status: number, bodyBytes: number, isLast: boolean][] = [
    ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: x\r\n\r\nhello", 200, 5, false],
    ["HTTP/1.1 204 No Content\r\nx: y\r\n\r\n", 204, 0, false],
    ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nCONTENT-LENGTH:0\r\n\r\n", 200, 0, false],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=1\r\nhello\r\nA\r\n0123456789\r\n0\r\nt: 1\r\n\r\n",
      200,
      15,
      false,
    ],
    ["HTTP/1.1 403 No\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nno", 403, 2, true],
  ];
  const reused = Buffer.alloc(4096, "\r\n\r\n");
  for (const [text, status, bodyBytes, isLast] of answers) {
    const bytes = Buffer.from(text);
    for (let first = 1; first <= bytes.length; first += 1) {
      for (const step of [1, 3, bytes.length]) {
        const seen: unknown[] = [];
        const parser = new ResponseParser(false, {
          onResponse: (...answer) => seen.push(answer),
          onBroken: (reason) => seen.push(reason),
        });
        for (let start = 0; start < bytes.length;) {
          const end = Math.min(bytes.length, start === 0 ? first : start + step);
          bytes.copy(reused, 0, start, end);
          parser.feed(reused, end - start);
          start = end;
        }
        assert.deepEqual(seen, [[status, bodyBytes, isLast]], `${text} cut at ${first}/${step}`);
        if (status === 403) assert.equal(parser.errorBody, "no");
      }
    }
  }
});

test("what is no answer is reported as broken", () => {
  for (const text of [
    "nonsense nonsense\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
  ]) {
    let broken = 0;
    const parser = new ResponseParser(false, {
      onResponse: () => assert.fail(text),
      onBroken: () => (broken += 1),
    });
    const bytes = Buffer.from(text);
    parser.feed(bytes, bytes.length);
    assert.equal(broken, 1, text);
  }
});

test("quantiles are right within 1.6 %", () => {
  const histogram = new LatencyHistogram();
  for (let value = 1; value <= 100_000; value += 1) histogram.record(value);
  for (const fraction of [0.001, 0.5, 0.9, 0.99, 1]) {
    const relative = histogram.quantile(fraction) / (fraction * 100_000);
    assert.ok(Math.abs(relative - 1) < 0.016, `${fraction}: ${relative}`);
  }
  assert.equal(histogram.summary().max, 100);
});

test("a run sends each request whole and counts what comes back", async () => {
  const body = new RepeatedBody(3 * 1024 * 1024 + 17);
  const seen: string[] = [];
  await using server = await startServer(async (request) => {
    const digest = createHash("sha256");
    for await (const part of request) digest.update(part as Buffer);
    assert.equal(request.headers["x-amz-content-sha256"], digest.digest("hex"));
    seen.push(`${request.method} ${request.url}`);
    return 200;
  });
  const result = await runLoad({
    ...server.address,
    credentials,
    method: "PUT",
    path: "/bench/{group}/{member}",
    query: "partNumber={number}",
    groups: 2,
    distinctRequests: 4,
    bodyBytes: body.lengthBytes,
    payload: "signed",
    connections: 3,
    requests: 8,
  });
  assert.deepEqual(result.statuses, { 200: 8 });
  assert.equal(result.bytesSent, 8 * body.lengthBytes);
  assert.equal(result.errors, 0);
  const once = ["0/000000?partNumber=1", "1/000000?partNumber=2", "0/000001?partNumber=3"];
  once.push("1/000001?partNumber=4");
  const expected = once.map((end) => `PUT /bench/00000${end}`);
  assert.deepEqual(seen.toSorted(), [...expected, ...expected].toSorted());
});

test("errors are counted by status, with the first one's body, and lost connections are replaced", async () => {
  let requests = 0;
  await using server = await startServer(async (request) => {
    request.resume();
    requests += 1;
    if (requests === 3) request.socket.destroy();
    return requests === 2 ? 503 : 200;
  });
  const result = await runLoad({
    ...server.address,
    credentials,
    method: "GET",
    path: "/bench/{index}",
    distinctRequests: 10,
    connections: 1,
    requests: 10,
  });
  assert.deepEqual(result.statuses, { 200: 8, 503: 1, connection: 1 });
  assert.equal(result.errors, 2);
  assert.equal(result.firstError, "503 body of 503");
});

async function startServer(handle: (request: IncomingMessage) => Promise<number>) {
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const status = await handle(request);
      response.writeHead(status).end(`body of ${status}`);
    };
    void answer();
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const { port } = server.address() as AddressInfo;
  return {
    address: { host: "127.0.0.1", port },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

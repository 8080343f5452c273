// The reader of requests under any split and any damage of the bytes: one stream has one reading, and
// what is accepted is what the parser of Node.js, made by others, reads in the same bytes.

import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Duplex } from "node:stream";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { defaultHttpLimits, type RefusalReason } from "../../src/http/http-server.ts";
import { RequestReader } from "../../src/http/request-reader.ts";

interface Reading {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  body: string;
  isWhole: boolean;
  /** Whether the connection carries on after it. */
  readonly keepsAlive?: boolean;
}

interface Outcome {
  readonly requests: readonly Reading[];
  readonly refusal: RefusalReason | undefined;
  readonly isBroken: boolean;
  readonly stage: string;
}

const limits = { ...defaultHttpLimits, maximumHeaderBytes: 4096, maximumHeaderFields: 32 };

/** Reads a stream that arrives in pieces of the given lengths, the last one for the rest. */
function read(stream: Buffer, lengths: readonly number[] = []): Outcome {
  const requests: Reading[] = [];
  let refusal: RefusalReason | undefined;
  let isBroken = false;
  const reader = new RequestReader(limits, {
    onRequest: ({ method, target, rawHeaders, framing }) => {
      const hasBody = framing.declaredBytes !== 0;
      const { keepsAlive } = framing;
      const start = { method, target, headers: rawHeaders, body: "", isWhole: !hasBody };
      const reading = keepsAlive ? start : { ...start, keepsAlive };
      requests.push(reading);
      if (!hasBody) return undefined;
      return {
        push: (bytes) => (reading.body += Buffer.from(bytes).toString("latin1")),
        end: () => (reading.isWhole = true),
        break: () => (isBroken = true),
      };
    },
    onRefusal: (reason) => (refusal = reason),
  });
  let position = 0;
  for (const length of [...lengths, stream.length]) {
    // A copy: whoever reads past the end of a piece finds other bytes there than the next piece's.
    const piece = Buffer.from(stream.subarray(position, position + length));
    if (piece.length > 0) reader.read(piece);
    position += length;
  }
  return { requests, refusal, isBroken, stage: reader.stage };
}

/** What node:http makes of a stream: every request whose body arrived whole. */
async function readByNode(stream: Buffer): Promise<Reading[]> {
  const requests: Reading[] = [];
  const collect = (request: IncomingMessage, response: ServerResponse): void => {
    const { method, url, rawHeaders } = request;
    const reading = { method, target: url, headers: rawHeaders, body: "", isWhole: false };
    requests.push(reading as Reading);
    request.on("data", (bytes: Buffer) => (reading.body += bytes.toString("latin1")));
    request.on("end", () => (reading.isWhole = true));
    response.end();
  };
  const server = createServer({ requireHostHeader: false }, collect);
  server.on("checkContinue", collect);
  server.on("checkExpectation", collect);
  const socket = new Duplex({
    read() {},
    write: (_bytes, _encoding, callback) => callback(),
  });
  // Later: what was read before the error is still to be delivered.
  server.on("clientError", () => setImmediate(() => setImmediate(() => socket.destroy())));
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  server.emit("connection", socket);
  socket.push(stream);
  socket.push(null);
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 2000).unref())]);
  return requests.filter((request) => request.isWhole);
}

const names = fc.constantFrom("X-A", "x-amz-date", "Accept", "a", "!#$%&'*+-.^_`|~1");
const values = fc.string({
  unit: fc.constantFrom("a", "Z", "0", " ", "\t", ",", ":", '"', "\xe9", "~"),
  maxLength: 12,
});
const bodies = fc.string({ unit: fc.constantFrom("a", "\r", "\n", "0", ";"), maxLength: 40 });
const extensions = fc.constantFrom("", "", ";a", ";a=b", ';a="b c"', ";a=b;c=d");

const chunkedBodies = fc
  .tuple(fc.array(fc.tuple(bodies, extensions), { maxLength: 4 }), fc.boolean())
  .map(([chunks, hasTrailer]) => {
    const coded = chunks
      .filter(([body]) => body !== "")
      .map(([body, extension]) => `${body.length.toString(16)}${extension}\r\n${body}\r\n`);
    return `${coded.join("")}0\r\n${hasTrailer ? "X-T: v\r\n" : ""}\r\n`;
  });

const requests = fc
  .record({
    method: fc.constantFrom("GET", "PUT", "POST", "DELETE", "HEAD"),
    target: fc.constantFrom("/", "/a/b%2f?x=1&y", "*", "http://h:1/p", "/~{}|\\^`#f"),
    fields: fc.array(fc.tuple(names, values), { maxLength: 4 }),
    body: fc.oneof(
      fc.constant(undefined),
      bodies.map((text) => ({ field: `Content-Length: ${text.length}`, text })),
      chunkedBodies.map((text) => ({ field: "Transfer-Encoding: chunked", text })),
    ),
    emptyLine: fc.constantFrom("", "", "", "\r\n"),
  })
  .map(({ method, target, fields, body, emptyLine }) => {
    const lines = [`${method} ${target} HTTP/1.1`, "Host: h"];
    for (const [name, value] of fields) lines.push(`${name}: ${value}`);
    if (body !== undefined) lines.push(body.field);
    return `${emptyLine}${lines.join("\r\n")}\r\n\r\n${body?.text ?? ""}`;
  });

const streams = fc
  .array(requests, { minLength: 1, maxLength: 4 })
  .map((list) => Buffer.from(list.join(""), "latin1"));
const splits = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 60 });
const damages = fc.record({
  at: fc.nat(),
  byte: fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(...Buffer.from("\r\n\0 \t:;,-0fF\xff")),
  ),
  kind: fc.constantFrom("replace", "insert", "remove"),
});

function damage(stream: Buffer, { at, byte, kind }: { at: number; byte: number; kind: string }) {
  const position = at % stream.length;
  const after = stream.subarray(kind === "insert" ? position : position + 1);
  const middle = kind === "remove" ? [] : [byte];
  return Buffer.concat([stream.subarray(0, position), Buffer.from(middle), after]);
}

describe("any bytes", () => {
  test("that are sound give every request, and node:http reads the same", async () => {
    const property = fc.asyncProperty(streams, async (stream) => {
      const outcome = read(stream);
      assert.equal(outcome.refusal, undefined);
      assert.equal(outcome.isBroken, false);
      assert.ok(outcome.requests.every((request) => request.isWhole));
      assert.deepEqual(await readByNode(stream), outcome.requests);
    });
    await fc.assert(property, { numRuns: 300 });
  });

  test("have one reading however they are split", () => {
    const property = fc.property(
      streams,
      fc.option(damages, { nil: undefined }),
      splits,
      (sound, damaged, lengths) => {
        const stream = damaged === undefined ? sound : damage(sound, damaged);
        const whole = read(stream);
        const split = read(stream, lengths);
        assert.deepEqual(split.requests, whole.requests);
        assert.equal(split.isBroken, whole.isBroken);
        assert.equal(split.refusal === undefined, whole.refusal === undefined);
        assert.deepEqual(
          read(
            stream,
            Array.from(stream, () => 1),
          ).requests,
          whole.requests,
        );
      },
    );
    fc.assert(property, { numRuns: 2000 });
  });

  test("that are damaged give nothing that node:http reads differently", async () => {
    const property = fc.asyncProperty(streams, damages, async (sound, damaged) => {
      const stream = damage(sound, damaged);
      const accepted = servedOf(read(stream).requests);
      const theirs = await readByNode(stream);
      assert.deepEqual(accepted, theirs.slice(0, accepted.length));
    });
    await fc.assert(property, { numRuns: 2000 });
  });
});

/** Damage can make a request the last one of its connection, which says so and is closed after it. */
function servedOf(requests: readonly Reading[]): readonly Reading[] {
  const last = requests.findIndex(({ keepsAlive }) => keepsAlive === false);
  return requests
    .slice(0, last === -1 ? requests.length : last + 1)
    .filter(({ isWhole }) => isWhole)
    .map(({ method, target, headers, body, isWhole }) => ({
      method,
      target,
      headers,
      body,
      isWhole,
    }));
}

function headOf(bytes: number): Buffer {
  const start = "GET / HTTP/1.1\r\nHost: h\r\nX-A: ";
  return Buffer.from(`${start}${"a".repeat(bytes - start.length - 4)}\r\n\r\n`);
}

test("a head at the bound is read, and one byte more is not", () => {
  for (const lengths of [[], [4000], Array.from({ length: 5000 }, () => 1)]) {
    assert.equal(read(headOf(4096), lengths).requests.length, 1);
    const { requests: none, refusal } = read(headOf(4097), lengths);
    assert.deepEqual([none, refusal], [[], "headers-too-large"]);
  }
});

test("a chunked body may not hide endless sizes, extensions or trailers", () => {
  const start = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const endless = "a".repeat(20_000);
  for (const body of ["0".repeat(2000), `1;${endless}`, `0\r\nX: ${endless}`]) {
    assert.ok(read(Buffer.from(start + body)).isBroken, body.slice(0, 10));
  }
  const manyTrailers = `0\r\n${"X: a\r\n".repeat(5000)}\r\n`;
  assert.ok(read(Buffer.from(start + manyTrailers)).isBroken);
});

// The floor that Holdfast is measured against: servers that do nothing but move the same bytes.
//   node bench/bare-server.ts http PORT          node:http; answers and headers set through /.bare
//   node bench/bare-server.ts files PORT DIR     node:http; streams DIR/<last path segment> in 1 MiB reads
//   node bench/bare-server.ts instant PORT BYTES node:net; a fixed answer without reading the request
// They check nothing, store nothing and are good for nothing else.

import { open, type FileHandle } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSocketServer } from "node:net";
import { basename, join } from "node:path";

/** What the bare server answers to a method: PUT it as JSON to `/.bare`, keyed by method. */
export interface BareAnswer {
  readonly status: number;
  /** Name, value, name, value …; Date and Connection are Node's own. */
  readonly headers: readonly string[];
  readonly bodyBytes: number;
}

interface PreparedAnswer {
  readonly status: number;
  readonly headers: string[];
  readonly body: Buffer;
}

const readBytes = 1024 * 1024;
const keepAliveMilliseconds = 600_000;

function main(): void {
  const [kind, portText, extra] = process.argv.slice(2);
  const port = Number(portText);
  if (kind === "http") serveHttp(port);
  else if (kind === "files" && extra !== undefined) serveFiles(port, extra);
  else if (kind === "instant" && extra !== undefined) serveInstantly(port, Number(extra));
  else throw new Error("usage: bare-server.ts http PORT | files PORT DIR | instant PORT BYTES");
}

function serveHttp(port: number): void {
  const answers = new Map<string, PreparedAnswer>();
  const server = createServer((request, response) => {
    if (request.url === "/.bare") {
      void configure(request, response, answers);
      return;
    }
    const answer = answers.get(request.method ?? "");
    if (answer === undefined) {
      response.writeHead(501).end();
      return;
    }
    request.on("end", () => {
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
    });
    request.resume();
  });
  server.keepAliveTimeout = keepAliveMilliseconds;
  server.listen(port, "127.0.0.1");
}

async function configure(
  request: IncomingMessage,
  response: ServerResponse,
  answers: Map<string, PreparedAnswer>,
): Promise<void> {
  let text = "";
  for await (const part of request) text += String(part);
  const configured = JSON.parse(text === "" ? "{}" : text) as Record<string, BareAnswer>;
  for (const [method, { status, headers, bodyBytes }] of Object.entries(configured)) {
    const body = Buffer.alloc(method === "HEAD" ? 0 : bodyBytes, 0x61);
    answers.set(method, { status, headers: [...headers], body });
  }
  response.writeHead(204).end();
}

function serveFiles(port: number, directory: string): void {
  const server = createServer((request, response) => {
    request.resume();
    if (request.url === "/.bare") {
      response.writeHead(204).end();
      return;
    }
    const path = join(directory, basename(request.url ?? ""));
    streamFile(path, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.keepAliveTimeout = keepAliveMilliseconds;
  server.listen(port, "127.0.0.1");
}

/** Two buffers in turn: one is read into while the other is being sent. */
async function streamFile(path: string, response: ServerResponse): Promise<void> {
  const file = await open(path);
  const buffers = takeBuffers();
  try {
    const { size } = await file.stat();
    response.writeHead(200, { "content-length": size, "content-type": "binary/octet-stream" });
    let turn = 0;
    let sent: Promise<void> = Promise.resolve();
    let reading = readInto(file, buffers[0], 0);
    for (let position = 0; position < size;) {
      const piece = await reading;
      if (piece.length === 0) throw new Error("the file has become shorter");
      await sent;
      position += piece.length;
      turn = 1 - turn;
      sent = write(response, piece);
      reading = readInto(file, buffers[turn as 0 | 1], position);
    }
    await Promise.all([sent, reading]);
    response.end();
  } finally {
    freeBuffers.push(buffers);
    await file.close();
  }
}

type BufferPair = readonly [Buffer, Buffer];
const freeBuffers: BufferPair[] = [];

function takeBuffers(): BufferPair {
  return (
    freeBuffers.pop() ?? [Buffer.allocUnsafeSlow(readBytes), Buffer.allocUnsafeSlow(readBytes)]
  );
}

async function readInto(file: FileHandle, buffer: Buffer, position: number): Promise<Buffer> {
  const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
  return buffer.subarray(0, bytesRead);
}

function write(response: ServerResponse, piece: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  response.write(piece, (error) =>
    error === null || error === undefined ? resolve() : reject(error),
  );
  return promise;
}

/** Answers every read that ends in the end of a head: enough for one outstanding GET per connection. */
function serveInstantly(port: number, bodyBytes: number): void {
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${bodyBytes}\r\nETag: "0"\r\n\r\n`;
  const answer = Buffer.concat([Buffer.from(head), Buffer.alloc(bodyBytes, 0x61)]);
  const server = createSocketServer({ noDelay: true }, (socket) => {
    socket.on("data", (bytes) => {
      if (bytes.at(-1) === 10) socket.write(answer);
    });
    socket.on("error", () => socket.destroy());
  });
  server.listen(port, "127.0.0.1");
}

if (import.meta.main) main();

// A collector for tests: takes OTLP over HTTP and reads the protobuf messages as far as tests ask.
// github.com/open-telemetry/opentelemetry-proto, trace/v1/trace.proto.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it has none. */
  readonly parentId: string;
  readonly name: string;
  /** 2: of a server. */
  readonly kind: number;
  readonly startNanoseconds: bigint;
  readonly endNanoseconds: bigint;
  readonly attributes: ReadonlyMap<string, unknown>;
  /** Absent: not an error. */
  readonly error: string | undefined;
  readonly resource: ReadonlyMap<string, unknown>;
}

export class TraceReceiver implements AsyncDisposable {
  readonly #server: Server;
  readonly spans: ReceivedSpan[] = [];
  readonly paths = new Set<string>();
  readonly authorizations = new Set<string | undefined>();

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        this.paths.add(request.url ?? "");
        this.authorizations.add(request.headers.authorization);
        this.spans.push(...readRequest(Buffer.concat(chunks)));
        response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
      });
    });
  }

  static async start(): Promise<TraceReceiver> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new TraceReceiver(server);
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The fields of a message: by number, in their order. */
type Message = ReadonlyMap<number, readonly (bigint | Buffer)[]>;

function readMessage(bytes: Buffer): Message {
  const fields = new Map<number, (bigint | Buffer)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at);
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  while (at < bytes.length) {
    const tag = Number(varint());
    const wireType = tag & 7;
    let value: bigint | Buffer;
    if (wireType === 0) value = varint();
    else if (wireType === 1) value = take(8).readBigUInt64LE();
    else if (wireType === 2) value = take(Number(varint()));
    else if (wireType === 5) value = BigInt(take(4).readUInt32LE());
    else throw new Error(`wire type ${wireType}`);
    const number = tag >> 3;
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

const messages = (message: Message, field: number): readonly Message[] =>
  (message.get(field) ?? []).map((value) => readMessage(value as Buffer));
const text = (message: Message, field: number): string =>
  ((message.get(field)?.[0] as Buffer | undefined) ?? Buffer.alloc(0)).toString("utf8");
const hexadecimal = (message: Message, field: number): string =>
  ((message.get(field)?.[0] as Buffer | undefined) ?? Buffer.alloc(0)).toString("hex");
const integer = (message: Message, field: number): bigint =>
  (message.get(field)?.[0] as bigint | undefined) ?? 0n;

function readRequest(bytes: Buffer): ReceivedSpan[] {
  return messages(readMessage(bytes), 1).flatMap((resourceSpans) => {
    const resource = readAttributes(messages(resourceSpans, 1)[0] ?? new Map(), 1);
    return messages(resourceSpans, 2).flatMap((scope) =>
      messages(scope, 2).map((span) => readSpan(span, resource)),
    );
  });
}

function readSpan(span: Message, resource: ReceivedSpan["resource"]): ReceivedSpan {
  const status = messages(span, 15)[0];
  return {
    traceId: hexadecimal(span, 1),
    spanId: hexadecimal(span, 2),
    parentId: hexadecimal(span, 4),
    name: text(span, 5),
    kind: Number(integer(span, 6)),
    startNanoseconds: integer(span, 7),
    endNanoseconds: integer(span, 8),
    attributes: readAttributes(span, 9),
    error: status !== undefined && integer(status, 3) === 2n ? text(status, 2) : undefined,
    resource,
  };
}

function readAttributes(message: Message, field: number): Map<string, unknown> {
  return new Map<string, unknown>(
    messages(message, field).map((pair): [string, unknown] => {
      const value = messages(pair, 2)[0] ?? new Map<number, never>();
      if (value.has(1)) return [text(pair, 1), text(value, 1)];
      if (value.has(2)) return [text(pair, 1), integer(value, 2) === 1n];
      return [text(pair, 1), Number(integer(value, 3))];
    }),
  );
}

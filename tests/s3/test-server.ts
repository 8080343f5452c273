// A whole server for one test file, with the clients that users have: the official SDK as it comes,
// the same without checksums of its own, and a signed request for what the SDK hides.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { request as httpRequest } from "node:http";
import { after } from "node:test";
import { S3, S3ServiceException, type S3ClientConfig } from "@aws-sdk/client-s3";
import { SignatureV4 } from "@smithy/signature-v4";
import { createServer, type HoldfastServer, type ServerOptions } from "../../src/app.ts";

export interface TestServer extends AsyncDisposable {
  readonly server: HoldfastServer;
  /** As an application creates it; it sends CRC32 with every upload and never tries again. */
  readonly s3: S3;
  /** Sends a checksum only where S3 demands one. */
  readonly plainS3: S3;
  /** A client of this server with other settings. */
  readonly client: (settings: S3ClientConfig) => S3;
  /** A name that no bucket of this server has. */
  readonly newBucketName: () => string;
  readonly newBucket: (versioning?: "Enabled" | "Suspended") => Promise<string>;
  /** Uploads text without a checksum; the answer's ETag without quotes. */
  readonly put: (
    bucket: string,
    key: string,
    body?: string,
  ) => Promise<{ etag: string; versionId: string }>;
  /** Creates an upload and fills it with parts; the list of parts is what a completion names. */
  readonly upload: (
    bucket: string,
    key: string,
    parts: readonly Uint8Array[],
  ) => Promise<BegunUpload>;
  readonly send: (request: RawRequest) => Promise<RawAnswer>;
}

export interface BegunUpload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
  readonly parts: { readonly PartNumber: number; readonly ETag: string }[];
}

export interface RawRequest {
  /** Default GET. */
  readonly method?: string;
  /** As it goes over the wire: encoded, without query. */
  readonly path: string;
  /** Encoded, without question mark. */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Default true. */
  readonly isSigned?: boolean;
  /** Default: those of the server's root. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Moves the signer's clock. */
  readonly signingDate?: Date;
}

export interface RawAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  /** Names as they were sent. */
  readonly headerNames: readonly string[];
  readonly body: Buffer;
  readonly text: string;
}

/** Starts a server that lives as long as the test file. Default: in memory, in us-east-1. */
export async function startTestServer(options: ServerOptions = {}): Promise<TestServer> {
  const started = await startTestServerAlone(options);
  after(() => started[Symbol.asyncDispose]());
  return started;
}

/** As `startTestServer`; the caller disposes it. */
export async function startTestServerAlone(options: ServerOptions = {}): Promise<TestServer> {
  const server = await createServer(options);
  const clients: S3[] = [];
  let bucketCount = 0;
  const client = (settings: S3ClientConfig): S3 => {
    const made = new S3({
      endpoint: server.endpoint,
      region: server.region,
      credentials: server.credentials,
      forcePathStyle: true,
      maxAttempts: 1,
      ...settings,
    });
    clients.push(made);
    return made;
  };
  const s3 = client({});
  const plainS3 = client({
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  const started: TestServer = {
    server,
    s3,
    plainS3,
    client,
    newBucketName: () => `bucket-${(bucketCount += 1)}`,
    async newBucket(versioning) {
      const Bucket = started.newBucketName();
      await s3.createBucket({
        Bucket,
        ...(server.region === "us-east-1"
          ? {}
          : { CreateBucketConfiguration: { LocationConstraint: server.region as "eu-west-1" } }),
      });
      if (versioning !== undefined) await setVersioning(s3, Bucket, versioning);
      return Bucket;
    },
    async put(Bucket, Key, Body = Key) {
      const { ETag, VersionId } = await plainS3.putObject({ Bucket, Key, Body });
      return { etag: unquoted(ETag), versionId: VersionId ?? "" };
    },
    async upload(Bucket, Key, bodies) {
      const { UploadId = "" } = await plainS3.createMultipartUpload({ Bucket, Key });
      const parts: BegunUpload["parts"] = [];
      for (const [index, Body] of bodies.entries()) {
        const PartNumber = index + 1;
        const input = { Bucket, Key, UploadId, PartNumber, Body };
        const { ETag = "" } = await plainS3.uploadPart(input);
        parts.push({ PartNumber, ETag });
      }
      return { Bucket, Key, UploadId, parts };
    },
    send: (request) => sendRaw(server, request),
    async [Symbol.asyncDispose]() {
      for (const each of clients) each.destroy();
      await server.close();
    },
  };
  return started;
}

export async function setVersioning(
  s3: S3,
  Bucket: string,
  Status: "Enabled" | "Suspended",
): Promise<void> {
  await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status } });
}

export interface Refusal {
  readonly code: string;
  readonly status: number;
  readonly message?: string | RegExp;
  /** Elements of the error document beside code and message. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** Resolves with the error with which S3 refused the request. */
export async function refusal(request: Promise<unknown>): Promise<S3ServiceException> {
  try {
    await request;
  } catch (error) {
    assert.ok(error instanceof S3ServiceException, String(error));
    return error;
  }
  return assert.fail("was not refused");
}

/** Asserts that an SDK call fails exactly like this; resolves with the error. */
export async function assertRefused(
  request: Promise<unknown>,
  expected: Refusal,
): Promise<S3ServiceException> {
  const error = await refusal(request);
  assert.equal(error.name, expected.code, error.message);
  assert.equal(error.$metadata.httpStatusCode, expected.status);
  checkMessage(error.message, expected.message);
  for (const [name, value] of Object.entries(expected.fields ?? {})) {
    const found: unknown = Reflect.get(error, name);
    assert.equal(found, value, `field ${name}`);
  }
  return error;
}

/** The same for an answer to a raw request. */
export function assertErrorAnswer(answer: RawAnswer, expected: Refusal): void {
  assert.equal(answer.status, expected.status, answer.text);
  assert.equal(answer.headers.get("content-type"), "application/xml");
  assert.equal(elementOf(answer.text, "Code"), expected.code, answer.text);
  checkMessage(elementOf(answer.text, "Message") ?? "", expected.message);
  for (const [name, value] of Object.entries(expected.fields ?? {})) {
    assert.equal(elementOf(answer.text, name), value, `field ${name}`);
  }
  const requestId = answer.headers.get("x-amz-request-id");
  assert.equal(elementOf(answer.text, "RequestId"), requestId, "S3 names the request twice");
}

function checkMessage(found: string, expected: Refusal["message"]): void {
  if (expected instanceof RegExp) assert.match(found, expected);
  else if (expected !== undefined) assert.equal(found, expected);
}

/** Text of the first element of this name; `undefined` when there is none. */
export function elementOf(xml: string, name: string): string | undefined {
  return elementsOf(xml, name)[0];
}

/** Texts of all elements of this name, in the order of the document. */
export function elementsOf(xml: string, name: string): readonly string[] {
  const pattern = new RegExp(`<${name}(?: [^>]*)?(?:/>|>([^<]*)</${name}>)`, "g");
  return [...xml.matchAll(pattern)].map((match) => unescapeXml(match[1] ?? ""));
}

function unescapeXml(text: string): string {
  return text
    .replaceAll(/&#x([0-9a-f]+);/gi, (_, digits: string) =>
      String.fromCodePoint(Number.parseInt(digits, 16)),
    )
    .replaceAll(/&#(\d+);/g, (_, digits: string) => String.fromCodePoint(Number(digits)))
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");
}

interface Body {
  transformToByteArray(): Promise<Uint8Array>;
}

export async function bytesOf(output: { readonly Body?: Body | undefined }): Promise<Buffer> {
  assert.ok(output.Body !== undefined, "the answer has a body");
  return Buffer.from(await output.Body.transformToByteArray());
}

export async function textOf(output: { readonly Body?: Body | undefined }): Promise<string> {
  return (await bytesOf(output)).toString("utf8");
}

export function unquoted(etag: string | undefined): string {
  assert.ok(etag !== undefined && /^".*"$/.test(etag), `an ETag in quotes: ${etag}`);
  return etag.slice(1, -1);
}

export function md5Hex(bytes: string | Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

/** As the header Content-MD5 carries it. */
export function md5Base64(bytes: string | Uint8Array): string {
  return createHash("md5").update(bytes).digest("base64");
}

/** Bytes that differ at every place and do not repeat within a block. */
export function patternBytes(length: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = seed * 0x9e3779b9;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes.writeInt32LE(state, at);
  }
  for (; at < length; at += 1) bytes[at] = (at * 31 + seed) & 0xff;
  return bytes;
}

export const mebibyte = 1024 * 1024;
/** The smallest part that may have another one behind it. */
export const smallestPartBytes = 5 * mebibyte;

/** Signed for S3, unless the request says otherwise. */
export async function sendRaw(server: HoldfastServer, request: RawRequest): Promise<RawAnswer> {
  const { method = "GET", path, query = "", body = "" } = request;
  const hostHeader = request.headers?.["host"] ?? `127.0.0.1:${server.port}`;
  const plain: Record<string, string> = { ...request.headers, host: hostHeader };
  const headers =
    request.isSigned === false ? plain : await sign(server, { ...request, headers: plain });
  const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : body;
  if (bytes.byteLength > 0 || method === "PUT" || method === "POST") {
    headers["content-length"] ??= String(bytes.byteLength);
  }
  return new Promise((resolve, reject) => {
    const target = query === "" ? path : `${path}?${query}`;
    const options = { host: "127.0.0.1", port: server.port, method, path: target, headers };
    const sent = httpRequest({ ...options, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => {
        const joined = Buffer.concat(parts);
        const { rawHeaders, statusCode = 0 } = response;
        resolve({
          status: statusCode,
          headers: new Map(
            Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
          ),
          headerNames: rawHeaders.filter((_, index) => index % 2 === 0),
          body: joined,
          text: joined.toString("utf8"),
        });
      });
    });
    sent.on("error", reject);
    sent.end(bytes);
  });
}

async function sign(server: HoldfastServer, request: RawRequest): Promise<Record<string, string>> {
  const signer = new SignatureV4({
    service: "s3",
    region: server.region,
    credentials: request.credentials ?? server.credentials,
    sha256: NodeSha256,
    uriEscapePath: false,
  });
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(request.query ?? "")) query[name] = value;
  const signed = await signer.sign(
    {
      method: request.method ?? "GET",
      protocol: "http:",
      hostname: "127.0.0.1",
      path: request.path,
      query,
      headers: { ...request.headers },
      body: request.body ?? "",
    },
    { signingDate: request.signingDate ?? new Date() },
  );
  return { ...signed.headers };
}

export class NodeSha256 {
  readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      key === undefined
        ? createHash("sha256")
        : createHmac("sha256", typeof key === "string" ? key : Buffer.from(key as Uint8Array));
  }

  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

import assert from "node:assert/strict";
import { createHash, createHmac, createSecretKey } from "node:crypto";
import { test } from "node:test";
import { SignatureV4 } from "@smithy/signature-v4";
import type { Checksum, SourceData } from "@smithy/types";
import { directoryOf } from "../access/accounts.ts";
import type { Caller } from "../access/caller.ts";
import { collectBytes, type ByteStream } from "../base/bytes.ts";
import { ManualClock } from "../base/clock.ts";
import {
  HttpHeaders,
  RequestAbortedError,
  type HttpRequest,
  type HttpResponse,
} from "../http/http-message.ts";
import { S3Error } from "../model/errors.ts";
import { operations as definitions } from "../model/operations.generated.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { notImplemented, type OperationTable } from "../operations/index.ts";
import { Reply, SlowReply } from "../operations/operation.ts";
import { StorageFullError, StorageUnavailableError } from "../storage/storage-errors.ts";
import { createPipeline, type FailureReport } from "./pipeline.ts";
import type { RequestRecord } from "./request-record.ts";

const clock = new ManualClock(Date.UTC(2026, 0, 2, 3, 4, 5));
const caller = {
  kind: "identified",
  accessKeyId: "AKID",
  accountId: "123456789012",
  canonicalId: "c".repeat(64),
  displayName: "root",
} as Extract<Caller, { kind: "identified" }>; // brands cannot be written down
const credential = { accessKeyId: "AKID", secretKey: createSecretKey("secret", "utf8"), caller };

const nothing = Object.fromEntries(
  Object.keys(definitions).map((name) => [name, notImplemented]),
) as unknown as OperationTable; // the keys are the operations' names

class Server {
  readonly records: RequestRecord[] = [];
  readonly failures: FailureReport[] = [];
  readonly #handle: (request: HttpRequest) => Promise<HttpResponse>;

  constructor(table: Partial<OperationTable>) {
    let random = 0;
    this.#handle = createPipeline({
      accounts: directoryOf([caller]),
      // What the pipeline itself asks of the store: whose bucket it is, and its policy.
      store: {
        buckets: {
          get: async () => ({
            ownerAccountId: "123456789012",
            objectOwnership: "BucketOwnerEnforced",
          }),
        },
        documents: { get: async () => undefined },
        accountSettings: { publicAccessBlockOf: () => undefined },
        versions: {
          find: async () => {
            throw new S3Error("NoSuchKey");
          },
        },
      } as unknown as ObjectStore,
      credentials: { find: (id) => (id === "AKID" ? credential : undefined) },
      region: "us-east-1",
      clock,
      domains: ["s3.example.com"],
      operations: { ...nothing, ...table },
      fillRandom: (bytes) => bytes.fill((random += 1)),
      observe: (record) => this.records.push(record),
      reportFailure: (failure) => this.failures.push(failure),
      slowReplyTiming: { patienceMilliseconds: 20, blankIntervalMilliseconds: 10 },
    });
  }

  /**
   * Sends a request; anonymous unless `secret` is given. `onChunk` hears of every piece of a streamed
   * answer.
   */
  async send(sent: Sent, onChunk: (chunk: Uint8Array) => void = () => {}): Promise<Answer> {
    const response = await this.#handle(await httpRequest(sent));
    const headers = new HttpHeaders(response.headers);
    let body = "";
    if (typeof response.body === "string") body = response.body;
    else if (response.body instanceof Uint8Array) body = Buffer.from(response.body).toString();
    else if (response.body !== undefined) {
      body = Buffer.from(await collectBytes(tapped(response.body, onChunk), 100_000)).toString();
    }
    response.onSettled?.(Buffer.byteLength(body), undefined);
    return { status: response.status, headers, body };
  }
}

interface Sent {
  readonly method?: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | ByteStream;
  readonly secret?: string;
}

interface Answer {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: string;
}

class Sha256 implements Checksum {
  readonly #hash;
  constructor(key?: SourceData) {
    this.#hash =
      key === undefined ? createHash("sha256") : createHmac("sha256", bytesOfSource(key));
  }
  reset(): void {
    assert.fail("a signer hashes once");
  }
  update(data: Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

function bytesOfSource(data: SourceData): string | Uint8Array {
  if (typeof data === "string") return data;
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

async function httpRequest(sent: Sent): Promise<HttpRequest> {
  const { method = "GET", target, body, secret } = sent;
  const given = { host: "s3.example.com", ...sent.headers };
  const headers = secret === undefined ? given : await signed({ ...sent, headers: given }, secret);
  return {
    method,
    target,
    headers: new HttpHeaders(Object.entries(headers).flat()),
    body: typeof body === "object" ? body : bytesOf(body ?? ""),
    hasBody: body !== undefined,
    remoteAddress: "127.0.0.1",
    isEncrypted: false,
    signal: new AbortController().signal,
  };
}

async function* tapped(stream: ByteStream, onChunk: (chunk: Uint8Array) => void): ByteStream {
  for await (const chunk of stream) {
    onChunk(chunk);
    yield chunk;
  }
}

async function* bytesOf(text: string): ByteStream {
  if (text !== "") yield Buffer.from(text);
}

async function signed(sent: Sent, secret: string): Promise<Record<string, string>> {
  const url = new URL(sent.target, "http://s3.example.com");
  const length = typeof sent.body === "string" ? { "content-length": `${sent.body.length}` } : {};
  const signer = new SignatureV4({
    credentials: { accessKeyId: "AKID", secretAccessKey: secret },
    region: "us-east-1",
    service: "s3",
    sha256: Sha256,
    uriEscapePath: false,
  });
  const request = await signer.sign(
    {
      method: sent.method ?? "GET",
      protocol: "http:",
      hostname: url.hostname,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { ...sent.headers, ...length },
      ...(typeof sent.body === "string" ? { body: sent.body } : {}),
    },
    { signingDate: new Date(clock.now()) },
  );
  return request.headers;
}

test("a signed request runs its operation and gets its output", async () => {
  const server = new Server({
    GetObject: async (input, context) => {
      assert.deepEqual({ ...input }, { Bucket: "bucket", Key: "a key" });
      assert.equal(context.caller, caller);
      assert.equal(context.region, "us-east-1");
      assert.equal(context.resourceUrl, "http://s3.example.com/bucket/a%20key");
      const body = { stream: Buffer.from("hello"), lengthBytes: 5 };
      return new Reply({ ETag: '"e"', Body: body }, 206);
    },
  });
  const answer = await server.send({ target: "/bucket/a%20key", secret: "secret" });
  assert.equal(answer.status, 206);
  assert.equal(answer.body, "hello");
  assert.equal(answer.headers.get("etag"), '"e"');
  assert.equal(answer.headers.get("content-length"), "5");
  assert.match(answer.headers.get("x-amz-request-id") ?? "", /^[0-9A-HJKMNP-TV-Z]{16}$/);
  assert.match(answer.headers.get("x-amz-id-2") ?? "", /^[A-Za-z0-9+/]{76}$/);
  assert.equal(answer.headers.get("server"), "Holdfast");
  assert.deepEqual(
    server.records.map(({ operation, status, bodyBytes }) => [operation, status, bodyBytes]),
    [["GetObject", 206, 5]],
  );
  assert.equal(server.records[0]?.caller, caller);
});

test("a bucket in the host name is addressed and signed", async () => {
  const server = new Server({ HeadBucket: async ({ Bucket }) => ({ BucketRegion: Bucket }) });
  const headers = { host: "my.bucket.s3.example.com" };
  const answer = await server.send({ method: "HEAD", target: "/", headers, secret: "secret" });
  assert.equal(answer.headers.get("x-amz-bucket-region"), "my.bucket");
});

test("anonymous callers and wrong secrets reach no operation", async () => {
  const server = new Server({ GetObject: async () => assert.fail("must not run") });
  const anonymous = await server.send({ target: "/b/k" });
  assert.equal(anonymous.status, 403);
  assert.match(anonymous.body, /<Code>AccessDenied<\/Code>/);
  const wrong = await server.send({ target: "/b/k", secret: "wrong" });
  assert.equal(wrong.status, 403);
  assert.match(wrong.body, /<Code>SignatureDoesNotMatch<\/Code>/);
  assert.deepEqual(
    server.records.map(({ errorCode }) => errorCode),
    ["AccessDenied", "SignatureDoesNotMatch"],
  );
});

test("a bad signature is named before a bad method, and a bad address before both", async () => {
  const server = new Server({});
  const patch = { method: "PATCH", target: "/b/k" };
  assert.match((await server.send({ ...patch, secret: "wrong" })).body, /SignatureDoesNotMatch/);
  const refused = await server.send(patch);
  assert.equal(refused.status, 405);
  assert.match(refused.body, /<Method>PATCH<\/Method><ResourceType>OBJECT<\/ResourceType>/);
  assert.equal(refused.headers.get("allow"), "GET, HEAD, PUT, DELETE");
  assert.match((await server.send({ target: "/b/%zz", secret: "wrong" })).body, /InvalidURI/);
});

test("an operation that is not there says so", async () => {
  const answer = await new Server({}).send({ target: "/b?accelerate", secret: "secret" });
  assert.equal(answer.status, 501);
  assert.match(answer.body, /<Code>NotImplemented<\/Code>/);
});

test("a preflight needs no signature", async () => {
  const server = new Server({ Preflight: async ({ Origin }) => ({ AllowOrigin: Origin }) });
  const headers = { Origin: "http://example.org" };
  const answer = await server.send({ method: "OPTIONS", target: "/b/k", headers });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("access-control-allow-origin"), "http://example.org");
});

async function fail(): Promise<never> {
  throw new S3Error("NoSuchKey", { headers: { "x-amz-delete-marker": "true" } });
}

test("errors have bodies except for HEAD", async () => {
  const server = new Server({ GetObject: fail, HeadObject: fail });
  const got = await server.send({ target: "/b/k", secret: "secret" });
  assert.match(got.body, /<Key>k<\/Key><RequestId>[0-9A-Z]{16}<\/RequestId><HostId>/);
  assert.equal(got.headers.get("x-amz-delete-marker"), "true");
  assert.equal(got.headers.get("content-type"), "application/xml");
  const head = await server.send({ method: "HEAD", target: "/b/k", secret: "secret" });
  assert.deepEqual([head.status, head.body], [404, ""]);
});

const failures: readonly [error: Error, status: number, code: string, isReported: boolean][] = [
  [new StorageFullError("full"), 507, "InsufficientStorage", false],
  [new StorageUnavailableError("closed"), 503, "ServiceUnavailable", true],
  [new RequestAbortedError("gone"), 400, "IncompleteBody", false],
  [new TypeError("secret detail"), 500, "InternalError", true],
];

for (const [error, status, code, isReported] of failures) {
  test(`${error.name} is answered ${code}`, async () => {
    const server = new Server({
      GetObject: async () => {
        throw error;
      },
    });
    const answer = await server.send({ target: "/b/k", secret: "secret" });
    assert.equal(answer.status, status);
    assert.match(answer.body, new RegExp(`<Code>${code}</Code>`));
    assert.ok(!answer.body.includes(error.message));
    assert.deepEqual(
      server.failures.map((failure) => failure.error),
      isReported ? [error] : [],
    );
  });
}

test("the body that was signed is the body that is believed", async () => {
  const server = new Server({
    PutBucketVersioning: async ({ VersioningConfiguration }) => {
      assert.deepEqual(VersioningConfiguration, { Status: "Enabled" });
      return {};
    },
  });
  const body = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
  const md5 = createHash("md5").update(body).digest("base64");
  const request = { method: "PUT", target: "/b?versioning", secret: "secret", body };
  const answer = await server.send({ ...request, headers: { "content-md5": md5 } });
  assert.deepEqual([answer.status, answer.body], [200, ""]);
  const sha256 = createHash("sha256").update("another").digest("hex");
  const headers = { "content-md5": md5, "x-amz-content-sha256": sha256 };
  const forged = await server.send({ ...request, headers });
  assert.match(forged.body, /<Code>XAmzContentSHA256Mismatch<\/Code>/);
});

test("an expected owner is checked before the operation runs", async () => {
  const server = new Server({ GetBucketTagging: async () => ({ TagSet: [] }) });
  const ask = async (owner: string): Promise<Answer> =>
    server.send({
      target: "/b?tagging",
      headers: { "x-amz-expected-bucket-owner": owner },
      secret: "secret",
    });
  assert.equal((await ask("123456789012")).status, 200);
  assert.match((await ask("999999999999")).body, /<Code>AccessDenied<\/Code>/);
  assert.match((await ask("me")).body, /<Code>InvalidBucketOwnerAWSAccountID<\/Code>/);
});

/** A server that completes uploads with this result. */
function completingServer(result: () => Promise<{ ETag: string }>): Server {
  return new Server({ CompleteMultipartUpload: async () => new SlowReply(result()) });
}

/** Calls back at the second blank of an answer, however long the machine took to come so far. */
function onSecondBlank(then: () => void): (chunk: Uint8Array) => void {
  let blanks = 0;
  return (chunk) => {
    if (Buffer.from(chunk).toString() === " " && (blanks += 1) === 2) then();
  };
}

const completion = { method: "POST", target: "/b/k?uploadId=u", secret: "secret" };

test("a slow answer begins with blanks and ends with its document", async () => {
  const { promise, resolve } = Promise.withResolvers<{ ETag: string }>();
  const server = completingServer(() => promise);
  const answer = await server.send(
    completion,
    onSecondBlank(() => resolve({ ETag: "e" })),
  );
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.has("content-length"), false);
  assert.match(
    answer.body,
    /^<\?xml version="1.0" encoding="UTF-8"\?>\n {2,}<CompleteMultipartUploadResult [^>]+><ETag>e<\/ETag><\/CompleteMultipartUploadResult>$/,
  );
});

test("a slow failure is an error inside the 200", async () => {
  const { promise, reject } = Promise.withResolvers<{ ETag: string }>();
  const server = completingServer(() => promise);
  const answer = await server.send(
    completion,
    onSecondBlank(() => reject(new S3Error("InvalidPart"))),
  );
  assert.equal(answer.status, 200);
  assert.match(answer.body, /^<\?xml [^>]+>\n {2,}<Error><Code>InvalidPart<\/Code>.*<\/Error>$/);
  assert.equal(server.records[0]?.errorCode, "InvalidPart");
});

test("what is quick after all keeps its true status", async () => {
  const server = completingServer(() => Promise.reject(new S3Error("NoSuchUpload")));
  assert.equal((await server.send(completion)).status, 404);
  const whole = await completingServer(async () => ({ ETag: "e" })).send(completion);
  assert.match(whole.body, /^<\?xml [^>]+>\n<CompleteMultipartUploadResult/);
});

// A server on a directory, and the look at everything that a refused request could have changed:
// buckets, versions, uploads, parts and the files of the blob store.

import assert from "node:assert/strict";
import { readdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  createServer,
  ManualClock,
  type HoldfastServer,
  type ServerOptions,
} from "../../src/app.ts";
import { Log } from "../../src/telemetry/log.ts";
import { elementOf, elementsOf } from "../s3/test-server.ts";
import { assertError, exchange, rawRequest, requestBytes } from "./raw-client.ts";
import type { Expectation, RawAnswer } from "./raw-client.ts";
import { signHeaderV4, type RawRequest, type Signer } from "./raw-signer.ts";

type ExchangeOptions = NonNullable<Parameters<typeof exchange>[2]>;
type RequestOptions = NonNullable<Parameters<typeof rawRequest>[2]>;

export interface Traces {
  /** The answers of the listings, which name everything that is stored. */
  readonly listings: readonly string[];
  readonly blobFiles: readonly string[];
}

export interface RawServer extends AsyncDisposable {
  readonly server: HoldfastServer;
  readonly port: number;
  readonly directory: string;
  readonly clock: ManualClock;
  readonly signer: Signer;
  /** Holds the object `old` with the text `old bytes`. */
  readonly bucket: string;
  /** Of the key `upload` in the bucket. */
  readonly uploadId: string;
  /** What the server reported as failures of its own. */
  readonly failures: readonly string[];
  readonly sign: (request: RawRequest) => RawRequest;
  /** Signs and sends; the answer whatever it is. */
  readonly send: (method: string, target: string, options?: RequestOptions) => Promise<RawAnswer>;
  readonly traces: () => Promise<Traces>;
  /** Asserts that this is refused like that, changes nothing, and that the server goes on. */
  readonly assertRefused: (
    bytes: Uint8Array,
    expected: Expectation,
    options?: ExchangeOptions,
  ) => Promise<void>;
  /** The same; resolves with the refusal. */
  readonly refusal: (
    bytes: Uint8Array,
    expected: Expectation,
    options?: ExchangeOptions,
  ) => Promise<RawAnswer>;
}

export const startMilliseconds = Date.UTC(2026, 0, 15, 12);

/** Starts a server that lives as long as the test file, on a directory of its own. */
export async function startRawServer(
  options: Parameters<typeof startRawServerIn>[1] = {},
): Promise<RawServer> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-raw-"));
  const started = await startRawServerIn(directory, options);
  after(async () => {
    await started[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
    assert.deepEqual(started.failures, [], "no failure of the server's own");
  });
  return started;
}

/** The caller disposes it and removes the directory. `isNew`: whether the bucket has to be made. */
export async function startRawServerIn(
  directory: string,
  options: ServerOptions & { readonly clock?: ManualClock } = {},
  isNew = true,
): Promise<RawServer> {
  const { clock = new ManualClock(startMilliseconds) } = options;
  const failures: string[] = [];
  const server = await createServer({
    store: { directory },
    durability: "relaxed",
    credentials: { accessKeyId: "AKIARAWTESTSEXAMPLE0", secretAccessKey: "a/secret+of=the%tests" },
    clock,
    log: createFailureLog(clock, failures),
    ...options,
  });
  const signer = { ...server.credentials, region: server.region };
  const bucket = "raw-bucket";
  const sign = (request: RawRequest): RawRequest =>
    signHeaderV4(request, signer, { milliseconds: clock.now() }).request;
  const send: RawServer["send"] = (method, target, requestOptions) =>
    exchange(server.port, requestBytes(sign(rawRequest(method, target, requestOptions))), {
      method,
    });
  const readBlobFiles = (): Promise<string[]> => blobFilesIn(directory);
  const traces = async (): Promise<Traces> => ({
    listings: await readListings(send),
    blobFiles: await readBlobFiles(),
  });
  const refusal: RawServer["refusal"] = async (bytes, expected, exchangeOptions) => {
    const before = await traces();
    const answer = await exchange(server.port, bytes, exchangeOptions);
    assertError(answer, expected);
    await eventually(async () => (await readBlobFiles()).length === before.blobFiles.length);
    assert.deepEqual(await traces(), before, "a refused request leaves no trace");
    return answer;
  };
  let uploadId = "";
  if (isNew) {
    await succeed(send("PUT", `/${bucket}`));
    await succeed(send("PUT", `/${bucket}/old`, { body: "old bytes" }));
    const created = await succeed(send("POST", `/${bucket}/upload?uploads`));
    uploadId = elementOf(created.text, "UploadId") ?? "";
  }
  return {
    server,
    port: server.port,
    directory,
    clock,
    signer,
    bucket,
    uploadId,
    failures,
    sign,
    send,
    traces,
    refusal,
    async assertRefused(bytes, expected, exchangeOptions) {
      await refusal(bytes, expected, exchangeOptions);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

export async function succeed(sent: Promise<RawAnswer>): Promise<RawAnswer> {
  const answer = await sent;
  assert.ok(answer.status >= 200 && answer.status < 300, `${answer.status} ${answer.text}`);
  return answer;
}

/** Paths of the blob files below a server's directory. */
export async function blobFilesIn(directory: string): Promise<string[]> {
  const entries = await readdir(join(directory, "blobs"), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith("format-"))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

/** Resolves when the probe holds; false when it does not within the time. */
export async function eventually(
  probe: () => boolean | Promise<boolean>,
  timeoutMilliseconds = 3000,
): Promise<boolean> {
  const end = performance.now() + timeoutMilliseconds;
  for (;;) {
    if (await probe()) return true;
    if (performance.now() > end) return false;
    await delay(10);
  }
}

async function readListings(send: RawServer["send"]): Promise<string[]> {
  const buckets = await succeed(send("GET", "/"));
  const listings = [buckets.text];
  for (const name of elementsOf(buckets.text, "Name")) {
    const versioning = await succeed(send("GET", `/${name}?versioning`));
    const versions = await succeed(send("GET", `/${name}?versions&encoding-type=url`));
    const uploads = await succeed(send("GET", `/${name}?uploads&encoding-type=url`));
    listings.push(versioning.text, versions.text, uploads.text);
    const keys = elementsOf(uploads.text, "Key");
    for (const [index, uploadId] of elementsOf(uploads.text, "UploadId").entries()) {
      const path = `/${name}/${keys[index]}`;
      listings.push((await succeed(send("GET", `${path}?uploadId=${uploadId}`))).text);
    }
  }
  return listings;
}

function createFailureLog(clock: ManualClock, failures: string[]): Log {
  return new Log({
    level: "error",
    format: "text",
    clock,
    requests: false,
    destination: { write: (lines) => failures.push(lines), bufferedBytes: 0 },
  });
}

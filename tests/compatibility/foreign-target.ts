// The S3 server of somebody else that tests of the remote side use: FOREIGN_ENDPOINT, FOREIGN_ACCESS_KEY
// and FOREIGN_SECRET_KEY say where it is, FOREIGN_LACKS names by commas what it cannot do.

import assert from "node:assert/strict";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { after } from "node:test";
import { S3, type S3ClientConfig } from "@aws-sdk/client-s3";

/** What not every S3 server does, or not as S3 does. */
export type Ability =
  /** Refuses a wrong secret. */
  | "signatures"
  /** Compares what arrives with `Content-MD5` and checksums, and tells the latter. */
  | "checksums"
  | "acl"
  | "object-lock"
  /** Lists all uploads of a prefix. */
  | "upload-lists";

export const foreign = {
  endpoint: variable("FOREIGN_ENDPOINT"),
  accessKeyId: variable("FOREIGN_ACCESS_KEY"),
  secretAccessKey: variable("FOREIGN_SECRET_KEY"),
};

const lacking = new Set((process.env["FOREIGN_LACKS"] ?? "").split(",").filter(Boolean));

/** The option `skip` of a test that needs what the server may not have. */
export function unlessLacking(ability: Ability): false | string {
  return lacking.has(ability) && `the server lacks ${ability}`;
}

/** The official client of the other server. */
export function foreignClient(settings: S3ClientConfig = {}): S3 {
  const { endpoint, accessKeyId, secretAccessKey } = foreign;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3({
    endpoint,
    region: "us-east-1",
    credentials,
    forcePathStyle: true,
    ...settings,
  });
  after(() => client.destroy());
  return client;
}

/** A name of its own for each run: the other server may keep what it has. */
const run = Date.now().toString(36);
let buckets = 0;
export function foreignBucketName(): string {
  return `foreign-${run}-${(buckets += 1)}`;
}

/** A way to the other server that can be cut off. */
export async function startGate(): Promise<{
  readonly endpoint: string;
  readonly close: () => Promise<void>;
  readonly open: () => Promise<void>;
}> {
  const { hostname, port } = new URL(foreign.endpoint);
  const sockets = new Set<Socket>();
  const gate = createServer((socket) => {
    const upstream = connect(Number(port), hostname);
    socket.pipe(upstream);
    upstream.pipe(socket);
    for (const [one, two] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      sockets.add(one);
      one.on("error", () => two.destroy());
      one.on("close", () => {
        sockets.delete(one);
        two.destroy();
      });
    }
  });
  const listen = (at: number) =>
    new Promise<void>((resolve) => gate.listen(at, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      gate.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  await listen(0);
  const address = gate.address() as AddressInfo; // it listens on a port
  after(close);
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    close,
    open: () => listen(address.port),
  };
}

function variable(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} says where the other server is`);
  return value;
}

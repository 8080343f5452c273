// Blob stores beside the main one belong to one server, under one name: what lies in them would look like
// waste to any other.

import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { createServer, type HoldfastServer, type StorageOptions } from "../../src/app.ts";
import { runCheck } from "../../src/check-command.ts";
import { TemporaryDirectory } from "./server-process.ts";

const bytes = Buffer.alloc(200_000, "bytes of a class with a store of its own; ");

async function withServer<Result>(
  directory: string,
  storage: StorageOptions,
  use: (s3: S3, server: HoldfastServer) => Promise<Result>,
): Promise<Result> {
  await using server = await createServer({
    store: { directory: join(directory, "data") },
    durability: "relaxed",
    storage,
  });
  const s3 = new S3({
    endpoint: server.endpoint,
    region: server.region,
    credentials: server.credentials,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  try {
    return await use(s3, server);
  } finally {
    s3.destroy();
  }
}

function stores(directory: string, name = "cold"): StorageOptions {
  return {
    stores: { [name]: { directory: join(directory, "cold") } },
    classes: { GLACIER_IR: { store: name, compression: "gzip" } },
  };
}

async function fill(directory: string): Promise<void> {
  await withServer(directory, stores(directory), async (s3) => {
    await s3.createBucket({ Bucket: "bucket" });
    const object = { Bucket: "bucket", Key: "key", StorageClass: "GLACIER_IR" as const };
    await s3.putObject({ ...object, Body: bytes });
  });
}

async function read(s3: S3): Promise<Buffer> {
  const { Body } = await s3.getObject({ Bucket: "bucket", Key: "key" });
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

const nothing = async (): Promise<void> => {};

describe("a store for some storage classes", () => {
  it("is found again after a restart, and the sweep of a dead server's blobs spares it", async () => {
    using directory = new TemporaryDirectory();
    await fill(directory.path);
    await withServer(directory.path, stores(directory.path), async (s3, server) => {
      await server.runWorker("sweeper");
      assert.ok((await read(s3)).equals(bytes));
    });
  });

  it("is refused to another server, and under another name, and leaves its blobs alone", async () => {
    using directory = new TemporaryDirectory();
    using other = new TemporaryDirectory();
    await fill(directory.path);
    const before = readdirSync(join(directory.path, "cold"), { recursive: true });
    const renamed = withServer(directory.path, stores(directory.path, "colder"), nothing);
    await assert.rejects(renamed, /belongs to another server, or to a blob store of another name/);
    const foreign = withServer(other.path, stores(directory.path), nothing);
    await assert.rejects(foreign, /belongs to another server/);
    const twice = {
      stores: {
        cold: { directory: join(directory.path, "cold") },
        same: { directory: join(directory.path, "cold") },
      },
    };
    await assert.rejects(
      withServer(directory.path, twice, nothing),
      /give same a place of its own/,
    );
    const main = { stores: { main: { directory: join(directory.path, "data", "blobs") } } };
    await assert.rejects(withServer(directory.path, main, nothing), /where the main store lies/);
    assert.deepEqual(readdirSync(join(directory.path, "cold"), { recursive: true }), before);
    await withServer(directory.path, stores(directory.path), async (s3) => {
      assert.ok((await read(s3)).equals(bytes));
    });
  });

  it("is refused when blobs lie there of which nobody knows whose they are", async () => {
    using directory = new TemporaryDirectory();
    mkdirSync(join(directory.path, "cold", "k3vq7bzr2mxwy5tc", "0000000"), { recursive: true });
    await assert.rejects(fill(directory.path), /holds blobs that nobody has claimed/);
  });

  it("that the configuration forgot is missed, not swept, and answers when it is back", async () => {
    using directory = new TemporaryDirectory();
    await fill(directory.path);
    await withServer(directory.path, {}, async (s3, server) => {
      await assert.rejects(s3.getObject({ Bucket: "bucket", Key: "key" }), {
        name: "ServiceUnavailable",
      });
      await server.runWorker("sweeper");
    });
    await withServer(directory.path, stores(directory.path), async (s3) => {
      assert.ok((await read(s3)).equals(bytes));
    });
  });

  it("is looked at by holdfast check, which misses its blobs when it is not told of the store", async () => {
    using directory = new TemporaryDirectory();
    await fill(directory.path);
    const check = async (storage?: StorageOptions) => {
      let text = "";
      const output = {
        write(line: string) {
          text += line;
          return true;
        },
      };
      const dataDirectory = join(directory.path, "data");
      const code = await runCheck({ dataDirectory, storage, output, isTerminal: false });
      return { code, text };
    };
    const whole = await check(stores(directory.path));
    assert.equal(whole.code, 0, whole.text);
    assert.match(whole.text, /Checked 1 versions and 1 blobs/);
    assert.equal((await check()).code, 1);
  });
});

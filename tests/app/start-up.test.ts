// What start-up promises: credentials kept safely, one server to a directory, a banner without secrets.

import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import { createServer, DirectoryInUseError } from "../../src/app.ts";
import { formatBanner, type BannerFacts } from "../../src/start-up/banner.ts";
import { acquireDirectoryLock, holdWorkerLock } from "../../src/start-up/directory-lock.ts";
import { loadOrCreateCredentials } from "../../src/start-up/root-credentials.ts";
import { TemporaryDirectory } from "./server-process.ts";

describe("root credentials", () => {
  test("are made once, readable by their owner alone, and found again", async () => {
    using directory = new TemporaryDirectory();
    const made = await loadOrCreateCredentials(directory.path);
    assert.match(made.accessKeyId, /^HF[A-Z2-7]{18}$/);
    assert.match(made.secretAccessKey, /^[A-Za-z0-9]{40}$/);
    assert.equal(made.file?.isNew, true);
    const path = join(directory.path, "root-credentials.json");
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(
      readdirSync(directory.path),
      ["root-credentials.json"],
      "nothing else remains",
    );

    const found = await loadOrCreateCredentials(directory.path);
    assert.equal(found.file?.isNew, false);
    assert.equal(found.accessKeyId, made.accessKeyId);
    assert.equal(found.secretAccessKey, made.secretAccessKey);
  });

  test("are the same for all who make them at once", async () => {
    using directory = new TemporaryDirectory();
    const pairs = await Promise.all(
      Array.from({ length: 16 }, () => loadOrCreateCredentials(directory.path)),
    );
    assert.equal(new Set(pairs.map((pair) => pair.secretAccessKey)).size, 1);
    assert.equal(pairs.filter((pair) => pair.file?.isNew).length, 1);
    assert.deepEqual(readdirSync(directory.path), ["root-credentials.json"]);
  });

  test("that others could read are closed to them", async () => {
    using directory = new TemporaryDirectory();
    await loadOrCreateCredentials(directory.path);
    const path = join(directory.path, "root-credentials.json");
    chmodSync(path, 0o644);
    await loadOrCreateCredentials(directory.path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  test("that are damaged are not replaced", async () => {
    using directory = new TemporaryDirectory();
    const path = join(directory.path, "root-credentials.json");
    for (const damaged of ["", "{", "{}", '{"accessKeyId":"a","secretAccessKey":""}', "null"]) {
      writeFileSync(path, damaged);
      await assert.rejects(loadOrCreateCredentials(directory.path), /does not hold an accessKeyId/);
      assert.equal(readFileSync(path, "utf8"), damaged);
    }
  });
});

describe("the lock of a data directory", () => {
  test("admits one holder, until it lets go", async () => {
    using directory = new TemporaryDirectory();
    const lock = await acquireDirectoryLock(directory.path);
    await assert.rejects(acquireDirectoryLock(directory.path), DirectoryInUseError);
    lock[Symbol.dispose]();
    (await acquireDirectoryLock(directory.path))[Symbol.dispose]();
  });

  test("waits for workers of a server that was killed", async () => {
    using directory = new TemporaryDirectory();
    const workers = [holdWorkerLock(directory.path), holdWorkerLock(directory.path)];
    let isTaken = false;
    const taking = acquireDirectoryLock(directory.path).then((lock) => {
      isTaken = true;
      return lock;
    });
    for (const worker of workers) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      assert.equal(isTaken, false);
      worker[Symbol.dispose]();
    }
    (await taking)[Symbol.dispose]();
  });

  test("is taken by a server, which leaves the directory free when it cannot start", async () => {
    using directory = new TemporaryDirectory();
    const store = { directory: directory.path };
    await using server = await createServer({ store });
    await assert.rejects(createServer({ store }), DirectoryInUseError);
    assert.equal((await fetch(server.endpoint)).status, 403, "the first server is unharmed");
    await server.close();
    await using blocker = await createServer();
    await assert.rejects(createServer({ store, port: blocker.port }), { code: "EADDRINUSE" });
    await using again = await createServer({ store });
    assert.equal((await fetch(again.endpoint)).status, 403);
  });
});

describe("the banner", () => {
  const facts: BannerFacts = {
    version: "1.2.3",
    endpoint: "http://127.0.0.1:9000",
    adminEndpoint: "http://127.0.0.1:9001",
    region: "eu-central-1",
    directory: "/srv/data",
    durability: "strict",
    workers: 2,
    accessKeyId: "HFKEY",
    credentialsFile: { path: "/srv/it's data/root-credentials.json", isNew: true },
    domains: ["s3.test"],
    websiteDomains: ["web.test"],
    websiteEndpoint: "http://127.0.0.1:9002",
  };

  test("says what a user needs", () => {
    const banner = formatBanner(facts, false);
    for (const part of [
      "http://127.0.0.1:9000",
      "eu-central-1",
      "/srv/data",
      "strict",
      "HFKEY",
      "root-credentials.json",
      "http://127.0.0.1:9001/health/ready",
      "AWS_ENDPOINT_URL=http://127.0.0.1:9000",
      "new S3Client({",
      "BUCKET.s3.test",
      "BUCKET.web.test, http://127.0.0.1:9002",
    ]) {
      assert.ok(banner.includes(part), part);
    }
    assert.ok(!banner.includes("\u001b"), "no colours where there is no terminal");
    assert.ok(
      banner.includes(String.raw`'/srv/it'\''s data/root-credentials.json'`),
      "quoted for a shell",
    );
  });

  test("shouts what can be lost", () => {
    assert.match(formatBanner({ ...facts, durability: "relaxed" }, false), /RELAXED.*CAN BE LOST/);
    assert.match(
      formatBanner({ ...facts, directory: undefined }, false),
      /in memory: everything is gone/,
    );
  });
});

// The command as a process: exit codes, signals, draining, and workers that die.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";

import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadBucketCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";

import { RawClient } from "../http/raw-client.ts";
import {
  rootAccessKey,
  rootClient,
  rootSecretKey,
  runCommand,
  ServerProcess,
  TemporaryDirectory,
} from "./server-process.ts";

const keys = { HOLDFAST_ROOT_ACCESS_KEY: rootAccessKey, HOLDFAST_ROOT_SECRET_KEY: rootSecretKey };
const freePorts = ["--port", "0", "--admin-port", "0"];

async function ready(adminEndpoint: string): Promise<{ ready: number; configured: number }> {
  const answer = (await (await fetch(`${adminEndpoint}/health/ready`)).json()) as {
    workers: { ready: number; configured: number };
  };
  return answer.workers;
}

async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within thirty seconds: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("the command", () => {
  test("explains itself, and refuses wrong usage with one line and exit code 2", async () => {
    const [help, version, wrong] = await Promise.all([
      runCommand(["--help"]),
      runCommand(["version"]),
      runCommand(["serve", "--nonsense"]),
    ]);
    assert.equal(help.code, 0);
    assert.match(help.output, /--durability strict\|relaxed/);
    assert.equal(version.code, 0);
    const { version: expected } = JSON.parse(readFileSync("package.json", "utf8")) as {
      version: string;
    };
    assert.equal(version.output, `${expected}\n`);
    assert.equal(wrong.code, 2);
    assert.equal(wrong.errors.trim().split("\n").length, 1);
  });

  test("says in one line that a port is taken", async () => {
    const blocker = createTcpServer();
    await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
    const { port } = blocker.address() as { port: number };
    using directory = new TemporaryDirectory();
    for (const workers of ["1", "2"]) {
      const result = await runCommand([
        "--data",
        directory.path,
        "--workers",
        workers,
        "--port",
        String(port),
        "--admin-port",
        "off",
      ]);
      assert.equal(result.code, 1);
      assert.match(result.errors, /^holdfast: the address is already in use: .*\n$/);
    }
    blocker.close();
  });

  test("says in one line that the directory is taken, also by workers", async () => {
    using directory = new TemporaryDirectory();
    const parameters = ["--data", directory.path, ...freePorts];
    await using server = new ServerProcess([...parameters, "--workers", "2"]);
    await server.endpoint();
    for (const workers of ["1", "2"]) {
      const second = await runCommand([...parameters, "--workers", workers]);
      assert.equal(second.code, 1);
      assert.match(
        second.errors,
        /^holdfast: the data directory .* is in use by another Holdfast server\n$/,
      );
    }
  });

  test("shows no secret in banner, log or health, neither a given nor a made one", async () => {
    using directory = new TemporaryDirectory();
    const parameters = ["--data", directory.path, ...freePorts, "--log-level", "debug"];
    for (const environment of [keys, {}]) {
      await using server = new ServerProcess(parameters, environment);
      const endpoint = await server.endpoint();
      const health = await (await fetch(`${await server.adminEndpoint()}/health/ready`)).text();
      await fetch(`${endpoint}/bucket?X-Amz-Signature=presigned-secret&X-Amz-Security-Token=tok`);
      server.child.kill("SIGTERM");
      const { code, output, errors } = await server.ended();
      assert.equal(code, 0);
      const secrets = [rootSecretKey, "presigned-secret"];
      if (environment === keys) {
        assert.match(output, new RegExp(rootAccessKey));
      } else {
        const path = join(directory.path, "root-credentials.json");
        const kept = JSON.parse(readFileSync(path, "utf8")) as Record<string, string>;
        secrets.push(kept["secretAccessKey"] as string);
        assert.ok(output.includes(kept["accessKeyId"] as string));
        assert.ok(output.includes(path));
      }
      for (const secret of secrets) {
        assert.ok(!`${output}${errors}${health}`.includes(secret));
      }
      assert.match(errors, /request .*bucket=bucket/, "requests are logged at this level");
    }
  });

  test("names relaxed durability and the memory store", async () => {
    await using server = new ServerProcess(["--memory", "--durability", "relaxed", ...freePorts]);
    await server.endpoint();
    assert.match(server.output, /in memory: everything is gone/);
    const kept = /newly made, in (\S+root-credentials\.json)/.exec(server.output)?.[1] as string;
    assert.ok(existsSync(kept));
    server.child.kill("SIGTERM");
    await server.ended();
    assert.ok(!existsSync(kept), "the secret of a memory store goes with the server");
    using directory = new TemporaryDirectory();
    const parameters = ["--data", directory.path, "--durability", "relaxed", ...freePorts];
    await using relaxed = new ServerProcess(parameters);
    await relaxed.endpoint();
    assert.match(relaxed.output, /RELAXED/);
  });
});

for (const workers of [1, 2]) {
  describe(`draining ${workers === 1 ? "one process" : `${workers} workers`}`, () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      test(`on ${signal} finishes an upload in flight, keeps it, and ends with 0`, async () => {
        using directory = new TemporaryDirectory();
        const parameters = ["--data", directory.path, "--workers", String(workers), ...freePorts];
        const body = Buffer.alloc(300_000, "b");
        {
          await using server = new ServerProcess(parameters, keys);
          const endpoint = await server.endpoint();
          const client = rootClient(endpoint);
          await client.send(new CreateBucketCommand({ Bucket: "bucket" }));
          const put = await presignedPut(client, body.length);
          using upload = await RawClient.connect(Number(new URL(endpoint).port));
          upload.send(put);
          upload.send(body.subarray(0, 100_000));
          await new Promise((resolve) => setTimeout(resolve, 200));
          server.child.kill(signal);
          await eventually(() => server.errors.includes("server draining"), "draining");
          await eventually(
            () =>
              RawClient.connect(Number(new URL(endpoint).port)).then(
                (late) => (late[Symbol.dispose](), false),
                () => true,
              ),
            "no new connections",
          );
          upload.send(body.subarray(100_000));
          const answer = await upload.response();
          assert.equal(answer.status, 200);
          assert.equal(answer.headers.get("connection"), "close");
          const { code, errors } = await server.ended();
          assert.equal(code, 0, errors);
          client.destroy();
        }
        await using server = new ServerProcess(parameters, keys);
        const client = rootClient(await server.endpoint());
        const { Body } = await client.send(new GetObjectCommand({ Bucket: "bucket", Key: "key" }));
        assert.ok(body.equals(await (Body as NonNullable<typeof Body>).transformToByteArray()));
        client.destroy();
      });
    }

    test("cuts off what takes longer than the drain time, and still ends with 0", async () => {
      using directory = new TemporaryDirectory();
      await using server = new ServerProcess(
        [
          "--data",
          directory.path,
          "--workers",
          String(workers),
          "--drain-timeout",
          "200ms",
          ...freePorts,
        ],
        keys,
      );
      const endpoint = await server.endpoint();
      const client = rootClient(endpoint);
      await client.send(new CreateBucketCommand({ Bucket: "bucket" }));
      using upload = await RawClient.connect(Number(new URL(endpoint).port));
      upload.send(await presignedPut(client, 1000));
      upload.send("a");
      await new Promise((resolve) => setTimeout(resolve, 200));
      server.child.kill("SIGTERM");
      const { code } = await server.ended();
      assert.equal(code, 0);
      client.destroy();
    });
  });
}

describe("workers", () => {
  test("that die are replaced, and nothing that was written is lost", async () => {
    using directory = new TemporaryDirectory();
    await using server = new ServerProcess(
      ["--data", directory.path, "--workers", "2", "--website-port", "0", ...freePorts],
      keys,
    );
    const endpoint = await server.endpoint();
    const [, websites = ""] = /Websites +.*, (http:\S+)/.exec(server.output) ?? [];
    const ofSite = async (): Promise<string> => (await fetch(websites)).text();
    assert.match(await ofSite(), /<li>BucketName: 127\.0\.0\.1</);
    const adminEndpoint = await server.adminEndpoint();
    const client = rootClient(endpoint);
    await client.send(new CreateBucketCommand({ Bucket: "bucket" }));
    await client.send(
      new PutObjectCommand({ Bucket: "bucket", Key: "k", Body: "x".repeat(100_000) }),
    );
    const first = workerProcesses(server);
    assert.equal(first.length, 2);

    const deaths = (): number => server.errors.split("worker died").length - 1;
    // One alone, while the other serves on.
    process.kill(first[0] as number, "SIGKILL");
    await eventually(() => deaths() === 1, "the death was noticed");
    await client.send(new HeadBucketCommand({ Bucket: "bucket" }));
    await eventually(() => workerProcesses(server).length === 3, "it was replaced");
    // All at once: the ports go with the last one, and must come back the same.
    process.kill(first[1] as number, "SIGKILL");
    process.kill(workerProcesses(server)[2] as number, "SIGKILL");
    await eventually(() => deaths() === 3, "the deaths were noticed");
    await eventually(() => workerProcesses(server).length === 5, "all were replaced");
    assert.deepEqual(await ready(adminEndpoint), { ready: 2, configured: 2 });
    assert.match(await ofSite(), /<li>Code: NoSuchBucket</);
    const { Body } = await client.send(new GetObjectCommand({ Bucket: "bucket", Key: "k" }));
    assert.equal((await Body?.transformToString())?.length, 100_000);
    client.destroy();
    server.child.kill("SIGTERM");
    assert.equal((await server.ended()).code, 0);
  });

  test("end with a supervisor that was killed, and leave the directory free", async () => {
    using directory = new TemporaryDirectory();
    const parameters = ["--data", directory.path, "--workers", "2", ...freePorts];
    await using server = new ServerProcess(parameters, keys);
    await server.endpoint();
    // The log and the banner come through two pipes.
    await eventually(() => workerProcesses(server).length === 2, "the workers were logged");
    const workers = workerProcesses(server);
    server.child.kill("SIGKILL");
    await server.ended();
    await using next = new ServerProcess(parameters, keys);
    await next.endpoint();
    assert.deepEqual(workers.filter(isRunning), []);
  });
});

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
  } catch {
    return false;
  }
  if (process.platform !== "linux") return true;
  // Dead, but not yet collected by its new parent: a state of `Z` after the name in parentheses.
  return !/\) Z /.test(readFileSync(`/proc/${processId}/stat`, "utf8"));
}

/** From the log, which names each worker's process when it serves. */
function workerProcesses(server: ServerProcess): readonly number[] {
  const matches = server.errors.matchAll(/worker started .*processId=(\d+)/g);
  return [...matches].map((match) => Number(match[1]));
}

/** The head of a PUT whose signature does not cover the body, so that it can be sent in pieces. */
async function presignedPut(client: S3Client, lengthBytes: number): Promise<string> {
  const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
  const url = new URL(
    await getSignedUrl(client, new PutObjectCommand({ Bucket: "bucket", Key: "key" })),
  );
  return (
    `PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n` +
    `Content-Length: ${lengthBytes}\r\n\r\n`
  );
}

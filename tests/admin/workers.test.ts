// ListWorkers and RunWorker: what an administrator sees of background work, and who may see it.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { createServer, ManualClock } from "../../src/app.ts";
import { startIdentityServer } from "../s3/identity-server.ts";
import { startTestServer } from "../s3/test-server.ts";
import { ManagementClient } from "./management-client.ts";

const server = await startIdentityServer();
after(() => server[Symbol.asyncDispose]());
const root = new ManagementClient(server.endpoint, server.root);

interface ListedWorker {
  readonly Name: string;
  readonly Scope: string;
  readonly Status: string;
  readonly Holder?: string;
  readonly LastRunAt?: string;
}

describe("background workers", () => {
  test("are listed with their holder, status and last run", async () => {
    await root.call("RunWorker", { Name: "sweeper" });
    const { Workers } = await root.call("ListWorkers");
    const names = (Workers as ListedWorker[]).map(({ Name }) => Name);
    assert.deepEqual(names, names.toSorted());
    const sweeper = (Workers as ListedWorker[]).find(({ Name }) => Name === "sweeper");
    assert.equal(sweeper?.Scope, "Store");
    assert.equal(sweeper.Status, "Idle");
    assert.equal(typeof sweeper.Holder, "string");
    assert.match(sweeper.LastRunAt ?? "", /^\d{4}-.*Z$/);
    assert.ok(names.includes("read-publisher"));
  });

  test("run when they are told to", async () => {
    const run = await root.call("RunWorker", { Name: "sweeper" });
    assert.equal(run.Name, "sweeper");
    assert.equal(run.Status, "Idle");
    assert.equal(typeof run.LastRunDid.blobs, "number");
    await root.refused("RunWorker", { Name: "none" }, "NoSuchEntityException", 404);
    await root.refused("RunWorker", {}, "ValidationException", 400);
  });

  test("are no business of other accounts", async () => {
    const { client: tenant } = await root.newAccount();
    await tenant.refused("ListWorkers", {}, "AccessDeniedException", 403);
    await tenant.refused("RunWorker", { Name: "sweeper" }, "AccessDeniedException", 403);
  });

  test("run in a test process too, with its clock", async () => {
    const clock = new ManualClock(Date.now());
    const { server: library, s3, newBucket } = await startTestServer({ clock });
    const Bucket = await newBucket();
    await s3.putObject({ Bucket, Key: "large", Body: Buffer.alloc(200_000) });
    await s3.deleteObject({ Bucket, Key: "large" });
    clock.advance(120_000);
    assert.equal((await library.runWorker("sweeper"))["blobs"], 1);
    await assert.rejects(library.runWorker("none"), { name: "UnknownWorkerError" });
    await using other = await createServer();
    assert.equal((await other.runWorker("sweeper"))["blobs"], 0);
  });
});

// Short runs of the crash tests; the long form is crash.ts as a command.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { identifierOf, ranges } from "../../src/objects/records/keyspace.ts";
import { openStoresToRead } from "../../src/open-stores-to-read.ts";
import { ServerProcess, TemporaryDirectory } from "../app/server-process.ts";
import { runChangeCrashes } from "./change-log-crash.ts";
import { runCrashes } from "./crash.ts";
import { chooseSeed, withSeed } from "./seeded-random.ts";

describe("a server that is killed in the middle of mixed load", () => {
  it("keeps every acknowledged write, with one worker", async () => {
    const seed = chooseSeed();
    await withSeed(seed, async () => {
      const counts = await runCrashes({ seed, rounds: 3, workers: 1, crash: "kill" });
      assert.equal(counts.crashes, 3);
      assert.ok(counts.acknowledged > 0);
    });
  });

  it("keeps every acknowledged write, with two workers that also die alone", async () => {
    const seed = chooseSeed();
    await withSeed(seed, async () => {
      const counts = await runCrashes({ seed, rounds: 3, workers: 2, crash: "kill" });
      assert.equal(counts.crashes, 3);
      assert.ok(counts.acknowledged > 0);
    });
  });

  it("keeps every acknowledged write through simulated power cuts", async () => {
    const seed = chooseSeed();
    await withSeed(seed, async () => {
      const counts = await runCrashes({ seed, rounds: 3, workers: 1, crash: "power-cut" });
      assert.equal(counts.crashes, 3);
      assert.ok(counts.acknowledged > 0);
    });
  });
});

describe("the change log of a server that is killed again and again", () => {
  for (const workers of [1, 2]) {
    it(`tells a webhook, a replica and access logs of every change, with ${workers} workers`, async () => {
      const seed = chooseSeed();
      await withSeed(seed, async () => {
        const counts = await runChangeCrashes({ seed, rounds: 3, workers });
        assert.equal(counts.crashes, 3);
        assert.ok(counts.acknowledged > 0);
      });
    });
  }
});

describe("a worker that dies alone", () => {
  it("is declared dead, and none of those that live", async () => {
    using directory = new TemporaryDirectory();
    const ports = ["--port", "0", "--admin-port", "0", "--workers", "2"];
    await using server = new ServerProcess(["serve", "--data", directory.path, ...ports]);
    await server.endpoint();
    // The first worker declares the writers of earlier servers dead; its successor must not.
    let known = await declaredWriters(directory.path);
    assert.equal(known.length, 2);
    for (let death = 0; death < 2; death += 1) {
      const { pid } = server.child;
      const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
      process.kill(Number(children.trim().split(" ")[0]), "SIGKILL");
      const before = known;
      const deadline = Date.now() + 30_000;
      for (;;) {
        known = await declaredWriters(directory.path);
        const isReplaced = known.some((id) => !before.includes(id));
        if (isReplaced && (known.length !== 2 || known.some((id) => before.includes(id)))) break;
        assert.ok(Date.now() < deadline, `declared are ${known.join(", ")}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.equal(known.length, 2, "a living worker was declared dead");
    }
  });
});

async function declaredWriters(directory: string): Promise<readonly string[]> {
  await using stores = await openStoresToRead(directory);
  const read = await stores.store.read({ ranges: [{ ...ranges.writers(), limit: 100 }] });
  return (read.ranges[0] ?? []).map((entry) => identifierOf(entry.key));
}

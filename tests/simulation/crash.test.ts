// Short runs of the crash tests; the long form is crash.ts as a command.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
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

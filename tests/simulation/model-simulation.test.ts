// Short runs of the model simulation; the long form is model-simulation.ts as a command.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noFaults } from "./memory-process.ts";
import { manyFaults, simulate } from "./model-simulation.ts";
import { chooseSeed, withSeed } from "./seeded-random.ts";

describe("a random history of requests", () => {
  it("is answered as S3 would", async () => {
    const seed = chooseSeed();
    await withSeed(seed, async () => {
      const counts = await simulate(seed, 600, noFaults);
      assert.equal(counts.unknown, 0);
      assert.ok(counts.refused > 0 && counts.refused < counts.requests / 2);
    });
  });

  it("holds together under faults and deaths", async () => {
    const first = chooseSeed();
    let deaths = 0;
    for (let seed = first; seed < first + 6; seed += 1) {
      await withSeed(seed, async () => {
        deaths += (await simulate(seed, 200, manyFaults)).deaths;
      });
    }
    assert.ok(deaths > 0);
  });

  it("is the same for the same seed", async () => {
    const [first, second] = [
      await simulate(42, 200, manyFaults),
      await simulate(42, 200, manyFaults),
    ];
    assert.deepEqual(first, second);
  });
});

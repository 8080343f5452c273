// What the background walks hold does not follow the number of objects in a bucket: each in a process of its
// own, over a thousand objects and over two hundred thousand.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { memoryWorks, MemoryFigures } from "../../bench/memory-walk.ts";

const run = promisify(execFile);
const fill = fileURLToPath(new URL("../../bench/lifecycle-walk.ts", import.meta.url));
const script = fileURLToPath(new URL("../../bench/memory-walk.ts", import.meta.url));
const counts = { small: 1000, large: 200_000 } as const;
/** They differ by less than one; a hundred bytes kept of each object would be 19. */
const allowedMebibytes = 5;

describe("memory in use in the midst of a walk is the same for 1,000 and 200,000 objects", () => {
  let directory = "";

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "holdfast-walk-"));
    for (const [name, count] of Object.entries(counts)) {
      await run(process.execPath, [fill, join(directory, name), "fill", String(count)]);
    }
  });
  after(() => rm(directory, { recursive: true, force: true }));

  async function measure(work: string, size: keyof typeof counts): Promise<MemoryFigures> {
    const { stdout } = await run(process.execPath, [
      "--expose-gc",
      script,
      join(directory, size),
      work,
      String(counts[size]),
    ]);
    return JSON.parse(stdout) as MemoryFigures;
  }

  const works = ["lifecycle", "storage class analysis", "inventory, CSV"] as const;
  for (const work of works satisfies readonly (keyof typeof memoryWorks)[]) {
    test(work, async () => {
      const small = await measure(work, "small");
      const large = await measure(work, "large");
      assert.equal(large.looked, counts.large);
      assert.ok(small.liveMebibytes > 1, "it was measured");
      const difference = large.liveMebibytes - small.liveMebibytes;
      assert.ok(difference < allowedMebibytes, `${difference} MiB more`);
    });
  }
});

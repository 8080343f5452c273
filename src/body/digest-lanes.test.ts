import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as fc from "fast-check";
import { checksumHeaderNames, computeChecksum } from "./checksum.ts";
import type { ChecksumAlgorithm } from "./checksum.ts";
import { DigestThread } from "./digest-lanes.ts";
import { laneCount, slotBytes, slotsPerLane } from "./digest-memory.ts";
import type { Digester } from "./digester.ts";

const laneBytes = slotBytes * slotsPerLane;
const algorithms = Object.keys(checksumHeaderNames) as ChecksumAlgorithm[]; // Its only keys.
const md5: ReadonlySet<ChecksumAlgorithm> = new Set(["MD5"]);

async function openLane(
  thread: DigestThread,
  wanted: ReadonlySet<ChecksumAlgorithm> = md5,
): Promise<Digester> {
  for (;;) {
    const lane = thread.open(wanted);
    if (lane !== undefined) return lane;
    await sleep(5);
  }
}

function sampleBytes(length: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index += 1) bytes[index] = (index * 31 + seed) >> 3;
  return bytes;
}

/** Each piece is overwritten as soon as it may be. */
async function digestPieces(digester: Digester, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    const mine = Buffer.from(piece);
    await digester.update(mine);
    mine.fill(0);
  }
}

async function checkPieces(
  thread: DigestThread,
  pieces: readonly Buffer[],
  wanted: ReadonlySet<ChecksumAlgorithm>,
): Promise<void> {
  const digester = await openLane(thread, wanted);
  await digestPieces(digester, pieces);
  const digests = await digester.finish();
  digester.release();
  const whole = Buffer.concat(pieces);
  assert.deepEqual([...digests.keys()], [...wanted]);
  for (const [algorithm, digest] of digests) {
    assert.deepEqual(
      Buffer.from(digest),
      Buffer.from(computeChecksum(algorithm, whole)),
      algorithm,
    );
  }
}

test("the thread digests as the event loop does, whatever the pieces", async () => {
  const thread = new DigestThread();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 3 * slotBytes }), { maxLength: 8 }),
      fc.subarray(algorithms),
      async (lengths, wanted) => {
        const pieces = lengths.map((length, index) => sampleBytes(length, index));
        await checkPieces(thread, pieces, new Set(wanted));
      },
    ),
    { numRuns: 60 },
  );
  const around = [laneBytes - 1, laneBytes, laneBytes + 1, 5 * laneBytes + 7];
  for (const length of around)
    await checkPieces(thread, [sampleBytes(length, 1)], new Set(algorithms));
});

test("bodies on all lanes at once do not disturb each other, nor do bodies that were given up", async () => {
  const thread = new DigestThread();
  const lanes = [await openLane(thread)];
  while (lanes.length < laneCount) lanes.push(await openLane(thread));
  assert.equal(thread.open(md5), undefined);
  for (const lane of lanes) lane.release();
  await Promise.all(
    Array.from({ length: 2 * laneCount }, async (_, index) => {
      const pieces = [sampleBytes(slotBytes + index, index), sampleBytes(laneBytes, index + 1)];
      if (index % 3 > 0) return await checkPieces(thread, pieces, new Set(["MD5", "CRC64NVME"]));
      const abandoned = await openLane(thread);
      await digestPieces(abandoned, pieces);
      abandoned.release();
      abandoned.release();
    }),
  );
});

test("a body fails with its thread, and is not left waiting", async () => {
  const dying = `
    import { parentPort } from "node:worker_threads";
    parentPort.postMessage("ready");
    setTimeout(() => { throw new Error("the thread dies"); }, 100);
  `;
  const thread = new DigestThread(new URL(`data:text/javascript,${encodeURIComponent(dying)}`));
  const waiting = await openLane(thread);
  const ending = await openLane(thread);
  const failures = [
    waiting.update(sampleBytes(laneBytes + 1, 0)),
    digestPieces(ending, [sampleBytes(10, 0)]).then(() => ending.finish()),
  ];
  for (const failure of failures) {
    await assert.rejects(async () => failure, { message: "the digest thread has failed" });
  }
  assert.equal(thread.hasFailed, true);
  assert.equal(thread.open(md5), undefined);
});

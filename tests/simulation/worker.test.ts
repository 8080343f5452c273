// The runner of background workers, with time that stands still until the test lets it go.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createReadPublisher } from "../../src/background/read-publisher.ts";
import type { BackgroundWorker, WorkerReport } from "../../src/background/worker.ts";
import { timerSleep, WorkerRunner } from "../../src/background/worker.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { noPass } from "./no-pass.ts";

/** Sleeps that end when the test says so. */
class Sleeps {
  readonly milliseconds: number[] = [];
  #wake: (() => void) | undefined;

  readonly sleep = (milliseconds: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      this.milliseconds.push(milliseconds);
      this.#wake = resolve;
      signal.addEventListener("abort", () => resolve());
    });

  async end(): Promise<void> {
    const wake = this.#wake;
    assert.ok(wake, "nobody sleeps");
    this.#wake = undefined;
    wake();
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

function worker(runOnce: BackgroundWorker["runOnce"]): BackgroundWorker {
  return { name: "example", scope: "process", intervalMilliseconds: 5000, runOnce };
}

const report: WorkerReport = { fields: { items: 3 } };

describe("a worker runner", () => {
  it("runs a pass, pauses, and runs the next", async () => {
    const sleeps = new Sleeps();
    let passes = 0;
    const told: unknown[] = [];
    const events = {
      roundFinished: (fields: object) => void told.push(fields),
      roundFailed: () => assert.fail(),
    };
    const clock = new ManualClock(7);
    await using runner = new WorkerRunner({
      worker: worker(async () => {
        passes += 1;
        return passes === 2 ? { ...report, againMilliseconds: 40 } : report;
      }),
      clock,
      sleep: sleeps.sleep,
      events,
    });
    assert.equal(runner.status.lastRunMilliseconds, undefined);
    runner.start();
    await settle();
    clock.set(9);
    await sleeps.end();
    assert.equal(passes, 2);
    assert.deepEqual(sleeps.milliseconds, [5000, 40]);
    assert.deepEqual(told, [
      { worker: "example", items: 3 },
      { worker: "example", items: 3 },
    ]);
    assert.equal(runner.status.lastRunMilliseconds, 9);
    assert.equal(runner.status.isRunning, false);
  });

  it("backs off further with every failure, up to a minute, and recovers", async () => {
    const sleeps = new Sleeps();
    let isBroken = true;
    const failures: unknown[] = [];
    await using runner = new WorkerRunner({
      worker: worker(async () => {
        if (isBroken) throw new Error("broken");
        return report;
      }),
      clock: new ManualClock(0),
      sleep: sleeps.sleep,
      events: { roundFinished: () => {}, roundFailed: (_, cause) => void failures.push(cause) },
    });
    runner.start();
    await settle();
    for (let failure = 1; failure < 9; failure += 1) await sleeps.end();
    assert.deepEqual(
      sleeps.milliseconds,
      [5000, 5000, 5000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000],
    );
    assert.equal(runner.status.failuresInARow, 9);
    assert.match(String(runner.status.lastError), /broken/);
    assert.equal(failures.length, 9);
    isBroken = false;
    await sleeps.end();
    assert.equal(runner.status.failuresInARow, 0);
    assert.equal(runner.status.lastError, undefined);
    assert.equal(sleeps.milliseconds.at(-1), 5000);
  });

  it("ends only when the pass under way has ended, and tells it to hurry", async () => {
    const { promise, resolve } = Promise.withResolvers<WorkerReport>();
    const sleeps = new Sleeps();
    let seen: AbortSignal | undefined;
    const runner = new WorkerRunner({
      worker: worker((signal) => {
        seen = signal;
        return promise;
      }),
      clock: new ManualClock(0),
      sleep: sleeps.sleep,
    });
    runner.start();
    await settle();
    assert.equal(runner.status.isRunning, true);
    let isEnded = false;
    const ending = (async () => {
      await runner[Symbol.asyncDispose]();
      isEnded = true;
    })();
    await settle();
    assert.equal(seen?.aborted, true);
    assert.equal(isEnded, false);
    resolve(report);
    await ending;
    assert.deepEqual(sleeps.milliseconds, []);
  });

  it("ends at once while it sleeps, and may be ended before it was started", async () => {
    const runner = new WorkerRunner({
      worker: worker(async () => report),
      clock: new ManualClock(0),
    });
    await runner[Symbol.asyncDispose]();
    const slept = new WorkerRunner({
      worker: worker(async () => report),
      clock: new ManualClock(0),
    });
    slept.start();
    await settle();
    await slept[Symbol.asyncDispose]();
    await timerSleep(1, new AbortController().signal);
  });
});

describe("the read publisher", () => {
  it("publishes the reads of its process with every pass", async () => {
    let published = 0;
    const publisher = createReadPublisher({
      publishReads: async () => {
        published += 1;
      },
    });
    await publisher.runOnce(new AbortController().signal, noPass);
    assert.equal(published, 1);
  });
});

// Object lock's time: it does not go back, and does not run ahead for long.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, type Clock } from "../base/clock.ts";
import { MemoryKeyValueStore } from "../storage/key-value/memory-key-value-store.ts";
import { transact } from "../storage/key-value/transaction.ts";
import { LockClock } from "./lock-clock.ts";
import { keys } from "./records/keyspace.ts";

const hour = 3_600_000;
const day = 24 * hour;
const start = Date.UTC(2026, 0, 15);

/** A wall clock that can be set, beside one that only goes forward. */
class TwoClocks implements Clock {
  wall = start;
  #elapsed = 0;
  now(): number {
    return this.wall;
  }
  elapsed(): number {
    return this.#elapsed;
  }
  pass(milliseconds: number): void {
    this.wall += milliseconds;
    this.#elapsed += milliseconds;
  }
}

test("a clock that was set back still begins periods at the time that had come", () => {
  const clock = new TwoClocks();
  const lockClock = new LockClock(clock, undefined);
  clock.pass(10 * day);
  lockClock.time();
  clock.wall -= 9 * day;
  const { nowMilliseconds, startMilliseconds } = lockClock.time();
  assert.equal(nowMilliseconds, start + day);
  assert.equal(startMilliseconds, start + 10 * day);
});

test("a clock that was set forward by years for an hour is forgotten within a day", () => {
  const clock = new TwoClocks();
  const lockClock = new LockClock(clock, undefined);
  clock.wall += 3650 * day;
  lockClock.time();
  clock.pass(hour);
  lockClock.time();
  clock.wall -= 3650 * day;
  const { startMilliseconds } = lockClock.time();
  assert.ok(startMilliseconds <= start + hour + day, new Date(startMilliseconds).toISOString());
  clock.pass(2 * day);
  assert.equal(lockClock.time().startMilliseconds, clock.now());
});

test("what was stored holds after a restart with the clock set back", async () => {
  const store = new MemoryKeyValueStore();
  const clock = new ManualClock(start);
  const before = await LockClock.open(clock, store);
  await transact(store, async (transaction) => {
    before.begin(transaction);
  });
  clock.advance(40 * day);
  await before.tick(store);
  clock.set(start + day);
  const after = await LockClock.open(clock, store);
  assert.equal(after.time().startMilliseconds, start + 40 * day);
});

test("after a long outage the mark catches up, and periods begin now meanwhile", () => {
  const clock = new TwoClocks();
  const lockClock = new LockClock(clock, start - 30 * day);
  assert.equal(lockClock.time().startMilliseconds, start);
  clock.pass(2 * day);
  lockClock.time();
  clock.wall -= day;
  assert.equal(lockClock.time().startMilliseconds, start + 2 * day);
});

test("a store whose locks nobody uses is not written", async () => {
  const store = new MemoryKeyValueStore();
  const clock = new ManualClock(start);
  const lockClock = await LockClock.open(clock, store);
  clock.advance(day);
  await lockClock.tick(store);
  assert.equal((await store.read({ gets: [keys.lockClock()] })).gets[0], undefined);
});

// The rules of object lock as tables: what protects, what new versions get, which changes are allowed.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  addPeriod,
  changeRetention,
  isProtected,
  settleLock,
  type LockTime,
  type RetentionChange,
} from "./object-lock.ts";
import type { RetentionMode, VersionLock } from "./records/lock-record.ts";

const day = 86_400_000;
const now = Date.UTC(2026, 0, 15);
const time: LockTime = { nowMilliseconds: now, startMilliseconds: now };

function retained(mode: RetentionMode, days: number): VersionLock {
  return { retention: { mode, untilMilliseconds: now + days * day } };
}

const held: VersionLock = { eventHold: { isOn: true, duration: { days: 10 }, mode: "GOVERNANCE" } };
const strictlyHeld: VersionLock = {
  eventHold: { isOn: true, duration: { days: 10 }, mode: "COMPLIANCE" },
};

describe("a version is protected", () => {
  const cases: readonly [string, VersionLock | undefined, boolean, boolean][] = [
    ["without a lock", undefined, false, false],
    ["in GOVERNANCE before its date", retained("GOVERNANCE", 1), true, false],
    ["in COMPLIANCE before its date", retained("COMPLIANCE", 1), true, true],
    ["in COMPLIANCE after its date", retained("COMPLIANCE", -1), false, false],
    ["in COMPLIANCE at its date", retained("COMPLIANCE", 0), false, false],
    ["under legal hold", { legalHold: "ON" }, true, true],
    ["under a legal hold that was taken off", { legalHold: "OFF" }, false, false],
    [
      "under legal hold, retention over",
      { ...retained("GOVERNANCE", -1), legalHold: "ON" },
      true,
      true,
    ],
    ["under event hold", held, true, true],
    ["under an event hold that is off", { eventHold: { isOn: false } }, false, false],
  ];
  for (const [name, lock, expected, expectedWithBypass] of cases) {
    test(`${name}: ${expected}, with bypass ${expectedWithBypass}`, () => {
      assert.equal(isProtected(lock, now, false), expected);
      assert.equal(isProtected(lock, now, true), expectedWithBypass);
    });
  }
});

describe("a new version", () => {
  const defaults = { mode: "COMPLIANCE", period: { days: 30 } } as const;
  const byDefault = { retention: { mode: "COMPLIANCE", untilMilliseconds: now + 30 * day } };

  test("gets nothing where there is nothing", () => {
    assert.equal(settleLock(undefined, undefined, now), undefined);
  });
  test("gets the bucket's retention, counted from its creation", () => {
    assert.deepEqual(settleLock(undefined, defaults, now), byDefault);
  });
  test("keeps its own retention", () => {
    const own = retained("GOVERNANCE", 1);
    assert.deepEqual(settleLock(own, { ...defaults, eventHold: { days: 1 } }, now), own);
  });
  test("gets the bucket's retention beside its own legal hold", () => {
    const lock = settleLock({ legalHold: "ON" }, defaults, now);
    assert.deepEqual(lock, { ...byDefault, legalHold: "ON" });
  });
  test("gets the bucket's event hold, unless it has said so itself", () => {
    const hold = { eventHold: { years: 7 } };
    assert.deepEqual(settleLock(undefined, hold, now), {
      eventHold: { isOn: true, duration: { years: 7 }, mode: "GOVERNANCE" },
    });
    const own = { eventHold: { isOn: false } };
    assert.deepEqual(settleLock(own, hold, now), own);
  });
});

test("days have 24 hours and years follow the calendar", () => {
  assert.equal(addPeriod(now, { days: 3 }), now + 3 * day);
  assert.equal(addPeriod(now, { years: 2 }), Date.UTC(2028, 0, 15));
  assert.equal(addPeriod(Date.UTC(2028, 1, 29), { years: 1 }), Date.UTC(2029, 2, 1));
});

function hold(duration: { days: number }): RetentionChange {
  return { eventHold: { isOn: true, duration } };
}

function release(duration: { days: number }): RetentionChange {
  return { eventHold: { isOn: false, duration } };
}

function attemptOf(before: VersionLock | undefined, change: RetentionChange, mayBypass: boolean) {
  return () => changeRetention(before, change, time, mayBypass);
}

describe("a retention is changed", () => {
  type Outcome = "allowed" | "by bypass" | "never";
  const to = (mode: RetentionMode, days: number): RetentionChange => retained(mode, days);
  const cases: readonly [string, VersionLock | undefined, RetentionChange, Outcome][] = [
    ["first set", undefined, to("COMPLIANCE", 1), "allowed"],
    ["GOVERNANCE, longer", retained("GOVERNANCE", 5), to("GOVERNANCE", 6), "allowed"],
    ["GOVERNANCE, the same", retained("GOVERNANCE", 5), to("GOVERNANCE", 5), "allowed"],
    ["GOVERNANCE, shorter", retained("GOVERNANCE", 5), to("GOVERNANCE", 4), "by bypass"],
    ["GOVERNANCE, taken away", retained("GOVERNANCE", 5), {}, "by bypass"],
    ["GOVERNANCE to COMPLIANCE", retained("GOVERNANCE", 5), to("COMPLIANCE", 6), "by bypass"],
    ["COMPLIANCE, longer", retained("COMPLIANCE", 5), to("COMPLIANCE", 6), "allowed"],
    ["COMPLIANCE, shorter", retained("COMPLIANCE", 5), to("COMPLIANCE", 4), "never"],
    ["COMPLIANCE, taken away", retained("COMPLIANCE", 5), {}, "never"],
    ["COMPLIANCE to GOVERNANCE", retained("COMPLIANCE", 5), to("GOVERNANCE", 6), "never"],
    ["COMPLIANCE, over, taken away", retained("COMPLIANCE", -1), {}, "allowed"],
    ["COMPLIANCE, over, to GOVERNANCE", retained("COMPLIANCE", -1), to("GOVERNANCE", 1), "allowed"],
    ["an event hold is set", undefined, { eventHold: { isOn: true } }, "allowed"],
    ["an event hold is released", held, { eventHold: { isOn: false } }, "allowed"],
    ["a strict event hold is released", strictlyHeld, { eventHold: { isOn: false } }, "allowed"],
    ["a hold's duration grows", strictlyHeld, hold({ days: 11 }), "allowed"],
    ["a hold's duration shrinks", held, hold({ days: 9 }), "by bypass"],
    ["a strict hold's duration shrinks", strictlyHeld, hold({ days: 9 }), "never"],
    ["a strict hold is released to less", strictlyHeld, release({ days: 9 }), "never"],
    ["a hold is released to less", held, release({ days: 9 }), "by bypass"],
  ];
  for (const [name, before, change, outcome] of cases) {
    test(`${name}: ${outcome}`, () => {
      const denied = {
        code: "AccessDenied",
        message: "Access Denied because object protected by object lock.",
      };
      for (const mayBypass of [false, true]) {
        const isAllowed = outcome === "allowed" || (mayBypass && outcome === "by bypass");
        const attempt = attemptOf(before, change, mayBypass);
        if (isAllowed) attempt();
        else assert.throws(attempt, denied);
      }
    });
  }

  test("a released hold begins a retention of its duration and mode", () => {
    const after = changeRetention(strictlyHeld, { eventHold: { isOn: false } }, time, false);
    assert.deepEqual(after, {
      retention: { mode: "COMPLIANCE", untilMilliseconds: now + 10 * day },
      eventHold: { isOn: false },
    });
  });

  test("a released hold takes nothing from a longer or stricter retention", () => {
    const before = { ...held, ...retained("COMPLIANCE", 50) };
    const after = changeRetention(before, { eventHold: { isOn: false } }, time, false);
    assert.deepEqual(after.retention, retained("COMPLIANCE", 50).retention);
  });

  test("a legal hold stays whatever happens to the retention", () => {
    const before: VersionLock = { ...retained("GOVERNANCE", 5), legalHold: "ON" };
    assert.deepEqual(changeRetention(before, {}, time, true), { legalHold: "ON" });
  });

  test("a date must be in the future", () => {
    const past = {
      code: "InvalidArgument",
      message: "The retain until date must be in the future!",
    };
    assert.throws(() => changeRetention(undefined, to("GOVERNANCE", 0), time, true), past);
  });

  test("a hold that is released while the clock is set back is counted from the true time", () => {
    const setBack = { nowMilliseconds: now - 5 * day, startMilliseconds: now };
    const after = changeRetention(held, { eventHold: { isOn: false } }, setBack, false);
    assert.equal(after.retention?.untilMilliseconds, now + 10 * day);
  });
});

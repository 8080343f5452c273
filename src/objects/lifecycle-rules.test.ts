import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import type { LifecycleRule } from "../model/types.generated.ts";
import {
  calendarDays,
  endOfDays,
  lifecycleDaysOf,
  type LifecycleMoment,
} from "./lifecycle-days.ts";
import {
  activeRules,
  currentAction,
  findAbortion,
  findExpiration,
  markerAction,
  noncurrentAction,
  planWalk,
  type ActiveLifecycle,
  type LifecycleAction,
  type NoncurrentPlace,
  type VersionFacts,
} from "./lifecycle-rules.ts";
import { mayTransition, preferenceOf } from "./storage-class-order.ts";

const day = 86_400_000;
const at = (text: string): number => Date.parse(text);
const lifecycle = (
  rules: readonly Partial<LifecycleRule>[],
  minimumSize: ActiveLifecycle["minimumSize"] = "all_storage_classes_128K",
): ActiveLifecycle => ({
  rules: activeRules(
    rules.map((rule, index) => ({ ID: `${index}`, Filter: {}, Status: "Enabled", ...rule })),
  ),
  minimumSize,
});
const facts = (members: Partial<VersionFacts> = {}): VersionFacts => ({
  key: "logs/a",
  sizeBytes: 1_000_000,
  tags: undefined,
  storageClass: "STANDARD",
  lastModifiedMilliseconds: at("2014-01-15T10:30:00Z"),
  ...members,
});
const on = (text: string): LifecycleMoment => ({ nowMilliseconds: at(text), days: calendarDays });
const kept = { isDeleted: false };
const gone = { isDeleted: true };

const isExpiring = (rule: Partial<LifecycleRule>, members: Partial<VersionFacts> = {}): boolean =>
  findExpiration(
    lifecycle([{ Expiration: { Days: 1 }, ...rule }]),
    facts(members),
    calendarDays,
  ) !== undefined;

const targetOf = (...classes: readonly string[]): string | undefined => {
  const rules = lifecycle(
    classes.map((StorageClass) => ({
      Transitions: [{ Days: 0, StorageClass: StorageClass as "GLACIER" }],
    })),
  );
  const action = currentAction(rules, facts(), on("2014-02-19T00:00:00Z"), kept);
  return action?.kind === "transition" ? action.storageClass : undefined;
};

const isMoving = (
  StorageClass: "GLACIER" | "GLACIER_IR",
  minimumSize: ActiveLifecycle["minimumSize"],
  Filter: LifecycleRule["Filter"] = {},
): boolean => {
  const rules = lifecycle([{ Filter, Transitions: [{ Days: 0, StorageClass }] }], minimumSize);
  const small = facts({ sizeBytes: 1000 });
  return currentAction(rules, small, on("2014-02-19T00:00:00Z"), kept) !== undefined;
};

const placeOf = (newerVersions: number): NoncurrentPlace => ({
  sinceMilliseconds: at("2014-01-02T11:30:00Z"),
  newerVersions,
});

const noncurrentOf = (rules: ActiveLifecycle, newer: number, text: string) =>
  noncurrentAction(rules, facts(), placeOf(newer), on(text));

describe("days", () => {
  test("the example of the user guide: rounded up to the next midnight UTC", () => {
    assert.equal(
      endOfDays(at("2014-01-15T10:30:00Z"), 3, calendarDays),
      at("2014-01-19T00:00:00Z"),
    );
  });

  test("short days wait for no midnight", () => {
    assert.equal(endOfDays(5, 3, lifecycleDaysOf(10)), 30_005);
  });

  test("an end is a midnight, at least so many days later and less than one more", () => {
    fc.assert(
      fc.property(fc.nat(4e12), fc.integer({ min: 0, max: 4000 }), (since, count) => {
        const end = endOfDays(since, count, calendarDays);
        assert.equal(end % day, 0);
        assert.ok(end >= since + count * day && end < since + (count + 1) * day);
      }),
    );
  });
});

describe("what applies", () => {
  test("a prefix of either form, and none", () => {
    assert.ok(isExpiring({}));
    assert.ok(isExpiring({ Filter: { Prefix: "logs/" } }));
    assert.ok(isExpiring({ Filter: undefined, Prefix: "logs/" }));
    assert.ok(!isExpiring({ Filter: { Prefix: "logs/b" } }));
    assert.ok(!isExpiring({ Filter: undefined, Prefix: "/logs" }));
  });

  test("every tag, whatever else is there", () => {
    const tag = { Key: "kind", Value: "log" };
    const other = { Key: "host", Value: "a" };
    const tags = [
      ["host", "a"],
      ["kind", "log"],
      ["more", ""],
    ] as const;
    assert.ok(isExpiring({ Filter: { Tag: tag } }, { tags }));
    assert.ok(isExpiring({ Filter: { And: { Tags: [tag, other] } } }, { tags }));
    assert.ok(!isExpiring({ Filter: { Tag: tag } }));
    assert.ok(
      !isExpiring({ Filter: { And: { Tags: [tag, { ...other, Value: "b" }] } } }, { tags }),
    );
    assert.ok(!isExpiring({ Filter: { And: { Tags: [tag], Prefix: "x" } } }, { tags }));
  });

  test("sizes exclude what they name", () => {
    const Filter = { And: { ObjectSizeGreaterThan: 10, ObjectSizeLessThan: 20 } };
    const found = [10, 11, 19, 20].map((sizeBytes) => isExpiring({ Filter }, { sizeBytes }));
    assert.deepEqual(found, [false, true, true, false]);
  });

  test("nothing of a rule that is disabled", () => {
    assert.ok(!isExpiring({ Status: "Disabled" }));
  });
});

describe("a current version", () => {
  const expiration = { Expiration: { Days: 3 } };

  test("ends when its days are over, and not a moment before", () => {
    const rules = lifecycle([expiration]);
    const action = (text: string) => currentAction(rules, facts(), on(text), kept);
    assert.equal(action("2014-01-18T23:59:59.999Z"), undefined);
    assert.deepEqual(action("2014-01-19T00:00:00Z"), { kind: "expire", ruleId: "0" });
  });

  test("ends from a date on, also one that is over", () => {
    const rules = lifecycle([{ Expiration: { Date: new Date("2014-02-01T00:00:00Z") } }]);
    const action = (text: string) => currentAction(rules, facts(), on(text), kept)?.kind;
    assert.deepEqual(
      [action("2014-01-31T23:59:59Z"), action("2014-02-01T00:00:00Z")],
      [undefined, "expire"],
    );
    const young = facts({ lastModifiedMilliseconds: at("2015-01-01T00:00:00Z") });
    assert.equal(currentAction(rules, young, on("2015-01-01T00:00:01Z"), kept)?.kind, "expire");
  });

  test("the shortest expiration is the one that counts, of equals the first", () => {
    const rules = lifecycle([{ Expiration: { Days: 9 } }, expiration, expiration]);
    assert.deepEqual(findExpiration(rules, facts(), calendarDays), {
      atMilliseconds: at("2014-01-19T00:00:00Z"),
      ruleId: "1",
    });
  });

  test("deletion for good goes before a transition, and that before a delete marker", () => {
    const rules = lifecycle([expiration, { Transitions: [{ Days: 3, StorageClass: "GLACIER" }] }]);
    const now = on("2014-01-19T00:00:00Z");
    assert.equal(currentAction(rules, facts(), now, gone)?.kind, "expire");
    assert.equal(currentAction(rules, facts(), now, kept)?.kind, "transition");
    const moved = facts({ storageClass: "GLACIER" });
    assert.equal(currentAction(rules, moved, now, kept)?.kind, "expire");
  });

  test("goes to the cheapest class that is due, with Intelligent-Tiering before all but archives", () => {
    assert.equal(targetOf("STANDARD_IA", "GLACIER"), "GLACIER");
    assert.equal(targetOf("GLACIER", "ONEZONE_IA"), "GLACIER");
    assert.equal(targetOf("INTELLIGENT_TIERING", "GLACIER_IR"), "INTELLIGENT_TIERING");
    assert.equal(targetOf("INTELLIGENT_TIERING", "GLACIER"), "GLACIER");
    assert.equal(targetOf("GLACIER", "DEEP_ARCHIVE"), "DEEP_ARCHIVE");
  });

  test("small objects stay, unless the bucket or the rule's own sizes say otherwise", () => {
    assert.ok(!isMoving("GLACIER", "all_storage_classes_128K"));
    assert.ok(isMoving("GLACIER", "varies_by_storage_class"));
    assert.ok(!isMoving("GLACIER_IR", "varies_by_storage_class"));
    assert.ok(isMoving("GLACIER_IR", "all_storage_classes_128K", { ObjectSizeGreaterThan: 500 }));
  });
});

describe("a noncurrent version", () => {
  test("the example of the user guide: five days after its successor came", () => {
    const rules = lifecycle([{ NoncurrentVersionExpiration: { NoncurrentDays: 5 } }]);
    assert.equal(noncurrentOf(rules, 0, "2014-01-07T23:59:59Z"), undefined);
    assert.equal(noncurrentOf(rules, 0, "2014-01-08T00:00:00Z")?.kind, "expire");
  });

  test("so many newer ones are kept, and both conditions count", () => {
    const rules = lifecycle([
      { NoncurrentVersionExpiration: { NoncurrentDays: 5, NewerNoncurrentVersions: 2 } },
    ]);
    const found = [0, 1, 2, 3].map(
      (newer) => noncurrentOf(rules, newer, "2014-02-01T00:00:00Z")?.kind,
    );
    assert.deepEqual(found, [undefined, undefined, "expire", "expire"]);
    assert.equal(noncurrentOf(rules, 3, "2014-01-03T00:00:00Z"), undefined);
  });

  test("deletion goes before a transition", () => {
    const rules = lifecycle([
      { NoncurrentVersionTransitions: [{ NoncurrentDays: 1, StorageClass: "GLACIER" }] },
      { NoncurrentVersionExpiration: { NoncurrentDays: 5 } },
    ]);
    assert.equal(noncurrentOf(rules, 0, "2014-01-04T00:00:00Z")?.kind, "transition");
    assert.equal(noncurrentOf(rules, 0, "2014-01-08T00:00:00Z")?.kind, "expire");
  });
});

describe("a delete marker that is alone", () => {
  const marker = facts({ sizeBytes: 0 });
  test("goes at once where a rule says so, else with its days", () => {
    const clean = lifecycle([{ Expiration: { ExpiredObjectDeleteMarker: true } }]);
    assert.equal(markerAction(clean, marker, on("2014-01-15T10:31:00Z"))?.kind, "expire");
    const byDays = lifecycle([{ Expiration: { Days: 1 } }]);
    assert.equal(markerAction(byDays, marker, on("2014-01-16T12:00:00Z")), undefined);
    assert.equal(markerAction(byDays, marker, on("2014-01-17T00:00:00Z"))?.kind, "expire");
    const off = lifecycle([{ Expiration: { ExpiredObjectDeleteMarker: false } }]);
    assert.equal(markerAction(off, marker, on("2015-01-01T00:00:00Z")), undefined);
  });
});

test("an upload is aborted by the first of its rules", () => {
  const rules = lifecycle([
    { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } },
    { Filter: { Prefix: "logs/" }, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 } },
  ]);
  const initiatedMilliseconds = at("2014-01-15T10:30:00Z");
  const due = (key: string) => findAbortion(rules, { key, initiatedMilliseconds }, calendarDays);
  assert.deepEqual(due("logs/a"), { atMilliseconds: at("2014-01-18T00:00:00Z"), ruleId: "1" });
  assert.deepEqual(due("other"), { atMilliseconds: at("2014-01-23T00:00:00Z"), ruleId: "0" });
});

// Everything that rules can say, over few enough values that they meet.
const someKey = fc.constantFrom("", "a", "a/", "a/b", "b");
const someDays = fc.integer({ min: 0, max: 12 });
const someClass = fc.constantFrom(
  ...(["STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER"] as const),
  "DEEP_ARCHIVE" as const,
);
const someDate = someDays.map((days) => new Date(days * day));
const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const someRule: fc.Arbitrary<LifecycleRule> = fc.record({
  ID: fc.uuid(),
  Status: fc.constantFrom("Enabled" as const, "Enabled" as const, "Disabled" as const),
  Filter: fc.oneof(
    someKey.map((Prefix) => ({ Prefix })),
    someKey.map((Prefix) => ({ And: { Prefix, ObjectSizeGreaterThan: 100 } })),
    fc.constant({ Tag: { Key: "k", Value: "v" } }),
  ),
  Expiration: optional(
    fc.oneof(
      someDays.map((Days) => ({ Days })),
      someDate.map((date) => ({ Date: date })),
      fc.constant({ ExpiredObjectDeleteMarker: true }),
    ),
  ),
  Transitions: fc.array(
    fc.oneof(
      fc.record({ Days: someDays, StorageClass: someClass }),
      fc.record({ Date: someDate, StorageClass: someClass }),
    ),
    { maxLength: 2 },
  ),
  NoncurrentVersionExpiration: optional(
    fc.record({ NoncurrentDays: someDays, NewerNoncurrentVersions: fc.nat(3) }),
  ),
  NoncurrentVersionTransitions: fc.array(
    fc.record({ NoncurrentDays: someDays, StorageClass: someClass }),
    { maxLength: 2 },
  ),
});
const someLifecycle = fc
  .record({
    rules: fc.array(someRule, { maxLength: 4 }),
    minimumSize: fc.constantFrom(
      "all_storage_classes_128K" as const,
      "varies_by_storage_class" as const,
    ),
  })
  .map(({ rules, minimumSize }) => ({ rules: activeRules(rules), minimumSize }));
const someFacts: fc.Arbitrary<VersionFacts> = fc.record({
  key: fc.constantFrom("a", "a/b", "a/c", "b", "c"),
  sizeBytes: fc.constantFrom(0, 100, 101, 200_000),
  tags: optional(fc.constant([["k", "v"]] as const)),
  storageClass: fc.oneof(fc.constant("STANDARD"), someClass),
  lastModifiedMilliseconds: fc.integer({ min: 0, max: 12 * day }),
});
const someNow = fc.integer({ min: 0, max: 30 * day });
const someMoment = (nowMilliseconds: number, isShort: boolean): LifecycleMoment => ({
  nowMilliseconds,
  days: isShort ? lifecycleDaysOf(3600) : calendarDays,
});
const someOptions = fc.record({ isDeleted: fc.boolean() });

describe("whatever the rules are", () => {
  test("a walk passes over nothing that is due", () => {
    const property = fc.property(
      someLifecycle,
      someFacts,
      fc.tuple(someNow, fc.boolean(), someOptions, fc.nat(4)),
      (rules, version, [now, isShort, options, newerVersions]) => {
        const moment = someMoment(now, isShort);
        const since = version.lastModifiedMilliseconds + 5000;
        const place = { sinceMilliseconds: since, newerVersions };
        const found: readonly (readonly [
          "current" | "noncurrent" | "marker",
          LifecycleAction | undefined,
        ])[] = [
          ["current", currentAction(rules, version, moment, options)],
          ["noncurrent", noncurrentAction(rules, version, place, moment)],
          ["marker", markerAction(rules, version, moment)],
        ];
        for (const [kind, action] of found) {
          if (action === undefined) continue;
          const plan = planWalk(rules, kind, moment);
          assert.ok(plan !== undefined, kind);
          assert.ok(version.lastModifiedMilliseconds <= plan.latestMilliseconds, kind);
          assert.ok(!plan.needsTags || version.tags !== undefined, kind);
          if (kind === "noncurrent") assert.ok(newerVersions >= plan.fewestNewerVersions);
          assert.equal(plan.prefixes.filter((each) => version.key.startsWith(each)).length, 1);
        }
      },
    );
    fc.assert(property, { numRuns: 3000 });
  });

  test("no object ever goes back to a class that it may not go to, nor to its own", () => {
    const property = fc.property(someLifecycle, someFacts, someNow, (rules, version, now) => {
      const action = currentAction(rules, version, someMoment(now, false), kept);
      if (action?.kind !== "transition") return;
      assert.ok(mayTransition(version.storageClass, action.storageClass));
      assert.ok(preferenceOf(action.storageClass) > preferenceOf(version.storageClass));
    });
    fc.assert(property, { numRuns: 2000 });
  });

  test("what is due stays due, and comes to rest after finitely many moves", () => {
    const property = fc.property(
      someLifecycle,
      someFacts,
      fc.tuple(someNow, fc.nat(5 * day)),
      (rules, version, [now, later]) => {
        const first = currentAction(rules, version, someMoment(now, false), kept);
        const then = someMoment(now + later, false);
        if (first !== undefined) assert.ok(currentAction(rules, version, then, kept) !== undefined);
        let moved = version;
        for (let step = 0; ; step += 1) {
          const action = currentAction(rules, moved, then, kept);
          if (action?.kind !== "transition") break;
          assert.ok(step < 6, "it moves for ever");
          moved = { ...moved, storageClass: action.storageClass };
        }
      },
    );
    fc.assert(property, { numRuns: 2000 });
  });

  test("one more rule never lets an object live longer", () => {
    const property = fc.property(
      fc.array(someRule, { maxLength: 3 }),
      someRule,
      someFacts,
      (rules, more, version) => {
        const minimumSize = "all_storage_classes_128K";
        const end = (all: readonly LifecycleRule[]): number =>
          findExpiration({ rules: activeRules(all), minimumSize }, version, calendarDays)
            ?.atMilliseconds ?? Number.POSITIVE_INFINITY;
        assert.ok(end([...rules, more]) <= end(rules));
      },
    );
    fc.assert(property, { numRuns: 1000 });
  });
});

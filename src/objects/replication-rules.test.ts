// Which rule decides, where changes go, and what the status says: tables after "What does Amazon S3
// replicate?" and "Getting replication status information" (User Guide).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ReplicationRule } from "../model/types.generated.ts";
import {
  compileReplication,
  destinationsOfChange,
  destinationsOfNew,
  formatReplication,
  pendingState,
  replicationStatusOf,
  withDestination,
  type ReplicationSubject,
} from "./replication-rules.ts";

const Role = "arn:aws:iam::111122223333:role/r";
const a = "arn:aws:s3:::aaa";
const b = "arn:aws:s3:::bbb";

const object: ReplicationSubject = {
  key: "docs/a",
  isDeleteMarker: false,
  tags: [],
  encryption: "AES256",
  storageClass: undefined,
};
const marker = { ...object, isDeleteMarker: true };

function rule(changes: Partial<ReplicationRule> = {}): ReplicationRule {
  return {
    ID: "r",
    Status: "Enabled",
    Priority: 0,
    Filter: { Prefix: "" },
    DeleteMarkerReplication: { Status: "Disabled" },
    Destination: { Bucket: a },
    ...changes,
  };
}

const compile = (...Rules: ReplicationRule[]) =>
  compileReplication(formatReplication({ Role, Rules }));

const found = (rules: ReplicationRule[], subject: ReplicationSubject): Record<string, string> =>
  Object.fromEntries(
    [...destinationsOfNew(compile(...rules), subject)].map(([arn, { id }]) => [arn, id]),
  );

describe("a new version", () => {
  const cases: readonly [
    string,
    ReplicationRule[],
    ReplicationSubject,
    Readonly<Record<string, string>>,
  ][] = [
    ["matches every key by an empty filter", [rule({ Filter: {} })], object, { [a]: "r" }],
    ["matches a prefix", [rule({ Filter: { Prefix: "docs/" } })], object, { [a]: "r" }],
    ["misses a prefix", [rule({ Filter: { Prefix: "docs/b" } })], object, {}],
    ["is nothing to a disabled rule", [rule({ Status: "Disabled" })], object, {}],
    [
      "goes by the highest priority",
      [rule(), rule({ ID: "high", Priority: 9 }), rule({ ID: "low", Priority: 1 })],
      object,
      { [a]: "high" },
    ],
    [
      "goes to each destination by its own rules",
      [rule(), rule({ ID: "other", Priority: 1, Destination: { Bucket: b } })],
      object,
      { [a]: "r", [b]: "other" },
    ],
    [
      "has all tags of the filter",
      [rule({ Filter: { And: { Prefix: "docs/", Tags: [{ Key: "x", Value: "1" }] } } })],
      {
        ...object,
        tags: [
          ["x", "1"],
          ["y", "2"],
        ],
      },
      { [a]: "r" },
    ],
    [
      "has another value of the tag",
      [rule({ Filter: { Tag: { Key: "x", Value: "1" } } })],
      { ...object, tags: [["x", "2"]] },
      {},
    ],
    ["under KMS stays without the opt-in", [rule()], { ...object, encryption: "aws:kms" }, {}],
    [
      "under KMS goes with it",
      [rule({ SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" } } })],
      { ...object, encryption: "aws:kms:dsse" },
      { [a]: "r" },
    ],
    ["with a customer's key goes", [rule()], { ...object, encryption: "SSE-C" }, { [a]: "r" }],
    ["that is archived stays", [rule()], { ...object, storageClass: "GLACIER" }, {}],
  ];
  for (const [name, rules, subject, expected] of cases) {
    test(name, () => assert.deepEqual(found(rules, subject), expected));
  }
});

describe("a delete marker", () => {
  const optsIn = { DeleteMarkerReplication: { Status: "Enabled" } } as const;

  test("goes by opt-in in the second schema, and always in the first", () => {
    assert.deepEqual(found([rule()], marker), {});
    assert.deepEqual(found([rule(optsIn)], marker), { [a]: "r" });
    const first: ReplicationRule = {
      ID: "first",
      Status: "Enabled",
      Prefix: "docs",
      Destination: { Bucket: a },
    };
    assert.deepEqual(found([first], marker), { [a]: "first" });
  });

  test("is decided about by the rule that wins, also when that is against it", () => {
    assert.deepEqual(found([rule({ Priority: 5 }), rule({ ID: "low", ...optsIn })], marker), {});
  });
});

describe("a change", () => {
  const rules = compile(rule(), rule({ Priority: 1, Destination: { Bucket: b } }));
  const goesTo = (state: Parameters<typeof destinationsOfChange>[1], by = rules): string[] => [
    ...destinationsOfChange(by, state, object).keys(),
  ];

  test("goes where the version has gone, and nowhere else", () => {
    assert.deepEqual(goesTo(undefined), []);
    assert.deepEqual(goesTo({ destinations: { [a]: { status: "COMPLETED" } } }), [a]);
    assert.deepEqual(goesTo({ destinations: { "arn:aws:s3:::ccc": { status: "FAILED" } } }), []);
  });

  test("of a replica goes by a rule that syncs modifications alone", () => {
    assert.deepEqual(goesTo({ isReplica: true }), []);
    const sync = {
      SourceSelectionCriteria: { ReplicaModifications: { Status: "Enabled" } },
    } as const;
    assert.deepEqual(goesTo({ isReplica: true }, compile(rule(sync))), [a]);
  });

  test("that takes the filter's tag away still goes along", () => {
    const tagged = compile(rule({ Filter: { Tag: { Key: "x", Value: "1" } } }));
    const state = { destinations: { [a]: { status: "COMPLETED" } } } as const;
    assert.equal(destinationsOfChange(tagged, state, object).size, 1);
  });
});

const stateOf = (...statuses: ("PENDING" | "COMPLETED" | "FAILED")[]) => ({
  destinations: Object.fromEntries(statuses.map((status, index) => [String(index), { status }])),
});

describe("the status", () => {
  test("is COMPLETED when all destinations are, FAILED when one is", () => {
    assert.equal(replicationStatusOf(undefined), undefined);
    assert.equal(replicationStatusOf({}), undefined);
    assert.equal(replicationStatusOf(stateOf("COMPLETED", "COMPLETED")), "COMPLETED");
    assert.equal(replicationStatusOf(stateOf("COMPLETED", "PENDING")), "PENDING");
    assert.equal(replicationStatusOf(stateOf("FAILED", "PENDING", "COMPLETED")), "FAILED");
  });

  test("is REPLICA unless a modification of the replica is on its way", () => {
    assert.equal(replicationStatusOf({ isReplica: true }), "REPLICA");
    assert.equal(replicationStatusOf({ isReplica: true, ...stateOf("COMPLETED") }), "REPLICA");
    assert.equal(replicationStatusOf({ isReplica: true, ...stateOf("PENDING") }), "PENDING");
  });

  test("changes for one destination and keeps what is known of the others", () => {
    const pending = pendingState({ destinations: { [b]: { status: "FAILED" } } }, [a]);
    assert.deepEqual(pending.destinations, {
      [a]: { status: "PENDING" },
      [b]: { status: "FAILED" },
    });
    const done = withDestination(pending, a, { status: "COMPLETED", versionId: "v" });
    assert.deepEqual(done.destinations?.[a], { status: "COMPLETED", versionId: "v" });
    // A change on its way again must not forget what the replica is called.
    assert.deepEqual(pendingState(done, [a]).destinations?.[a], {
      status: "PENDING",
      versionId: "v",
    });
  });
});

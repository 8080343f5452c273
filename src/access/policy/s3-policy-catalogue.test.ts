// The catalogue is coherent, and covers what the operations of S3 need.

import assert from "node:assert/strict";
import { test } from "node:test";
import { globalConditionKeys } from "./global-condition-keys.ts";
import { s3ConditionKeys, s3PolicyActions, sharedS3ConditionKeys } from "./s3-policy-catalogue.ts";

test("every key that an action knows has a type", () => {
  const used = [
    ...sharedS3ConditionKeys,
    ...[...s3PolicyActions.values()].flatMap(({ conditionKeys }) => [...conditionKeys]),
  ];
  const untyped = used.filter((key) => !s3ConditionKeys.has(key) && !globalConditionKeys.has(key));
  assert.deepEqual(untyped, []);
});

test("every key of S3 is known to some action, or is about access points", () => {
  const used = new Set([
    ...sharedS3ConditionKeys,
    ...[...s3PolicyActions.values()].flatMap(({ conditionKeys }) => [...conditionKeys]),
  ]);
  assert.deepEqual(
    [...s3ConditionKeys.keys()].filter((key) => !used.has(key)),
    [],
  );
});

test("actions are about what they say", () => {
  for (const { name, resources } of s3PolicyActions.values()) {
    if (/Object(?!Lock|Lambda)/.test(name)) assert.ok(resources.includes("object"), name);
    if (/^(?:Get|Put|Delete)Bucket/.test(name)) assert.ok(resources.includes("bucket"), name);
  }
  assert.deepEqual(s3PolicyActions.get("listallmybuckets")?.resources, ["none"]);
});

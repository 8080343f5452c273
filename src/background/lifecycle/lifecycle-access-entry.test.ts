// Every operation that "S3 Lifecycle and logging" (User Guide, lifecycle-and-other-bucket-config.html) says
// records tell of.

import assert from "node:assert/strict";
import { test } from "node:test";
import { loggedActions, loggedTransition } from "./lifecycle-access-entry.ts";

test("the operations of records are those that the Guide lists", () => {
  assert.deepEqual(Object.values(loggedActions).toSorted(), [
    "S3.CREATE.DELETEMARKER",
    "S3.DELETE.UPLOAD",
    "S3.EXPIRE.OBJECT",
  ]);
  const transitions = [
    ["STANDARD_IA", "S3.TRANSITION_SIA.OBJECT"],
    ["ONEZONE_IA", "S3.TRANSITION_ZIA.OBJECT"],
    ["INTELLIGENT_TIERING", "S3.TRANSITION_INT.OBJECT"],
    ["GLACIER_IR", "S3.TRANSITION_GIR.OBJECT"],
    ["GLACIER", "S3.TRANSITION.OBJECT"],
    ["DEEP_ARCHIVE", "S3.TRANSITION_GDA.OBJECT"],
  ] as const;
  for (const [storageClass, operation] of transitions) {
    assert.equal(loggedTransition(storageClass), operation);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { failureText } from "./failure-text.ts";

test("what is told of a failure holds none of the destination's secrets", () => {
  const settings = {
    kind: "webhook",
    url: "https://user:pass%20word@example.com",
    secret: "signing-secret",
    headers: { "x-key": "header-secret" },
  } as const;
  const error = new Error(
    "no: signing-secret header-secret\npass%20word pass word https://user:pass%20word@example.com",
  );
  assert.equal(failureText(error, settings), "no: *** *** *** *** https://user:***@example.com");
});

test("an error of several addresses is that of the first", () => {
  const error = new AggregateError([new Error("connect ECONNREFUSED 127.0.0.1:1")]);
  assert.equal(failureText(error, undefined), "connect ECONNREFUSED 127.0.0.1:1");
});

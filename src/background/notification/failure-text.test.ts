import assert from "node:assert/strict";
import { test } from "node:test";
import type { DestinationSettings } from "../../model/notification-destinations.ts";
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

test("nor a line of a secret that has several", () => {
  const seed = "SUAIBDPBAUTWCWBKIO6XHQNINK5FWJW4OHLXC3HQ2KFE4PEJUA44CNHTC4";
  const credentials = `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
  const settings: DestinationSettings = {
    kind: "nats",
    servers: ["tls://localhost"],
    subject: "events",
    credentials,
  };
  assert.equal(failureText(new Error(`bad seed ${seed}`), settings), "bad seed ***");
});

test("an error of several addresses is that of the first", () => {
  const error = new AggregateError([new Error("connect ECONNREFUSED 127.0.0.1:1")]);
  assert.equal(failureText(error, undefined), "connect ECONNREFUSED 127.0.0.1:1");
});

test("what a client library hides behind its own words is told", () => {
  const cause = new Error("SASL authentication failed.");
  const error = new AggregateError([
    new AggregateError([new Error("Connection to localhost:9093 failed.", { cause })]),
  ]);
  const told = "Connection to localhost:9093 failed: SASL authentication failed.";
  assert.equal(failureText(error, undefined), told);
});

test("a failure of TLS says which side refused the other, and gives no advice about Node.js", () => {
  const untrusted = Object.assign(
    new Error("unable to verify the first certificate; if the root CA is installed, try Node.js"),
    { code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
  );
  assert.equal(
    failureText(untrusted, undefined),
    "the receiver's certificate is not trusted: unable to verify the first certificate",
  );
  const refused = Object.assign(new Error("407D:error:0A00045C:SSL routines:…:../deps/x.c:918:"), {
    code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
    reason: "tlsv13 alert certificate required",
  });
  assert.equal(
    failureText(refused, undefined),
    "the receiver refused the TLS connection: tlsv13 alert certificate required",
  );
});

test("a receiver that says nothing is told by how long it was waited for", () => {
  const late = new DOMException("The operation was aborted due to timeout", "TimeoutError");
  const settings = { kind: "webhook", url: "https://example.com", timeoutSeconds: 3 } as const;
  assert.equal(failureText(late, settings), "no answer within 3 seconds");
});

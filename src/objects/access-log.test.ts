// Lines of access logs, character by character. How S3 writes them where the Guide does not say it was seen
// in records that people published: apache/hadoop and its committers' tests (batches), logstash and
// elastic/integrations (lifecycle, logs of other services), request-log-analyzer (copies).

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { composeLogObjects, formatAccessLine, redactTarget } from "./access-log.ts";
import type { AccessEntry, AccessOutcome } from "./access-log.ts";

const owner = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
const target = { targetBucket: "logs", targetPrefix: "" };
const common = {
  requestId: "3E57427F3EXAMPLE",
  receivedMilliseconds: Date.parse("2026-02-06T00:00:38Z"),
  bucket: "photos",
  bucketOwner: owner,
  bucketOwnerAccount: "123456789012",
  target,
} as const;
const asker = {
  remoteAddress: "192.0.2.3",
  requester: "arn:aws:iam::123456789012:user/alice",
  hostId: "HOSTID=",
  signatureVersion: "SigV4",
  cipherSuite: "ECDHE-RSA-AES128-GCM-SHA256",
  authentication: "AuthHeader",
  hostHeader: "photos.s3.example.com",
  tlsVersion: "TLSv1.2",
} as const;
const put: AccessEntry = {
  ...common,
  ...asker,
  operation: "REST.PUT.OBJECT",
  key: "cat.jpg",
  requestLine: "PUT /cat.jpg HTTP/1.1",
  status: 200,
  objectBytes: 4406583,
  turnAroundMilliseconds: 28.4,
  userAgent: "S3Console/0.4",
};
const outcome: AccessOutcome = {
  requestId: common.requestId,
  sentBytes: 0,
  totalMilliseconds: 41754.2,
};
const start = `${owner} photos [06/Feb/2026:00:00:38 +0000]`;
const end =
  "HOSTID= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader photos.s3.example.com TLSv1.2 - - -";
const alice = "192.0.2.3 arn:aws:iam::123456789012:user/alice 3E57427F3EXAMPLE";

function keyOf(key: string, isRequest: boolean): string {
  const { requestLine: _, ...other } = put;
  const line = formatAccessLine({ ...(isRequest ? put : other), key }, undefined);
  return line.split(" ")[8] ?? "";
}

describe("a line of an access log", () => {
  it("says everything of a request, in 27 fields", () => {
    assert.equal(
      formatAccessLine(put, outcome),
      `${start} ${alice} REST.PUT.OBJECT cat.jpg "PUT /cat.jpg HTTP/1.1" 200 - - 4406583 41754 28 "-" "S3Console/0.4" - ${end}`,
    );
  });

  it("has bare dashes where a part of a request has nothing of its own", () => {
    const { requestLine: _, userAgent: __, turnAroundMilliseconds: ___, ...part } = put;
    const batch = { ...part, part: 1, operation: "BATCH.DELETE.OBJECT", status: 204 };
    assert.equal(
      formatAccessLine({ ...batch, key: "Screen Shot.png" }, undefined),
      `${start} ${alice} BATCH.DELETE.OBJECT Screen+Shot.png - 204 - - 4406583 - - - - - ${end}`,
    );
    const source = { ...part, part: 0, operation: "REST.COPY.OBJECT_GET", versionId: "v1" };
    assert.equal(
      formatAccessLine({ ...source, isAclRequired: true }, undefined),
      `${start} ${alice} REST.COPY.OBJECT_GET cat.jpg - 200 - - 4406583 - - - - v1 ${end.replace("- - -", "- Yes -")}`,
    );
  });

  it("has quoted dashes for what lifecycle rules do", () => {
    const expired = { ...common, requester: "AmazonS3", operation: "S3.EXPIRE.OBJECT" };
    assert.equal(
      formatAccessLine({ ...expired, key: "a/b.zip", objectBytes: 317, hostId: "H" }, undefined),
      `${start} - AmazonS3 3E57427F3EXAMPLE S3.EXPIRE.OBJECT a/b.zip "-" - - - 317 - - "-" "-" - H - - - - - - - -`,
    );
  });

  it("encodes the key of a request line twice, any other once", () => {
    assert.equal(keyOf("a b/ü+%~.txt", true), "a%2520b/%25C3%25BC%252B%2525%7E.txt");
    assert.equal(keyOf("a b/ü+%~.txt", false), "a+b/%C3%BC%2B%25%7E.txt");
    assert.equal(keyOf("(it's)!*", false), "%28it%27s%29%21*");
    // No key, however odd, may keep its neighbours from being delivered.
    assert.equal(keyOf("half \uD83D", false), "half+%EF%BF%BD");
  });

  it("keeps a client's quotation marks and line breaks from being taken for the log's own", () => {
    const forged = { ...put, userAgent: 'x" 200 -\n', referer: '"' };
    assert.match(formatAccessLine(forged, outcome), / "%22" "x%22 200 - " - HOSTID= /);
  });

  it("tells of a failure that came after the answer had begun", () => {
    const late = formatAccessLine(put, { ...outcome, errorCode: "InternalError", sentBytes: 9 });
    assert.match(late, / 200 InternalError 9 4406583 /);
    const died = formatAccessLine(put, undefined);
    assert.match(died, / 200 - - 4406583 - 28 /);
  });
});

it("a log object holds a request and its parts, which share an id", () => {
  const part = { ...put, part: 1, operation: "BATCH.DELETE.OBJECT" };
  const lines = [put, part, { ...part, part: 2 }, outcome].map((line) => JSON.stringify(line));
  const [object, ...others] = composeLogObjects("segment", lines, { region: "us-east-1" });
  assert.equal(others.length, 0);
  const written = object?.text.trimEnd().split("\n") ?? [];
  assert.equal(written.length, 3);
  const timed = written.filter((line) => line.includes(" 41754 "));
  assert.equal(timed.length, 1, "only the request itself has an answer");
});

it("what would let others ask again is taken out of a request line", () => {
  assert.equal(
    redactTarget("/a?X-Amz-Signature=0a&x=1&X-Amz-Security-Token=t"),
    "/a?X-Amz-Signature=REDACTED&x=1&X-Amz-Security-Token=REDACTED",
  );
});

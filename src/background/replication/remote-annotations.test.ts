// What servers that do not know annotations answer must never make of an annotation an object.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RemoteAnswer, RemoteRequest } from "../../remote/s3-client.ts";
import { DestinationAwayError } from "./failure.ts";
import { replicateAnnotationsTo, type RemoteAnnotationsOptions } from "./remote-annotations.ts";

function answerOf(status: number, body: string): RemoteAnswer {
  return { status, headers: {}, body, bytes: Buffer.from(body) };
}

/** The requests that a server gets which answers all of them in the same way. */
async function requestsTo(answer: RemoteAnswer): Promise<readonly string[]> {
  const methods: string[] = [];
  const usage = { count: 1, bytes: 4, changes: 1 };
  const annotations = { isWhole: true, names: new Set() };
  const source = { bucket: { name: "b" }, key: "key", record: { annotations: usage } };
  const options = {
    work: {
      source,
      annotations,
      role: { allows: async () => true },
      signal: AbortSignal.timeout(1000),
    },
    versionId: "null",
    isHoldfast: false,
    async send({ method }: Pick<RemoteRequest, "method">) {
      methods.push(method);
      return answer;
    },
  } as unknown as RemoteAnnotationsOptions; // nothing else of the work is looked at
  await replicateAnnotationsTo(options);
  return methods;
}

describe("replicateAnnotationsTo", () => {
  for (const [name, answer] of [
    ["answers with the object's first byte", answerOf(206, "<")],
    ["answers with an object", answerOf(200, "text")],
    ["says that it has none of it", answerOf(501, "<Error><Code>NotImplemented</Code></Error>")],
    ["finds a range in an empty object impossible", answerOf(416, "")],
    ["does not let its caller know", answerOf(403, "<Error><Code>AccessDenied</Code></Error>")],
  ] as const) {
    it(`writes nothing to a server that ${name}`, async () => {
      assert.deepEqual(await requestsTo(answer), ["GET"]);
    });
  }

  it("waits for one that is away", async () => {
    await assert.rejects(requestsTo(answerOf(503, "")), DestinationAwayError);
  });
});

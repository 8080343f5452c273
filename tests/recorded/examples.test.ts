// Runs every documented example against a server of its own and compares the answer with the page's.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { S3 } from "@aws-sdk/client-s3";
import { patternBytes, startTestServerAlone } from "../s3/test-server.ts";
import {
  absent,
  BytesOfLength,
  examples,
  type Call,
  type Expected,
  type RecordedExample,
} from "./examples.ts";

type Answer = Readonly<Record<string, unknown>> & {
  readonly $metadata: { readonly httpStatusCode?: number };
};
type Answers = Map<string, Answer>;

for (const example of examples) {
  test(`${example.name} (${example.source})`, () => run(example));
}

async function run({ region = "us-east-1", ...example }: RecordedExample): Promise<void> {
  await using server = await startTestServerAlone({ region });
  const answers: Answers = new Map();
  for (const call of example.before) {
    const answer = await send(server.plainS3, call, answers);
    if (call.as !== undefined) answers.set(call.as, answer);
  }
  const answer = await send(server.plainS3, example.request, answers);
  assert.equal(answer.$metadata.httpStatusCode, example.status);
  compare(answer, fill(example.expected, answers) as Expected, "answer");
}

function send(s3: S3, call: Call, answers: Answers): Promise<Answer> {
  // The examples name the client's methods, each of which takes one input.
  const method = Reflect.get(s3, call.operation) as (input: unknown) => Promise<Answer>;
  return method.call(s3, fill(call.input, answers));
}

/** Puts earlier answers in the places of `{name.Member}`, and bytes in those of lengths. */
function fill(value: unknown, answers: Answers): unknown {
  if (typeof value === "string") {
    return value.replaceAll(/\{(\w+)\.(\w+)\}/g, (_, name: string, member: string) =>
      String(answers.get(name)?.[member]),
    );
  }
  if (value instanceof BytesOfLength) return patternBytes(value.length);
  if (value instanceof RegExp || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => fill(each, answers));
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, fill(each, answers)]),
  );
}

function compare(found: unknown, expected: Expected, path: string): void {
  if (expected === absent) return assert.equal(found, undefined, path);
  if (expected instanceof RegExp) {
    const text = found instanceof Date ? found.toISOString() : String(found);
    return assert.match(text, expected, path);
  }
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(found), path);
    assert.equal(found.length, expected.length, path);
    for (const [index, each] of expected.entries()) {
      compare(found[index], each as Expected, `${path}[${index}]`);
    }
    return;
  }
  if (typeof expected === "object") {
    assert.ok(typeof found === "object" && found !== null, path);
    const members = Object.entries(expected);
    for (const [name, each] of members) compare(Reflect.get(found, name), each, `${path}.${name}`);
    return;
  }
  assert.equal(found, expected, path);
}

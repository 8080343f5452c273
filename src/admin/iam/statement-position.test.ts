import assert from "node:assert/strict";
import { test } from "node:test";
import { positionOf } from "./statement-position.ts";

function textOf(document: string, index: number): string {
  const { StartPosition: start, EndPosition: end } = positionOf(document, index);
  const offset = (position: typeof start): number => {
    const lines = document.split("\n").slice(0, (position?.Line ?? 0) - 1);
    const before = lines.reduce((sum, line) => sum + line.length + 1, 0);
    return before + (position?.Column ?? 0) - 1;
  };
  return document.slice(offset(start), offset(end));
}

test("statements are found whatever stands before, between and inside them", () => {
  const statements = [
    '{"Effect":"Allow","Action":"s3:*","Resource":"*"}',
    '{"Sid":"a{[\\"]}b","Effect":"Deny",\n "Action":["s3:Get*"],"Resource":["a","b"],"Condition":{"Null":{"Statement":"true"}}}',
    '{"Effect":"Allow","Action":"iam:*","Resource":"*"}',
  ];
  const list = `{"Id":"Statement",\n"Version":"2012-10-17", "Statement":[${statements.join(",\n  ")}]}`;
  for (const [index, text] of statements.entries()) assert.equal(textOf(list, index), text);
  assert.deepEqual(positionOf(list, 3), {});
  const alone = `{"Statement" : ${statements[1]}}`;
  assert.equal(textOf(alone, 0), statements[1]);
});

// Keeps the committed contract equal to what the generator makes of the SDK and the corrections.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { generateModel } from "../../tools/generate-model.ts";
import { deprecatedTwins } from "./corrections.ts";
import type { TypeReference } from "./operation-table.ts";
import { operations, shapes } from "./operations.generated.ts";
import { enumerations } from "./types.generated.ts";

test("the generated files are what the generator writes today", async () => {
  for (const { path, text } of await generateModel()) {
    assert.ok(readFileSync(path, "utf8") === text, `${path} has drifted: run npm run generate`);
  }
});

test("all 112 operations of the SDK and the eight that it does not model are there", () => {
  assert.equal(Object.keys(operations).length, 120);
  for (const [name, definition] of Object.entries(operations)) assert.equal(definition.name, name);
  for (const successor of Object.values(deprecatedTwins)) assert.ok(successor in operations);
});

test("every type that a member names exists", () => {
  const check = (type: TypeReference, where: string): void => {
    if (typeof type === "string" || "map" in type) return;
    if ("list" in type) check(type.list, where);
    else if ("enumeration" in type) assert.ok(type.enumeration in enumerations, where);
    else assert.ok(("structure" in type ? type.structure : type.events) in shapes, where);
  };
  for (const { name, input, output } of Object.values(operations)) {
    for (const member of [...input, ...output]) check(member.type, `${name}.${member.name}`);
  }
  for (const [name, { members }] of Object.entries(shapes)) {
    for (const member of members) check(member.type, `${name}.${member.name}`);
  }
});

test("the checksum rule is known for the operations that S3 documents it for", () => {
  const required = Object.values(operations).filter(({ checksumRequired }) => checksumRequired);
  const names = required.map(({ name }) => name);
  for (const name of ["DeleteObjects", "PutBucketCors", "PutObjectRetention"] as const) {
    assert.ok(names.includes(name), name);
  }
  for (const name of [
    "PutObject",
    "PutObjectAcl",
    "PutObjectTagging",
    "PutBucketNotificationConfiguration",
    "PutBucketVersioning",
  ] as const) {
    assert.ok(!names.includes(name), name);
  }
});

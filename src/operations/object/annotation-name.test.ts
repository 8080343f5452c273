import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { S3Error } from "../../model/errors.ts";
import { checkAnnotationName, checkAnnotationPrefix, isAnnotationName } from "./annotation-name.ts";

function codeOf(work: () => void): string | undefined {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof S3Error);
    return error.code;
  }
  return undefined;
}

describe("names of annotations", () => {
  for (const name of [
    "a",
    "ml.sentiment",
    "_x-1.",
    "0",
    "Größe",
    "標註",
    "sa3",
    "xaws",
    "é".repeat(256),
  ]) {
    it(`may be ${name.slice(0, 20)}`, () => {
      assert.equal(
        codeOf(() => checkAnnotationName(name)),
        undefined,
      );
      assert.ok(isAnnotationName(name));
    });
  }

  for (const name of [
    "",
    " ",
    "a b",
    "a/b",
    "a:b",
    "aws",
    "AWS.x",
    "s3",
    "S3x",
    "a\u0000",
    "😀",
    "٣",
  ]) {
    it(`may not be ${JSON.stringify(name)}`, () => {
      assert.equal(
        codeOf(() => checkAnnotationName(name)),
        "InvalidAnnotationName",
      );
      assert.ok(!isAnnotationName(name));
    });
  }

  it("have up to 512 bytes", () => {
    assert.equal(
      codeOf(() => checkAnnotationName("a".repeat(512))),
      undefined,
    );
    assert.equal(
      codeOf(() => checkAnnotationName("a".repeat(513))),
      "AnnotationNameTooLong",
    );
    assert.equal(
      codeOf(() => checkAnnotationName("é".repeat(257))),
      "AnnotationNameTooLong",
    );
    assert.ok(!isAnnotationName("a".repeat(513)));
  });

  it("begin with prefixes of the same letters", () => {
    for (const prefix of ["", "s", "s3", "aw", "ml."]) {
      assert.equal(
        codeOf(() => checkAnnotationPrefix(prefix)),
        undefined,
      );
    }
    for (const prefix of ["a b", "*", "a".repeat(513)]) {
      assert.equal(
        codeOf(() => checkAnnotationPrefix(prefix)),
        "InvalidPrefix",
      );
    }
  });
});

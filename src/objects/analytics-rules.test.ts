import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  ageGroupOf,
  ageGroups,
  dayMilliseconds,
  describeFilter,
  isAnalysed,
  smallGroup,
} from "./analytics-rules.ts";

const aged = 128 * 1024;

function nameOf(days: number): string | undefined {
  return ageGroups[ageGroupOf(aged, days * dayMilliseconds)]?.name;
}

describe("ageGroupOf", () => {
  test("each group begins at its first day and ends before the next", () => {
    assert.equal(nameOf(0), "000-014");
    assert.equal(nameOf(14.999), "000-014");
    assert.equal(nameOf(15), "015-029");
    assert.equal(nameOf(89), "075-089");
    assert.equal(nameOf(90), "090-119");
    assert.equal(nameOf(179), "150-179");
    assert.equal(nameOf(180), "180-364");
    assert.equal(nameOf(729), "365-729");
    assert.equal(nameOf(730), "730+");
    assert.equal(nameOf(20_000), "730+");
  });

  test("an object from the future has no age yet", () => {
    assert.equal(nameOf(-3), "000-014");
  });

  test("what is smaller than 128 KiB is in no age group", () => {
    assert.equal(ageGroupOf(aged - 1, 400 * dayMilliseconds), smallGroup);
    assert.equal(smallGroup, ageGroups.length);
  });
});

describe("isAnalysed", () => {
  const blue = { Key: "class", Value: "blue" };
  const red = { Key: "kind", Value: "red" };

  test("without a filter everything is", () => {
    assert.ok(isAnalysed(undefined, { key: "a", tags: undefined }));
  });

  test("a filter is met by the prefix and all tags", () => {
    assert.ok(isAnalysed({ Prefix: "a/" }, { key: "a/b", tags: undefined }));
    assert.ok(!isAnalysed({ Prefix: "a/" }, { key: "b/a/", tags: undefined }));
    const filter = { And: { Prefix: "a/", Tags: [blue, red] } };
    const both = [
      ["kind", "red"],
      ["class", "blue"],
    ] as const;
    assert.ok(isAnalysed(filter, { key: "a/b", tags: both }));
    assert.ok(!isAnalysed(filter, { key: "b", tags: both }));
    assert.ok(!isAnalysed(filter, { key: "a/b", tags: both.slice(0, 1) }));
    assert.ok(!isAnalysed({ Tag: blue }, { key: "a", tags: [["class", "red"]] }));
  });

  test("a filter is described by all that it asks for", () => {
    assert.equal(describeFilter(undefined), "");
    assert.equal(describeFilter({ Prefix: "a/" }), "prefix=a/");
    assert.equal(
      describeFilter({ And: { Prefix: "a/", Tags: [blue, red] } }),
      "prefix=a/&tag:class=blue&tag:kind=red",
    );
  });
});

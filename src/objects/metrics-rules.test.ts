import assert from "node:assert/strict";
import { test } from "node:test";

import type { MetricsFilter } from "../model/types.generated.ts";
import { checkMetricsFilter, metricsRulesOf, type MeteredObject } from "./metrics-rules.ts";

const arn = "arn:aws:s3:eu-central-1:123456789012:accesspoint/photos";
const red = { Key: "colour", Value: "red" };
const big = { Key: "size", Value: "big" };

test("a filter has one predicate, or a conjunction of two and more", () => {
  const good: readonly MetricsFilter[] = [
    { Prefix: "photos/" },
    { Prefix: "" },
    { Tag: red },
    { AccessPointArn: arn },
    { And: { Prefix: "photos/", Tags: [red] } },
    { And: { Tags: [red, big] } },
    { And: { Prefix: "photos/", AccessPointArn: arn } },
  ];
  for (const filter of good) checkMetricsFilter(filter);
  const bad: readonly MetricsFilter[] = [
    {},
    { Prefix: "photos/", Tag: red },
    { And: {} },
    { And: { Prefix: "photos/" } },
    { And: { Tags: [red] } },
    { Prefix: "photos/", And: { Tags: [red, big] } },
    { AccessPointArn: "photos" },
    { AccessPointArn: "arn:aws:s3:::photos" },
  ];
  for (const filter of bad) {
    assert.throws(() => checkMetricsFilter(filter), { code: "MalformedXML" });
  }
});

test("a request counts for every configuration whose filter it meets as a whole", () => {
  const rules = metricsRulesOf([
    { Id: "all" },
    { Id: "photos", Filter: { Prefix: "photos/" } },
    { Id: "red", Filter: { Tag: red } },
    { Id: "red-photos", Filter: { And: { Prefix: "photos/", Tags: [red] } } },
    { Id: "big-red", Filter: { And: { Tags: [red, big] } } },
    { Id: "point", Filter: { AccessPointArn: arn } },
  ]);
  assert.ok(rules.looksAtTags);
  const matching = (request: Partial<MeteredObject>): string =>
    rules.matching({ key: undefined, tags: [], ...request }).join(" ");
  assert.equal(matching({}), "all");
  assert.equal(matching({ key: "films/cat" }), "all");
  assert.equal(matching({ key: "photos/cat" }), "all photos");
  assert.equal(matching({ key: "x", tags: [["colour", "red"]] }), "all red");
  assert.equal(matching({ key: "x", tags: [["colour", "Red"]] }), "all");
  const both = [
    ["size", "big"],
    ["colour", "red"],
  ] as const;
  assert.equal(matching({ key: "photos/cat", tags: both }), "all photos red red-photos big-red");
  assert.equal(matching({ key: "x", accessPointArn: arn }), "all point");
  assert.ok(!metricsRulesOf([{ Id: "photos", Filter: { Prefix: "p" } }]).looksAtTags);
});

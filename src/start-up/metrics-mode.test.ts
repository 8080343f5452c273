import assert from "node:assert/strict";
import { test } from "node:test";

import { metricsModeOf, type MetricsSetting } from "./metrics-mode.ts";

const token = "a-token-of-some-length";

test("buckets are named to the own machine, to who knows the token, and to whom the setting says", () => {
  const cases: readonly (readonly [MetricsSetting, string, string | undefined, string])[] = [
    ["auto", "127.0.0.1", undefined, "with-buckets"],
    ["auto", "127.8.0.1", undefined, "with-buckets"],
    ["auto", "::1", undefined, "with-buckets"],
    ["auto", "localhost", undefined, "with-buckets"],
    ["auto", "0.0.0.0", undefined, "without-buckets"],
    ["auto", "::", undefined, "without-buckets"],
    ["auto", "127.example.com", undefined, "without-buckets"],
    ["auto", "0.0.0.0", token, "with-buckets"],
    ["with-buckets", "0.0.0.0", undefined, "with-buckets"],
    ["without-buckets", "127.0.0.1", token, "without-buckets"],
    ["off", "127.0.0.1", token, "off"],
  ];
  for (const [setting, host, given, expected] of cases) {
    assert.equal(metricsModeOf({ setting, host, adminPort: 0, token: given }), expected, host);
  }
  const unreachable = {
    setting: "with-buckets",
    host: "::1",
    adminPort: undefined,
    token,
  } as const;
  assert.equal(metricsModeOf(unreachable), "off");
});

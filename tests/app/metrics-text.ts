// A strict reader of Prometheus' text format and of OpenMetrics: what the specifications do not allow
// it refuses, so that a test that reads an answer has also checked its form.
// https://prometheus.io/docs/instrumenting/exposition_formats/ and the OpenMetrics 1.0 specification.

import assert from "node:assert/strict";

export interface ReadMetrics {
  /** Type by family. */
  readonly types: ReadonlyMap<string, string>;
  /** Value by series, as it is written: `name{label="value"}`. */
  readonly values: ReadonlyMap<string, number>;
}

const metaPattern = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/;
const label = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"`;
const samplePattern = new RegExp(
  String.raw`^([a-zA-Z_:][a-zA-Z0-9_:]*)((?:\{${label}(?:,${label})*\})?) (\S+)$`,
);
const numberPattern = /^(?:[+-]Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

export function readMetrics(text: string, isOpenMetrics: boolean): ReadMetrics {
  assert.ok(text.endsWith("\n"), "the last line ends");
  const lines = text.slice(0, -1).split("\n");
  if (isOpenMetrics) assert.equal(lines.pop(), "# EOF");
  const types = new Map<string, string>();
  const values = new Map<string, number>();
  const helped = new Set<string>();
  let family = "";
  for (const line of lines) {
    const meta = metaPattern.exec(line);
    if (meta !== null) {
      const [, kind, name = "", rest = ""] = meta;
      if (kind === "HELP") {
        assert.ok(!helped.has(name), `a second HELP of ${name}`);
        helped.add(name);
      } else {
        assert.ok(!types.has(name) && helped.has(name), `TYPE after HELP, once: ${line}`);
        assert.match(rest, /^(?:counter|gauge|histogram)$/);
        types.set(name, rest);
        family = name;
      }
      continue;
    }
    const sample = samplePattern.exec(line);
    assert.ok(sample !== null, `not a sample: ${line}`);
    const [, name = "", labels = "", value = ""] = sample;
    assert.match(value, numberPattern, line);
    const suffixes = suffixesOf(types.get(family), isOpenMetrics);
    assert.ok(
      suffixes.some((suffix) => name === family + suffix),
      `${line} among those of ${family}`,
    );
    assert.ok(!values.has(name + labels), `a second value: ${line}`);
    values.set(name + labels, value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value));
  }
  checkHistograms(types, values);
  return { types, values };
}

function suffixesOf(type: string | undefined, isOpenMetrics: boolean): readonly string[] {
  if (type === "histogram") return ["_bucket", "_sum", "_count"];
  return type === "counter" && isOpenMetrics ? ["_total"] : [""];
}

/** Buckets ascend, never fall, and end with the count of all. */
function checkHistograms(
  types: ReadonlyMap<string, string>,
  values: ReadonlyMap<string, number>,
): void {
  const last = new Map<string, { readonly bound: number; readonly count: number }>();
  for (const [series, count] of values) {
    const bucket = /^(\w+)_bucket\{(.*?),?le="([^"]+)"\}$/.exec(series);
    if (bucket === null) continue;
    const [, name = "", labels = "", limit = ""] = bucket;
    assert.equal(types.get(name), "histogram");
    const bound = limit === "+Inf" ? Number.POSITIVE_INFINITY : Number(limit);
    const identity = labels === "" ? name : `${name}{${labels}}`;
    const before = last.get(identity) ?? { bound: Number.NEGATIVE_INFINITY, count: 0 };
    assert.ok(bound > before.bound && count >= before.count, series);
    last.set(identity, { bound, count });
  }
  for (const [identity, { bound, count }] of last) {
    assert.equal(bound, Number.POSITIVE_INFINITY, identity);
    assert.equal(values.get(identity.replace(/(?=\{)|$/, "_count")), count, identity);
  }
}

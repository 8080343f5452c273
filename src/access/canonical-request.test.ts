import assert from "node:assert/strict";
import { test } from "node:test";
import {
  canonicalHeaderValue,
  canonicalPath,
  canonicalQuery,
  canonicalRequest,
  parseQuery,
  queryValue,
} from "./canonical-request.ts";

test("a path is neither normalized nor encoded twice", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", "/"],
    ["/", "/"],
    ["/bucket/plain-key_1.2~3", "/bucket/plain-key_1.2~3"],
    ["/bucket//a/./../b//", "/bucket//a/./../b//"],
    ["/bucket/a%20b", "/bucket/a%20b"],
    ["/bucket/a b", "/bucket/a%20b"],
    ["/bucket/a%2fb", "/bucket/a/b"],
    ["/bucket/a%2Bb", "/bucket/a%2Bb"],
    ["/bucket/a+b", "/bucket/a%20b"],
    ["/bucket/%61%2D%7e", "/bucket/a-~"],
    ["/bucket/$!*'()@:,;=&", "/bucket/%24%21%2A%27%28%29%40%3A%2C%3B%3D%26"],
    ["/bucket/%25", "/bucket/%25"],
    ["/bucket/%2525", "/bucket/%2525"],
    ["/bucket/100%", "/bucket/100%25"],
    ["/bucket/%zz%4", "/bucket/%25zz%254"],
    ["/bucket/\u00c3\u00a9", "/bucket/%C3%A9"],
    ["/bucket/%c3%a9", "/bucket/%C3%A9"],
    ["/bucket/%ff\u00fe", "/bucket/%FF%FE"],
    ["/bucket/%00", "/bucket/%00"],
  ];
  for (const [raw, expected] of cases) assert.equal(canonicalPath(raw), expected, raw);
});

test("a query is sorted by encoded name, then by value", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", ""],
    ["lifecycle", "lifecycle="],
    ["lifecycle=", "lifecycle="],
    ["b=2&a=1", "a=1&b=2"],
    ["a=2&a=1&a=10", "a=1&a=10&a=2"],
    ["prefix-x=1&prefix=2", "prefix=2&prefix-x=1"],
    ["a1=x&a=y", "a=y&a1=x"],
    ["&&a=1&&", "a=1"],
    ["prefix=a/b&delimiter=%2f", "delimiter=%2F&prefix=a%2Fb"],
    ["prefix=a+b&marker=a%20b", "marker=a%20b&prefix=a%20b"],
    ["a=b=c", "a=b%3Dc"],
    ["=x&a", "=x&a="],
    ["X-Amz-Signature=abc&X-Amz-Date=1", "X-Amz-Date=1"],
    ["Z=1&a=1&_=1", "Z=1&_=1&a=1"],
  ];
  for (const [raw, expected] of cases) assert.equal(canonicalQuery(parseQuery(raw)), expected, raw);
});

test("a query value is decoded to its bytes", () => {
  const query = parseQuery("a=%41%2f%c3%a9&b&c=x%2By+z");
  assert.equal(queryValue(query, "a"), "A/\u00c3\u00a9");
  assert.equal(queryValue(query, "b"), "");
  assert.equal(queryValue(query, "c"), "x+y z");
  assert.equal(queryValue(query, "d"), undefined);
});

test("a header value loses outer blanks and doubled inner ones", () => {
  assert.equal(canonicalHeaderValue("  a   b \t c  "), "a b c");
  assert.equal(canonicalHeaderValue("a b"), "a b");
  assert.equal(canonicalHeaderValue('"a  b"'), '"a b"');
  assert.equal(canonicalHeaderValue("a\tb"), "a b");
});

test("a signed header that did not arrive leaves nothing to compare", () => {
  const headers = new Map([["host", "localhost"]]);
  const parts = {
    method: "GET",
    rawPath: "/",
    query: [],
    headers,
    payloadHash: "UNSIGNED-PAYLOAD",
  };
  assert.equal(canonicalRequest({ ...parts, signedHeaders: "host;range" }), undefined);
  assert.equal(
    canonicalRequest({ ...parts, signedHeaders: "host" }),
    "GET\n/\n\nhost:localhost\n\nhost\nUNSIGNED-PAYLOAD",
  );
});

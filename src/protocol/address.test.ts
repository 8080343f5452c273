import assert from "node:assert/strict";
import { test } from "node:test";
import { S3Error } from "../model/errors.ts";
import { parseAddress } from "./address.ts";
import { findParameter, parseQuery } from "./query.ts";

const domains = ["example.com", "s3.example.com", "localhost"];

function address(
  target: string,
  host = "127.0.0.1:9000",
): [string | undefined, string | undefined] {
  const { bucket, key } = parseAddress(target, host, domains);
  return [bucket, key];
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof S3Error) return error.code;
    throw error;
  }
  return "nothing";
}

test("a path names service, bucket or object", () => {
  assert.deepEqual(address("/"), [undefined, undefined]);
  assert.deepEqual(address("/bucket"), ["bucket", undefined]);
  assert.deepEqual(address("/bucket/"), ["bucket", undefined]);
  assert.deepEqual(address("/bucket/a/b"), ["bucket", "a/b"]);
  assert.equal(parseAddress("/b/k?x=1&y", undefined, []).rawQuery, "x=1&y");
});

test("keys are never normalized", () => {
  assert.deepEqual(address("/b//"), ["b", "/"]);
  assert.deepEqual(address("/b//a//"), ["b", "/a//"]);
  assert.deepEqual(address("/b/../../etc/passwd"), ["b", "../../etc/passwd"]);
  assert.deepEqual(address("/b/./."), ["b", "./."]);
  assert.deepEqual(address("/b/a%2Fb%2f"), ["b", "a/b/"]);
  assert.deepEqual(address("/b/a+b%20c%2B"), ["b", "a b c+"]);
  assert.deepEqual(address("/b/%00%01%7F%0A"), ["b", "\u0000\u0001\u007f\n"]);
  assert.deepEqual(address("/b/%3Fx%23"), ["b", "?x#"]);
});

test("keys are UTF-8, escaped or raw", () => {
  assert.deepEqual(address("/b/%E2%82%AC%F0%9F%98%80"), ["b", "€😀"]);
  assert.deepEqual(address("/b/\u00e2\u0082\u00ac"), ["b", "€"]);
  assert.deepEqual(address("/b/%EF%BB%BFx"), ["b", "\ufeffx"]);
});

for (const target of [
  "/b/%",
  "/b/%4",
  "/b/%zz",
  "/b/%FF",
  "/b/%C0%AF",
  "/b/%ED%A0%80",
  "/%ff",
  "b/k",
]) {
  test(`${target} cannot be parsed`, () => {
    assert.equal(
      codeOf(() => address(target)),
      "InvalidURI",
    );
  });
}

test("a bucket without a name is no bucket", () => {
  assert.equal(
    codeOf(() => address("//key")),
    "InvalidBucketName",
  );
});

test("a key has at most 1,024 bytes", () => {
  assert.deepEqual(address(`/b/${"k".repeat(1024)}`)[1]?.length, 1024);
  assert.deepEqual(address(`/b/${"%E2%82%AC".repeat(341)}`)[1]?.length, 341);
  assert.throws(
    () => address(`/b/${"k".repeat(1025)}`),
    (error) =>
      error instanceof S3Error &&
      error.code === "KeyTooLongError" &&
      error.fields["Size"] === 1025 &&
      error.fields["MaxSizeAllowed"] === 1024,
  );
  assert.equal(
    codeOf(() => address(`/b/${"%E2%82%AC".repeat(342)}`)),
    "KeyTooLongError",
  );
});

test("a host below a configured domain names the bucket", () => {
  assert.deepEqual(address("/k", "bucket.example.com"), ["bucket", "k"]);
  assert.deepEqual(address("/k", "Bucket.Example.COM:9000"), ["bucket", "k"]);
  assert.deepEqual(address("/", "bucket.example.com."), ["bucket", undefined]);
  assert.deepEqual(address("//k", "bucket.example.com"), ["bucket", "/k"]);
  assert.deepEqual(address("/k", "my.dotted.bucket.localhost:9000"), ["my.dotted.bucket", "k"]);
});

test("the longest domain wins, and a domain itself is path style", () => {
  assert.deepEqual(address("/b/k", "s3.example.com"), ["b", "k"]);
  assert.deepEqual(address("/k", "b.s3.example.com"), ["b", "k"]);
  assert.deepEqual(address("/b/k", "example.com"), ["b", "k"]);
  assert.deepEqual(address("/b/k", "notexample.com"), ["b", "k"]);
});

test("an address of the network, an unknown host and no host are path style", () => {
  for (const host of ["127.0.0.1", "[::1]:9000", "elsewhere.org", ""]) {
    assert.deepEqual(address("/b/k", host), ["b", "k"]);
  }
  const byDigits = parseAddress("/b/k", "127.0.0.1", ["0.0.1"]);
  assert.equal(byDigits.bucket, "b");
});

test("the absolute form names the same host as the Host header, which signatures cover", () => {
  const host = "Bucket.example.com";
  assert.deepEqual(address("http://bucket.example.com/k", host), ["bucket", "k"]);
  assert.deepEqual(address("HTTP://example.com", "example.com"), [undefined, undefined]);
  for (const other of ["other.example.com", "example.com", "bucket.example.com:80", undefined]) {
    assert.throws(() => parseAddress("http://bucket.example.com/k", other, ["example.com"]), {
      code: "BadRequest",
    });
  }
  assert.deepEqual(address("*"), [undefined, undefined]);
});

test("a query has blanks for +, keys without values, and counts the first of equal keys", () => {
  const query = parseQuery("a=1&b&c=x+y%2Bz&a=2&&d==&%C3%A9=%e2%82%ac");
  assert.equal(findParameter(query, "a"), "1");
  assert.equal(findParameter(query, "b"), "");
  assert.equal(findParameter(query, "c"), "x y+z");
  assert.equal(findParameter(query, "d"), "=");
  assert.equal(findParameter(query, "é"), "€");
  assert.equal(findParameter(query, "e"), undefined);
  assert.equal(
    codeOf(() => parseQuery("a=%")),
    "InvalidURI",
  );
  assert.equal(
    codeOf(() => parseQuery("a&".repeat(201))),
    "InvalidURI",
  );
});

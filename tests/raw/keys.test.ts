// Keys are any text of up to 1,024 bytes. The oddest of them are stored, listed, read and removed like
// any other, touch no file but the store's own, and bytes that are no text are refused.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { elementsOf, patternBytes } from "../s3/test-server.ts";
import { rawRequest, requestBytes, type Expectation } from "./raw-client.ts";
import { startRawServerIn, succeed } from "./raw-server.ts";
import { encode, encodeText } from "./raw-signer.ts";

// Deep enough that a path that climbs out would still be seen.
const base = await mkdtemp(join(tmpdir(), "holdfast-keys-"));
const directory = join(base, "a", "b", "data");
await mkdir(directory, { recursive: true });
const server = await startRawServerIn(directory);
after(async () => {
  await server[Symbol.asyncDispose]();
  await rm(base, { recursive: true, force: true });
});
const { bucket } = server;
/** Large enough for a file of its own. */
const content = patternBytes(70_000);

const controls = Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join("");
const keys: readonly (readonly [string, string])[] = [
  ["..", ".."],
  ["a single dot", "."],
  ["a way up", "../../../../../../../../etc/passwd"],
  ["a way up in disguise", "a/..%2f..%2f../b"],
  ["a way up with backslashes", "..\\..\\..\\windows\\system32"],
  ["an absolute path", "/etc/passwd"],
  ["slashes alone", "////"],
  ["a name of the store's own", "blobs/format-1"],
  ["its database", "../metadata.sqlite"],
  ["every control character", controls],
  ["a null character in the middle", "a\0b"],
  ["a delete character", "\u007f"],
  ["line ends", "a\r\nX-Evil: 1\r\n\r\nb"],
  ["markup", `<Key>&amp;"'</Key><![CDATA[`],
  ["a query", "a?acl&versionId=1#fragment"],
  ["percent signs", "100%25%2"],
  ["blanks", "  a  b  "],
  ["plus signs", "a+b c%2Bd"],
  ["a byte order mark", "\ufeffa"],
  ["text from right to left", "\u202eevil\u202c"],
  ["combining characters", "e\u0301 \u00e9"],
  ["characters beyond 16 bits", "🐎🐎"],
  ["a noncharacter", "\uffff\ufffe"],
  ["1024 bytes", "k".repeat(1024)],
  ["1024 bytes of three each, and one", `${"€".repeat(341)}k`],
  ["a name that JavaScript knows", "__proto__"],
];

async function pathsOutside(): Promise<string[]> {
  const entries = await readdir(base, { recursive: true });
  return entries
    .filter((path) => !/^a\/b\/data\/blobs\/[^/]+(?:\/[^/]+)*$/.test(path))
    .filter((path) => !path.startsWith("a/b/data/metadata.sqlite"))
    .toSorted();
}

describe("a key that is", () => {
  for (const [name, key] of keys) {
    test(`${name} is stored, listed, read and removed`, async () => {
      const before = await server.traces();
      const outside = await pathsOutside();
      const target = `/${bucket}/${encodeText(key)}`;
      await succeed(server.send("PUT", target, { body: content }));
      assert.deepEqual(await pathsOutside(), outside, "no file but the store's own");
      const during = await server.traces();
      for (const path of during.blobFiles) assert.match(path, /\/blobs\/[\w/-]+$/);

      const listed = await server.send("GET", `/${bucket}?list-type=2&encoding-type=url`);
      const found = elementsOf(listed.text, "Key").map((text) =>
        decodeURIComponent(text.replaceAll("+", " ")),
      );
      assert.ok(found.includes(key), listed.text);
      const plain = await succeed(server.send("GET", `/${bucket}?list-type=2`));
      // eslint-disable-next-line no-control-regex -- that is what must not be there
      assert.doesNotMatch(plain.text, /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/);

      const read = await succeed(server.send("GET", target));
      assert.ok(read.body.equals(content));
      assert.equal(read.headers.has("x-evil"), false);
      await succeed(server.send("DELETE", target));
      assert.deepEqual((await server.traces()).listings, before.listings);
      const missing = await server.send("GET", target);
      assert.equal(missing.status, 404);
      // eslint-disable-next-line no-control-regex -- that is what must not be there
      assert.doesNotMatch(missing.text, /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/);
    });
  }
});

const invalid: Expectation = {
  status: 400,
  code: "InvalidURI",
  message: "Couldn't parse the specified URI.",
};

describe("a path is refused when it has", () => {
  const paths: readonly (readonly [string, string])[] = [
    ["a byte that begins no character", "%FF"],
    ["a character that was cut off", "%C3"],
    ["a lone continuation byte", "a%80b"],
    ["an overlong slash", "..%C0%AF..%C0%AF"],
    ["an overlong null", "%C0%80"],
    ["half of a pair", "%ED%A0%80"],
    ["a character beyond Unicode", "%F5%80%80%80"],
    ["UTF-16", "%FE%FF%00a"],
    ["an escape that is none", "a%zz"],
    ["an escape of one digit", "a%4"],
    ["a percent sign at its end", "a%"],
    ["an escape in the style of JavaScript", "%u0041"],
  ];
  for (const [name, path] of paths) {
    test(name, () => {
      const target = `/${bucket}/${path}`;
      const request = server.sign(rawRequest("PUT", target, { body: "x" }));
      return server.assertRefused(requestBytes(request), invalid);
    });
    test(`${name}, in the query`, () => {
      const request = server.sign(rawRequest("GET", `/${bucket}?prefix=${path}`));
      return server.assertRefused(requestBytes(request), invalid);
    });
  }

  for (const [name, key, size] of [
    ["1025 bytes", "k".repeat(1025), "1025"],
    ["1024 characters of more bytes", "é".repeat(1024), "2048"],
  ] as const) {
    test(`a key of ${name}`, () => {
      const request = rawRequest("PUT", `/${bucket}/${encodeText(key)}`, { body: "x" });
      return server.assertRefused(requestBytes(server.sign(request)), {
        status: 400,
        code: "KeyTooLongError",
        message: "Your key is too long",
        fields: { Size: size, MaxSizeAllowed: "1024" },
      });
    });
  }
});

describe("a copy source is refused when it", () => {
  const sources: readonly (readonly [string, string, Expectation])[] = [
    ["names no bucket", "key", { status: 400, code: "InvalidArgument" }],
    ["names no key", `${bucket}/`, { status: 400, code: "InvalidArgument" }],
    ["climbs", "../../etc/passwd", { status: 404, code: "NoSuchBucket" }],
    ["is not text", `${bucket}/%FF`, { status: 400, code: "InvalidArgument" }],
    ["is not there", `${bucket}/none`, { status: 404, code: "NoSuchKey" }],
    ["is too long", `${bucket}/${"k".repeat(1025)}`, { status: 404, code: "NoSuchKey" }],
  ];
  for (const [name, source, expected] of sources) {
    test(name, () => {
      const headers = [["x-amz-copy-source", encode(source, "/%")]] as const;
      const request = rawRequest("PUT", `/${bucket}/copy`, { headers });
      return server.assertRefused(requestBytes(server.sign(request)), expected);
    });
  }
});

// Listings against a naive model: random keys, prefixes, delimiters, markers and page sizes; what is
// read page by page is the whole, and each page is exactly the next items of it.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { S3 } from "@aws-sdk/client-s3";
import * as fc from "fast-check";
import { setVersioning, startTestServer, type TestServer } from "./test-server.ts";

// Both engines keep keys in order in their own way.
const directory = await mkdtemp(join(tmpdir(), "holdfast-listing-"));
const stores = {
  memory: await startTestServer(),
  directory: await startTestServer({ store: { directory }, durability: "relaxed" }),
} as const;
after(() => rm(directory, { recursive: true }));

// Few letters, so that prefixes and delimiters meet keys; one beyond the BMP and one close below it.
const letter = fc.constantFrom("a", "b", "/", "/", "-", "é", "\uffee", "🚀");
const textOfLength = (minLength: number, maxLength: number) =>
  fc.array(letter, { minLength, maxLength }).map((letters) => letters.join(""));
const key = textOfLength(1, 6);
const query = fc.record({
  prefix: fc.oneof({ weight: 2, arbitrary: fc.constant("") }, textOfLength(0, 2)),
  delimiter: fc.oneof(
    { weight: 3, arbitrary: fc.constant("/") },
    textOfLength(0, 2),
    fc.constantFrom("-", "//", "🚀"),
  ),
  after: fc.oneof({ weight: 2, arbitrary: fc.constant("") }, textOfLength(0, 4)),
  pageSize: fc.integer({ min: 1, max: 7 }),
});

type Query = typeof query extends fc.Arbitrary<infer Value> ? Value : never;

const byBytes = (left: string, right: string): number =>
  Buffer.compare(Buffer.from(left), Buffer.from(right));

/** The reference's words: keys in order, those with the delimiter behind the prefix rolled up. */
function namesOf(keys: readonly string[], { prefix, delimiter, after }: Query): readonly string[] {
  const names = new Set<string>();
  for (const each of keys) {
    if (!each.startsWith(prefix)) continue;
    const at = delimiter === "" ? -1 : each.indexOf(delimiter, prefix.length);
    names.add(at < 0 ? each : each.slice(0, at + delimiter.length));
  }
  return (
    [...names]
      .toSorted(byBytes)
      // Names are compared, not keys: a common prefix that the marker lies in was returned before.
      .filter((name) => after === "" || byBytes(name, after) > 0)
  );
}

interface Page {
  readonly Contents?: readonly { readonly Key?: string | undefined }[] | undefined;
  readonly CommonPrefixes?: readonly { readonly Prefix?: string | undefined }[] | undefined;
}

function namesOnPage({ Contents = [], CommonPrefixes = [] }: Page): readonly string[] {
  const keys = Contents.map(({ Key = "" }) => Key);
  const prefixes = CommonPrefixes.map(({ Prefix = "" }) => Prefix);
  assert.deepEqual(keys, keys.toSorted(byBytes));
  assert.deepEqual(prefixes, prefixes.toSorted(byBytes));
  return [...keys, ...prefixes].toSorted(byBytes);
}

function pagesOf(names: readonly string[], pageSize: number): readonly (readonly string[])[] {
  if (names.length === 0) return [[]];
  const pages: (readonly string[])[] = [];
  for (let at = 0; at < names.length; at += pageSize) pages.push(names.slice(at, at + pageSize));
  return pages;
}

async function listV1(
  s3: S3,
  Bucket: string,
  asked: Query,
): Promise<readonly (readonly string[])[]> {
  const { prefix: Prefix, delimiter: Delimiter, pageSize: MaxKeys } = asked;
  const pages: (readonly string[])[] = [];
  let Marker = asked.after;
  for (;;) {
    const page = await s3.listObjects({ Bucket, Prefix, Delimiter, MaxKeys, Marker });
    const names = namesOnPage(page);
    pages.push(names);
    if (page.IsTruncated !== true) return pages;
    Marker = page.NextMarker ?? names.at(-1) ?? "";
  }
}

async function listV2(
  s3: S3,
  Bucket: string,
  asked: Query,
): Promise<readonly (readonly string[])[]> {
  const { prefix: Prefix, delimiter: Delimiter, pageSize: MaxKeys, after: StartAfter } = asked;
  const pages: (readonly string[])[] = [];
  let ContinuationToken: string | undefined;
  for (;;) {
    const input = { Bucket, Prefix, Delimiter, MaxKeys, StartAfter, ContinuationToken };
    const page = await s3.listObjectsV2(input);
    const names = namesOnPage(page);
    assert.equal(page.KeyCount, names.length);
    pages.push(names);
    if (page.IsTruncated !== true) return pages;
    ContinuationToken = page.NextContinuationToken;
  }
}

const change = fc.record({
  key: textOfLength(1, 3),
  kind: fc.constantFrom("put", "put", "delete", "suspend", "enable"),
});

interface ModelVersion {
  readonly key: string;
  readonly id: string;
  readonly isMarker: boolean;
}

/** Does the changes and remembers, for each key, its versions, newest first. */
async function applyChanges(
  { s3, plainS3 }: TestServer,
  Bucket: string,
  changes: readonly { readonly key: string; readonly kind: string }[],
): Promise<ReadonlyMap<string, readonly ModelVersion[]>> {
  const versions = new Map<string, readonly ModelVersion[]>();
  for (const { key: Key, kind } of changes) {
    if (kind === "suspend" || kind === "enable") {
      await setVersioning(s3, Bucket, kind === "enable" ? "Enabled" : "Suspended");
      continue;
    }
    const isMarker = kind === "delete";
    // S3 does not name the null version that a write to a suspended bucket keeps.
    const { VersionId: id = "null" } = isMarker
      ? await s3.deleteObject({ Bucket, Key })
      : await plainS3.putObject({ Bucket, Key, Body: "" });
    // A null version replaces the one that was there.
    const kept = (versions.get(Key) ?? []).filter((each) => each.id !== "null" || id !== "null");
    versions.set(Key, [{ key: Key, id, isMarker }, ...kept]);
  }
  return versions;
}

function versionNames(
  model: ReadonlyMap<string, readonly ModelVersion[]>,
  { prefix, delimiter }: Query,
): readonly string[] {
  const names: string[] = [];
  for (const each of [...model.keys()].toSorted(byBytes)) {
    if (!each.startsWith(prefix)) continue;
    const at = delimiter === "" ? -1 : each.indexOf(delimiter, prefix.length);
    if (at >= 0) {
      const group = `group ${each.slice(0, at + delimiter.length)}`;
      if (!names.includes(group)) names.push(group);
      continue;
    }
    for (const [index, version] of (model.get(each) ?? []).entries()) {
      names.push(
        `${each} ${version.isMarker ? "!" : ""}${version.id}${index === 0 ? " latest" : ""}`,
      );
    }
  }
  return names;
}

async function listVersionPages(
  s3: S3,
  Bucket: string,
  asked: Query,
): Promise<readonly (readonly string[])[]> {
  const { prefix: Prefix, delimiter: Delimiter, pageSize: MaxKeys } = asked;
  const pages: (readonly string[])[] = [];
  let KeyMarker: string | undefined;
  let VersionIdMarker: string | undefined;
  for (;;) {
    const input = { Bucket, Prefix, Delimiter, MaxKeys, KeyMarker, VersionIdMarker };
    const page = await s3.listObjectVersions(input);
    const entries = [
      ...(page.Versions ?? []).map((each) => ({ ...each, sign: "" })),
      ...(page.DeleteMarkers ?? []).map((each) => ({ ...each, sign: "!" })),
    ];
    const names = entries.map(
      ({ Key, VersionId, IsLatest, sign }) =>
        `${Key} ${sign}${VersionId}${IsLatest === true ? " latest" : ""}`,
    );
    const groups = (page.CommonPrefixes ?? []).map((each) => `group ${each.Prefix}`);
    pages.push([...names, ...groups]);
    if (page.IsTruncated !== true) return pages;
    KeyMarker = page.NextKeyMarker;
    VersionIdMarker = page.NextVersionIdMarker;
  }
}

for (const [name, server] of Object.entries(stores)) {
  test(`both listings of objects answer what the model answers (${name})`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 25 }),
        fc.array(query, { minLength: 3, maxLength: 6 }),
        async (keys, queries) => {
          const Bucket = await server.newBucket();
          await Promise.all(keys.map((each) => server.put(Bucket, each, "")));
          for (const asked of queries) {
            const expected = pagesOf(namesOf(keys, asked), asked.pageSize);
            assert.deepEqual(
              await listV1(server.s3, Bucket, asked),
              expected,
              JSON.stringify(asked),
            );
            assert.deepEqual(
              await listV2(server.s3, Bucket, asked),
              expected,
              JSON.stringify(asked),
            );
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  test(`the listing of versions answers what the model answers (${name})`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 30 }),
        fc.array(query, { minLength: 2, maxLength: 4 }),
        async (changes, queries) => {
          const Bucket = await server.newBucket("Enabled");
          const model = await applyChanges(server, Bucket, changes);
          for (const asked of queries) {
            const expected = versionNames(model, asked);
            const pages = await listVersionPages(server.s3, Bucket, asked);
            // The SDK parts versions from markers: on a page only the set is known, and its size.
            const expectedPages = pagesOf(expected, asked.pageSize);
            assert.deepEqual(
              pages.map((page) => new Set(page)),
              expectedPages.map((page) => new Set(page)),
              JSON.stringify(asked),
            );
          }
        },
      ),
      { numRuns: 15 },
    );
  });
}

// JSON in: documents and lines, paths, and blocks cut anywhere.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  asyncProperty,
  assert as check,
  constantFrom,
  integer,
  jsonValue,
  string,
} from "fast-check";
import { jsonOutput, runQuery } from "../../tests/select/run-query.ts";

const kinds = ["json-document", "json-lines"] as const;
const output = jsonOutput;

/** The examples of the guide, "SELECT command". */
const rules = `{ "Rules": [ {"id": "1"}, {"expr": "y > x"}, {"id": "2", "expr": "z = DEBUG"} ]}
{ "created": "June 27", "modified": "July 6" }
`;
const smith = `{"name": "Susan Smith", "org": "engineering", "projects": [{"project_name":"project1", "completed":false}, {"project_name":"project2", "completed":true} ] }`;
const cases: readonly (readonly [string, string, string])[] = [
  [rules, "SELECT id FROM S3Object[*].Rules[*].id", '{"id":"1"}\n{}\n{"id":"2"}\n{}\n'],
  [
    rules,
    "SELECT id FROM S3Object[*].Rules[*].id WHERE id IS NOT MISSING",
    '{"id":"1"}\n{"id":"2"}\n',
  ],
  [
    rules,
    "SELECT d.created, d.modified FROM S3Object[*] d",
    '{}\n{"created":"June 27","modified":"July 6"}\n',
  ],
  [rules, "SELECT _1.created FROM S3Object[*]", '{}\n{"created":"June 27"}\n'],
  [rules, "SELECT COUNT(id) FROM S3Object[*].Rules[*].id", '{"_1":2}\n'],
  [rules, "SELECT * FROM S3Object[*].Rules[1]", '{"expr":"y > x"}\n{}\n'],
  [rules, "SELECT * FROM S3Object[*]['Rules'][0].id x", '{"_1":"1"}\n{}\n'],
  [
    rules,
    "SELECT _1 FROM S3Object[*].Rules[*].*",
    '{"_1":"1"}\n{"_1":"y > x"}\n{"_1":"2"}\n{"_1":"z = DEBUG"}\n{}\n',
  ],
  [smith, "Select s.name from S3Object s", '{"name":"Susan Smith"}\n'],
  [smith, "Select s.projects[0].project_name from S3Object s", '{"project_name":"project1"}\n'],
  [smith, "Select s.projects[9].project_name from S3Object s", "{}\n"],
  ['{"a":1,"A":2}', "SELECT a FROM S3Object", "!AmbiguousFieldName"],
  ['{"a":1,"A":2}', 'SELECT "A" FROM S3Object', '{"A":2}\n'],
  [
    '{"2":1.50,"1":12345678901234567890,"x":[true,null]}',
    "SELECT * FROM S3Object",
    '{"2":1.50,"1":12345678901234567890,"x":[true,null]}\n',
  ],
  ['"text"\n5', "SELECT * FROM S3Object", '{"_1":"text"}\n{"_1":5}\n'],
  ["", "SELECT * FROM S3Object", ""],
  ["[]", "SELECT * FROM S3Object[*][*]", "{}\n"],
  ['{"a":}', "SELECT * FROM S3Object", "!JSONParsingError"],
  ['{"a":1', "SELECT * FROM S3Object", "!JSONParsingError"],
  ['{"a":"\u0001"}', "SELECT * FROM S3Object", "!JSONParsingError"],
  ["[".repeat(600), "SELECT * FROM S3Object", "!JSONParsingError"],
];

describe("paths and values", () => {
  for (const [text, query, expected] of cases) {
    test(`${query}: ${text.slice(0, 40)}`, async () => {
      for (const kind of kinds) {
        for (const chunkBytes of [1, 2, 3, 5, 1000]) {
          const input = { kind, compression: "none" } as const;
          const found = await runQuery(query, text, { input, output, chunkBytes });
          assert.equal(found, expected, `${kind} in chunks of ${chunkBytes}`);
        }
      }
    });
  }
});

test("a document of many lines is one value", async () => {
  const input = { kind: "json-document", compression: "none" } as const;
  const text = '{\n "a": [\n  1,\n  2\n ]\n}\n';
  assert.equal(await runQuery("SELECT a FROM S3Object", text, { input, output }), '{"a":[1,2]}\n');
});

test("a document that is longer than a record is walked through", async () => {
  const input = { kind: "json-document", compression: "none" } as const;
  const items = Array.from({ length: 50_000 }, (_, index) => `{"n":${index},"text":"some text"}`);
  const text = `{"before":{"n":["}",1]},"items":[${items.join(",")}]}`;
  const run = { input, output, chunkBytes: 65_536 };
  const query = "SELECT COUNT(*), MAX(i.n) FROM S3Object[*].items[*] i";
  assert.equal(await runQuery(query, text, run), '{"_1":50000,"_2":49999}\n');
  assert.equal(await runQuery("SELECT * FROM S3Object", text, run), "!OverMaxRecordSize");
});

test("every document comes out as it went in", async () => {
  const property = asyncProperty(
    jsonValue({ noUnicodeString: false }),
    constantFrom(...kinds),
    integer({ min: 1, max: 9 }),
    async (value, kind, chunkBytes) => {
      const input = { kind, compression: "none" } as const;
      const text = JSON.stringify({ value });
      const found = await runQuery("SELECT s.* FROM S3Object s", text, {
        input,
        output,
        chunkBytes,
      });
      assert.deepEqual(JSON.parse(found), JSON.parse(text));
    },
  );
  await check(property, { numRuns: 300 });
});

test("any text is read or refused", async () => {
  const unit = constantFrom(...'{}[]:,"\\ 1-.eEtrufalsn\n'.split(""));
  const property = asyncProperty(
    string({ unit, maxLength: 40 }),
    constantFrom(...kinds),
    constantFrom("SELECT * FROM S3Object", "SELECT * FROM S3Object[*].a[*].*"),
    async (text, kind, query) => {
      const input = { kind, compression: "none" } as const;
      assert.equal(
        typeof (await runQuery(query, text, { input, output, chunkBytes: 3 })),
        "string",
      );
    },
  );
  await check(property, { numRuns: 1500 });
});

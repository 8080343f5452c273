// CSV in, and CSV out again: quotes, delimiters and blocks cut anywhere.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  array,
  asyncProperty,
  assert as check,
  constantFrom,
  integer,
  string,
  uint8Array,
} from "fast-check";
import {
  csvForm,
  csvInput,
  csvOutput,
  jsonOutput,
  runQuery,
} from "../../tests/select/run-query.ts";

const all = "SELECT * FROM S3Object";

/** Quote, escape, text, and the records as JSON; the cases of minio/mint's s3select are among them. */
const quoting: readonly (readonly [string, string, string, string])[] = [
  ["ع", '"', "عcol1ع,عcol2ع,عcol3ع\n", '{"_1":"col1","_2":"col2","_3":"col3"}\n'],
  ['"', '"', '"col1",col2,col3\n', '{"_1":"col1","_2":"col2","_3":"col3"}\n'],
  ['"', '"', '"col1,col2,col3"\n', '{"_1":"col1,col2,col3"}\n'],
  ["'", '"', '"col1",col2,col3\n', '{"_1":"\\"col1\\"","_2":"col2","_3":"col3"}\n'],
  ["", '"', '"col1","col2",3\n', '{"_1":"\\"col1\\"","_2":"\\"col2\\"","_3":"3"}\n'],
  ['"', '"', '""""""\n', '{"_1":"\\"\\""}\n'],
  ['"', '"', 'A",B\n', '{"_1":"A\\"","_2":"B"}\n'],
  ['"', '"', 'A"",B\n', '{"_1":"A\\"\\"","_2":"B"}\n'],
  ['"', "\\", "A\\B,C\n", '{"_1":"A\\\\B","_2":"C"}\n'],
  ['"', '"', '"A""B","CD"\n', '{"_1":"A\\"B","_2":"CD"}\n'],
  ['"', "\\", '"A\\B","CD"\n', '{"_1":"AB","_2":"CD"}\n'],
  ['"', "\\", '"A\\,","CD"\n', '{"_1":"A,","_2":"CD"}\n'],
  ['"', "\\", '"A\\"B","CD"\n', '{"_1":"A\\"B","_2":"CD"}\n'],
  ['"', "\\", '"A\\""\n', '{"_1":"A\\""}\n'],
  ['"', "\\", '"A\\"\\"B"\n', '{"_1":"A\\"\\"B"}\n'],
  ['"', "\\", '"A\\"","\\"B"\n', '{"_1":"A\\"","_2":"\\"B"}\n'],
  ['"', '"', '"a",\r\n"b"\r\n', '{"_1":"a","_2":""}\n{"_1":"b"}\n'],
  ['"', '"', "a,\n,b\n\n,", '{"_1":"a","_2":""}\n{"_1":"","_2":"b"}\n{"_1":"","_2":""}\n'],
  ['"', '"', '"a\nb"\n', "!CSVEscapingRecordDelimiter"],
  ['"', '"', '"a"b\n', "!CSVUnescapedQuote"],
  ['"', '"', '"a', "!CSVUnescapedQuote"],
];

describe("quoting", () => {
  for (const [quote, escape, text, expected] of quoting) {
    test(`${JSON.stringify(text)} with ${quote} and ${escape}`, async () => {
      const input = { ...csvInput, form: { ...csvForm, quote, escape } };
      for (let chunkBytes = 1; chunkBytes <= 9; chunkBytes += 1) {
        const result = await runQuery(all, text, { input, output: jsonOutput, chunkBytes });
        assert.equal(result, expected, `in chunks of ${chunkBytes}`);
      }
    });
  }
});

/** As minio/mint's s3select has them: a quote of none is written as NUL. */
const outputs: readonly (readonly [string, string, string, string])[] = [
  ["'", "'", "col1,col2\n", "'col1','col2'\n"],
  ["", '"', "col1,col2\n", "\0col1\0,\0col2\0\n"],
  ['"', '"', 'col"1,col2\n', '"col""1","col2"\n'],
  ['"', '"', '""""\n', '""""\n'],
  ['"', '"', "\n", ""],
  ["'", "\\", 'col""1,col2\n', "'col\"\"1','col2'\n"],
  ["'", "\\", "col'1,col2\n", "'col\\'1','col2'\n"],
  ["'", "\\", '"a"""""\n', "'a\"\"'\n"],
];

test("QuoteFields ALWAYS", async () => {
  for (const [quote, escape, text, expected] of outputs) {
    const output = { ...csvOutput, quote, escape, alwaysQuotes: true };
    assert.equal(await runQuery(all, text, { output }), expected);
  }
});

test("comments, and the mark of UTF-8", async () => {
  assert.equal(await runQuery(all, "\uFEFF#x\na\n#y\nb#\n"), "a\nb#\n");
  const header = { ...csvInput, header: "use" } as const;
  assert.equal(await runQuery("SELECT a FROM S3Object", "\uFEFFa\n1\n", { input: header }), "1\n");
});

describe("the header", () => {
  const text = "Name,name,AGE\n1,2,3\n";
  const cases: readonly (readonly ["use" | "ignore" | "none", string, string])[] = [
    ["none", "_1", "Name\n1\n"],
    ["ignore", "_1", "1\n"],
    ["ignore", "age", "!InvalidColumnIndex"],
    ["use", "age", "3\n"],
    ["use", "_3", "3\n"],
    ["use", '"age"', "!MissingHeaders"],
    ["use", '"AGE"', "3\n"],
    ["use", "NAME", "!AmbiguousFieldName"],
    ["use", '"name"', "2\n"],
    ["use", "_0", "!InvalidColumnIndex"],
    ["use", "_9", "\n"],
  ];
  for (const [header, column, expected] of cases) {
    test(`${header}: ${column}`, async () => {
      const input = { ...csvInput, header };
      assert.equal(await runQuery(`SELECT ${column} FROM S3Object`, text, { input }), expected);
    });
  }
});

test("what is written is read back, however it is cut", async () => {
  const field = string({
    unit: constantFrom("a", ",", '"', "'", "\n", "\r", "é", "|", "~", "\\"),
    maxLength: 6,
  });
  const forms = constantFrom(
    { fieldDelimiter: ",", recordDelimiter: "\n", quote: '"', escape: '"' },
    { fieldDelimiter: "||", recordDelimiter: "~~", quote: "'", escape: "\\" },
    { fieldDelimiter: "\t", recordDelimiter: "\r\n", quote: "é", escape: "é" },
  );
  const rows = array(array(field, { minLength: 2, maxLength: 4 }), { maxLength: 5 });
  const property = asyncProperty(
    rows,
    forms,
    integer({ min: 1, max: 12 }),
    async (records, form, chunkBytes) => {
      const lines = records.map((record) => JSON.stringify(record));
      const names = "s[0] AS a, s[1] AS b, s[2] AS c, s[3] AS d";
      const output = { kind: "csv", ...form, alwaysQuotes: false } as const;
      const json = { kind: "json-lines", compression: "none" } as const;
      const written = await runQuery(`SELECT ${names} FROM S3Object s`, lines.join("\n"), {
        input: json,
        output,
      });
      const read = await runQuery(all, written, {
        input: {
          ...csvInput,
          form: { ...form, comment: "", allowsQuotedRecordDelimiter: true },
        },
        output: jsonOutput,
        chunkBytes,
      });
      const found = read
        .split("\n")
        .slice(0, -1)
        .map((line) => Object.values(JSON.parse(line) as object));
      assert.deepEqual(
        found,
        records.map((record) => [0, 1, 2, 3].map((index) => record[index] ?? "")),
      );
    },
  );
  await check(property, { numRuns: 300 });
});

test("any bytes are read or refused", async () => {
  const bytes = uint8Array({ maxLength: 80 });
  await check(
    asyncProperty(bytes, integer({ min: 1, max: 9 }), async (data, chunkBytes) => {
      assert.equal(typeof (await runQuery(all, data, { chunkBytes })), "string");
    }),
    { numRuns: 1000 },
  );
});

test("a scan range has the records that begin in it, each in one of all ranges", async () => {
  const text = "ab,c\r\nd,é\n\ne,f\n#x\ngg,h";
  const size = Buffer.byteLength(text);
  for (let step = 1; step <= size; step += 1) {
    let joined = "";
    for (let start = 0; start < size; start += step) {
      joined += await runQuery(all, text, { range: { start, end: Math.min(start + step, size) } });
    }
    assert.equal(joined, "ab,c\nd,é\ne,f\ngg,h\n", `in steps of ${step}`);
  }
});

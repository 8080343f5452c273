// Parquet in: a file of Arrow's with every type that S3 Select has, in two row groups, and files of our own
// writer.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { parquetWriteBuffer } from "hyparquet-writer";
import { jsonOutput, runQuery, type QueryRun } from "../../tests/select/run-query.ts";

const sample = await readFile(new URL("samples/pyarrow-gzip.parquet", import.meta.url));
const run: QueryRun = { input: { kind: "parquet" }, output: jsonOutput, chunkBytes: 1000 };
const query = (sql: string, data: Uint8Array = sample) => runQuery(sql, data, run);

test("every type", async () => {
  const lines = (await query("SELECT * FROM S3Object")).split("\n");
  assert.deepEqual(lines, [
    '{"id":1,"Big":4611686018427387904,"name":"Ann","price":1.50,"day":"2020-02-29","at":"2020-01-01T01:02:03.004567Z","ratio":0.5,"ok":true,"tags":["a","b"],"st":{"x":1}}',
    '{"id":2,"Big":null,"name":"Bob","price":-0.05,"day":"2020-02-29","at":"2020-01-01T01:02:03.004567Z","ratio":1.0,"ok":false,"tags":[],"st":{"x":2}}',
    '{"id":3,"Big":-1,"name":"é","price":null,"day":"2020-02-29","at":"2020-01-01T01:02:03.004567Z","ratio":null,"ok":null,"tags":null,"st":null}',
    "",
  ]);
});

const cases: readonly (readonly [string, string])[] = [
  ["SELECT COUNT(*) FROM S3Object", '{"_1":3}\n'],
  ["SELECT SUM(price) AS total, MAX(id) FROM S3Object", '{"total":1.45,"_2":3}\n'],
  ["SELECT s.NAME FROM S3Object s WHERE s.big < 0", '{"NAME":"é"}\n'],
  ["SELECT s.st.x, s.tags[1] AS tag FROM S3Object s WHERE id = 1", '{"x":1,"tag":"b"}\n'],
  ["SELECT _3 FROM S3Object WHERE ok", '{"_3":"Ann"}\n'],
  ['SELECT id FROM S3Object WHERE EXTRACT(YEAR FROM "day") = 2020 LIMIT 1', '{"id":1}\n'],
  ["SELECT nothing FROM S3Object", "!EvaluatorBindingDoesNotExist"],
  ["SELECT * FROM S3Object[*].a", "!InvalidKeyPath"],
];

describe("queries", () => {
  for (const [sql, expected] of cases) {
    test(sql, async () => assert.equal(await query(sql), expected));
  }
});

test("a scan range takes the row groups that start in it", async () => {
  const { length } = sample;
  const sql = "SELECT id FROM S3Object";
  const first = await runQuery(sql, sample, { ...run, range: { start: 0, end: 10 } });
  const others = await runQuery(sql, sample, { ...run, range: { start: 10, end: length } });
  assert.equal(first, '{"id":1}\n{"id":2}\n');
  assert.equal(others, '{"id":3}\n');
});

test("more rows than are decoded at a time", async () => {
  const data = Array.from({ length: 50_000 }, (_, index) => index);
  const names = data.map((index) => `name ${index % 100}`);
  const file = parquetWriteBuffer({
    columnData: [
      { name: "n", data, type: "INT32" },
      { name: "name", data: names, type: "STRING" },
    ],
    rowGroupSize: 40_000,
  });
  const sql = "SELECT COUNT(*), SUM(n) FROM S3Object WHERE name = 'name 7'";
  assert.equal(await query(sql, new Uint8Array(file)), '{"_1":500,"_2":12478500}\n');
});

test("what is no Parquet, is cut, or damaged", async () => {
  const sql = "SELECT COUNT(*), MAX(name) FROM S3Object";
  for (const [name, data] of [
    ["text", Buffer.from("a,b\n".repeat(100))],
    ["nothing", Buffer.alloc(0)],
    ["its first half", sample.subarray(0, sample.length / 2)],
    ["its second half", sample.subarray(sample.length / 2)],
  ] as const) {
    assert.equal(await query(sql, data), "!ParquetParsingError", name);
  }
});

test("any damage is an answer", async () => {
  for (let position = 4; position < sample.length; position += 7) {
    const damaged = Buffer.from(sample);
    damaged[position] = (damaged[position] as number) ^ 0xff;
    assert.equal(typeof (await query("SELECT * FROM S3Object", damaged)), "string");
  }
});

// SelectObjectContent through the official SDK: what goes in as an object comes out as events, and what is
// wrong has the codes of the API reference's "List of SELECT Object Content Error Codes".

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import type {
  SelectObjectContentCommandInput,
  SelectObjectContentEventStream,
} from "@aws-sdk/client-s3";
import { assertRefused, smallestPartBytes, startTestServer } from "./test-server.ts";

const { s3, plainS3, client, newBucket, put, upload, send } = await startTestServer({
  customerKeys: "anywhere",
});
const Bucket = await newBucket();

type Input = Partial<SelectObjectContentCommandInput>;
const csv = {
  ExpressionType: "SQL",
  InputSerialization: { CSV: {} },
  OutputSerialization: { CSV: {} },
} as const satisfies Input;

async function select(Key: string, Expression: string, input: Input = {}) {
  const request = { ...csv, Bucket, Key, Expression, ...input };
  const { Payload } = await s3.selectObjectContent(request);
  const events: SelectObjectContentEventStream[] = [];
  for await (const event of Payload ?? []) events.push(event);
  const records = events.flatMap(({ Records }) => Records?.Payload ?? []);
  return { events, text: Buffer.concat(records).toString() };
}

async function selectText(Key: string, Expression: string, input: Input = {}): Promise<string> {
  return (await select(Key, Expression, input)).text;
}

const people = "name,age\nAnn,31\nBob,17\n";
const input = (CSV: object): Input => ({ InputSerialization: { CSV } });
const withHeader: Input = { InputSerialization: { CSV: { FileHeaderInfo: "USE" } } };
await put(Bucket, "people.csv", people);

const document = `<SelectObjectContentRequest>
  <Expression>SELECT * FROM S3Object</Expression><ExpressionType>SQL</ExpressionType>
  <InputSerialization><CSV/></InputSerialization><OutputSerialization><CSV/></OutputSerialization>
</SelectObjectContentRequest>`;

describe("events", () => {
  test("records, statistics and the end", async () => {
    const query = "SELECT name FROM S3Object WHERE CAST(age AS INT) > 18";
    const { events, text } = await select("people.csv", query, withHeader);
    assert.equal(text, "Ann\n");
    const [Stats, End] = [events.at(-2)?.Stats, events.at(-1)?.End];
    const BytesScanned = people.length;
    assert.deepEqual(Stats?.Details, {
      BytesScanned,
      BytesProcessed: BytesScanned,
      BytesReturned: 4,
    });
    assert.ok(End);
  });

  test("progress when it is asked for, and none otherwise", async () => {
    const query = "SELECT * FROM S3Object";
    const asked = await select("people.csv", query, { RequestProgress: { Enabled: true } });
    const progress = asked.events.flatMap(({ Progress }) => Progress?.Details ?? []);
    assert.deepEqual(progress.at(-1), {
      BytesScanned: people.length,
      BytesProcessed: people.length,
      BytesReturned: people.length,
    });
    const silent = await select("people.csv", query);
    assert.ok(silent.events.every(({ Progress }) => Progress === undefined));
  });

  test("a long result comes in events of bounded size", async () => {
    const line = `${"x".repeat(1000)},1\n`;
    await put(Bucket, "long.csv", line.repeat(4000));
    const { events, text } = await select("long.csv", "SELECT * FROM S3Object");
    assert.ok(text === line.repeat(4000));
    const sizes = events.flatMap(({ Records }) => Records?.Payload?.length ?? []);
    assert.ok(sizes.length > 10);
    assert.ok(sizes.every((size) => size <= 1024 * 1024));
  });

  test("an error behind the first records is the last event", async () => {
    const good = "1\n".repeat(1_500_000);
    await put(Bucket, "bad-end.csv", `${good}x\n`);
    const { Payload } = await s3.selectObjectContent({
      ...csv,
      Bucket,
      Key: "bad-end.csv",
      Expression: "SELECT CAST(_1 AS INT) FROM S3Object",
    });
    let length = 0;
    const reading = async () => {
      for await (const { Records } of Payload ?? []) length += Records?.Payload?.length ?? 0;
    };
    await assert.rejects(reading, { name: "CastFailed" });
    assert.ok(length > 0);
  });

  test("a client that goes away ends the query", async () => {
    const other = client({});
    const { Payload } = await other.selectObjectContent({
      ...csv,
      Bucket,
      Key: "long.csv",
      Expression: "SELECT * FROM S3Object",
    });
    for await (const _ of Payload ?? []) break;
    other.destroy();
    assert.equal(await selectText("people.csv", "SELECT COUNT(*) FROM S3Object"), "3\n");
  });
});

describe("formats", () => {
  test("CSV with delimiters, quotes and comments of its own", async () => {
    await put(Bucket, "odd.csv", "%no\na||'b||''c'||d~~1||'2\n3'||4~~");
    const text = await selectText("odd.csv", "SELECT _2, _3 FROM S3Object", {
      InputSerialization: {
        CSV: {
          FieldDelimiter: "||",
          RecordDelimiter: "~~",
          QuoteCharacter: "'",
          QuoteEscapeCharacter: "'",
          Comments: "#",
        },
      },
      OutputSerialization: { CSV: { FieldDelimiter: ";", QuoteFields: "ALWAYS" } },
    });
    assert.equal(text, '"b||\'c";"d"\n"2\n3";"4"\n');
  });

  test("JSON lines and documents", async () => {
    await put(Bucket, "lines.json", '{"a":1.50,"b":{"c":[1,2]}}\n{"a":2}\n');
    const json: Input = { OutputSerialization: { JSON: {} } };
    const query = "SELECT s.a, s.b.c[1] AS other FROM S3Object s";
    for (const Type of ["LINES", "DOCUMENT"] as const) {
      const text = await selectText("lines.json", query, {
        ...json,
        InputSerialization: { JSON: { Type } },
      });
      assert.equal(text, '{"a":1.50,"other":2}\n{"a":2}\n');
    }
  });

  test("Parquet, of which only the named columns are read", async () => {
    const sample = new URL("../../src/select/samples/pyarrow-gzip.parquet", import.meta.url);
    const Body = await readFile(sample);
    await plainS3.putObject({ Bucket, Key: "table.parquet", Body });
    const parquet: Input = { InputSerialization: { Parquet: {} } };
    const query = "SELECT name, price FROM S3Object WHERE id < 3";
    const { events, text } = await select("table.parquet", query, parquet);
    assert.equal(text, "Ann,1.50\nBob,-0.05\n");
    const details = events.find(({ Stats }) => Stats !== undefined)?.Stats?.Details;
    assert.ok((details?.BytesProcessed ?? 0) < Body.length);
  });

  test("GZIP and BZIP2", async () => {
    await plainS3.putObject({ Bucket, Key: "people.csv.gz", Body: gzipSync(people) });
    const bzip2 =
      "QlpoOTFBWSZTWVf/9RkAAApdAAAQAAQogDAAMoOgADEAAAagxqaPKXubUEiiNS02IpP4u5IpwoSCv/+oyA==";
    await plainS3.putObject({ Bucket, Key: "people.csv.bz2", Body: Buffer.from(bzip2, "base64") });
    for (const [Key, CompressionType] of [
      ["people.csv.gz", "GZIP"],
      ["people.csv.bz2", "BZIP2"],
    ] as const) {
      const { events, text } = await select(Key, "SELECT * FROM S3Object", {
        InputSerialization: { CSV: {}, CompressionType },
      });
      assert.equal(text, people, CompressionType);
      const details = events.find(({ Stats }) => Stats !== undefined)?.Stats?.Details;
      assert.equal(details?.BytesProcessed, people.length);
      assert.notEqual(details?.BytesScanned, people.length);
    }
  });

  test("scan ranges take the records that begin in them", async () => {
    // The example of the guide, "Requests using scan ranges".
    await put(Bucket, "pairs.csv", "A,B\nC,D\nD,E\nE,F\nG,H\nI,J\n");
    const query = "SELECT * FROM S3Object";
    const ranges = [
      [{ Start: 1, End: 4 }, "C,D\n"],
      [{ Start: 0, End: 3 }, "A,B\n"],
      [{ Start: 4, End: 11 }, "C,D\nD,E\n"],
      [{ Start: 17 }, "I,J\n"],
      [{ End: 5 }, "I,J\n"],
    ] as const;
    for (const [ScanRange, expected] of ranges) {
      assert.equal(await selectText("pairs.csv", query, { ScanRange }), expected);
    }
  });

  test("ranges that follow each other give every record once", async () => {
    const lines = Array.from({ length: 500 }, (_, index) => `${"é".repeat(index % 7)}${index},x`);
    const text = `h,i\n${lines.join("\n")}\n`;
    await put(Bucket, "split.csv", text);
    const size = Buffer.byteLength(text);
    let joined = "";
    for (let Start = 0; Start < size; Start += 997) {
      joined += await selectText("split.csv", "SELECT h, i FROM S3Object", {
        ...withHeader,
        ScanRange: { Start, End: Math.min(Start + 996, size - 1) },
      });
    }
    assert.equal(joined, `${lines.join("\n")}\n`);
  });
});

describe("objects", () => {
  test("in parts, encrypted by the server and by customers' keys", async () => {
    const first = Buffer.from("1,a\n".repeat(smallestPartBytes / 4));
    const begun = await upload(Bucket, "parts.csv", [first, Buffer.from("2,b\n")]);
    const { parts: Parts, ...named } = begun;
    await plainS3.completeMultipartUpload({ ...named, MultipartUpload: { Parts } });
    const count = await selectText(
      "parts.csv",
      "SELECT COUNT(*), MAX(CAST(_1 AS INT)) FROM S3Object",
    );
    assert.equal(count, `${smallestPartBytes / 4 + 1},2\n`);

    const key = randomBytes(32);
    const customerKey = {
      SSECustomerAlgorithm: "AES256",
      SSECustomerKey: key.toString("base64"),
      SSECustomerKeyMD5: createHash("md5").update(key).digest("base64"),
    };
    await s3.putObject({ Bucket, Key: "secret.csv", Body: people, ...customerKey });
    assert.equal(await selectText("secret.csv", "SELECT * FROM S3Object", customerKey), people);
    await assertRefused(select("secret.csv", "SELECT * FROM S3Object"), {
      code: "InvalidRequest",
      status: 400,
    });
  });

  test("an empty one has no records, and counts none", async () => {
    await plainS3.putObject({ Bucket, Key: "empty.csv", Body: "" });
    assert.equal(await selectText("empty.csv", "SELECT * FROM S3Object"), "");
    assert.equal(await selectText("empty.csv", "SELECT COUNT(*) FROM S3Object"), "0\n");
  });

  const classes = [
    ["REDUCED_REDUNDANCY", { code: "UnsupportedStorageClass", status: 400 }],
    ["GLACIER", { code: "InvalidObjectState", status: 403 }],
    ["DEEP_ARCHIVE", { code: "InvalidObjectState", status: 403 }],
  ] as const;
  for (const [StorageClass, expected] of classes) {
    test(`of ${StorageClass} are refused`, async () => {
      await plainS3.putObject({ Bucket, Key: "class.csv", Body: people, StorageClass });
      await assertRefused(select("class.csv", "SELECT * FROM S3Object"), expected);
    });
  }

  test("that are not there", async () => {
    const expected = { code: "NoSuchKey", status: 404 };
    await assertRefused(select("nothing.csv", "SELECT * FROM S3Object"), expected);
  });
});

describe("refusals", () => {
  const all = "SELECT * FROM S3Object";
  const refusals: readonly (readonly [string, string, string, Input?])[] = [
    ["another language", all, "InvalidExpressionType", { ExpressionType: "XPATH" as "SQL" }],
    ["no input format", all, "InvalidDataSource", { InputSerialization: {} }],
    [
      "two input formats",
      all,
      "ObjectSerializationConflict",
      { InputSerialization: { CSV: {}, JSON: { Type: "LINES" } } },
    ],
    ["no output format", all, "MissingRequiredParameter", { OutputSerialization: {} }],
    ["an unknown use of the header", all, "InvalidFileHeaderInfo", input({ FileHeaderInfo: "X" })],
    [
      "an unknown compression",
      all,
      "InvalidCompressionFormat",
      { InputSerialization: { CSV: {}, CompressionType: "ZSTD" as "GZIP" } },
    ],
    [
      "compression that the object has not",
      all,
      "InvalidCompressionFormat",
      { InputSerialization: { CSV: {}, CompressionType: "GZIP" } },
    ],
    ["an unknown JSON type", all, "InvalidJsonType", { InputSerialization: { JSON: {} } }],
    [
      "an unknown quoting",
      all,
      "InvalidQuoteFields",
      { OutputSerialization: { CSV: { QuoteFields: "NEVER" as "ALWAYS" } } },
    ],
    ["a quote of two characters", all, "InvalidRequestParameter", input({ QuoteCharacter: '""' })],
    [
      "a range that ends before it starts",
      all,
      "InvalidScanRange",
      { ScanRange: { Start: 5, End: 4 } },
    ],
    [
      "a range of quoted delimiters",
      all,
      "UnsupportedScanRangeInput",
      { ...input({ AllowQuotedRecordDelimiter: true }), ScanRange: { Start: 0 } },
    ],
    ["a query that is too long", `${all} WHERE _1 = '${"x".repeat(262_144)}'`, "ExpressionTooLong"],
    ["no SQL", "SHOW TABLES", "ParseUnexpectedToken"],
    ["an unknown function", "SELECT SOUNDEX(_1) FROM S3Object", "UnsupportedFunction"],
    ["a cast that fails", "SELECT CAST(_2 AS INT) FROM S3Object", "CastFailed"],
    ["a header that is not there", "SELECT height FROM S3Object", "MissingHeaders", withHeader],
    ["a name without a header", "SELECT name FROM S3Object", "InvalidColumnIndex"],
    [
      "CSV that is no JSON",
      all,
      "JSONParsingError",
      { InputSerialization: { JSON: { Type: "LINES" } } },
    ],
    ["CSV that is no Parquet", all, "ParquetParsingError", { InputSerialization: { Parquet: {} } }],
  ];
  for (const [name, query, code, settings] of refusals) {
    test(name, async () => {
      await assertRefused(select("people.csv", query, settings), { code, status: 400 });
    });
  }

  test("text that is not UTF-8", async () => {
    await plainS3.putObject({
      Bucket,
      Key: "latin1.csv",
      Body: Buffer.from("caf\xe9,1\n", "latin1"),
    });
    await assertRefused(select("latin1.csv", all), { code: "InvalidTextEncoding", status: 400 });
  });

  test("records of more than 1 MB", async () => {
    await put(Bucket, "wide.csv", `${"x".repeat(1024 * 1024 + 1)}\n`);
    await assert.rejects(select("wide.csv", all), { name: "OverMaxRecordSize" });
  });

  test("an empty body, and callers without a name", async () => {
    const path = `/${Bucket}/people.csv`;
    const query = "select=&select-type=2";
    const empty = await send({ method: "POST", path, query });
    assert.match(empty.text, /<Code>EmptyRequestBody</);
    assert.equal(empty.status, 400);
    const ranged = await send({
      method: "POST",
      path,
      query,
      body: document,
      headers: { range: "bytes=0-1" },
    });
    assert.match(ranged.text, /<Code>UnsupportedRangeHeader</);
    const anonymous = await send({ method: "POST", path, query, body: document, isSigned: false });
    assert.equal(anonymous.status, 403);
  });
});

test("who may read the object may query it, and nobody else", async () => {
  const versioned = await newBucket("Enabled");
  const { versionId } = await put(versioned, "key.csv", "old\n");
  await put(versioned, "key.csv", "new\n");
  // There is no parameter for a version: the current one is read.
  const answer = await send({
    method: "POST",
    path: `/${versioned}/key.csv`,
    query: `select=&select-type=2&versionId=${versionId}`,
    body: document,
  });
  assert.match(answer.text, /new/);
  assert.doesNotMatch(answer.text, /old/);
});

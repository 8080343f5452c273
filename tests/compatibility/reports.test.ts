// Reports of inventories read back by what users read them with: pyarrow and DuckDB. tests/compatibility/
// reports.sh installs them and names the Python that has them.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import type { InventoryOptionalField } from "@aws-sdk/client-s3";
import { csvFormat } from "../../src/background/inventory/csv-file.ts";
import { orcFormat } from "../../src/background/inventory/orc/orc-file.ts";
import { parquetFormat } from "../../src/background/inventory/parquet-file.ts";
import type {
  ColumnKind,
  ColumnValue,
  ReportColumn,
} from "../../src/background/inventory/report-columns.ts";
import type { ReportFormat } from "../../src/background/inventory/report-file.ts";
import { dayMilliseconds, startInventoryServer } from "../s3/inventory-server.ts";

const run = promisify(execFile);
const python = process.env["HOLDFAST_REPORT_READERS"] ?? "python3";
const readers = ["pyarrow", "duckdb"] as const;
const directory = await mkdtemp(join(tmpdir(), "holdfast-reports-"));
after(() => rm(directory, { recursive: true, force: true }));

interface Read {
  readonly names: readonly string[];
  readonly types: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

async function read(reader: string, path: string): Promise<Read> {
  const { stdout } = await run(python, ["tests/compatibility/read_reports.py", reader, path], {
    maxBuffer: 256 * 1024 * 1024,
  });
  return JSON.parse(stdout) as Read;
}

/** A file of columns whose values the row's key, a number, decides. */
async function writeFileOf(
  name: string,
  format: ReportFormat,
  columns: readonly (readonly [kind: ColumnKind, value: (row: number) => ColumnValue])[],
  rows: number,
): Promise<string> {
  const file = format.open(
    columns.map(([kind, value], index): ReportColumn => ({
      field: `Field${index}`,
      name: `field_${index}`,
      kind,
      valueOf: ({ key }) => value(Number(key)),
    })),
  );
  const page = 500;
  for (let start = 0; start < rows; start += page) {
    const keys = Array.from({ length: Math.min(page, rows - start) }, (_, index) => start + index);
    file.write(
      keys.map((key) => ({ key: String(key), record: undefined as never, isLatest: true })),
    );
    await file.settle();
  }
  const path = join(directory, `${name}.${format.extension}`);
  await writeFile(path, await file.finish());
  return path;
}

const hash = (row: number): number => Math.imul(row, 2_654_435_761) >>> 0;
const columns = [
  ["string", (row: number) => `key ${row} ü "quoted", ${hash(row)}`],
  ["string", (row: number) => (hash(row) % 3 === 0 ? undefined : ["", "a", "bb"][row % 3])],
  ["string", () => undefined],
  ["boolean", (row: number) => (hash(row) % 5 === 0 ? undefined : hash(row) % 2 === 0)],
  ["boolean", (row: number) => row % 4000 < 2000],
  ["bigint", (row: number) => (hash(row) % 7 === 0 ? undefined : hash(row) * 20_000)],
  ["bigint", (row: number) => row * 3],
  ["bigint", () => 54_975_581_388_800],
  ["timestamp", (row: number) => 1_700_000_000_000 + row * 8_640_017],
  ["timestamp", (row: number) => (row % 2 === 0 ? undefined : (row - 3000) * 100_000_000 + 7)],
] as const;

for (const format of [orcFormat, parquetFormat]) {
  for (const rows of [0, 1, 2, 20_000]) {
    test(`${format.extension}: ${rows} rows of every kind come back`, async () => {
      const path = await writeFileOf(`all-${rows}`, format, columns, rows);
      const expected = Array.from({ length: rows }, (_, row) =>
        columns.map(([, value]) => value(row) ?? null),
      );
      for (const reader of readers) {
        const found = await read(reader, path);
        assert.deepEqual(
          found.names,
          columns.map((_, index) => `field_${index}`),
        );
        assert.deepEqual(found.rows, expected, reader);
      }
    });
  }
}

test("csv: DuckDB reads what was written", async () => {
  const some = [columns[0], columns[1], columns[6], columns[4]];
  const path = await writeFileOf("some", csvFormat, some, 1000);
  const found = await read("duckdb", path);
  assert.equal(found.rows.length, 1000);
  assert.deepEqual(
    found.rows.map((row) => [row[0], row[2]]),
    Array.from({ length: 1000 }, (_, row) => [columns[0][1](row), String(row * 3)]),
  );
});

const optionalFields: InventoryOptionalField[] = [
  "Size",
  "LastModifiedDate",
  "ETag",
  "StorageClass",
  "IsMultipartUploaded",
  "EncryptionStatus",
  "ObjectLockRetainUntilDate",
];
const types = {
  pyarrow: {
    string: "string",
    boolean: "bool",
    bigint: "int64",
    ORC: "timestamp[ns]",
    Parquet: "timestamp[ms, tz=UTC]",
  },
  duckdb: {
    string: "VARCHAR",
    boolean: "BOOLEAN",
    bigint: "BIGINT",
    ORC: "TIMESTAMP_NS",
    Parquet: "TIMESTAMP",
  },
} as const;

/** By version ids. */
function order(rows: readonly (readonly unknown[])[]): readonly (readonly unknown[])[] {
  return rows.toSorted((a, b) => String(a[2]).localeCompare(String(b[2])));
}

for (const Format of ["ORC", "Parquet"] as const) {
  test(`${Format}: a report lists exactly the versions, with the types of its schema`, async () => {
    const { newBucket, newDestination, put, putInventory, advance, s3, ...server } =
      await startInventoryServer();
    const source = await newBucket("Enabled");
    const destination = await newDestination(source);
    for (const key of ["a b+c", "ü/1", "z"]) await put(source, key);
    await put(source, "z", "newer");
    await s3.deleteObject({ Bucket: source, Key: "ü/1" });
    await putInventory(source, destination, {
      Format,
      IncludedObjectVersions: "All",
      OptionalFields: optionalFields,
    });
    await server.server.runWorker("inventory");
    advance(dayMilliseconds);
    await server.server.runWorker("inventory");
    const manifest = await server.readManifest(destination);
    const { key = "" } = manifest.files[0] ?? {};
    const extension = Format.toLowerCase();
    assert.ok(key.endsWith(`.${extension}`));
    const path = join(directory, `report.${extension}`);
    await writeFile(path, await server.bytesOf(destination, key));
    const { Versions = [], DeleteMarkers = [] } = await s3.listObjectVersions({ Bucket: source });
    const expected = [
      ...Versions.map((version) => [
        source,
        version.Key,
        version.VersionId,
        version.IsLatest,
        false,
        version.Size,
        version.LastModified?.getTime(),
        version.ETag?.replaceAll('"', ""),
        "STANDARD",
        false,
        "SSE-S3",
        null,
      ]),
      ...DeleteMarkers.map((marker) => [
        source,
        marker.Key,
        marker.VersionId,
        marker.IsLatest,
        true,
        null,
        marker.LastModified?.getTime(),
        null,
        null,
        null,
        null,
        null,
      ]),
    ];
    for (const reader of readers) {
      const found = await read(reader, path);
      assert.deepEqual(order(found.rows), order(expected), reader);
      const named = types[reader];
      assert.deepEqual(found.names.slice(0, 3), ["bucket", "key", "version_id"]);
      const kinds =
        "string string string boolean boolean bigint time string string boolean string time";
      const time = named[Format];
      assert.deepEqual(
        found.types,
        kinds.split(" ").map((kind) => ({ ...named, time })[kind as keyof typeof named | "time"]),
      );
    }
    assert.equal(
      manifest.fileSchema,
      Format === "ORC"
        ? "struct<bucket:string,key:string,version_id:string,is_latest:boolean,is_delete_marker:boolean,size:bigint,last_modified_date:timestamp,e_tag:string,storage_class:string,is_multipart_uploaded:boolean,encryption_status:string,object_lock_retain_until_date:timestamp>"
        : "message s3.inventory { required binary bucket (UTF8); required binary key (UTF8); optional binary version_id (UTF8); optional boolean is_latest; optional boolean is_delete_marker; optional int64 size; optional int64 last_modified_date (TIMESTAMP_MILLIS); optional binary e_tag (UTF8); optional binary storage_class (UTF8); optional boolean is_multipart_uploaded; optional binary encryption_status (UTF8); optional int64 object_lock_retain_until_date (TIMESTAMP_MILLIS);}",
    );
  });
}

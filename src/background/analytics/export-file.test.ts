import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { noFigures, type AnalyticsDayRecord } from "../../objects/records/analytics-record.ts";
import { shortestPrefixes } from "./bucket-tally.ts";
import { exportColumns, formatExport } from "./export-file.ts";

const megabyte = 1024 * 1024;
/** 2026-01-01. */
const first = Date.UTC(2026, 0, 1) / 86_400_000;

/** Two age groups of STANDARD: young objects are read, those of 45 days and more as it is said. */
function dayRecord(day: number, oldRetrievedBytes: number): AnalyticsDayRecord {
  return {
    v: 1,
    day,
    filter: "",
    isMeasured: true,
    classes: {
      STANDARD: {
        0: { ...noFigures, objects: 1, storedBytes: megabyte, retrievedBytes: megabyte },
        3: {
          ...noFigures,
          objects: 2,
          storedBytes: 2 * megabyte,
          retrievedBytes: oldRetrievedBytes,
        },
      },
    },
  };
}

type Row = Readonly<Record<string, string>>;

function parse(text: string): readonly Row[] {
  const [header, ...lines] = text.trimEnd().split("\n");
  assert.equal(header, exportColumns.join(","));
  return lines.map((line) => {
    const values = line.split(",");
    return Object.fromEntries(exportColumns.map((name, index) => [name, values[index] ?? ""]));
  });
}

function writeFile(id: string, days: readonly AnalyticsDayRecord[]): string {
  return [...formatExport(id, days)].join("");
}

function history(days: number, oldRetrievedBytes: number): readonly AnalyticsDayRecord[] {
  return Array.from({ length: days }, (_, index) => dayRecord(first + index, oldRetrievedBytes));
}

describe("formatExport", () => {
  test("rows are sorted by date within age group, and ALL comes last", () => {
    const rows = parse(writeFile("id", history(2, 0)));
    assert.equal(rows.length, 2 * 13);
    assert.deepEqual(
      rows.slice(0, 3).map(({ ObjectAge, Date: date }) => [ObjectAge, date]),
      [
        ["000-014", "01-01-2026"],
        ["000-014", "01-02-2026"],
        ["015-029", "01-01-2026"],
      ],
    );
    assert.deepEqual(
      rows.slice(-2).map(({ ObjectAge, ObjectCount }) => [ObjectAge, ObjectCount]),
      [
        ["ALL", "3"],
        ["ALL", "3"],
      ],
    );
  });

  test("the access ratio is of this age and all older ones, of thirty days", () => {
    const rows = parse(writeFile("id", history(40, megabyte / 30)));
    const last = rows.filter((row) => row["Date"] === "02-09-2026");
    const ratioOf = (age: string): string | undefined =>
      last.find(({ ObjectAge }) => ObjectAge === age)?.["CumulativeAccessRatio"];
    assert.equal(ratioOf("045-059"), "0.5");
    assert.equal(ratioOf("015-029"), "0.5");
    assert.equal(ratioOf("000-014"), "10.333333");
    // Nothing is stored of that age.
    assert.equal(ratioOf("060-074"), "");
  });

  test("an age is observed after thirty days, and recommended when it stays", () => {
    const rows = parse(writeFile("id", history(50, megabyte / 30)));
    const all = rows.filter(({ ObjectAge }) => ObjectAge === "ALL");
    const ages = all.map((row) => [
      row["ObjectAgeForSIATransition"],
      row["RecommendedObjectAgeForSIATransition"],
    ]);
    assert.deepEqual(ages[28], ["", ""]);
    assert.deepEqual(ages[29], ["30", ""]);
    assert.deepEqual(ages[41], ["30", ""]);
    assert.deepEqual(ages[42], ["30", "30"]);
    const others = rows.filter(({ ObjectAge }) => ObjectAge !== "ALL");
    assert.ok(others.every((row) => row["ObjectAgeForSIATransition"] === ""));
  });

  test("a day that is missing or not measured does not begin the observation anew", () => {
    const days = history(60, megabyte / 30).toSpliced(40, 1);
    const gap = { ...days[45], isMeasured: false, classes: {} } as AnalyticsDayRecord;
    const rows = parse(writeFile("id", days.with(45, gap)));
    const last = rows.at(-1);
    assert.equal(last?.["RecommendedObjectAgeForSIATransition"], "30");
    assert.equal(last?.["Date"], "03-01-2026");
  });

  test("objects that are read more than once a month are no candidates", () => {
    const rows = parse(writeFile("id", history(50, megabyte)));
    assert.ok(rows.every((row) => row["ObjectAgeForSIATransition"] === ""));
  });

  test("a day that nobody measured has accesses alone", () => {
    const record: AnalyticsDayRecord = {
      v: 1,
      day: first,
      filter: 'prefix=a,"b"',
      isMeasured: false,
      classes: { STANDARD: { 12: { ...noFigures, getRequests: 2, retrievedBytes: 1 } } },
    };
    const lines = writeFile("id", [record]).trimEnd().split("\n");
    assert.equal(lines.at(-1), '01-01-2026,id,"prefix=a,""b""",STANDARD,ALL,,0,,0.000001,2,,,');
  });
});

describe("shortestPrefixes", () => {
  test("no object is walked over twice", () => {
    assert.deepEqual(shortestPrefixes(["b", "a/b", "a/", "a/c/d", "b"]), ["a/", "b"]);
    assert.deepEqual(shortestPrefixes(["b", ""]), [""]);
  });
});

// Reads of a SQLite store: synchronous, on the calling thread, one snapshot per request. No
// transaction stays open between requests, so each sees all that was committed before it began.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Entry, RangeRead, ReadRequest, ReadResult } from "./key-value-store.ts";
import { scanGrouped } from "./grouped-scan.ts";
import { toStorageError } from "./sqlite-database.ts";
import { checkRangeRead } from "./write-request.ts";

// The subquery runs only for rows whose value is kept elsewhere.
const value =
  "CASE typeof(v) WHEN 'integer' THEN (SELECT value FROM large_values WHERE id = entries.v) " +
  "ELSE v END";

type GetRow = [revision: number, value: Uint8Array];
type RangeRow = [key: Uint8Array, revision: number, value: Uint8Array];

const noEntries: ReadResult["gets"] = [];
const noRanges: ReadResult["ranges"] = [];

export class SqliteReader {
  readonly #database: DatabaseSync;
  readonly #get: StatementSync;
  readonly #forward: StatementSync;
  readonly #backward: StatementSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    const rows = { returnArrays: true };
    const range = `SELECT k, r, ${value} FROM entries WHERE k >= ? AND k < ? ORDER BY k`;
    this.#get = database.prepare(`SELECT r, ${value} FROM entries WHERE k = ?`, rows);
    this.#forward = database.prepare(`${range} LIMIT ?`, rows);
    this.#backward = database.prepare(`${range} DESC LIMIT ?`, rows);
    this.#begin = database.prepare("BEGIN");
    this.#commit = database.prepare("COMMIT");
  }

  /** Throws StorageUnavailableError. */
  read(request: ReadRequest): ReadResult {
    const gets = request.gets ?? [];
    const ranges = request.ranges ?? [];
    for (const range of ranges) checkRangeRead(range);
    try {
      // One statement is a snapshot of its own.
      const isOneStatement = gets.length + ranges.length === 1 && ranges[0]?.groups === undefined;
      if (isOneStatement) return this.#readAll(gets, ranges);
      return this.#readSnapshot(gets, ranges);
    } catch (error) {
      throw toStorageError(error);
    }
  }

  close(): void {
    this.#database.close();
  }

  #readSnapshot(gets: readonly Uint8Array[], ranges: readonly RangeRead[]): ReadResult {
    this.#begin.run();
    try {
      return this.#readAll(gets, ranges);
    } finally {
      this.#commit.run();
    }
  }

  #readAll(gets: readonly Uint8Array[], ranges: readonly RangeRead[]): ReadResult {
    return {
      gets: gets.length === 0 ? noEntries : gets.map((key) => this.#readOne(key)),
      ranges: ranges.length === 0 ? noRanges : ranges.map((range) => this.#readRange(range)),
    };
  }

  #readOne(key: Uint8Array): Entry | undefined {
    // The statement returns arrays, which its type does not say.
    const row = this.#get.get(key) as GetRow | undefined;
    return row === undefined ? undefined : { key, value: row[1], revision: row[0] };
  }

  #readRange(range: RangeRead): Entry[] {
    const { start, end, limit, reverse, groups } = range;
    const statement = reverse === true ? this.#backward : this.#forward;
    const scan = (from: Uint8Array, to: Uint8Array, count: number): RangeRow[] =>
      statement.all(from, to, count) as unknown as RangeRow[];
    const rows =
      groups === undefined
        ? scan(start, end, limit)
        : scanGrouped({ ...range, groups }, scan, ([key]) => key);
    return rows.map(([key, revision, value]) => ({ key, value, revision }));
  }
}

// Rows turned into columns, as files by columns need them: a bounded number at a time. Values wait as bytes
// in room that is used again and again, and not as values: so many of those would outlive V8's collections
// of young objects, for which it makes room by the megabyte.

import type { ColumnKind, ReportColumn, ReportRow } from "./report-columns.ts";

export class ColumnBatch {
  readonly columns: readonly ReportColumn[];
  readonly values: readonly ColumnValues[];
  #rows = 0;

  constructor(columns: readonly ReportColumn[], largestRows: number) {
    this.columns = columns;
    this.values = columns.map(({ kind }) => new ColumnValues(kind, largestRows));
  }

  get rows(): number {
    return this.#rows;
  }

  add(row: ReportRow): void {
    for (const [index, column] of this.columns.entries()) {
      (this.values[index] as ColumnValues).add(column.valueOf(row)); // one for each column
    }
    this.#rows += 1;
  }

  /** Begins anew. What was handed out of `values` is overwritten. */
  clear(): void {
    for (const values of this.values) values.clear();
    this.#rows = 0;
  }
}

const firstTextBytes = 64 * 1024;
/** Of UTF-8, for one unit of a string. */
const largestUnitBytes = 3;

/** What is present stands without gaps in `numbers` or, of texts, in `text` and `lengths`. */
export class ColumnValues {
  readonly kind: ColumnKind;
  /** Of each row: 1 or 0. */
  readonly #present: Uint8Array;
  /** Booleans are 1 or 0. */
  readonly #numbers: Float64Array;
  readonly #lengths: Uint32Array;
  #text: Buffer;
  #rows = 0;
  #count = 0;
  #textBytes = 0;

  constructor(kind: ColumnKind, largestRows: number) {
    const isText = kind === "string";
    this.kind = kind;
    this.#present = new Uint8Array(largestRows);
    this.#numbers = new Float64Array(isText ? 0 : largestRows);
    this.#lengths = new Uint32Array(isText ? largestRows : 0);
    this.#text = Buffer.allocUnsafe(isText ? firstTextBytes : 0);
  }

  /** How many are present. */
  get count(): number {
    return this.#count;
  }

  get present(): Uint8Array {
    return this.#present.subarray(0, this.#rows);
  }

  get numbers(): Float64Array {
    return this.#numbers.subarray(0, this.#count);
  }

  get text(): Buffer {
    return this.#text.subarray(0, this.#textBytes);
  }

  /** In bytes. */
  get lengths(): Uint32Array {
    return this.#lengths.subarray(0, this.#count);
  }

  add(value: string | boolean | number | undefined): void {
    this.#present[this.#rows] = value === undefined ? 0 : 1;
    this.#rows += 1;
    if (value === undefined) return;
    if (this.kind === "string") this.#lengths[this.#count] = this.#addText(String(value));
    else this.#numbers[this.#count] = Number(value);
    this.#count += 1;
  }

  clear(): void {
    this.#rows = 0;
    this.#count = 0;
    this.#textBytes = 0;
  }

  #addText(value: string): number {
    const needed = this.#textBytes + value.length * largestUnitBytes;
    if (needed > this.#text.byteLength) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#text.byteLength * 2));
      this.text.copy(grown);
      this.#text = grown;
    }
    const bytes = this.#text.write(value, this.#textBytes, "utf8");
    this.#textBytes += bytes;
    return bytes;
  }
}

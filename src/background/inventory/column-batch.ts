// Rows turned into columns, as files by columns need them: a bounded number at a time.

import type { ColumnValue, ReportColumn, ReportRow } from "./report-columns.ts";

export class ColumnBatch {
  readonly columns: readonly ReportColumn[];
  #values: ColumnValue[][];
  #rows = 0;

  constructor(columns: readonly ReportColumn[]) {
    this.columns = columns;
    this.#values = columns.map(() => []);
  }

  get rows(): number {
    return this.#rows;
  }

  add(row: ReportRow): void {
    for (const [index, column] of this.columns.entries()) {
      (this.#values[index] as ColumnValue[]).push(column.valueOf(row));
    }
    this.#rows += 1;
  }

  /** The columns with their values, and begins anew. */
  take(): readonly { readonly column: ReportColumn; readonly values: ColumnValue[] }[] {
    const taken = this.columns.map((column, index) => ({
      column,
      values: this.#values[index] as ColumnValue[],
    }));
    this.#values = this.columns.map(() => []);
    this.#rows = 0;
    return taken;
  }
}

// What every kind of input gives: rows, block by block, what names mean in them, and all that is in one.

import type { Scope } from "./compile-expression.ts";
import type { Value } from "./values.ts";

/** The rows of a block. The row is good until the next call. */
export interface RowReader<Row> {
  next(): boolean;
  readonly row: Row;
}

/** Bytes from `start` to `end`, good until it returns. */
export type TakeBytes = (block: Buffer, start: number, end: number) => void;

export interface RowSource<Row> {
  readonly scope: Scope<Row>;
  /** Each reader is to be read to its end before the next is asked for. */
  readonly batches: AsyncIterable<RowReader<Row>>;
  /** Tells the members of a row for `SELECT *`. */
  readonly members: (row: Row, add: (name: string, value: Value) => void) => void;
  /** Lets go of the object's bytes, also where none was read. */
  readonly close: () => Promise<void>;
  /** Hands over the row as bytes of CSV in the form of the input, if it has nothing that is quoted. */
  readonly copyRecord?: (row: Row, take: TakeBytes) => boolean;
}

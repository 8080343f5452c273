// The rows of a CSV object: its header, its names, and of a scan range the records that begin there.

import { S3Error } from "../model/errors.ts";
import type { Evaluate } from "./compile-expression.ts";
import { CsvReader } from "./csv-reader.ts";
import { findName, follow, memberMatches } from "./paths.ts";
import type { RowReader, RowSource } from "./row-source.ts";
import type { HeaderUse, InputForm, ObjectBytes, ScanRange } from "./select-request.ts";
import type { Name, PathStep, Source } from "./syntax.ts";
import { openText, type ByteCounts, type OpenedText } from "./text-blocks.ts";
import type { Timestamp } from "./timestamp.ts";
import { Structure, type Value } from "./values.ts";

type CsvInput = Extract<InputForm, { readonly kind: "csv" }>;

export interface CsvSourceOptions {
  readonly object: ObjectBytes;
  readonly input: CsvInput;
  readonly source: Source;
  readonly range: ScanRange | undefined;
  readonly now: Timestamp;
  readonly counts: ByteCounts;
}

export async function openCsv(options: CsvSourceOptions): Promise<RowSource<CsvReader>> {
  const { input, source, range } = options;
  // Guide: this form of the FROM clause works with JSON only.
  if (source.steps.length > 0) throw new S3Error("InvalidKeyPath");
  const start = range?.start ?? 0;
  const names = start > 0 ? await headerOfStart(options) : undefined;
  const rows = new CsvRows(options, start === 0 ? input.header : "none");
  await rows.open();
  const header = input.header === "use" ? (names ?? rows.header ?? []) : undefined;
  const columns = new Columns(header, source.alias);
  return {
    scope: { path: (name, steps) => columns.path(name, steps), now: options.now },
    batches: rows,
    close: () => rows.close(),
    members(row, add) {
      for (let index = 0; index < row.fieldCount; index += 1) {
        add(columnName(header, index), row.field(index));
      }
    },
    copyRecord: (row, take) => row.copyUnquoted(take),
  };
}

/** Names are those of the object's first record, wherever the range begins. */
async function headerOfStart(options: CsvSourceOptions): Promise<readonly string[] | undefined> {
  if (options.input.header !== "use") return undefined;
  const counts = { scannedBytes: 0, processedBytes: 0 };
  const rows = new CsvRows({ ...options, range: undefined, counts }, "use");
  await rows.open();
  await rows.close();
  return rows.header;
}

class CsvRows implements AsyncIterable<RowReader<CsvReader>>, RowReader<CsvReader> {
  readonly #options: CsvSourceOptions;
  readonly #headerUse: HeaderUse;
  readonly #end: number;
  readonly #reader: CsvReader;
  #text: OpenedText | undefined;
  #isPastEnd = false;
  #isDone = false;
  header: readonly string[] | undefined;

  constructor(options: CsvSourceOptions, headerUse: HeaderUse) {
    this.#options = options;
    this.#headerUse = headerUse;
    const { range, input } = options;
    this.#end = range?.end ?? Number.POSITIVE_INFINITY;
    this.#reader = new CsvReader(input.form);
  }

  get row(): CsvReader {
    return this.#reader;
  }

  next(): boolean {
    if (this.#isPastEnd || !this.#reader.next()) return false;
    this.#isPastEnd = this.#reader.recordOffset >= this.#end;
    return !this.#isPastEnd;
  }

  /** Reads as far as the header. */
  async open(): Promise<void> {
    try {
      await this.#open();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #open(): Promise<void> {
    const { object, input, range, counts } = this.#options;
    const { compression, form } = input;
    const recordDelimiter = Buffer.from(form.recordDelimiter);
    this.#text = await openText({ object, range, recordDelimiter, compression, counts });
    this.#reader.beginAt(this.#text.offset);
    if (this.#headerUse === "none") return;
    while (!this.#reader.next()) {
      if (!(await this.#fill())) return;
    }
    this.header = Array.from(
      { length: this.#reader.fieldCount },
      (_, index) => this.#reader.field(index) ?? "",
    );
  }

  /** `false`: there is nothing more. */
  async #fill(): Promise<boolean> {
    if (this.#isDone || this.#text === undefined) return false;
    this.#reader.release();
    const { done, value } = await this.#text.blocks.next();
    this.#isDone = done === true;
    this.#reader.push(
      Buffer.from(value?.buffer ?? [], value?.byteOffset, value?.length),
      this.#isDone,
    );
    return true;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RowReader<CsvReader>> {
    yield this;
    while (!this.#isPastEnd && (await this.#fill())) yield this;
  }

  async close(): Promise<void> {
    this.#isDone = true;
    await this.#text?.close();
  }
}

/** What names mean in the records of an object. */
class Columns {
  readonly #header: readonly string[] | undefined;
  readonly #alias: Name | undefined;
  /** By place: a field becomes text once in a record, however often a query names it. */
  readonly #fields = new Map<number, Evaluate<CsvReader>>();

  constructor(header: readonly string[] | undefined, alias: Name | undefined) {
    this.#header = header;
    this.#alias = alias;
  }

  path(name: Name, steps: readonly PathStep[]): Evaluate<CsvReader> {
    if (this.#alias === undefined || !memberMatches(this.#alias.text, name)) {
      return this.#column(name, steps);
    }
    const [first, ...rest] = steps;
    if (first === undefined) return (row) => wholeRow(this.#header, row);
    if (first.kind === "index") throw new S3Error("InvalidKeyPath");
    return this.#column(first.name, rest);
  }

  #column(name: Name, steps: readonly PathStep[]): Evaluate<CsvReader> {
    const index = columnIndex(this.#header, name);
    const field = this.#fields.get(index) ?? fieldOnce(index);
    this.#fields.set(index, field);
    return steps.length === 0 ? field : (row) => follow(field(row), steps);
  }
}

function fieldOnce(index: number): Evaluate<CsvReader> {
  let record = -1;
  let text: string | undefined;
  return (row) => {
    if (row.recordNumber !== record) {
      record = row.recordNumber;
      text = row.field(index);
    }
    return text;
  };
}

function columnIndex(header: readonly string[] | undefined, name: Name): number {
  const number = /^_([0-9]{1,9})$/.exec(name.text)?.[1];
  if (number !== undefined) {
    if (Number(number) === 0) throw new S3Error("InvalidColumnIndex");
    return Number(number) - 1;
  }
  if (header === undefined) throw new S3Error("InvalidColumnIndex");
  const index = findName(header, name);
  if (index < 0) throw new S3Error("MissingHeaders");
  return index;
}

function wholeRow(header: readonly string[] | undefined, row: CsvReader): Structure {
  const names = Array.from({ length: row.fieldCount }, (_, index) => columnName(header, index));
  return new Structure(
    names,
    names.map((_, index): Value => row.field(index)),
  );
}

function columnName(header: readonly string[] | undefined, index: number): string {
  return header?.[index] ?? `_${index + 1}`;
}

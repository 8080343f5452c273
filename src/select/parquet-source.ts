// The rows of a Parquet object. Only the columns that a query names are read, a row group at a time, and
// decoded some thousand rows at a time.

import { setImmediate } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import type { AsyncBuffer, FileMetaData, RowGroup, SchemaTree } from "hyparquet";
import { S3Error } from "../model/errors.ts";
import { parquetHeldBytes, parquetNestedBytes, parquetRowGroupBytes } from "../model/limits.ts";
import { ObjectBuffer } from "./object-buffer.ts";
import { converterOf, type ConvertValue } from "./parquet-values.ts";
import { findName, follow, memberMatches } from "./paths.ts";
import type { RowReader, RowSource } from "./row-source.ts";
import type { ObjectBytes, ScanRange } from "./select-request.ts";
import type { Name, PathStep, Source } from "./syntax.ts";
import type { ByteCounts } from "./text-blocks.ts";
import type { Timestamp } from "./timestamp.ts";
import { Structure, type Value } from "./values.ts";

/** The physical values of the columns that a query names, in the order in which it did. */
export type ParquetRow = readonly unknown[];

export interface ParquetSourceOptions {
  readonly object: ObjectBytes;
  readonly source: Source;
  /** `SELECT *`: every column is named. */
  readonly namesAll: boolean;
  readonly range: ScanRange | undefined;
  readonly now: Timestamp;
  readonly counts: ByteCounts;
}

/** Decoding so many values, or bytes, takes some milliseconds. */
const windowRows = 16_384;
const windowBytes = 4 * 1024 * 1024;
const codecs = new Set(["UNCOMPRESSED", "GZIP", "SNAPPY"]);
/** Our bound on a footer. */
const footerBytes = 64 * 1024 * 1024;

export async function openParquet(options: ParquetSourceOptions): Promise<RowSource<ParquetRow>> {
  const { object, source, range, now, counts } = options;
  if (source.steps.length > 0) throw new S3Error("InvalidKeyPath");
  // Loaded with the first query of its kind.
  const { parquetMetadataAsync, parquetRead, parquetSchema } = await import("hyparquet");
  const buffer = new ObjectBuffer(object, counts);
  try {
    const metadata = await reading(() =>
      parquetMetadataAsync(buffer.bounded(footerBytes), { geoparquet: false }),
    );
    const columns = new NamedColumns(parquetSchema(metadata).children, source);
    if (options.namesAll) columns.nameAll();
    const bareMetadata = withoutAnnotations(metadata);
    const read: ReadWindow = (group, rowStart, rowEnd) =>
      reading(async () => {
        let rows: ParquetRow[] = [];
        await parquetRead({
          file: group,
          metadata: bareMetadata,
          columns: [...columns.names],
          rowStart,
          rowEnd,
          utf8: false,
          geoparquet: false,
          compressors: { GZIP: gunzip },
          onComplete: (found) => {
            rows = found;
          },
        });
        return rows;
      });
    return {
      scope: { path: (name, steps) => columns.path(name, steps), now },
      batches: readGroups({ metadata, columns, buffer, range, counts, read }),
      members: (row, add) => {
        columns.members(row, add);
      },
      close: () => buffer.close(),
    };
  } catch (error) {
    await buffer.close();
    throw error;
  }
}

type ReadWindow = (
  group: AsyncBuffer,
  rowStart: number,
  rowEnd: number,
) => Promise<readonly ParquetRow[]>;

interface GroupReading {
  readonly metadata: FileMetaData;
  readonly columns: NamedColumns;
  readonly buffer: ObjectBuffer;
  readonly range: ScanRange | undefined;
  readonly counts: ByteCounts;
  readonly read: ReadWindow;
}

/** What row groups of all queries hold at this moment. */
let heldBytes = 0;

async function* readGroups(reading: GroupReading): AsyncGenerator<RowReader<ParquetRow>> {
  const { metadata, columns, range } = reading;
  let start = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    const offset = startOf(group);
    // Guide: the row groups that start within the range.
    const isInRange = range === undefined || (offset >= range.start && offset < range.end);
    if (isInRange) {
      if (columns.names.length === 0) yield new Rows([], rows);
      else yield* readGroup(group, start, reading);
    }
    start += rows;
  }
}

async function* readGroup(
  group: RowGroup,
  start: number,
  { columns, buffer, counts, read }: GroupReading,
): AsyncGenerator<RowReader<ParquetRow>> {
  if (group.total_byte_size > parquetRowGroupBytes) throw new S3Error("OverMaxParquetBlockSize");
  const chunks = group.columns
    .map(({ meta_data: chunk }) => chunk)
    .filter((chunk) => chunk !== undefined)
    .filter(({ path_in_schema: path }) => columns.names.includes(path[0] as string));
  if (chunks.some(({ codec }) => !codecs.has(codec))) {
    throw new S3Error("ParquetUnsupportedCompressionCodec");
  }
  const compressedBytes = sumOf(chunks.map((chunk) => chunk.total_compressed_size));
  const plainBytes = sumOf(chunks.map((chunk) => chunk.total_uncompressed_size));
  const limitBytes = columns.areFlat ? parquetRowGroupBytes : parquetNestedBytes;
  if (compressedBytes > parquetRowGroupBytes || plainBytes > limitBytes) {
    throw new S3Error("OverMaxParquetBlockSize");
  }
  const neededBytes = compressedBytes + plainBytes;
  if (heldBytes + neededBytes > parquetHeldBytes) throw new S3Error("Busy");
  heldBytes += neededBytes;
  try {
    const file = buffer.keeping();
    const rows = Number(group.num_rows);
    // What is nested can only be decoded as a whole.
    const byBytes = Math.ceil((rows * windowBytes) / Math.max(1, plainBytes));
    const step = columns.areFlat ? Math.min(windowRows, byBytes) : rows;
    for (let from = 0; from < rows; from += step) {
      const end = Math.min(from + step, rows);
      const found = await read(file, start + from, start + end);
      if (found.length !== end - from) throw new S3Error("ParquetParsingError");
      yield new Rows(found, found.length);
      await setImmediate();
    }
    counts.processedBytes += plainBytes;
  } finally {
    heldBytes -= neededBytes;
  }
}

/** Throws S3Error ParquetParsingError for sizes below nothing. */
function sumOf(sizes: readonly bigint[]): number {
  if (sizes.some((size) => size < 0n)) throw new S3Error("ParquetParsingError");
  return sizes.reduce((sum, size) => sum + Number(size), 0);
}

function startOf(group: RowGroup): number {
  const offsets = group.columns.map(({ meta_data: chunk }) =>
    Number(chunk?.dictionary_page_offset ?? chunk?.data_page_offset ?? 0),
  );
  return Math.min(...offsets);
}

class Rows implements RowReader<ParquetRow> {
  readonly #rows: readonly ParquetRow[];
  readonly #count: number;
  #next = 0;

  /** Rows of which no column is asked for are only counted. */
  constructor(rows: readonly ParquetRow[], count: number) {
    this.#rows = rows;
    this.#count = count;
  }

  get row(): ParquetRow {
    return this.#rows[this.#next - 1] ?? [];
  }

  next(): boolean {
    if (this.#next >= this.#count) return false;
    this.#next += 1;
    return true;
  }
}

/** The columns of an object, and which of them a query has named. */
class NamedColumns {
  readonly #trees: readonly SchemaTree[];
  readonly #alias: Name | undefined;
  readonly names: string[] = [];
  readonly #converters: ConvertValue[] = [];
  /** Of every column in the order of the schema, after all were named. */
  #places: readonly number[] = [];

  constructor(trees: readonly SchemaTree[], { alias }: Source) {
    this.#trees = trees;
    this.#alias = alias;
  }

  get areFlat(): boolean {
    return this.#trees
      .filter(({ element }) => this.names.includes(element.name))
      .every(
        ({ children, element }) => children.length === 0 && element.repetition_type !== "REPEATED",
      );
  }

  nameAll(): void {
    this.#places = this.#trees.map((tree) => this.#placeOf(tree));
  }

  path(name: Name, steps: readonly PathStep[]): (row: ParquetRow) => Value {
    if (this.#alias === undefined || !memberMatches(this.#alias.text, name)) {
      return this.#column(name, steps);
    }
    const [first, ...rest] = steps;
    if (first === undefined) {
      this.nameAll();
      return (row) => this.#structure(row);
    }
    if (first.kind === "index") throw new S3Error("InvalidKeyPath");
    return this.#column(first.name, rest);
  }

  /** Wants `nameAll` before. */
  members(row: ParquetRow, add: (name: string, value: Value) => void): void {
    for (const place of this.#places) {
      add(this.names[place] as string, this.#converters[place]?.(row[place]));
    }
  }

  #structure(row: ParquetRow): Structure {
    const names: string[] = [];
    const values: Value[] = [];
    this.members(row, (name, value) => {
      names.push(name);
      values.push(value);
    });
    return new Structure(names, values);
  }

  #column(name: Name, steps: readonly PathStep[]): (row: ParquetRow) => Value {
    const tree = this.#trees[this.#indexOf(name)];
    if (tree === undefined) throw new S3Error("EvaluatorBindingDoesNotExist");
    const place = this.#placeOf(tree);
    const convert = this.#converters[place] as ConvertValue;
    if (steps.length === 0) return (row) => convert(row[place]);
    return (row) => follow(convert(row[place]), steps);
  }

  #indexOf(name: Name): number {
    const found = findName(
      this.#trees.map(({ element }) => element.name),
      name,
    );
    if (found >= 0) return found;
    const number = /^_([0-9]{1,9})$/.exec(name.text)?.[1];
    return number === undefined ? -1 : Number(number) - 1;
  }

  #placeOf(tree: SchemaTree): number {
    const known = this.names.indexOf(tree.element.name);
    if (known >= 0) return known;
    this.names.push(tree.element.name);
    this.#converters.push(converterOf(tree));
    return this.names.length - 1;
  }
}

/**
 * The library makes numbers of decimals and dates of timestamps; without their annotations it hands over
 * what is stored. Those of lists it needs.
 */
function withoutAnnotations(metadata: FileMetaData): FileMetaData {
  const schema = metadata.schema.map((element) => {
    if (element.type === undefined) return element;
    const { converted_type: _, logical_type: __, ...bare } = element;
    return bare;
  });
  return { ...metadata, schema };
}

function gunzip(input: Uint8Array, outputBytes: number): Uint8Array {
  if (outputBytes > parquetRowGroupBytes) throw new S3Error("OverMaxParquetBlockSize");
  return gunzipSync(input, { maxOutputLength: Math.max(1, outputBytes) });
}

/** What the library refuses is the object's fault; what the store or S3 says stays as it is. */
async function reading<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof S3Error || ObjectBuffer.isOfStore(error)) throw error;
    throw new S3Error("ParquetParsingError", { cause: error });
  }
}

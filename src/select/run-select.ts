// Runs a query over an object and tells what it finds as S3 Select's events. Memory is that of a block, of
// a record and of one event, whatever the object's size; every few milliseconds other requests get their turn.

import { setImmediate } from "node:timers/promises";
import type { SelectObjectContentEventStream } from "../model/types.generated.ts";
import { compileQuery, feedAggregates, type CompiledQuery } from "./compile-query.ts";
import { openCsv } from "./csv-source.ts";
import { jsonMembers, openJson } from "./json-source.ts";
import { openParquet } from "./parquet-source.ts";
import { CsvWriter, JsonWriter, type RecordWriter } from "./record-writers.ts";
import type { RowReader, RowSource, TakeBytes } from "./row-source.ts";
import type { ObjectBytes, OutputForm, SelectRequest } from "./select-request.ts";
import type { ByteCounts } from "./text-blocks.ts";
import { timestampOfMilliseconds } from "./timestamp.ts";

type Event = SelectObjectContentEventStream;

/** An event of records has about this many bytes, and never more than a MiB beside its last record. */
const recordsBytes = 128 * 1024;
/** How long a result or a sign of life lets wait. */
const eventMilliseconds = 1000;
/** How long rows are read without a turn for others. */
const sliceMilliseconds = 3;
const rowsBetweenLooks = 4;

export interface SelectOptions {
  readonly object: ObjectBytes;
  readonly request: SelectRequest;
  readonly nowMilliseconds: number;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/**
 * The first event has no member: it comes when the first block was read, so that what is wrong from the
 * beginning is thrown before an answer begins. Throws S3Error.
 */
export async function* runSelect(options: SelectOptions): AsyncGenerator<Event> {
  const { object, request } = options;
  const { query, input, range } = request;
  const now = timestampOfMilliseconds(options.nowMilliseconds);
  const counts: ByteCounts = { scannedBytes: 0, processedBytes: 0 };
  const { source } = query;
  switch (input.kind) {
    case "csv":
      yield* select(await openCsv({ object, input, source, range, now, counts }), counts, options);
      break;
    case "parquet":
      yield* select(
        await openParquet({ object, source, namesAll: query.items === "all", range, now, counts }),
        counts,
        options,
      );
      break;
    default:
      yield* select(await openJson({ object, input, source, range, now, counts }), counts, options);
  }
}

async function* select<Row>(
  source: RowSource<Row>,
  counts: ByteCounts,
  options: SelectOptions,
): AsyncGenerator<Event> {
  const { request, signal } = options;
  const iterator = source.batches[Symbol.asyncIterator]();
  try {
    const query = compileQuery(request.query, source.scope);
    const result = new Result(source, query, request, counts);
    let isPrimed = false;
    while (!result.isComplete) {
      const { done, value: reader } = await iterator.next();
      if (done === true) break;
      for (;;) {
        const isRead = result.readSome(reader);
        if (result.sizeBytes >= recordsBytes) {
          if (!isPrimed) yield {};
          isPrimed = true;
          yield result.takeRecords();
        }
        // Also between blocks: those that are there already come without a turn of the event loop.
        await result.giveWay();
        if (signal.aborted) return;
        if (isRead) break;
      }
      // Before the first bytes there is nothing that could be wrong.
      if (counts.scannedBytes === 0) continue;
      if (!isPrimed) yield {};
      isPrimed = true;
      yield* result.eventsDue();
    }
    if (!isPrimed) yield {};
    yield* result.lastEvents();
  } finally {
    await iterator.return?.();
    await source.close();
  }
}

/** What a query has made of the rows so far. */
class Result<Row> {
  readonly #source: RowSource<Row>;
  readonly #query: CompiledQuery<Row>;
  readonly #request: SelectRequest;
  readonly #counts: ByteCounts;
  readonly #writer: RecordWriter;
  readonly #writeRow: (row: Row) => void;
  #returnedBytes = 0;
  #returnedRows = 0;
  #sliceEnd = performance.now() + sliceMilliseconds;
  #lastEvent = performance.now();
  #lastProgress = performance.now();

  constructor(
    source: RowSource<Row>,
    query: CompiledQuery<Row>,
    request: SelectRequest,
    counts: ByteCounts,
  ) {
    this.#source = source;
    this.#query = query;
    this.#request = request;
    this.#counts = counts;
    const { output } = request;
    if (output.kind === "csv") {
      const writer = new CsvWriter(output);
      this.#writer = writer;
      this.#writeRow = this.#copyingWriter(writer, output) ?? ((row) => this.#write(row));
    } else {
      this.#writer = new JsonWriter(output.recordDelimiter);
      this.#writeRow = (row) => this.#write(row);
    }
  }

  get isComplete(): boolean {
    return this.#query.aggregates.length === 0
      ? this.#returnedRows >= this.#query.limit
      : this.#query.limit === 0;
  }

  get sizeBytes(): number {
    return this.#writer.sizeBytes;
  }

  /** Lets others in after a slice of time. */
  async giveWay(): Promise<void> {
    if (performance.now() < this.#sliceEnd) return;
    await setImmediate();
    this.#sliceEnd = performance.now() + sliceMilliseconds;
  }

  /** `false`: there are rows left, but it was long enough for now. */
  readSome(reader: RowReader<Row>): boolean {
    const query = this.#query;
    const isAggregation = query.aggregates.length > 0;
    for (let rows = 1; !this.isComplete; rows += 1) {
      if (!reader.next()) return true;
      const { row } = reader;
      if (query.accepts(row)) {
        if (isAggregation) feedAggregates(query, row);
        else {
          this.#writeRow(row);
          this.#returnedRows += 1;
          if (this.#writer.sizeBytes >= recordsBytes) return false;
        }
      }
      if (rows % rowsBetweenLooks === 0 && performance.now() >= this.#sliceEnd) return false;
    }
    return true;
  }

  takeRecords(): Event {
    const payload = this.#writer.take();
    this.#returnedBytes += payload.length;
    this.#lastEvent = performance.now();
    return { Records: { Payload: payload } };
  }

  /** Records that have waited long enough, progress if it was asked for, or a sign of life. */
  *eventsDue(): Generator<Event> {
    const now = performance.now();
    if (this.#writer.sizeBytes > 0 && now - this.#lastEvent >= eventMilliseconds) {
      yield this.takeRecords();
    }
    if (this.#request.reportsProgress && now - this.#lastProgress >= eventMilliseconds) {
      this.#lastProgress = now;
      this.#lastEvent = now;
      yield { Progress: { Details: this.#details() } };
    }
    if (now - this.#lastEvent >= eventMilliseconds) {
      this.#lastEvent = now;
      yield { Cont: {} };
    }
  }

  *lastEvents(): Generator<Event> {
    if (this.#query.aggregates.length > 0 && this.#query.limit > 0) {
      // Names stand inside of aggregates only: no row is looked at.
      this.#write(undefined as Row);
    }
    if (this.#writer.sizeBytes > 0) yield this.takeRecords();
    if (this.#request.reportsProgress) yield { Progress: { Details: this.#details() } };
    yield { Stats: { Details: this.#details() } };
    yield { End: {} };
  }

  #details() {
    return {
      BytesScanned: this.#counts.scannedBytes,
      BytesProcessed: this.#counts.processedBytes,
      BytesReturned: this.#returnedBytes,
    };
  }

  #write(row: Row): void {
    const { columns } = this.#query;
    const writer = this.#writer;
    const add: RecordWriter["add"] = (name, value) => {
      writer.add(name, value);
    };
    if (columns === "all") this.#source.members(row, add);
    else {
      for (const column of columns) {
        if ("value" in column) add(column.name, column.value(row));
        else jsonMembers(column.members(row), add);
      }
    }
    writer.end();
  }

  /** For rows that go out as they came in, where both forms are the same. */
  #copyingWriter(writer: CsvWriter, output: OutputForm): ((row: Row) => void) | undefined {
    const { input } = this.#request;
    const { copyRecord } = this.#source;
    if (this.#query.columns !== "all" || copyRecord === undefined) return undefined;
    if (input.kind !== "csv" || output.kind !== "csv" || output.alwaysQuotes) return undefined;
    const { form } = input;
    const isAlike =
      form.fieldDelimiter === output.fieldDelimiter &&
      form.recordDelimiter === "\n" &&
      output.recordDelimiter === "\n" &&
      form.quote !== "" &&
      [form.escape, output.quote, output.escape].every((sign) => sign === form.quote);
    if (!isAlike) return undefined;
    const take: TakeBytes = (block, start, end) => {
      writer.copy(block, start, end);
    };
    return (row) => {
      if (!copyRecord(row, take)) this.#write(row);
    };
  }
}

// The rows of JSON: each is a value to which the path of the FROM clause leads.

import type { Scope } from "./compile-expression.ts";
import { JsonLinesReader } from "./json-lines-reader.ts";
import { JsonWalker } from "./json-walker.ts";
import { follow, memberMatches, memberOf } from "./paths.ts";
import type { RowReader, RowSource } from "./row-source.ts";
import type { InputForm, ObjectBytes, ScanRange } from "./select-request.ts";
import type { Source } from "./syntax.ts";
import { openText, type ByteCounts } from "./text-blocks.ts";
import type { Timestamp } from "./timestamp.ts";
import { Structure, type Value } from "./values.ts";

type JsonInput = Extract<InputForm, { readonly kind: "json-document" | "json-lines" }>;

export interface JsonSourceOptions {
  readonly object: ObjectBytes;
  readonly input: JsonInput;
  readonly source: Source;
  readonly range: ScanRange | undefined;
  readonly now: Timestamp;
  readonly counts: ByteCounts;
}

const recordDelimiter = Buffer.from("\n");

export async function openJson(options: JsonSourceOptions): Promise<RowSource<Value>> {
  const { object, input, source, range, now, counts } = options;
  const { compression } = input;
  const { blocks, offset, close } = await openText({
    object,
    range,
    recordDelimiter,
    compression,
    counts,
  });
  const end = range?.end ?? Number.POSITIVE_INFINITY;
  const batches =
    input.kind === "json-lines"
      ? readBlocks(blocks, new JsonLinesReader(source.steps, offset), end)
      : readBlocks(blocks, new JsonWalker(source.steps), end);
  return { scope: jsonScope(source, now), batches, members: jsonMembers, close };
}

type BlockReader = JsonLinesReader | JsonWalker;

async function* readBlocks(
  blocks: AsyncGenerator<Uint8Array>,
  reader: BlockReader,
  end: number,
): AsyncGenerator<RowReader<Value>> {
  let isPastEnd = false;
  const rows: RowReader<Value> = {
    next() {
      if (isPastEnd || !reader.next()) return false;
      isPastEnd = "recordOffset" in reader && reader.recordOffset >= end;
      return !isPastEnd;
    },
    get row() {
      return reader.value;
    },
  };
  for await (const block of blocks) {
    reader.push(Buffer.from(block.buffer, block.byteOffset, block.length), false);
    yield rows;
    if (isPastEnd) return;
    reader.release();
  }
  reader.push(Buffer.alloc(0), true);
  yield rows;
}

function jsonScope({ steps, alias }: Source, now: Timestamp): Scope<Value> {
  const last = steps.at(-1);
  // A row without a name of its own is `_1`.
  const isFirst = (text: string) =>
    text === "_1" && (alias === undefined || last === undefined || last.kind !== "name");
  return {
    now,
    path(name, path) {
      const isRow = alias !== undefined && memberMatches(alias.text, name);
      if (isRow || isFirst(name.text)) {
        return path.length === 0 ? (row) => row : (row) => follow(row, path);
      }
      if (path.length === 0) return (row) => memberOf(row, name);
      return (row) => follow(memberOf(row, name), path);
    },
  };
}

export function jsonMembers(row: Value, add: (name: string, value: Value) => void): void {
  if (!(row instanceof Structure)) {
    if (row !== undefined) add("_1", row);
    return;
  }
  for (let index = 0; index < row.names.length; index += 1) {
    add(row.names[index] as string, row.values[index]);
  }
}

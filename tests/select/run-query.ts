// Runs a query over bytes as a whole selection does, for tests of its parts.

import { S3Error } from "../../src/model/errors.ts";
import { parseQuery } from "../../src/select/parser.ts";
import { runSelect } from "../../src/select/run-select.ts";
import type { InputForm, OutputForm, ScanRange } from "../../src/select/select-request.ts";

export const csvForm = {
  fieldDelimiter: ",",
  recordDelimiter: "\n",
  quote: '"',
  escape: '"',
  comment: "#",
  allowsQuotedRecordDelimiter: false,
} as const;

export const csvInput = {
  kind: "csv",
  form: csvForm,
  header: "none",
  compression: "none",
} as const satisfies InputForm;

export const csvOutput = {
  kind: "csv",
  fieldDelimiter: ",",
  recordDelimiter: "\n",
  quote: '"',
  escape: '"',
  alwaysQuotes: false,
} as const satisfies OutputForm;

export const jsonOutput = { kind: "json", recordDelimiter: "\n" } as const satisfies OutputForm;

export interface QueryRun {
  readonly input?: InputForm;
  readonly output?: OutputForm;
  readonly range?: ScanRange;
  /** Of each chunk in which the object is read. */
  readonly chunkBytes?: number;
  readonly nowMilliseconds?: number;
}

/** The text of the result, or the code of the S3Error behind an exclamation mark. */
export async function runQuery(
  sql: string,
  data: string | Uint8Array,
  {
    input = csvInput,
    output = csvOutput,
    range,
    chunkBytes = 7,
    nowMilliseconds = 0,
  }: QueryRun = {},
): Promise<string> {
  const bytes = Buffer.from(data);
  const object = {
    sizeBytes: bytes.length,
    open: (start: number, end: number) => Promise.resolve(inChunks(bytes, start, end, chunkBytes)),
  };
  let text = "";
  try {
    const query = parseQuery(sql);
    const request = { query, input, output, range, reportsProgress: false };
    const { signal } = new AbortController();
    for await (const { Records } of runSelect({ object, request, nowMilliseconds, signal })) {
      text += Buffer.from(Records?.Payload ?? []).toString();
    }
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return `${text}!${error.code}`;
  }
  return text;
}

/** Each chunk's memory is overwritten before the next one comes, as a store may do. */
async function* inChunks(
  bytes: Uint8Array,
  start: number,
  end: number,
  chunkBytes: number,
): AsyncGenerator<Uint8Array> {
  for (let position = start; position < end; position += chunkBytes) {
    const chunk = Uint8Array.from(bytes.subarray(position, Math.min(end, position + chunkBytes)));
    yield chunk;
    chunk.fill(0x3f);
  }
}

// What a query costs, in MiB of CSV per second of this process's CPU time: `node bench/micro/select.ts`.
// The rows are of 55 bytes, one of six fields quoted; the object is 100 MiB in chunks of 256 KiB.

import { parseQuery } from "../../src/select/parser.ts";
import { runSelect } from "../../src/select/run-select.ts";

const mebibyte = 1024 * 1024;
const chunkBytes = 256 * 1024;
const rounds = 3;

const rows = Array.from({ length: 20_000 }, (_, row) => {
  const day = 10 + (row % 20);
  return `${row},name ${row},"quoted ${row}",${(row * 7919) % 1000},2026-01-${day},some text ${row}\n`;
});
const piece = Buffer.from(rows.join(""));
const copies = Math.ceil((100 * mebibyte) / piece.length);
const bytes = Buffer.concat(Array.from({ length: copies }, () => piece));

const object = {
  sizeBytes: bytes.length,
  open: (start: number, end: number) => Promise.resolve(inChunks(start, end)),
};

async function* inChunks(start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let position = start; position < end; position += chunkBytes) {
    yield bytes.subarray(position, Math.min(end, position + chunkBytes));
  }
}

const form = { fieldDelimiter: ",", recordDelimiter: "\n", quote: '"', escape: '"' };

async function measure(sql: string): Promise<void> {
  let best = 0;
  for (let round = 0; round < rounds; round += 1) {
    const start = process.cpuUsage();
    const events = runSelect({
      object,
      request: {
        query: parseQuery(sql),
        input: {
          kind: "csv",
          form: { ...form, comment: "#", allowsQuotedRecordDelimiter: false },
          header: "none",
          compression: "none",
        },
        output: { kind: "csv", ...form, alwaysQuotes: false },
        range: undefined,
        reportsProgress: false,
      },
      nowMilliseconds: 0,
      signal: new AbortController().signal,
    });
    for await (const _ of events);
    const { user, system } = process.cpuUsage(start);
    best = Math.max(best, bytes.length / mebibyte / ((user + system) / 1e6));
  }
  process.stdout.write(`${sql.padEnd(70)}${best.toFixed(0).padStart(6)} MiB/s\n`);
}

await measure("SELECT COUNT(*) FROM S3Object");
await measure("SELECT * FROM S3Object WHERE _4 = '500'");
await measure("SELECT COUNT(*) FROM S3Object WHERE CAST(_4 AS INT) > 500");
await measure("SELECT _1, _6 FROM S3Object WHERE _3 LIKE 'quoted 1%'");
await measure("SELECT * FROM S3Object");

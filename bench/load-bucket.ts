// Fills a bucket with very many tiny objects through the server's own API, quickly, because the server
// runs with relaxed durability meanwhile:
//   node bench/load-bucket.ts --data DIR --bucket NAME --keys N
// The keys are `g{0-9}p{000000…}/k{000000…}`: with the delimiter `/` a thousand prefixes of a thousand
// keys, with the delimiter `p` ten prefixes of a hundred thousand.

import { parseArgs } from "node:util";
import { ControlClient } from "./measure/control-client.ts";
import { GeneratorProcess } from "./measure/generator-process.ts";
import { credentials, startHoldfast } from "./measure/server-process.ts";

const batchKeys = 20_000;
const connections = 64;

export interface BucketToLoad {
  readonly dataDirectory: string;
  readonly bucket: string;
  readonly keys: number;
  readonly say: (text: string) => void;
}

/** `index` counts through the prefixes, so that neighbouring writes land in distant places. */
export function keyOf(index: number, keys: number): string {
  const prefixes = prefixesOf(keys);
  const prefix = index % prefixes;
  return `${prefixOf(prefix, keys)}k${pad(Math.floor(index / prefixes))}`;
}

export function prefixOf(prefix: number, keys: number): string {
  const perGroup = prefixesOf(keys) / 10;
  return `g${Math.floor(prefix / perGroup)}p${pad(prefix % perGroup)}/`;
}

/** A thousand keys in each prefix; with less than 10,000 keys, ten prefixes. */
export function prefixesOf(keys: number): number {
  return Math.max(10, Math.floor(keys / 1000 / 10) * 10);
}

export async function loadBucket(options: BucketToLoad): Promise<number> {
  const { keys, bucket } = options;
  await using server = await startHoldfast({
    dataDirectory: options.dataDirectory,
    durability: "relaxed",
  });
  await using generator = new GeneratorProcess();
  using client = new ControlClient(server.port, credentials);
  await client.send({ method: "PUT", path: `/${bucket}`, acceptErrors: true });
  const prefixes = prefixesOf(keys);
  const perPrefix = Math.ceil(keys / prefixes);
  const membersPerBatch = Math.max(1, Math.floor(batchKeys / prefixes)) * 10;
  const startedAt = performance.now();
  let written = 0;
  for (let member = 0; member < perPrefix; member += membersPerBatch) {
    for (let group = 0; group < 10; group += 1) {
      const groups = prefixes / 10;
      const count = Math.min(membersPerBatch, perPrefix - member) * groups;
      await generator.runWithoutErrors(server, {
        method: "PUT",
        path: `/${bucket}/g${group}p{group}/k{member}`,
        groups,
        firstIndex: member * groups,
        distinctRequests: count,
        requests: count,
        bodyBytes: 8,
        connections,
      });
      written += count;
    }
    const seconds = (performance.now() - startedAt) / 1000;
    options.say(`${written} of ${keys} keys, ${Math.round(written / seconds)} per second`);
  }
  return (performance.now() - startedAt) / 1000;
}

function pad(value: number): string {
  return String(value).padStart(6, "0");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      bucket: { type: "string", default: "million" },
      keys: { type: "string", default: "1000000" },
    },
  });
  if (values.data === undefined) throw new Error("--data DIR is needed");
  const seconds = await loadBucket({
    dataDirectory: values.data,
    bucket: values.bucket,
    keys: Number(values.keys),
    say: (text) => process.stderr.write(`${text}\n`),
  });
  process.stdout.write(`loaded in ${seconds.toFixed(1)} s\n`);
}

// Prints what the key-value stores do per second and per call. Asserts nothing about time.
// Usage: node bench/micro/key-value.ts [keys] [seconds of each figure] [directory]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KeyValueStore, WriteRequest } from "../../src/storage/key-value/key-value-store.ts";
import { MemoryKeyValueStore } from "../../src/storage/key-value/memory-key-value-store.ts";
import { openSqliteKeyValueStore } from "../../src/storage/key-value/sqlite-key-value-store.ts";
import {
  bytePrefixRange,
  encodeTuple,
  keyPastBytePrefix,
  prefixRange,
} from "../../src/storage/key-value/tuple.ts";

const keyCount = Number(process.argv[2] ?? 200_000);
const milliseconds = Number(process.argv[3] ?? 2) * 1000;
const parent = process.argv[4] ?? tmpdir();

const currentObjects = 1;
const changes = 2;
const directories = 1000;
const recordBytes = 300;
const inlineBytes = 4096;

/** Objects in scattered order: neighbours in time are no neighbours in the store. */
function name(index: number): string {
  const scattered = (index * 7_919) % keyCount;
  return `directory-${scattered % directories}/some/where/object-${scattered}.bin`;
}

const objectKey = (index: number) => encodeTuple([currentObjects, "bucket", name(index)]);

function put(sets: WriteRequest["sets"], additions: WriteRequest["additions"] = []): WriteRequest {
  return { checks: [], sets, deletes: [], additions };
}

async function load(store: KeyValueStore): Promise<void> {
  const value = Buffer.alloc(recordBytes, "r");
  const inline = Buffer.alloc(inlineBytes, "i");
  const batch = 500;
  for (let start = 0; start < keyCount; start += batch) {
    const sets = Array.from({ length: batch }, (_, offset) => ({
      key: objectKey(start + offset),
      value,
    }));
    const inlineKey = encodeTuple([changes, start]);
    await store.write(put([...sets, { key: inlineKey, value: inline }]));
  }
}

interface Figure {
  readonly callsPerSecond: number;
  readonly microseconds: number;
  readonly p99Microseconds: number;
  readonly mainThreadMicroseconds: number;
}

/** Calls in `concurrency` chains until the time is over. */
async function measure(concurrency: number, call: () => Promise<unknown>): Promise<Figure> {
  const durations: number[] = [];
  const chain = async (until: number): Promise<void> => {
    for (let now = performance.now(); now < until;) {
      await call();
      const end = performance.now();
      durations.push(end - now);
      now = end;
    }
  };
  const chains = (duration: number) => {
    const until = performance.now() + duration;
    return Promise.all(Array.from({ length: concurrency }, () => chain(until)));
  };
  await chains(milliseconds / 5);
  durations.length = 0;
  const cpu = process.threadCpuUsage();
  const start = performance.now();
  await chains(milliseconds);
  const elapsed = performance.now() - start;
  const { user, system } = process.threadCpuUsage(cpu);
  durations.sort((left, right) => left - right);
  return {
    callsPerSecond: (durations.length / elapsed) * 1000,
    microseconds: ((elapsed * concurrency) / durations.length) * 1000,
    p99Microseconds: (durations[Math.floor(durations.length * 0.99)] ?? 0) * 1000,
    mainThreadMicroseconds: (user + system) / durations.length,
  };
}

function print(label: string, figure: Figure, unitsPerCall = 1): void {
  const columns = [
    label.padEnd(44),
    `${Math.round(figure.callsPerSecond * unitsPerCall).toLocaleString("en")}/s`.padStart(14),
    `mean ${figure.microseconds.toFixed(1)} us`.padStart(18),
    `p99 ${figure.p99Microseconds.toFixed(1)} us`.padStart(18),
    `main thread ${figure.mainThreadMicroseconds.toFixed(1)} us`.padStart(24),
  ];
  console.log(columns.join(""));
}

const randomIndex = () => Math.floor(Math.random() * keyCount);

async function measureReads(label: string, store: KeyValueStore): Promise<void> {
  const hot = Array.from({ length: 100 }, () => objectKey(randomIndex()));
  let turn = 0;
  const getHot = () => store.read({ gets: [hot[turn++ % hot.length] as Uint8Array] });
  const getRandom = () => store.read({ gets: [objectKey(randomIndex())] });
  const getInline = () =>
    store.read({ gets: [encodeTuple([changes, Math.floor(randomIndex() / 500) * 500])] });
  const getThree = () =>
    store.read({ gets: [0, 1, 2].map((offset) => hot[(turn++ + offset) % 100] as Uint8Array) });
  const { end } = prefixRange([currentObjects, "bucket"]);
  const seek = () => {
    const start = keyPastBytePrefix(
      [currentObjects, "bucket"],
      `directory-${Math.floor(Math.random() * directories)}/`,
    );
    return store.read({ ranges: [{ start, end, limit: 1 }] });
  };
  const scan = (reverse: boolean) => () => {
    const range = bytePrefixRange([currentObjects, "bucket"], name(randomIndex()).slice(0, 11));
    return store.read({ ranges: [{ ...range, limit: 1000, reverse }] });
  };
  print(`${label} get, 100 hot keys`, await measure(1, getHot));
  print(`${label} get, random key`, await measure(1, getRandom));
  print(`${label} get, random 4 KiB value`, await measure(1, getInline));
  print(`${label} 3 gets of one snapshot`, await measure(1, getThree));
  print(`${label} seek past a prefix, limit 1`, await measure(1, seek));
  print(`${label} scanned entries, pages of 1000`, await measure(1, scan(false)), 1000);
  print(`${label} scanned entries in reverse`, await measure(1, scan(true)), 1000);
}

/** What a small PutObject commits: a record with a check, a change-log entry, a counter. */
async function measureWrites(label: string, store: KeyValueStore): Promise<void> {
  const record = Buffer.alloc(recordBytes, "w");
  const inline = Buffer.alloc(inlineBytes, "w");
  let next = keyCount;
  const write = (change: Uint8Array) => () => {
    const number = next++;
    const key = objectKey(Math.floor(Math.random() * 1_000_000_000));
    return store.write(
      put(
        [
          { key, value: record },
          { key: encodeTuple([changes, number]), value: change },
        ],
        [{ key: encodeTuple([3, "usage"]), delta: 1 }],
      ),
    );
  };
  for (const concurrency of [1, 16, 64, 256]) {
    print(`${label} write @${concurrency}`, await measure(concurrency, write(record)));
  }
  print(`${label} write with 4 KiB @64`, await measure(64, write(inline)));
  const getRandom = () => store.read({ gets: [objectKey(randomIndex())] });
  const mixture = { running: true };
  const writers = Array.from({ length: 16 }, async () => {
    while (mixture.running) await write(record)();
  });
  const getAndYield = async () => {
    const start = performance.now();
    for (let index = 0; index < 20; index++) await getRandom();
    const perGet = (performance.now() - start) / 20;
    await new Promise(setImmediate);
    getDurations.push(perGet);
  };
  const getDurations: number[] = [];
  await measure(1, getAndYield);
  mixture.running = false;
  await Promise.all(writers);
  getDurations.sort((left, right) => left - right);
  const median = (getDurations[getDurations.length >> 1] ?? 0) * 1000;
  console.log(`${label} get beside 16 writers: median ${median.toFixed(1)} us`);
}

console.log(`${keyCount} keys, records of ${recordBytes} bytes, node ${process.version}`);
{
  let calls = 0;
  const figure = await measure(1, async () => {
    for (let index = 0; index < 1000; index++) calls += objectKey(index).length;
  });
  console.log(`encodeTuple: ${(figure.microseconds / 1000).toFixed(2)} us (${calls} bytes)`);
}
{
  await using store = new MemoryKeyValueStore();
  await load(store);
  await measureReads("memory", store);
}
const directory = await mkdtemp(join(parent, "holdfast-bench-"));
try {
  for (const durability of ["strict", "relaxed"] as const) {
    await using store = await openSqliteKeyValueStore({
      path: join(directory, `${durability}.db`),
      durability,
    });
    const start = performance.now();
    await load(store);
    console.log(`sqlite ${durability} load: ${((performance.now() - start) / 1000).toFixed(1)} s`);
    if (durability === "strict") await measureReads("sqlite", store);
    await measureWrites(`sqlite ${durability}`, store);
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

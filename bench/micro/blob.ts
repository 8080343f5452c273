// How fast FileBlobStore writes and reads, beside what plain file calls do in the same run on the same
// disk: `node bench/micro/blob.ts [directory]`. Everything read is in the page cache. Rounds alternate
// and the best of each counts, because the machine is seldom quiet.

import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import type { ByteStream } from "../../src/base/bytes.ts";
import type { BlobId, BlobStore } from "../../src/storage/blob/blob-store.ts";
import { openFileBlobStore } from "../../src/storage/blob/file-blob-store.ts";

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const rounds = 5;
const chunk = randomBytes(64 * kibibyte);

interface Measurement {
  readonly name: string;
  readonly bytes: number;
  readonly operations: number;
  run(): Promise<void>;
}

const directory = await mkdtemp(join(process.argv[2] ?? tmpdir(), "holdfast-blob-bench-"));
try {
  for (const sizeBytes of [8 * mebibyte, 256 * mebibyte]) await measureLarge(sizeBytes);
  await measureSmall();
} finally {
  await rm(directory, { recursive: true });
}

async function measureLarge(sizeBytes: number): Promise<void> {
  const strict = await openFileBlobStore({ directory: join(directory, "s"), durability: "strict" });
  const relaxed = await openFileBlobStore({
    directory: join(directory, "r"),
    durability: "relaxed",
  });
  const plainPath = join(directory, `plain-${sizeBytes}`);
  const { id } = await relaxed.write(source(sizeBytes));
  await writePlain(plainPath, sizeBytes, false);
  const repeat = Math.max(1, (128 * mebibyte) / sizeBytes);
  const large = (name: string, once: () => Promise<void>): Measurement => ({
    name,
    bytes: sizeBytes * repeat,
    operations: repeat,
    run: async () => {
      for (let count = 0; count < repeat; count += 1) await once();
    },
  });
  print(`${sizeBytes / mebibyte} MiB, written`);
  await compare([
    large("plain write of 1 MiB pieces", () => writePlain(`${plainPath}-w`, sizeBytes, false)),
    large("relaxed", () => writeAndDelete(relaxed, sizeBytes)),
    large("plain write of 1 MiB pieces, fdatasync", () =>
      writePlain(`${plainPath}-w`, sizeBytes, true),
    ),
    large("strict", () => writeAndDelete(strict, sizeBytes)),
  ]);
  print(`${sizeBytes / mebibyte} MiB, read`);
  await compare([
    large("createReadStream, 64 KiB", () => drain(createReadStream(plainPath))),
    large("createReadStream, 1 MiB", () =>
      drain(createReadStream(plainPath, { highWaterMark: mebibyte })),
    ),
    large("reads of 1 MiB into new memory", () => readPlain(plainPath, sizeBytes, false)),
    large("blob, read", () => readBlob(relaxed, id)),
    large("reads of 1 MiB into the same memory", () => readPlain(plainPath, sizeBytes, true)),
    large("blob, readTransient", () => readTransient(relaxed, id)),
  ]);
  await strict[Symbol.asyncDispose]();
  await relaxed[Symbol.asyncDispose]();
}

async function measureSmall(): Promise<void> {
  const sizeBytes = 64 * kibibyte;
  const count = 640;
  for (const concurrency of [1, 16, 64]) {
    const measurements: Measurement[] = [];
    for (const durability of ["relaxed", "strict"] as const) {
      const store = await openFileBlobStore({ directory: join(directory, durability), durability });
      measurements.push({
        name: `${durability} write`,
        bytes: sizeBytes * count,
        operations: count,
        run: () => concurrently(concurrency, count, () => writeAndDelete(store, sizeBytes)),
      });
      if (durability === "strict") continue;
      const { id } = await store.write(source(sizeBytes));
      measurements.push({
        name: "open and readTransient",
        bytes: sizeBytes * count,
        operations: count,
        run: () => concurrently(concurrency, count, () => readTransient(store, id)),
      });
    }
    print(`64 KiB, ${concurrency} at once (writes include the deletion)`);
    await compare(measurements);
  }
}

async function compare(measurements: readonly Measurement[]): Promise<void> {
  const best = measurements.map(() => Infinity);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, measurement] of measurements.entries()) {
      const begun = performance.now();
      await measurement.run();
      best[index] = Math.min(best[index] ?? Infinity, performance.now() - begun);
    }
  }
  for (const [index, { name, bytes, operations }] of measurements.entries()) {
    const seconds = (best[index] ?? Infinity) / 1000;
    const speed = (bytes / mebibyte / seconds).toFixed(0).padStart(7);
    const rate = (operations / seconds).toFixed(0).padStart(7);
    print(`  ${name.padEnd(42)} ${speed} MiB/s ${rate} /s`);
  }
}

async function* source(sizeBytes: number): ByteStream {
  for (let sent = 0; sent < sizeBytes; sent += chunk.byteLength) yield chunk;
}

async function writeAndDelete(store: BlobStore, sizeBytes: number): Promise<void> {
  const { id } = await store.write(source(sizeBytes));
  await store.delete(id);
}

async function readBlob(store: BlobStore, id: BlobId): Promise<void> {
  await using reader = await store.open(id);
  await drain(reader.read(0, reader.lengthBytes));
}

async function readTransient(store: BlobStore, id: BlobId): Promise<void> {
  await using reader = await store.open(id);
  await drain(reader.readTransient(0, reader.lengthBytes));
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<void> {
  let bytes = 0;
  for await (const part of stream) bytes += part.byteLength;
  if (bytes === 0) throw new Error("nothing was read");
}

async function writePlain(path: string, sizeBytes: number, isSynced: boolean): Promise<void> {
  await rm(path, { force: true });
  await using file = await open(path, "wx");
  const piece = Buffer.concat(Array.from({ length: 16 }, () => chunk));
  for (let sent = 0; sent < sizeBytes; sent += piece.byteLength) await file.write(piece);
  if (isSynced) await file.datasync();
}

async function readPlain(path: string, sizeBytes: number, isReused: boolean): Promise<void> {
  await using file = await open(path, "r");
  let buffer = Buffer.allocUnsafeSlow(mebibyte);
  for (let position = 0; position < sizeBytes; position += mebibyte) {
    if (!isReused) buffer = Buffer.allocUnsafeSlow(mebibyte);
    await file.read(buffer, 0, mebibyte, position);
  }
}

async function concurrently(
  width: number,
  count: number,
  once: () => Promise<void>,
): Promise<void> {
  let begun = 0;
  const lane = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      await once();
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

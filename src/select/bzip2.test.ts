// BZIP2: what bzip2 itself has written comes out again, and what is cut or damaged is said to be so.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { S3Error } from "../model/errors.ts";
import { decompressBzip2 } from "./bzip2.ts";

const sample = await readFile(new URL("samples/bzip2.bz2", import.meta.url));
const lines = Array.from({ length: 3000 }, (_, index) => `${index},name ${index % 7}\n`);
const plain = Buffer.concat([
  Buffer.from(`${lines.join("")}${"a".repeat(1000)}\n`),
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
]);

async function decompress(bytes: Uint8Array, chunkBytes = 1000): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of decompressBzip2(inChunks(bytes, chunkBytes))) parts.push(part);
  return Buffer.concat(parts);
}

async function* inChunks(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < bytes.length; position += chunkBytes) {
    yield bytes.subarray(position, position + chunkBytes);
  }
}

test("a stream in chunks of any size", async () => {
  for (const chunkBytes of [1, 13, 1000, 1_000_000]) {
    assert.ok((await decompress(sample, chunkBytes)).equals(plain), `${chunkBytes}`);
  }
});

test("streams behind each other, and what is no stream behind them", async () => {
  const twice = Buffer.concat([sample, sample, Buffer.from("rest")]);
  assert.ok((await decompress(twice)).equals(Buffer.concat([plain, plain])));
});

test("a stream that is cut", async () => {
  for (let length = 1; length < sample.length; length += 97) {
    await assert.rejects(decompress(sample.subarray(0, length)), { code: "TruncatedInput" });
  }
});

test("any damage is seen", async () => {
  for (let position = 0; position < sample.length; position += 61) {
    const damaged = Buffer.from(sample);
    damaged[position] = (damaged[position] as number) ^ 0x10;
    await assert.rejects(decompress(damaged), S3Error, `at ${position}`);
  }
});

test("no stream at all", async () => {
  await assert.rejects(decompress(Buffer.from("a,b\n")), { code: "InvalidCompressionFormat" });
  assert.equal((await decompress(Buffer.alloc(0))).length, 0);
});

// The contract of a spool, on each implementation; and what a directory keeps when a process dies.

import assert from "node:assert/strict";
import { appendFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { FileSpool } from "../../src/storage/spool/file-spool.ts";
import { MemorySpool } from "../../src/storage/spool/memory-spool.ts";
import type { Spool } from "../../src/storage/spool/spool.ts";

const nobody = (_owner: string): boolean => false;
const isAlive = (owner: string): boolean => owner !== "dead";
let root = "";
let directories = 0;
before(async () => {
  root = await mkdtemp(join(tmpdir(), "holdfast-spool-"));
});
after(() => rm(root, { recursive: true, force: true }));

function newDirectory(): string {
  directories += 1;
  return join(root, String(directories));
}

async function readAll(spool: Spool, isAlive = nobody): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const segment of await spool.list(isAlive)) lines.push(...(await spool.read(segment)));
  return lines;
}

const implementations: readonly (readonly [string, () => Spool])[] = [
  ["memory", () => new MemorySpool()],
  ["files", () => new FileSpool(newDirectory(), "one")],
];

for (const [name, open] of implementations) {
  describe(`a spool in ${name}`, () => {
    it("hands out what was put aside, in its order, until it is removed", async () => {
      await using spool = open();
      await spool.seal([], []);
      assert.deepEqual(await spool.list(nobody), []);
      spool.append("a");
      spool.append('{"b":"ü"}');
      assert.ok(spool.openBytes > 0);
      assert.deepEqual(await readAll(spool), []);
      await spool.seal([], []);
      assert.equal(spool.openBytes, 0);
      spool.append("c");
      await spool.seal([], []);
      assert.deepEqual(await readAll(spool), ["a", '{"b":"ü"}', "c"]);
      const [first] = await spool.list(nobody);
      assert.ok(first);
      await spool.remove(first);
      await spool.remove(first);
      assert.deepEqual(await readAll(spool), ["c"]);
    });

    it("carries lines into the next segment, and marks the one that ends", async () => {
      await using spool = open();
      spool.append("a");
      await spool.seal(["a again"], ["moved a"]);
      assert.deepEqual(await readAll(spool), ["a", "moved a"]);
      await spool.seal([], []);
      assert.deepEqual(await readAll(spool), ["a", "moved a", "a again"]);
    });
  });
}

describe("a spool in a directory", () => {
  it("adopts what dead processes left, also half lines, and leaves the living alone", async () => {
    const directory = newDirectory();
    const dead = new FileSpool(directory, "dead");
    dead.append("sealed");
    await dead.seal([], []);
    dead.append("open");
    await using living = new FileSpool(directory, "living");
    living.append("of the living");
    await living.seal([], []);
    // As after a kill: nothing is closed, and a line is half written.
    const [name = ""] = (await readdir(directory)).filter((each) => /^dead.*open$/.test(each));
    await appendFile(join(directory, name), '{"half');
    await using heir = new FileSpool(directory, "heir");
    assert.deepEqual(await readAll(heir, () => true), []);
    const segments = await heir.list(isAlive);
    assert.deepEqual(await readAll(heir, isAlive), ["sealed", "open"]);
    // The same names as before: who delivers knows what was delivered.
    assert.ok(segments.every(({ id }) => id.startsWith("dead.")));
    assert.deepEqual(await readAll(living, isAlive), ["of the living"]);
    await dead[Symbol.asyncDispose]();
  });

  it("gives a dead process's file to one of several heirs", async () => {
    const directory = newDirectory();
    const dead = new FileSpool(directory, "dead");
    for (let number = 0; number < 20; number += 1) {
      dead.append(String(number));
      await dead.seal([], []);
    }
    const heirs = ["x", "y", "z"].map((owner) => new FileSpool(directory, owner));
    const found = await Promise.all(heirs.map((heir) => heir.list(isAlive)));
    assert.equal(found.flat().length, 20);
    assert.equal(new Set(found.flat().map(({ id }) => id)).size, 20);
    for (const spool of [...heirs, dead]) await spool[Symbol.asyncDispose]();
  });
});

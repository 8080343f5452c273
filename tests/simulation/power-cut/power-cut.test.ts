// Proves that the simulated power cut takes what was not synced and leaves what was, and then that
// SQLite and the blob store keep under it what they acknowledge.

import assert from "node:assert/strict";
import type { ChildProcess, SpawnOptions } from "node:child_process";
import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { openFileBlobStore } from "../../../src/storage/blob/file-blob-store.ts";
import type { BlobId } from "../../../src/storage/blob/blob-store.ts";
import { FileSpool } from "../../../src/storage/spool/file-spool.ts";
import { openPowerCutMachine, type PowerCutMachine, type PowerCutOptions } from "./power-cut.ts";

const program = join(import.meta.dirname, "program.ts");

describe("power cut", () => {
  it("leaves synced bytes and names, and takes all others", async () => {
    await withMachine({}, async (machine, directory) => {
      await linesOf(await run(machine, "files", directory), "done");
      await machine.cut();
      assert.deepEqual(await contentOf(directory), {
        overwritten: safe("overwritten"),
        extended: safe("extended"),
        shortened: safe("shortened"),
        removed: safe("removed"),
        "renamed-from": safe("renamed-from"),
        replaced: safe("replaced"),
        "entry-only": "",
        "inner/most/leaf": "leaf",
      });
    });
  });

  it("also leaves the names of synced files where the file system promises that", async () => {
    await withMachine({ entries: "with-file" }, async (machine, directory) => {
      await linesOf(await run(machine, "files", directory), "done");
      await machine.cut();
      const content = await contentOf(directory);
      assert.equal(content["content-only"], "synced, but its directory is not");
      assert.equal(content["replaced"], "new");
      assert.equal(content["renamed-to"], "renamed-from: the first, safe content");
      assert.equal(content["overwritten"], "overwritten: the first, safe content");
      assert.equal(content["removed"], undefined);
    });
  });

  it("may leave everything unsynced when torn with every chance", async () => {
    await withMachine({}, async (machine, directory) => {
      await linesOf(await run(machine, "files", directory), "done");
      const before = await contentOf(directory);
      await machine.cut({ seed: 1, pageChance: 1, entryChance: 1 });
      const after = await contentOf(directory);
      // A page that was cut off is written again as it is, but no page makes a file shorter.
      for (const file of ["overwritten", "shortened"]) {
        assert.ok(after[file]?.startsWith(before[file] ?? "-"));
        after[file] = before[file] ?? "";
      }
      assert.deepEqual(after, before);
    });
  });

  it("counts a sync by another process than the one that wrote", async () => {
    await withMachine({}, async (machine, directory) => {
      await linesOf(await run(machine, "processes", directory), "done");
      await machine.cut();
      assert.deepEqual(await contentOf(directory), { shared: "b".repeat(50_000) });
    });
  });

  it("kills everything that was started, and what that started", async () => {
    await withMachine({}, async (machine, directory) => {
      const script = "sleep 600 & echo $!; echo done; wait";
      const lines = await linesOf(await machine.start("sh", ["-c", script], pipes), "done");
      const { pid } = await run(machine, "files", directory);
      await machine.cut();
      for (const process of [lines[0], String(pid)]) {
        const status = await fs.readFile(`/proc/${process}/stat`, "utf8").catch(() => "gone Z");
        assert.match(status, / Z|gone/);
      }
    });
  });
});

describe("power cut: SQLite", () => {
  for (const tearing of [undefined, { seed: 7 }, { seed: 8 }]) {
    it(`loses no commit of synchronous=FULL, ${describeTearing(tearing)}`, async () => {
      await withMachine({}, async (machine, directory) => {
        for (const count of [1, 70, 160]) {
          const acknowledged = await linesOf(
            await run(machine, "sqlite", directory, "FULL"),
            count,
          );
          await machine.cut(tearing);
          const numbers = numbersIn(directory);
          for (const number of acknowledged) assert.ok(numbers.has(Number(number)), number);
        }
      });
    });
  }

  it("loses commits of synchronous=OFF, so that the test above can fail", async () => {
    await withMachine({}, async (machine, directory) => {
      const acknowledged = await linesOf(await run(machine, "sqlite", directory, "OFF"), 100);
      await machine.cut();
      const numbers = await fs
        .stat(join(directory, "test.db"))
        .then(() => numbersIn(directory))
        .catch(() => new Set<number>());
      assert.ok(acknowledged.some((number) => !numbers.has(Number(number))));
    });
  });
});

describe("power cut: FileBlobStore", () => {
  for (const tearing of [undefined, { seed: 21 }, { seed: 22 }]) {
    it(`loses no acknowledged blob when strict, ${describeTearing(tearing)}`, async () => {
      await withMachine({}, async (machine, directory) => {
        const acknowledged: string[] = [];
        for (const count of [1, 30, 90]) {
          const lines = await linesOf(await run(machine, "blobs", directory, "strict"), count);
          await machine.cut(tearing);
          acknowledged.push(...lines);
          assert.deepEqual(await missingBlobs(directory, acknowledged), []);
        }
      });
    });
  }

  it("loses not even the first blob of a new directory on a slow disk", async () => {
    await withMachine({ syncMilliseconds: 200 }, async (machine, directory) => {
      const acknowledged = await linesOf(await run(machine, "blobs", directory, "strict"), 1);
      await machine.cut();
      assert.deepEqual(await missingBlobs(directory, acknowledged), []);
    });
  });

  it("loses acknowledged blobs when relaxed, so that the test above can fail", async () => {
    await withMachine({}, async (machine, directory) => {
      const acknowledged = await linesOf(await run(machine, "blobs", directory, "relaxed"), 20);
      await machine.cut();
      assert.deepEqual(await missingBlobs(directory, acknowledged), acknowledged);
    });
  });
});

describe("power cut: FileSpool", () => {
  for (const tearing of [undefined, { seed: 31 }]) {
    it(`loses no line that is half a second old, ${describeTearing(tearing)}`, async () => {
      await withMachine({}, async (machine, directory) => {
        const acknowledged = await linesOf(await run(machine, "spool", directory, "500"), 120);
        await machine.cut(tearing);
        const kept = await spooledIn(directory);
        assert.deepEqual(
          acknowledged.filter((line) => !kept.has(line)),
          [],
        );
      });
    });
  }

  it("loses lines that are new, so that the test above can fail", async () => {
    await withMachine({}, async (machine, directory) => {
      const acknowledged = await linesOf(await run(machine, "spool", directory, "0"), 5);
      await machine.cut();
      const kept = await spooledIn(directory);
      assert.ok(acknowledged.some((line) => !kept.has(line)));
    });
  });
});

/** What the next process finds of what the one that was cut off has appended. */
async function spooledIn(directory: string): Promise<Set<string>> {
  await using heir = new FileSpool(join(directory, "spool"), "heir");
  const lines = new Set<string>();
  for (const segment of await heir.list((owner) => owner !== "dead")) {
    for (const line of await heir.read(segment)) lines.add(line);
  }
  return lines;
}

function safe(file: string): string {
  return `${file}: the first, safe content`;
}

const pipes: SpawnOptions = { stdio: ["ignore", "pipe", "inherit"] };

async function run(machine: PowerCutMachine, ...values: string[]): Promise<ChildProcess> {
  return await machine.start(process.execPath, [program, ...values], pipes);
}

async function withMachine(
  options: Omit<PowerCutOptions, "directory">,
  use: (machine: PowerCutMachine, directory: string) => Promise<void>,
): Promise<void> {
  const directory = await fs.mkdtemp(join(tmpdir(), "holdfast-power-cut-data-"));
  try {
    await using machine = await openPowerCutMachine({ ...options, directory });
    await use(machine, directory);
  } finally {
    await fs.rm(directory, { recursive: true });
  }
}

/** The lines that a program printed, until there are so many or one of them is this. */
async function linesOf(child: ChildProcess, until: number | string): Promise<string[]> {
  assert.ok(child.stdout);
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line === until || lines.length === until) return lines;
  }
  throw new Error(`the program ended after ${lines.length} lines`);
}

async function contentOf(directory: string): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for (const entry of await fs.readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(directory.length + 1);
    if (entry.isFile()) content[name] = await fs.readFile(path, "utf8");
    else if ((await fs.readdir(path)).length === 0) content[name] = "(empty directory)";
  }
  return content;
}

function numbersIn(directory: string): Set<number> {
  const database = new DatabaseSync(join(directory, "test.db"));
  try {
    assert.deepEqual(
      { ...database.prepare("PRAGMA integrity_check").get() },
      {
        integrity_check: "ok",
      },
    );
    const rows = database.prepare("SELECT number FROM entries").all();
    return new Set(rows.map(({ number }) => Number(number)));
  } finally {
    database.close();
  }
}

/** Of lines `<blob id> <length> <byte>`, those whose blob is not there, whole and right. */
async function missingBlobs(directory: string, lines: readonly string[]): Promise<string[]> {
  const blobs = join(directory, "blobs");
  await using store = await openFileBlobStore({ directory: blobs, durability: "relaxed" });
  const missing: string[] = [];
  for (const line of lines) {
    const [id, length, byte] = line.split(" ");
    const isThere = await (async () => {
      await using reader = await store.open(id as BlobId);
      if (reader.lengthBytes !== Number(length)) return false;
      for await (const chunk of reader.readTransient(0, reader.lengthBytes)) {
        if (!Buffer.alloc(chunk.byteLength, Number(byte)).equals(chunk)) return false;
      }
      return true;
    })().catch(() => false);
    if (!isThere) missing.push(line);
  }
  return missing;
}

function describeTearing(tearing: { seed: number } | undefined): string {
  return tearing === undefined ? "not torn" : `torn with seed ${tearing.seed}`;
}

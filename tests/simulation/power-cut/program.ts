// The programs that power-cut.test.ts cuts off, chosen by the first argument, in the directory that is
// the second. Each prints a line for what it takes for safe, then lives on until it is killed.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openFileBlobStore } from "../../../src/storage/blob/file-blob-store.ts";
import { FileSpool } from "../../../src/storage/spool/file-spool.ts";

const [, , name = "", directory = "", setting = ""] = process.argv;

const programs: Record<string, () => void | Promise<void>> = {
  files: writeFiles,
  processes: syncInOtherProcess,
  sync: syncOneFile,
  sqlite: commitToDatabase,
  blobs: writeBlobs,
  spool: writeSpool,
};

await programs[name]?.();

function acknowledge(line: string): void {
  fs.writeSync(1, `${line}\n`);
}

function liveOn(): void {
  acknowledge("done");
  setInterval(() => {}, 1000);
}

function syncPath(path: string): void {
  const descriptor = fs.openSync(path, "r");
  fs.fsyncSync(descriptor);
  fs.closeSync(descriptor);
}

function writeFiles(): void {
  const path = (file: string): string => join(directory, file);
  const safe = ["overwritten", "extended", "shortened", "removed", "renamed-from", "replaced"];
  for (const file of safe) {
    fs.writeFileSync(path(file), `${file}: the first, safe content`);
    syncPath(path(file));
  }
  fs.mkdirSync(path("inner/most"), { recursive: true });
  fs.writeFileSync(path("inner/most/leaf"), "leaf");
  // From the leaf up: what is synced counts although the way to it was not yet safe.
  syncPath(path("inner/most/leaf"));
  syncPath(path("inner/most"));
  syncPath(path("inner"));
  fs.writeFileSync(path("entry-only"), "bytes that are never synced");
  syncPath(directory);

  fs.writeFileSync(path("overwritten"), "second");
  fs.appendFileSync(path("extended"), " and more");
  fs.truncateSync(path("shortened"), 3);
  fs.unlinkSync(path("removed"));
  fs.renameSync(path("renamed-from"), path("renamed-to"));
  fs.writeFileSync(path("new-content"), "new");
  syncPath(path("new-content"));
  fs.renameSync(path("new-content"), path("replaced"));
  fs.writeFileSync(path("content-only"), "synced, but its directory is not");
  syncPath(path("content-only"));
  fs.mkdirSync(path("unsafe-directory"));
  fs.writeFileSync(path("inner/most/unsafe"), "x");
  liveOn();
}

function syncInOtherProcess(): void {
  const path = join(directory, "shared");
  fs.writeFileSync(path, "a".repeat(100_000));
  syncPath(directory);
  fs.writeFileSync(path, "b".repeat(50_000));
  spawnSync(process.execPath, [import.meta.filename, "sync", path], { stdio: "inherit" });
  liveOn();
}

function syncOneFile(): void {
  syncPath(directory);
}

function commitToDatabase(): void {
  const database = new DatabaseSync(join(directory, "test.db"));
  database.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=${setting};`);
  database.exec("PRAGMA wal_autocheckpoint=50;");
  database.exec("CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY, content BLOB)");
  const insert = database.prepare("INSERT INTO entries (content) VALUES (?)");
  for (;;) {
    const { lastInsertRowid } = insert.run(Buffer.alloc(1500, 7));
    acknowledge(String(lastInsertRowid));
  }
}

async function writeBlobs(): Promise<void> {
  const durability = setting === "strict" ? "strict" : "relaxed";
  const store = await openFileBlobStore({ directory: join(directory, "blobs"), durability });
  const write = async (lane: number): Promise<void> => {
    for (let length = lane * 1000 + 1; ; length = (length * 3) % 2_000_003) {
      const source = async function* () {
        for (let sent = 0; sent < length; sent += 50_000) {
          yield Buffer.alloc(Math.min(50_000, length - sent), lane);
        }
      };
      const { id } = await store.write(source());
      acknowledge(`${id} ${length} ${lane}`);
    }
  };
  await Promise.all([1, 2, 3, 4, 5, 6].map(write));
}

/** A line is acknowledged when the spool's promise of it has had the time to come true. */
function writeSpool(): void {
  const spool = new FileSpool(join(directory, "spool"), "dead");
  const patience = Number(setting);
  let number = 0;
  setInterval(() => {
    const line = `line ${(number += 1)}`;
    spool.append(line);
    setTimeout(() => acknowledge(line), patience);
    if (number % 50 === 0) void spool.seal([], []);
  }, 10);
}

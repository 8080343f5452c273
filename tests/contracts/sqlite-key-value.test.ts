// The SQLite store against the contract, and what only a file has: other processes, sudden death,
// full disks, strange files, a log that must not grow for ever.
import assert from "node:assert/strict";
import { type ChildProcess, execFile, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { decodeCounter } from "../../src/storage/key-value/counter.ts";
import type { KeyValueStore } from "../../src/storage/key-value/key-value-store.ts";
import { openSqliteKeyValueStore } from "../../src/storage/key-value/sqlite-key-value-store.ts";
import { StorageFullError, StorageUnavailableError } from "../../src/storage/storage-errors.ts";
import {
  bytes,
  firstKey,
  getText,
  pastEveryKey,
  setText,
  writeRequest,
} from "./key-value-access.ts";
import { testKeyValueStore } from "./key-value-suite.ts";

const run = promisify(execFile);
const mebibyte = 1024 * 1024;

let directory: string;
let files = 0;
const newPath = (): string => join(directory, `store-${files++}.db`);

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "holdfast-key-value-"));
});
after(() => rm(directory, { recursive: true, force: true }));

for (const durability of ["strict", "relaxed"] as const) {
  testKeyValueStore(`sqlite (${durability})`, () =>
    openSqliteKeyValueStore({ path: newPath(), durability }),
  );
}

const open = (path: string): Promise<KeyValueStore> =>
  openSqliteKeyValueStore({ path, durability: "strict" });

describe("a sqlite store's file", () => {
  it("keeps everything over a reopening, and revisions go on growing", async () => {
    const path = newPath();
    const large = "large ".repeat(2000);
    let last: number;
    {
      await using store = await open(path);
      await setText(store, "small", "small");
      last = await setText(store, "large", large);
    }
    await assert.rejects(stat(`${path}-wal`), { code: "ENOENT" });
    await using store = await open(path);
    assert.equal(await getText(store, "small"), "small");
    assert.equal(await getText(store, "large"), large);
    assert((await setText(store, "new", "")) > last);
  });

  it("gives back the room of large values that were replaced or deleted", async () => {
    const path = newPath();
    {
      await using store = await open(path);
      for (let round = 0; round < 3; round++) {
        for (const key of "abcd") await setText(store, key, `${round}`.repeat(3000));
      }
      await setText(store, "a", "small now");
      await store.write(writeRequest({ deletes: [bytes("b")] }));
    }
    const database = new DatabaseSync(path, { readOnly: true });
    const { count } = database.prepare("SELECT count(*) AS count FROM large_values").get() ?? {};
    database.close();
    assert.equal(count, 2);
  });

  it("is refused when it is not a store of Holdfast, and left as it was", async () => {
    const garbage = newPath();
    await writeFile(
      garbage,
      "something else entirely, and long enough to have a header".repeat(99),
    );
    await assert.rejects(open(garbage), StorageUnavailableError);

    const foreign = newPath();
    const database = new DatabaseSync(foreign);
    database.exec("CREATE TABLE somebody_elses (id INTEGER)");
    database.close();
    await assert.rejects(open(foreign), /not a Holdfast store/);

    const newer = newPath();
    await (await open(newer))[Symbol.asyncDispose]();
    const changed = new DatabaseSync(newer);
    changed.exec("PRAGMA user_version = 999");
    changed.close();
    await assert.rejects(open(newer), /another version/);
  });

  it("must lie in a directory that exists", async () => {
    await assert.rejects(open(join(directory, "nowhere", "store.db")), StorageUnavailableError);
  });

  it("is not opened for a caller who has given up", async () => {
    const path = newPath();
    const given = AbortSignal.abort(new RangeError("given up"));
    const options = { path, durability: "strict", signal: given } as const;
    await assert.rejects(openSqliteKeyValueStore(options), RangeError);
    const controller = new AbortController();
    const opening = openSqliteKeyValueStore({ ...options, signal: controller.signal });
    controller.abort(new RangeError("given up"));
    await assert.rejects(opening, RangeError);
  });

  it("has a log of bounded length, however much is written", async () => {
    const path = newPath();
    await using store = await openSqliteKeyValueStore({ path, durability: "relaxed" });
    const value = Buffer.alloc(mebibyte / 4, "x");
    let longest = 0;
    for (let round = 0; round < 110; round++) {
      const sets = Array.from({ length: 16 }, (_, index) => ({ key: bytes(`${index}`), value }));
      await store.write(writeRequest({ sets }));
      longest = Math.max(longest, (await stat(`${path}-wal`)).size);
    }
    assert(longest < 320 * mebibyte, `the log grew to ${longest} bytes of 440 MiB`);
    const range = { start: firstKey, end: pastEveryKey, limit: 100 };
    const { ranges } = await store.read({ ranges: [range] });
    assert.equal(ranges[0]?.length, 16);
    for (const entry of ranges[0]) assert(value.equals(entry.value));
  });

  it("takes in its log by itself when nothing more is written", async () => {
    const path = newPath();
    await using store = await open(path);
    await setText(store, "key", "value ".repeat(20_000));
    const before = (await stat(path)).size;
    const deadline = Date.now() + 10_000;
    while ((await stat(path)).size < before + 100_000 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert((await stat(path)).size >= before + 100_000);
  });
});

describe("a full sqlite store", () => {
  it("fails every write for lack of space, goes on reading, and recovers", async () => {
    const maximumBytes = mebibyte;
    const durability = "strict";
    await using store = await openSqliteKeyValueStore({
      path: newPath(),
      durability,
      maximumBytes,
    });
    await checkFullness(store);
  });

  it("does so on a device that is really full", async (context) => {
    const mounted = await mountSmallDevice(context);
    if (mounted === undefined) return;
    const path = join(mounted, "store.db");
    await using store = await open(path);
    // Space held by somebody else, who gives it back later.
    const ballast = join(mounted, "ballast");
    await writeFile(ballast, Buffer.alloc(2 * mebibyte));
    await checkFullness(store, () => rm(ballast));
  });
});

/** Fills the store until it refuses, and looks at what it still does. */
async function checkFullness(store: KeyValueStore, free?: () => Promise<void>): Promise<void> {
  await setText(store, "first", "stays readable");
  const write = (name: string) => setText(store, name, "x".repeat(50_000));
  let written = 0;
  const failure = await (async (): Promise<unknown> => {
    for (; written < 1000; written++) await write(`key ${written}`);
    return undefined;
  })().catch((error: unknown) => error);
  assert(failure instanceof StorageFullError, String(failure));
  assert(written > 0);

  const beyond = Array.from({ length: 30 }, (_, index) => write(`beyond ${index}`));
  const outcomes = await Promise.allSettled(beyond);
  const refused = outcomes.filter((outcome) => outcome.status === "rejected");
  assert(refused.length > 0);
  for (const { reason } of refused) assert(reason instanceof StorageFullError, String(reason));
  for (const [index, outcome] of outcomes.entries()) {
    const there = (await getText(store, `beyond ${index}`)) !== undefined;
    assert.equal(there, outcome.status === "fulfilled");
  }
  assert.equal(await getText(store, "first"), "stays readable");
  assert.equal((await getText(store, "key 0"))?.length, 50_000);

  if (free === undefined) {
    const deletes = Array.from({ length: written }, (_, index) => bytes(`key ${index}`));
    await store.write(writeRequest({ deletes }));
  } else {
    await free();
  }
  await write("afterwards");
  assert.equal((await getText(store, "afterwards"))?.length, 50_000);
}

/** A device of 8 MiB in memory; only an administrator of a Linux machine can have one. */
async function mountSmallDevice(context: TestContext): Promise<string | undefined> {
  const mountPoint = await mkdtemp(join(directory, "device-"));
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", mountPoint]);
  } catch {
    context.skip("mounting a small device needs Linux and its administrator");
    return undefined;
  }
  context.after(() => run("umount", ["-l", mountPoint]));
  return mountPoint;
}

function start(...parameters: string[]): ChildProcess {
  return fork(join(import.meta.dirname, "key-value-child.ts"), parameters, { stdio: "inherit" });
}

describe("a sqlite store shared by processes", () => {
  it("is created once when several open it at the same moment", async () => {
    const path = newPath();
    const stores = await Promise.all(Array.from({ length: 4 }, () => open(path)));
    const revisions = await Promise.all(
      stores.flatMap((store, index) => [
        setText(store, `a ${index}`, ""),
        setText(store, `b ${index}`, ""),
      ]),
    );
    assert.equal(new Set(revisions).size, 8);
    for (const store of stores) assert.equal(await getText(store, "a 3"), "");
    await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
  });

  it("counts exactly through transactions of three processes", async () => {
    const path = newPath();
    const children = [1, 2, 3].map(() => start("increment", path, "60"));
    const exits = await Promise.all(children.map((child) => once(child, "exit")));
    assert.deepEqual(exits, [
      [0, null],
      [0, null],
      [0, null],
    ]);
    await using store = await open(path);
    const { gets } = await store.read({ gets: [bytes("hot"), bytes("counter")] });
    assert.deepEqual(
      gets.map((entry) => decodeCounter(entry?.value)),
      [180, 180],
    );
  });

  it("shows a write at once in another process, and that one's answer here", async () => {
    const path = newPath();
    await using store = await open(path);
    const child = start("echo", path);
    try {
      await once(child, "message");
      for (let round = 0; round < 50; round++) {
        await setText(store, `key ${round}`, `value ${round}`);
        child.send(`key ${round}`);
        const [seen] = await once(child, "message");
        assert.equal(seen, `value ${round}`);
        assert.equal(await getText(store, `key ${round} answer`), `seen value ${round}`);
      }
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("loses no acknowledged write when a writing process is killed", async () => {
    const path = newPath();
    for (let kill = 0; kill < 3; kill++) {
      const acknowledged = new Set<number>();
      const child = start("append", path, "16");
      child.on("message", (number: number) => {
        acknowledged.add(number);
        if (acknowledged.size === 150 + kill * 77) child.kill("SIGKILL");
      });
      const [, signal] = await once(child, "exit");
      assert.equal(signal, "SIGKILL");
      await using store = await open(path);
      for (const number of acknowledged) {
        const expected = `${number} `.repeat(number % 7 === 0 ? 2000 : 10);
        assert.equal(await getText(store, `key ${number}`), expected);
      }
      await store.write(
        writeRequest({ deletes: [...acknowledged].map((number) => bytes(`key ${number}`)) }),
      );
    }
    const database = new DatabaseSync(path, { readOnly: true });
    assert.equal(database.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok");
    database.close();
  });

  it("lets a process end that has nothing more to write", async () => {
    const path = newPath();
    const [code] = await once(start("idle", path), "exit");
    assert.equal(code, 0);
    await using store = await open(path);
    assert.equal(await getText(store, "idle"), "written");
  });
});

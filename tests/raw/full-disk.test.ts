// A disk without space: uploads are refused with words that say so, everything that was acknowledged
// stays readable, listed and removable, and uploads go on when space returns.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, statfsSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { elementOf, elementsOf, mebibyte, patternBytes } from "../s3/test-server.ts";
import { assertError, type Expectation } from "./raw-client.ts";
import {
  blobFilesIn,
  eventually,
  startRawServerIn,
  succeed,
  type RawServer,
} from "./raw-server.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-full-"));
const diskBytes = 24 * mebibyte;
const cannotMount = mountSmallDisk();
const options =
  cannotMount === undefined
    ? {}
    : { skip: `no small file system could be mounted: ${cannotMount}` };
after(() => {
  if (cannotMount === undefined) execFileSync("umount", [directory]);
  rmSync(directory, { recursive: true, force: true });
});

/** Why it is not possible here, or nothing. */
function mountSmallDisk(): string | undefined {
  try {
    const arguments_ = ["-t", "tmpfs", "-o", `size=${diskBytes}`, "tmpfs", directory];
    execFileSync("mount", arguments_, { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return (error as Error).message.trim().split("\n").at(-1);
  }
}

const full: Expectation = {
  status: 507,
  code: "InsufficientStorage",
  message:
    "The server has no space left to store the request. Nothing was written; reads are still served.",
};

let rounds = 0;

/** A server on the small disk, a directory of its own below it, removed afterwards. */
async function withServer(run: (server: RawServer, directory: string) => Promise<void>) {
  const own = join(directory, `server-${(rounds += 1)}`);
  try {
    await using server = await startRawServerIn(own, { durability: "strict" });
    await run(server, own);
    assert.deepEqual(server.failures, []);
  } finally {
    clear(own);
  }
}

function clear(own: string): void {
  rmSync(own, { recursive: true, force: true });
  rmSync(fillerPath, { force: true });
}

const fillerPath = join(directory, "filler");

/** Takes all space but about `leftBytes`, by a file that is not the server's. */
function fillDisk(leftBytes: number): void {
  const { bavail, bsize } = statfsSync(directory);
  const fillerBytes = Math.max(0, bavail * bsize - leftBytes);
  appendFileSync(fillerPath, Buffer.alloc(fillerBytes));
}

function freeDisk(): void {
  truncateSync(fillerPath, 0);
}

/** Uploads until the disk is full; the keys that were acknowledged and their bytes. */
async function putUntilFull(
  server: RawServer,
  sizeBytes: number,
): Promise<ReadonlyMap<string, Buffer>> {
  const kept = new Map<string, Buffer>();
  for (let index = 0; index < 5000; index += 1) {
    const key = `key-${String(index).padStart(4, "0")}`;
    const body = patternBytes(sizeBytes, index + 1);
    const answer = await server.send("PUT", `/${server.bucket}/${key}`, { body });
    if (answer.status === 200) kept.set(key, body);
    else {
      assertError(answer, full);
      return kept;
    }
  }
  return assert.fail("the disk never became full");
}

async function assertAllThere(server: RawServer, kept: ReadonlyMap<string, Buffer>): Promise<void> {
  const listed = await succeed(server.send("GET", `/${server.bucket}?prefix=key-`));
  assert.deepEqual(elementsOf(listed.text, "Key"), [...kept.keys()]);
  for (const [key, body] of kept) {
    const head = await succeed(server.send("HEAD", `/${server.bucket}/${key}`));
    assert.equal(head.headers.get("content-length"), String(body.byteLength));
    const read = await succeed(server.send("GET", `/${server.bucket}/${key}`));
    assert.ok(read.body.equals(body), `${key} is whole`);
  }
}

for (const [name, sizeBytes] of [
  ["small", 40_000],
  ["large", mebibyte],
] as const) {
  test(`${name} uploads until the disk is full`, options, () =>
    withServer(async (server, own) => {
      fillDisk(6 * mebibyte);
      // The server looks at the disk a few times a second, and the filler is not its own writing.
      await sleep(500);
      const kept = await putUntilFull(server, sizeBytes);
      assert.ok(kept.size >= 2, `${kept.size} were acknowledged`);
      const blobsThen = (await blobFilesIn(own)).length;

      // Refused again and again, with nothing left behind, and everything else goes on.
      for (let attempt = 0; attempt < 5; attempt += 1) {
        const body = patternBytes(2 * mebibyte, attempt);
        assertError(await server.send("PUT", `/${server.bucket}/refused`, { body }), full);
        const [first = ""] = kept.keys();
        const replaced = await server.send("PUT", `/${server.bucket}/${first}`, { body });
        assertError(replaced, full);
      }
      assert.ok(await eventually(async () => (await blobFilesIn(own)).length === blobsThen));
      await assertAllThere(server, kept);
      assert.equal((await server.send("GET", `/${server.bucket}/old`)).text, "old bytes");

      // Removing an object writes a little too, and has the last of the disk for it.
      const [gone = ""] = [...kept.keys()].slice(-1);
      const removed = await server.send("DELETE", `/${server.bucket}/${gone}`);
      assert.equal(removed.status, 204, removed.text);
      const remaining = new Map([...kept].filter(([key]) => key !== gone));
      await assertAllThere(server, remaining);

      freeDisk();
      const body = patternBytes(2 * mebibyte, 99);
      await succeed(server.send("PUT", `/${server.bucket}/afterwards`, { body }));
      const read = await succeed(server.send("GET", `/${server.bucket}/afterwards`));
      assert.ok(read.body.equals(body));
      await assertAllThere(server, remaining);
    }),
  );
}

test("deleted objects make room for new ones", options, async () => {
  const own = join(directory, "server-deleting");
  const server = await startRawServerIn(own, { durability: "strict" });
  fillDisk(8 * mebibyte);
  const kept = await putUntilFull(server, mebibyte);
  for (const key of kept.keys()) await succeed(server.send("DELETE", `/${server.bucket}/${key}`));
  // Readers may still be at the deleted bytes: the sweeper waits, and the next start sweeps at once.
  server.clock.advance(120_000);
  await server[Symbol.asyncDispose]();
  const again = await startRawServerIn(own, { clock: server.clock }, false);
  assert.ok(await eventually(async () => (await blobFilesIn(own)).length === 0));
  const refilled = await putUntilFull(again, mebibyte);
  assert.ok(refilled.size >= kept.size - 1, `${refilled.size} after ${kept.size}`);
  await assertAllThere(again, refilled);
  await again[Symbol.asyncDispose]();
  clear(own);
  assert.deepEqual([...server.failures, ...again.failures], []);
});

test("a server that starts on a nearly full disk serves what is there", options, async () => {
  const own = join(directory, "server-starting");
  const server = await startRawServerIn(own, { durability: "strict" });
  fillDisk(4 * mebibyte);
  const kept = await putUntilFull(server, mebibyte);
  await server[Symbol.asyncDispose]();

  fillDisk(0);
  await assert.rejects(startRawServerIn(own, { clock: server.clock }, false), /full/);
  freeDisk();
  fillDisk(0.75 * mebibyte);
  const again = await startRawServerIn(own, { clock: server.clock }, false);
  await assertAllThere(again, kept);
  const body = patternBytes(mebibyte);
  assertError(await again.send("PUT", `/${server.bucket}/refused`, { body }), full);
  freeDisk();
  await succeed(again.send("PUT", `/${server.bucket}/afterwards`, { body }));
  await assertAllThere(again, kept);
  await again[Symbol.asyncDispose]();
  clear(own);
  assert.deepEqual([...server.failures, ...again.failures], []);
});

test("a part and a completion on a full disk", options, () =>
  withServer(async (server, own) => {
    const path = `/${server.bucket}/upload`;
    const upload = `uploadId=${server.uploadId}`;
    const first = patternBytes(5 * mebibyte, 1);
    const stored = await succeed(
      server.send("PUT", `${path}?partNumber=1&${upload}`, { body: first }),
    );
    fillDisk(2 * mebibyte);
    const before = await server.traces();
    const body = patternBytes(5 * mebibyte, 2);
    for (const number of [1, 2]) {
      const answer = await server.send("PUT", `${path}?partNumber=${number}&${upload}`, { body });
      assertError(answer, full);
    }
    assert.ok(
      await eventually(async () => (await blobFilesIn(own)).length === before.blobFiles.length),
    );
    assert.deepEqual(await server.traces(), before, "the first part is as it was");

    fillDisk(0);
    const etag = stored.headers.get("etag") ?? "";
    const document = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`;
    const completed = await server.send("POST", `${path}?${upload}`, { body: document });
    if (completed.status !== 200) {
      assertError(completed, full);
      assert.deepEqual(await server.traces(), before, "the upload is as it was");
      freeDisk();
      await succeed(server.send("POST", `${path}?${upload}`, { body: document }));
    }
    const read = await succeed(server.send("GET", path));
    assert.ok(read.body.equals(first));
    const listing = await succeed(server.send("GET", `/${server.bucket}?uploads`));
    assert.equal(elementOf(listing.text, "UploadId"), undefined);
  }),
);

test("many uploads at once on a full disk: none torn, none half acknowledged", options, () =>
  withServer(async (server) => {
    fillDisk(5 * mebibyte);
    const kept = new Map<string, Buffer>();
    const put = async (index: number): Promise<void> => {
      const key = `key-${String(index).padStart(4, "0")}`;
      const body = patternBytes(index % 2 === 0 ? 30_000 : 300_000, index + 1);
      const answer = await server.send("PUT", `/${server.bucket}/${key}`, { body });
      if (answer.status === 200) kept.set(key, body);
      else assertError(answer, full);
    };
    for (let round = 0; round < 6; round += 1) {
      await Promise.all(Array.from({ length: 16 }, (_, index) => put(round * 16 + index)));
    }
    assert.ok(kept.size > 0 && kept.size < 96, `${kept.size} of 96`);
    await assertAllThere(server, new Map([...kept].toSorted(([a], [b]) => (a < b ? -1 : 1))));
  }),
);

test(
  "a server closes on a full disk, and the next one starts when there is room",
  options,
  async () => {
    const own = join(directory, "server-closing");
    const server = await startRawServerIn(own, { durability: "strict" });
    fillDisk(0);
    // Until the database has no room for another row either.
    for (let status = 200; status === 200;) {
      ({ status } = await server.send("POST", `/${server.bucket}/upload?uploads`));
    }
    await server[Symbol.asyncDispose]();
    freeDisk();
    const again = await startRawServerIn(own, { clock: server.clock }, false);
    assert.equal((await again.send("GET", `/${server.bucket}/old`)).text, "old bytes");
    await again[Symbol.asyncDispose]();
    clear(own);
    assert.deepEqual([...server.failures, ...again.failures], []);
  },
);

// A server whose clock is moved by hand, with a directory of its own for archives and one for infrequent
// access, so that a test sees where bytes lie.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { ManualClock, type StorageOptions } from "../../src/app.ts";
import { startTestServer, type TestServer } from "./test-server.ts";

export interface TieredServer extends TestServer {
  readonly clock: ManualClock;
  /** A client whose time is the server's. */
  readonly now: () => S3;
  /** Blobs of the main store, of archives, and of infrequent access. */
  readonly blobs: () => Promise<Readonly<Record<"main" | "cold" | "warm", number>>>;
  /** Moves the clock on, and runs the worker. */
  readonly pass: (
    milliseconds: number,
    worker: string,
  ) => Promise<Readonly<Record<string, number>>>;
}

export async function startTieredServer(
  restoreSeconds: StorageOptions["restoreSeconds"] = {},
): Promise<TieredServer> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-tiered-"));
  after(() => rm(directory, { recursive: true, force: true }));
  const clock = new ManualClock(Date.parse("2026-03-10T10:30:00Z"));
  const [data, cold, warm] = ["data", "cold", "warm"].map((name) => join(directory, name));
  const started = await startTestServer({
    store: { directory: data ?? "" },
    durability: "relaxed",
    clock,
    customerKeys: "anywhere",
    storage: {
      stores: { cold: { directory: cold ?? "" }, warm: { directory: warm ?? "" } },
      classes: {
        GLACIER: { store: "cold", compression: "zstd" },
        DEEP_ARCHIVE: { store: "cold" },
        STANDARD_IA: { store: "warm" },
      },
      restoreSeconds,
    },
  });
  const now = (): S3 => started.client({ systemClockOffset: clock.now() - Date.now() });
  return {
    ...started,
    clock,
    now,
    async newBucket(versioning) {
      const Bucket = started.newBucketName();
      await now().createBucket({ Bucket });
      if (versioning !== undefined) {
        const VersioningConfiguration = { Status: versioning };
        await now().putBucketVersioning({ Bucket, VersioningConfiguration });
      }
      return Bucket;
    },
    async blobs() {
      const [main = 0, colds = 0, warms = 0] = await Promise.all(
        [join(data ?? "", "blobs"), cold ?? "", warm ?? ""].map(countBlobs),
      );
      return { main, cold: colds, warm: warms };
    },
    async pass(milliseconds, worker) {
      clock.advance(milliseconds);
      return started.server.runWorker(worker);
    },
  };
}

async function countBlobs(path: string): Promise<number> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && /-[a-z2-7]{16}$/.test(entry.name)).length;
}

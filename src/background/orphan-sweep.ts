// Finds blobs that never came to be named: their writer died, or could not remove them, between the
// last byte and the commit. The argument why this is safe stands in sweeper.ts.

import { keys } from "../objects/records/keyspace.ts";
import type { WriterRecord } from "../objects/records/store-record.ts";
import type { BlobId, BlobStore, WriterId } from "../storage/blob/blob-store.ts";
import { writerOfBlob } from "../storage/blob/blob-store.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Sleep } from "./worker.ts";

export interface OrphanSweepOptions {
  readonly store: Pick<KeyValueStore, "read">;
  readonly blobs: Pick<BlobStore, "list" | "delete">;
  readonly listWriters: () => Promise<readonly WriterRecord[]>;
  readonly sleep: Sleep;
}

export interface OrphanSweepReport {
  readonly blobsSeen: number;
  readonly blobsRemoved: number;
}

const listedAtOnce = 1000;
/** Reads of an embedded store run on the calling thread: a chunk is a few milliseconds. */
const lookedUpAtOnce = 200;
const pauseMilliseconds = 5;

/**
 * Removes orphans of every writer, or of one that has died. Throws the signal's reason when aborted,
 * and in the end the first failure to remove one; it does not hold up the others.
 */
export async function sweepOrphans(
  options: OrphanSweepOptions,
  writer: WriterId | undefined,
  signal: AbortSignal,
): Promise<OrphanSweepReport> {
  const report = { blobsSeen: 0, blobsRemoved: 0 };
  const failures: unknown[] = [];
  // Ids begin with their writer's: nothing of it sorts before its name and the hyphen.
  let after = writer === undefined ? undefined : (`${writer}-` as BlobId);
  for (;;) {
    signal.throwIfAborted();
    const listed = await options.blobs.list(after, listedAtOnce);
    const ids = writer === undefined ? listed : listed.filter((id) => writerOfBlob(id) === writer);
    for (let at = 0; at < ids.length; at += lookedUpAtOnce) {
      const chunk = ids.slice(at, at + lookedUpAtOnce);
      report.blobsSeen += chunk.length;
      report.blobsRemoved += await removeOrphans(options, chunk, failures);
      signal.throwIfAborted();
      await options.sleep(pauseMilliseconds, signal);
    }
    if (listed.length < listedAtOnce || ids.length < listed.length) break;
    after = listed.at(-1);
  }
  if (failures.length > 0) throw failures[0];
  return report;
}

/** The order of the look-ups is the proof: blob seen, then its writer gone, then its counter absent. */
async function removeOrphans(
  options: OrphanSweepOptions,
  ids: readonly BlobId[],
  failures: unknown[],
): Promise<number> {
  const alive = new Set((await options.listWriters()).map((record) => record.writerId));
  const suspects = ids.filter((id) => !alive.has(writerOfBlob(id)));
  if (suspects.length === 0) return 0;
  const { gets } = await options.store.read({ gets: suspects.map((id) => keys.reference(id)) });
  const orphans = suspects.filter((_, index) => gets[index] === undefined);
  let removed = 0;
  for (const id of orphans) {
    try {
      await options.blobs.delete(id);
      removed += 1;
    } catch (error) {
      failures.push(error);
    }
  }
  return removed;
}

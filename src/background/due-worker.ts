// Workers that look at versions when they are due, by a queue in the order of time (objects/due-rows.ts):
// `restore` ends restorations and removes their copies, `intelligent-tiering` moves what has become cold or
// warm. And the worker of each process that writes down which objects were accessed.

import type { Clock } from "../base/clock.ts";
import { firstDue, readDueRows, type DueRow } from "../objects/due-rows.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { DueQueue } from "../objects/records/keyspace.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { BackgroundWorker, WorkerPass, WorkerReport } from "./worker.ts";

const rowsPerPage = 200;
const rowsAtOnce = 4;
/** A pass ends after so many rows, so that it reports; the next one begins at once. */
const rowsPerPass = 10_000;
const countedBacklog = 10_000;
const shortestPauseMilliseconds = 50;

interface DueWork {
  readonly queue: DueQueue;
  readonly longestPauseMilliseconds: number;
  /** What became of a row: the name under which it is counted. */
  readonly look: (row: DueRow, signal: AbortSignal) => Promise<string>;
  readonly counted: readonly string[];
}

export function createRestoreWorker(objects: ObjectStore): BackgroundWorker {
  return createDueWorker("restore", objects, {
    queue: "restore",
    // The store's processes hear of requests to each other no sooner.
    longestPauseMilliseconds: 1000,
    look: (row, signal) => objects.restores.look(row, signal),
    counted: ["completed", "expired"],
  });
}

export function createTieringWorker(objects: ObjectStore): BackgroundWorker {
  return createDueWorker("intelligent-tiering", objects, {
    queue: "tiering",
    longestPauseMilliseconds: 10 * 60_000,
    look: (row, signal) => objects.tiering.look(row, signal),
    counted: ["moved"],
  });
}

/** Accesses are written in each process that noted them. */
export function createAccessWriter({ tiering }: ObjectStore): BackgroundWorker {
  return {
    name: "access-writer",
    scope: "process",
    intervalMilliseconds: 10_000,
    runOnce: async (signal) => ({ fields: { accesses: await tiering.writeAccesses(signal) } }),
  };
}

function createDueWorker(
  name: string,
  { keyValueStore, clock }: Pick<ObjectStore, "keyValueStore" | "clock">,
  work: DueWork,
): BackgroundWorker {
  return {
    name,
    scope: "store",
    intervalMilliseconds: work.longestPauseMilliseconds,
    runOnce: (signal, pass) => runDue(keyValueStore, clock, work, { signal, pass }),
    async backlog() {
      const options = { untilMilliseconds: clock.now(), after: undefined, limit: countedBacklog };
      return (await readDueRows(keyValueStore, work.queue, options)).length;
    },
  };
}

/** What fails is left for the next pass and holds up nothing; the first failure is thrown in the end. */
async function runDue(
  store: KeyValueStore,
  clock: Clock,
  work: DueWork,
  { signal, pass }: { readonly signal: AbortSignal; readonly pass: WorkerPass },
): Promise<WorkerReport> {
  const fields: Record<string, number> = {};
  for (const each of work.counted) fields[each] = 0;
  const failures: unknown[] = [];
  const untilMilliseconds = clock.now();
  let seen = 0;
  let after: Uint8Array | undefined;
  for (;;) {
    signal.throwIfAborted();
    const options = { untilMilliseconds, after, limit: rowsPerPage };
    const rows = await readDueRows(store, work.queue, options);
    await lookAtAll(rows, async (row) => {
      if (signal.aborted) return;
      try {
        const outcome = await work.look(row, signal);
        if (outcome in fields) fields[outcome] = (fields[outcome] ?? 0) + 1;
      } catch (error) {
        failures.push(error);
      }
    });
    seen += rows.length;
    pass.progress({ ...fields, seen });
    after = rows.at(-1)?.rowKey;
    if (rows.length < rowsPerPage || seen >= rowsPerPass) break;
  }
  signal.throwIfAborted();
  if (failures.length > 0) throw failures[0];
  const next = await firstDue(store, work.queue);
  if (next === undefined) return { fields };
  const againMilliseconds = Math.min(
    work.longestPauseMilliseconds,
    Math.max(shortestPauseMilliseconds, next - clock.now()),
  );
  return { fields, againMilliseconds };
}

async function lookAtAll(
  rows: readonly DueRow[],
  look: (row: DueRow) => Promise<void>,
): Promise<void> {
  let next = 0;
  const line = async (): Promise<void> => {
    for (;;) {
      const row = rows[next];
      next += 1;
      if (row === undefined) return;
      await look(row);
    }
  };
  await Promise.all(Array.from({ length: rowsAtOnce }, line));
}

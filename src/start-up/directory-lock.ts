// One server to a data directory. The lock is SQLite's own, held in a transaction that never ends: the
// system releases it when the process dies, however it dies. On network file systems it is only as
// good as their locks; the embedded store does not belong there anyway.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Another server is using the directory. */
export class DirectoryInUseError extends Error {
  override readonly name = "DirectoryInUseError";
}

export interface DirectoryLock extends Disposable {
  readonly directory: string;
}

const serverLockName = "holdfast.lock";
const workerLockName = "holdfast.workers.lock";
/** Workers of a server that was killed notice it at once; this covers one that is busy meanwhile. */
const workerWaitMilliseconds = 10_000;
/** A task under a file lock is a matter of a few writes, and of a second for a passphrase. */
const taskWaitMilliseconds = 15_000;
const pollMilliseconds = 20;
const sqliteBusy = 5;

/** What nobody refers to is collected, and a collected database is closed: its lock would be gone. */
const held = new Set<DatabaseSync>();

/**
 * Takes the directory for this server, making it when it is missing. Also waits until no worker of a
 * server that was killed is left. Throws DirectoryInUseError.
 */
export async function acquireDirectoryLock(directory: string): Promise<DirectoryLock> {
  await mkdir(directory, { recursive: true });
  const database = lock(join(directory, serverLockName), "BEGIN EXCLUSIVE");
  if (database === undefined) {
    throw new DirectoryInUseError(
      `the data directory ${directory} is in use by another Holdfast server`,
    );
  }
  try {
    await waitForWorkers(directory);
  } catch (error) {
    database.close();
    throw error;
  }
  return { directory, ...hold(database) };
}

/**
 * Declares a worker process of the server that holds the directory's lock. While any worker that was
 * declared lives, no other server can take the directory.
 */
export function holdWorkerLock(directory: string): Disposable {
  // A read that never ends: any number of workers share it, and an exclusive lock waits for all.
  const database = lock(join(directory, workerLockName), "BEGIN");
  if (database === undefined) throw new Error("a shared lock cannot be busy");
  database.prepare("SELECT count(*) FROM sqlite_master").get();
  return hold(database);
}

/**
 * Runs a task while no other process runs one under the same lock file, which is made. Throws
 * DirectoryInUseError when another task goes on for too long.
 */
export async function withFileLock<Result>(
  path: string,
  task: () => Promise<Result>,
): Promise<Result> {
  const deadline = Date.now() + taskWaitMilliseconds;
  for (;;) {
    const database = lock(path, "BEGIN EXCLUSIVE");
    if (database !== undefined) {
      using _held = hold(database);
      return await task();
    }
    if (Date.now() > deadline) throw new DirectoryInUseError(`${path} is held by another process`);
    await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
  }
}

function hold(database: DatabaseSync): Disposable {
  held.add(database);
  return {
    [Symbol.dispose]: () => {
      if (held.delete(database)) database.close();
    },
  };
}

async function waitForWorkers(directory: string): Promise<void> {
  const deadline = Date.now() + workerWaitMilliseconds;
  for (;;) {
    const database = lock(join(directory, workerLockName), "BEGIN EXCLUSIVE");
    if (database !== undefined) {
      database.close();
      return;
    }
    if (Date.now() > deadline) {
      throw new DirectoryInUseError(
        `the data directory ${directory} is in use by workers of a Holdfast server that was killed`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
  }
}

/** `undefined` when somebody else holds a lock that excludes this one. */
function lock(path: string, statement: string): DatabaseSync | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec(statement);
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === sqliteBusy) {
      return undefined;
    }
    throw error;
  }
}

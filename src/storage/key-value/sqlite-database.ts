// The SQLite file: its schema, how each kind of connection is opened, what its errors mean.
// Nothing here may open an existing database file by other means than SQLite: closing any other
// descriptor of it would drop the POSIX locks that this process holds.
import { closeSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StorageFullError, StorageUnavailableError } from "../storage-errors.ts";

/** `relaxed` survives the death of the process, but a power cut may lose the last commits. */
export type Durability = "strict" | "relaxed";

export interface SqliteDatabaseOptions {
  readonly path: string;
  readonly durability: Durability;
  /** Page cache of this connection. */
  readonly cacheBytes: number;
  /** The file never grows past this; `undefined`: as far as the device allows. */
  readonly maximumBytes: number | undefined;
}

// Of 4096, 8192 and 16384 bytes, the size that writes least to the log: 68, 136 and 272 KiB for a
// commit of 16 records of 300 bytes at random places, 102, 175 and 181 KiB for 16 appended values of
// 4 KiB. Reads of records, seeks and 4 KiB values cost the same; 64 KiB values take 34, 27 and 24 us.
export const pageBytes = 4096;

/**
 * Rows longer than this keep their value in a table of its own. SQLite compares keys of a clustered
 * table by loading each row that does not fit its page whole (limit: 1002 bytes for this page size):
 * with every value clustered, a get of 4 KiB took 23 us instead of 8, one of 64 KiB 180 instead of 34.
 */
export const largestClusteredRow = 960;

const applicationId = 0x486f6c64;
const schemaVersion = 1;

// `entries` is clustered on its key: a range read touches one tree. `v` is the value, or the id of
// a row of `large_values`, which the triggers keep from outliving the entry.
const schema = `
  CREATE TABLE entries (k BLOB PRIMARY KEY, r INTEGER NOT NULL, v NOT NULL) WITHOUT ROWID;
  CREATE TABLE large_values (id INTEGER PRIMARY KEY, value BLOB NOT NULL);
  CREATE TRIGGER large_value_replaced AFTER UPDATE OF v ON entries WHEN typeof(old.v) = 'integer'
    BEGIN DELETE FROM large_values WHERE id = old.v; END;
  CREATE TRIGGER large_value_deleted AFTER DELETE ON entries WHEN typeof(old.v) = 'integer'
    BEGIN DELETE FROM large_values WHERE id = old.v; END;
  CREATE TABLE store (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
  INSERT INTO store VALUES (1, 0);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`;

/** Opens the file for writing; creates it when it is absent, durably unless durability is relaxed. */
export function openWriteConnection(options: SqliteDatabaseOptions): DatabaseSync {
  createFile(options.path);
  const database = new DatabaseSync(options.path, { timeout: 0 });
  try {
    database.exec(`PRAGMA page_size = ${pageBytes}`);
    // Entering WAL mode takes an exclusive lock, which another process may hold for a moment.
    retryWhileBusy(() => database.exec("PRAGMA journal_mode = WAL"));
    configureWrites(database, options);
    retryWhileBusy(() => database.exec("BEGIN IMMEDIATE"));
    const created = createSchema(database);
    database.exec("COMMIT");
    if (created && options.durability === "strict") synchronizeDirectory(dirname(options.path));
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/** A connection for checkpoints alone, on a file that `openWriteConnection` has prepared. */
export function openCheckpointConnection(options: SqliteDatabaseOptions): DatabaseSync {
  const database = new DatabaseSync(options.path, { timeout: 0 });
  configureWrites(database, options);
  return database;
}

// A reader waits only for another process that recovers the log after a crash, or closes it.
const readerTimeoutMilliseconds = 10_000;

export function openReadConnection(options: SqliteDatabaseOptions): DatabaseSync {
  const database = new DatabaseSync(options.path, {
    readOnly: true,
    timeout: readerTimeoutMilliseconds,
  });
  setCacheSize(database, options.cacheBytes);
  return database;
}

function configureWrites(database: DatabaseSync, options: SqliteDatabaseOptions): void {
  const synchronous = options.durability === "strict" ? "FULL" : "NORMAL";
  database.exec(`PRAGMA synchronous = ${synchronous}; PRAGMA wal_autocheckpoint = 0`);
  // On macOS fsync leaves data in the drive's cache; these two mean something only there.
  if (options.durability === "strict") {
    database.exec("PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON");
  }
  setCacheSize(database, options.cacheBytes);
  if (options.maximumBytes !== undefined) {
    database.exec(`PRAGMA max_page_count = ${Math.ceil(options.maximumBytes / pageBytes)}`);
  }
}

function setCacheSize(database: DatabaseSync, cacheBytes: number): void {
  // Negative: in KiB instead of pages.
  database.exec(`PRAGMA cache_size = -${Math.ceil(cacheBytes / 1024)}`);
}

/**
 * Bytes of objects and secrets are in it: for nobody else's eyes. SQLite takes an empty file for a new
 * database, and gives its log the same mode.
 */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

/** Runs inside a write transaction, so that of several processes exactly one creates the tables. */
function createSchema(database: DatabaseSync): boolean {
  const found = database.prepare(
    "SELECT application_id AS application, user_version AS version, " +
      "(SELECT count(*) FROM sqlite_schema) AS tables " +
      "FROM pragma_application_id, pragma_user_version",
  );
  const { application, version, tables } = found.get() as Record<string, number>;
  if (application === 0 && version === 0 && tables === 0) {
    database.exec(schema);
    return true;
  }
  if (application !== applicationId) {
    throw new StorageUnavailableError("the file is not a Holdfast store");
  }
  if (version !== schemaVersion) {
    throw new StorageUnavailableError("the store was written by another version of Holdfast");
  }
  return false;
}

/** Makes the new file's name durable: an fsync of the file alone does not promise that. */
function synchronizeDirectory(path: string): void {
  // Windows can neither open nor sync a directory; NTFS journals the name itself.
  if (process.platform === "win32") return;
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const lockTimeoutMilliseconds = 10_000;
const spinMilliseconds = 0.1;
const spinCell = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread. Only for threads that do nothing else than work on the database. */
export function pauseThread(milliseconds: number): void {
  Atomics.wait(spinCell, 0, 0, milliseconds);
}

/**
 * Tries until another process lets go of the lock. SQLite's own waiting backs off up to 100 ms, so
 * that whoever came last wins while others starve; short even pauses share the lock fairly.
 */
export function retryWhileBusy(action: () => void): void {
  const deadline = performance.now() + lockTimeoutMilliseconds;
  for (;;) {
    try {
      action();
      return;
    } catch (error) {
      if (primaryCode(error) !== sqliteBusy) throw error;
      if (performance.now() > deadline) {
        throw new StorageUnavailableError("the store is locked by another process", {
          cause: error,
        });
      }
      pauseThread(spinMilliseconds);
    }
  }
}

// https://www.sqlite.org/rescode.html
const sqliteBusy = 5;
const sqliteFull = 13;
// The log's index could not grow: it is extended before anything is written, so nothing happened.
const sqliteIoErrorShmSize = 4874;

/** What an error of SQLite means to a caller of the store. */
export function toStorageError(error: unknown): Error {
  if (error instanceof StorageUnavailableError || error instanceof StorageFullError) return error;
  if (primaryCode(error) === sqliteFull || extendedCode(error) === sqliteIoErrorShmSize) {
    return new StorageFullError("no space left for the key-value store", { cause: error });
  }
  return new StorageUnavailableError("the key-value store failed", { cause: error });
}

function extendedCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode : undefined;
}

function primaryCode(error: unknown): number | undefined {
  const code = extendedCode(error);
  return code === undefined ? undefined : code & 0xff;
}

// PostgreSQL, and what speaks its protocol: a table of events (`append`), or one that is what the bucket is
// (`namespace`). A batch is one statement, and so one transaction. The table is made if it is not there.

import { checkServerIdentity, type ConnectionOptions } from "node:tls";
import { Pool } from "pg";
import {
  defaultTimeoutSeconds,
  type SettingsOf,
} from "../../../model/notification-destinations.ts";
import { allTaken, type Destination, type Message, type Outcomes } from "../destination.ts";
import { KeptConnection } from "../kept-connection.ts";
import { hostOf, tlsOptions } from "../tls-options.ts";
import { urlWithUser } from "../url-with-user.ts";

const batchMessages = 200;
const connectMilliseconds = 10_000;

export class PostgresqlDestination implements Destination {
  readonly batchLimit = batchMessages;
  readonly #settings: SettingsOf<"postgresql">;
  readonly #table: string;
  readonly #kept: KeptConnection<Pool>;

  constructor(settings: SettingsOf<"postgresql">) {
    this.#settings = settings;
    this.#table = settings.table
      .split(".")
      .map((part) => `"${part}"`)
      .join(".");
    this.#kept = new KeptConnection({
      open: async () => {
        const pool = newPool(settings);
        // An idle connection that ends is no business of anybody: the pool makes another one.
        pool.on("error", () => {});
        try {
          await pool.query(this.#tableDefinition());
        } catch (error) {
          await pool.end();
          throw error;
        }
        return pool;
      },
      close: (pool) => pool.end(),
    });
  }

  async send(messages: readonly Message[], signal: AbortSignal): Promise<Outcomes> {
    return this.#kept.use(signal, async (pool) => {
      if (this.#settings.mode === "append") await this.#append(pool, messages);
      else await this.#apply(pool, messages);
      return allTaken(messages);
    });
  }

  /** An event that is delivered twice is there once. */
  async #append(pool: Pool, messages: readonly Message[]): Promise<void> {
    await pool.query(
      `INSERT INTO ${this.#table} (event_id, event_time, event_data)
       SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::jsonb[])
       ON CONFLICT (event_id) DO NOTHING`,
      [
        messages.map(({ id }) => uuidOf(id)),
        messages.map(({ timeMilliseconds }) => new Date(timeMilliseconds).toISOString()),
        messages.map(({ body }) => body),
      ],
    );
  }

  /** Of one key there is one message in a batch. A test message is about no object. */
  async #apply(pool: Pool, messages: readonly Message[]): Promise<void> {
    const about = messages.filter(({ key }) => key !== "");
    const removals = about.filter(({ isRemoval }) => isRemoval);
    const others = about.filter(({ isRemoval }) => !isRemoval);
    await pool.query(
      `WITH removed AS (DELETE FROM ${this.#table} WHERE key = ANY($1::text[]))
       INSERT INTO ${this.#table} (key, value)
       SELECT * FROM unnest($2::text[], $3::jsonb[])
       ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
      [removals.map(rowKeyOf), others.map(rowKeyOf), others.map(({ body }) => body)],
    );
  }

  #tableDefinition(): string {
    return this.#settings.mode === "append"
      ? `CREATE TABLE IF NOT EXISTS ${this.#table} (event_id uuid PRIMARY KEY, event_time timestamptz NOT NULL, event_data jsonb NOT NULL)`
      : `CREATE TABLE IF NOT EXISTS ${this.#table} (key text PRIMARY KEY, value jsonb NOT NULL)`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#kept[Symbol.asyncDispose]();
  }
}

function rowKeyOf({ bucketName, key }: Message): string {
  // PostgreSQL's texts cannot hold this character; no other key is spelt like that by accident.
  return `${bucketName}/${key.replaceAll("\0", String.raw`\u0000`)}`;
}

/** Ids are UUIDs; a test message has its request's, of 16 characters. */
function uuidOf(id: string): string {
  if (/^[\da-f-]{36}$/i.test(id)) return id;
  const hex = Buffer.from(id.padEnd(16, "0"), "latin1").toString("hex").slice(0, 32);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function newPool(settings: SettingsOf<"postgresql">): Pool {
  const { concurrency = 4, timeoutSeconds = defaultTimeoutSeconds } = settings;
  const url = urlWithUser(settings);
  const ssl = encryptionOf(settings, url.searchParams.get("sslmode"));
  // The library's own reading of it would take the place of `ssl`.
  url.searchParams.delete("sslmode");
  return new Pool({
    connectionString: url.href,
    application_name: "holdfast",
    connectionTimeoutMillis: connectMilliseconds,
    // A connection on which nobody answers any more is closed and not used again.
    query_timeout: timeoutSeconds * 1000,
    max: concurrency,
    ssl,
  });
}

/**
 * `sslmode` means what it means to libpq: `require` encrypts, and checks who issued the certificate
 * when it knows authorities; `verify-ca` checks that always, `verify-full` also the name. Without it, `tls` means
 * `verify-full`. https://www.postgresql.org/docs/current/libpq-ssl.html
 */
function encryptionOf(
  { url, tls }: SettingsOf<"postgresql">,
  mode: string | null,
): ConnectionOptions | false {
  if (mode === "disable" || (mode === null && tls === undefined)) return false;
  const options = tlsOptions(tls);
  const name = tls?.serverName ?? hostOf(new URL(url));
  if (mode === "require" && tls?.ca === undefined) return { ...options, rejectUnauthorized: false };
  const checksName = mode === null || mode === "verify-full";
  return {
    ...options,
    // The library looks for the host's name whatever `servername` says.
    checkServerIdentity: (_, certificate) =>
      checksName ? checkServerIdentity(name, certificate) : undefined,
  };
}

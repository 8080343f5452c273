// The change log: what happened to objects, written in the commit that made it happen, for those who act
// on it later (notifications, replication). It is a set of feeds; each is a queue of rows, read in the
// order of commits and removed when its consumer is done with them. A bucket without a configuration
// that wants changes writes nothing here.
//
// Why nothing is lost: rows are part of the commit, so a change is in its feeds exactly when it happened.
// Why nothing overtakes within a key: changes of one key are serial, and the row of a later one has a
// greater revision; `read` sorts by it. Delivered at least once: a consumer removes rows after its work.

import { randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { decodeCounter } from "../storage/key-value/counter.ts";
import type { Entry, KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { transact } from "../storage/key-value/transaction.ts";
import { keyAfter } from "../storage/key-value/tuple.ts";
import { encodeRecord } from "../storage/record-codec.ts";
import type { BucketDocuments } from "./bucket-documents.ts";
import { encodeChange } from "./change-row.ts";
import type { Sequence } from "./identifiers.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import type { ChangeCause, ChangeEvent, ChangeRecord } from "./records/change-record.ts";
import { decodeChangeRecord } from "./records/change-record.ts";
import { feedOf, keys, ranges } from "./records/keyspace.ts";
import type { VersionRecord } from "./records/object-record.ts";

/** A change as routes judge it, inside the transaction that makes it. */
export interface ObjectChange {
  readonly bucket: BucketRecord;
  readonly key: string;
  /** With the `event` that really happened: of a deletion, whether it made a delete marker. */
  readonly cause: ChangeCause;
  /** What the change makes of the version, or the version that it removes. */
  readonly record: VersionRecord;
  /** Greater than that of every earlier change of the key. */
  readonly sequence: Sequence;
}

/** Where a change goes, as one route says. */
export interface Routed {
  readonly feeds: readonly {
    readonly feed: string;
    /** What the consumer of the feed wants to know beside the change. */
    readonly details?: ChangeRecord["details"];
  }[];
  /** Stored in place of the change's record: the same version, with other facts beside its bytes. */
  readonly record?: VersionRecord;
}

/** The rules of one kind of configuration that wants changes; see `changeRoute`. */
export interface ChangeRoute {
  /** The bucket's document that holds the configuration; without it the route is not asked. */
  readonly document: string;
  /** At once where the configuration is kept: a commit that a client waits for takes no detour. */
  readonly judge: (
    documents: BucketDocuments,
    change: ObjectChange,
  ) => Promise<Routed | undefined> | Routed | undefined;
}

/** A route of pure rules. `route` answers `undefined` for what is none of its business. */
export function changeRoute<Configuration>(rules: {
  readonly document: string;
  readonly parse: (text: string) => Configuration;
  readonly route: (configuration: Configuration, change: ObjectChange) => Routed | undefined;
}): ChangeRoute {
  const { document, parse, route } = rules;
  return {
    document,
    judge(documents, change) {
      const kept = documents.getKept(change.bucket, document, parse);
      if (kept !== undefined) return route(kept, change);
      return documents
        .get(change.bucket, document, parse)
        .then((read) => (read === undefined ? undefined : route(read, change)));
    },
  };
}

/** A row of a feed. */
export interface FeedRow {
  /** Of the row: what `finish` takes. */
  readonly key: Uint8Array;
  readonly revision: number;
  readonly change: ChangeRecord;
}

export interface FeedSize {
  readonly feed: string;
  readonly rows: number;
}

interface FeedListener {
  readonly prefix: string;
  readonly call: () => void;
  /** Whether such a feed got a row since it was called. */
  hasNews: boolean;
}

const largestBatch = 4096;
/** Rows that one commit removes. */
const finishedTogether = 128;
const microsecondsPerMillisecond = 1000;
const feedsLimit = 10_000;

export class ChangeLog {
  readonly #store: KeyValueStore;
  readonly #documents: BucketDocuments;
  readonly #routes: readonly ChangeRoute[];
  /** Of this process, so that no other makes the same ids. */
  readonly #rowPrefix = randomBytes(9).toString("base64url");
  #rowCount = 0;
  readonly #listeners = new Set<FeedListener>();

  constructor(options: {
    readonly store: KeyValueStore;
    readonly documents: BucketDocuments;
    readonly routes: readonly ChangeRoute[];
  }) {
    this.#store = options.store;
    this.#documents = options.documents;
    this.#routes = options.routes;
  }

  /** Whether changes of the bucket's objects are wanted at all. */
  isFor({ documents }: BucketRecord): boolean {
    if (documents === undefined) return false;
    for (const { document } of this.#routes) if (documents[document] !== undefined) return true;
    return false;
  }

  /**
   * Writes a change into the feeds that want it, and answers the record to store. Only for buckets that
   * `isFor` is true of. `region` and such are the consumer's to know.
   */
  async append<Version extends VersionRecord>(
    transaction: Transaction,
    change: Omit<ObjectChange, "record">,
    record: Version,
  ): Promise<Version> {
    let stored = record;
    const wanted: Routed["feeds"][number][] = [];
    for (const route of this.#routes) {
      if (change.bucket.documents?.[route.document] === undefined) continue;
      const { bucket, key, cause, sequence } = change;
      const judged = route.judge(this.#documents, { bucket, key, cause, sequence, record: stored });
      const routed = judged instanceof Promise ? await judged : judged;
      if (routed === undefined) continue;
      wanted.push(...routed.feeds);
      if (routed.record !== undefined) stored = routed.record as Version; // the same version's
    }
    for (const { feed } of wanted) this.#note(feed);
    for (const { feed, details } of wanted) {
      const row = encodeChange(change, stored, details);
      transaction.set(keys.change(feed, change.sequence, this.#newRowId()), row);
      transaction.add(keys.feedSize(feed), 1);
    }
    return stored;
  }

  /** Puts a row into a feed that no change made: an event of a worker, a test message, a replay. */
  add(transaction: Transaction, feed: string, row: ChangeRecord): void {
    const sequence = Number.parseInt(row.sequencer, 16);
    transaction.set(keys.change(feed, sequence, this.#newRowId()), encodeRecord(row));
    transaction.add(keys.feedSize(feed), 1);
  }

  /** To be called when a change of a bucket that `isFor` is true of was committed. */
  announce(): void {
    for (const listener of this.#listeners) {
      if (!listener.hasNews) continue;
      listener.hasNews = false;
      listener.call();
    }
  }

  /**
   * `call` is called whenever this process has committed changes to feeds whose names begin with
   * `prefix`; the answer ends that.
   */
  onChange(prefix: string, call: () => void): () => void {
    const listener = { prefix, call, hasNews: false };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #note(feed: string): void {
    for (const listener of this.#listeners) {
      listener.hasNews ||= feed.startsWith(listener.prefix);
    }
  }

  /**
   * Rows of a feed, oldest commit first, after a row that was read before. About `limit`: all that were
   * made in the millisecond of the last one are read with it, since only their revisions order them.
   * Rows may appear at places that were passed: begin again from the start in the end.
   */
  async read(
    feed: string,
    options: { readonly after?: Uint8Array | undefined; readonly limit: number },
  ): Promise<{ readonly rows: readonly FeedRow[]; readonly next: Uint8Array | undefined }> {
    const range = ranges.changes(feed);
    const start = options.after === undefined ? range.start : keyAfter(options.after);
    const limit = Math.min(options.limit, largestBatch);
    const entries = await this.#range({ start, end: range.end }, limit);
    const last = entries.at(-1);
    let next: Uint8Array | undefined;
    if (last !== undefined && entries.length === limit) {
      const end = ranges.changesUntil(feed, endOfMillisecond(last)).end;
      entries.push(...(await this.#range({ start: keyAfter(last.key), end }, largestBatch)));
      next = entries.at(-1)?.key;
    }
    const rows = entries.map(({ key, revision, value }) => ({
      key,
      revision,
      change: decodeChangeRecord(value),
    }));
    return { rows: rows.toSorted((a, b) => a.revision - b.revision), next };
  }

  /**
   * Removes rows whose work is done. Of rows that somebody else has removed nothing happens; `more`
   * joins the commit, is told which rows it removes, and may run again. Without it the rows go in several commits: one of many rows
   * would hold up those of requests.
   */
  async finish<Row extends Pick<FeedRow, "key" | "revision">>(
    feed: string,
    rows: readonly Row[],
    more?: (transaction: Transaction, removed: readonly Row[]) => void | Promise<void>,
  ): Promise<void> {
    if (more !== undefined) {
      await this.#remove(feed, rows, more);
      return;
    }
    for (let from = 0; from < rows.length; from += finishedTogether) {
      await this.#remove(feed, rows.slice(from, from + finishedTogether));
    }
  }

  async #remove<Row extends Pick<FeedRow, "key" | "revision">>(
    feed: string,
    rows: readonly Row[],
    more?: (transaction: Transaction, removed: readonly Row[]) => void | Promise<void>,
  ): Promise<void> {
    let isFirst = true;
    await transact(this.#store, async (transaction) => {
      // A row never changes. That nobody has removed one is for the commit to see, which costs no read;
      // only when somebody has, they are looked for.
      const present = isFirst ? rows : await findPresent(transaction, rows);
      for (const { key, revision } of present) {
        if (isFirst) transaction.check(key, revision);
        transaction.delete(key);
      }
      isFirst = false;
      if (present.length > 0) transaction.add(keys.feedSize(feed), -present.length);
      await more?.(transaction, present);
    });
  }

  /** Every feed that ever had a row, and how many it has now. */
  async sizes(prefix = ""): Promise<readonly FeedSize[]> {
    const entries = await this.#range(ranges.feedSizes(prefix), feedsLimit);
    return entries.map(({ key, value }) => ({ feed: feedOf(key), rows: decodeCounter(value) }));
  }

  /** Tells rows of one moment apart, whoever made them. */
  #newRowId(): string {
    this.#rowCount += 1;
    return `${this.#rowPrefix}${this.#rowCount.toString(36)}`;
  }

  async #range(range: { start: Uint8Array; end: Uint8Array }, limit: number): Promise<Entry[]> {
    const { ranges: found } = await this.#store.read({ ranges: [{ ...range, limit }] });
    return [...(found[0] ?? [])];
  }
}

/** Of a change that no request asked for. S3's own events name the service as who and where. */
export function serverCause(event: ChangeEvent, clock: Clock): ChangeCause {
  return {
    event,
    timeMilliseconds: clock.now(),
    requestId: randomBytes(8).toString("hex").toUpperCase(),
    hostId: "",
    principalId: "s3.amazonaws.com",
    sourceAddress: "s3.amazonaws.com",
  };
}

function endOfMillisecond({ value }: Entry): Sequence {
  const sequence = Number.parseInt(decodeChangeRecord(value).sequencer, 16);
  return (Math.floor(sequence / microsecondsPerMillisecond) + 1) * microsecondsPerMillisecond;
}

async function findPresent<Row extends Pick<FeedRow, "key">>(
  transaction: Transaction,
  rows: readonly Row[],
): Promise<readonly Row[]> {
  const values = await transaction.getMany(rows.map(({ key }) => key));
  return rows.filter((_, index) => values[index] !== undefined);
}

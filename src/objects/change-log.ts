// The change log: what happened to objects, written in the commit that made it happen, for those who act
// on it later (notifications, replication). It is a set of feeds; each is a queue of rows, read in the
// order of commits and removed when its consumer is done with them. A bucket without a configuration
// that wants changes writes nothing here.
//
// Why nothing is lost: rows are part of the commit, so a change is in its feeds exactly when it happened.
// Why nothing overtakes within a key: changes of one key are serial, and `read` has the order of their
// commits. Delivered at least once: a consumer removes rows after its work.

import { randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { decodeCounter } from "../storage/key-value/counter.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { transact } from "../storage/key-value/transaction.ts";
import { encodeRecord } from "../storage/record-codec.ts";
import type { BucketDocuments } from "./bucket-documents.ts";
import { encodeChange } from "./change-row.ts";
import {
  byEntry,
  readQueue,
  readRows,
  removeParts,
  type FeedPage,
  type FeedRows,
  type RowPlace,
} from "./feed-rows.ts";
import type { Sequence } from "./identifiers.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import type { ChangeCause, ChangeEvent, ChangeRecord } from "./records/change-record.ts";
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

/** Entries that one commit removes. */
const finishedTogether = 8;
const feedsLimit = 10_000;

export class ChangeLog {
  readonly #store: KeyValueStore;
  readonly #documents: BucketDocuments;
  readonly #routes: readonly ChangeRoute[];
  readonly #isQueue: (feed: string) => boolean;
  /** Of this process, so that no other makes the same ids. */
  readonly #rowPrefix = randomBytes(9).toString("base64url");
  #rowCount = 0;
  /** By feed. */
  readonly #keys = new Map<string, { readonly queue: Uint8Array; readonly size: Uint8Array }>();
  readonly #listeners = new Set<FeedListener>();

  constructor(options: {
    readonly store: KeyValueStore;
    readonly documents: BucketDocuments;
    readonly routes: readonly ChangeRoute[];
    /** Which feeds are queues of the store: see feed-rows.ts. */
    readonly isQueue?: (feed: string) => boolean;
  }) {
    this.#isQueue = options.isQueue ?? (() => false);
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
   * Writes a change into the feeds that want it, and answers the record to store; usually at once. Only
   * for buckets that `isFor` is true of. `region` and such are the consumer's to know.
   */
  append<Version extends VersionRecord>(
    transaction: Transaction,
    change: Omit<ObjectChange, "record">,
    record: Version,
  ): Promise<Version> | Version {
    const { bucket, key, cause, sequence } = change;
    const wanted: Routed["feeds"][number][] = [];
    let stored = record;
    const take = (routed: Routed | undefined): void => {
      if (routed === undefined) return;
      wanted.push(...routed.feeds);
      if (routed.record !== undefined) stored = routed.record as Version; // the same version's
    };
    const judgeFrom = (first: number): Promise<Version> | Version => {
      for (let index = first; index < this.#routes.length; index += 1) {
        const route = this.#routes[index] as ChangeRoute;
        if (bucket.documents?.[route.document] === undefined) continue;
        const own = { bucket, key, cause, sequence, record: stored };
        const judged = route.judge(this.#documents, own);
        if (judged instanceof Promise) {
          return judged.then((routed) => {
            take(routed);
            return judgeFrom(index + 1);
          });
        }
        take(judged);
      }
      for (const { feed, details } of wanted) {
        this.#note(feed);
        this.#put(transaction, feed, sequence, encodeChange(change, stored, details));
      }
      return stored;
    };
    return judgeFrom(0);
  }

  /** Puts a row into a feed that no change made: an event of a worker, a test message, a replay. */
  add(transaction: Transaction, feed: string, row: ChangeRecord): void {
    this.#put(transaction, feed, Number.parseInt(row.sequencer, 16), encodeRecord(row));
  }

  #put(transaction: Transaction, feed: string, sequence: Sequence, row: Uint8Array): void {
    let known = this.#keys.get(feed);
    if (known === undefined) {
      known = { queue: keys.feed(feed), size: keys.feedSize(feed) };
      if (this.#keys.size >= feedsLimit) this.#keys.clear();
      this.#keys.set(feed, known);
    }
    const { queue, size } = known;
    if (this.#isQueue(feed)) {
      transaction.append({ queue, value: row, counter: size });
      return;
    }
    transaction.set(keys.change(feed, sequence, this.#newRowId()), row);
    transaction.add(size, 1);
  }

  /** Tells rows of one moment apart, whoever made them. */
  #newRowId(): string {
    this.#rowCount += 1;
    return `${this.#rowPrefix}${this.#rowCount.toString(36)}`;
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
   * Rows of a feed in the order of their commits, from the beginning or from where a page before ended
   * (`next`; `undefined`: with the last row). About `limit`: those that lie together, or that only their
   * revisions order, are read together. Rows may appear at places that were passed: begin again from the
   * start in the end.
   */
  read(feed: string, page: FeedPage): Promise<FeedRows> {
    return this.#isQueue(feed)
      ? readQueue(this.#store, feed, page)
      : readRows(this.#store, feed, page);
  }

  /**
   * Removes rows whose work is done. Of rows that somebody else has removed nothing happens; `more`
   * joins the commit, is told which rows it removes, and may run again. Without it the rows go in several
   * commits: one of many rows would hold up those of requests.
   */
  async finish<Row extends RowPlace>(
    feed: string,
    rows: readonly Row[],
    more?: (transaction: Transaction, removed: readonly Row[]) => void | Promise<void>,
  ): Promise<void> {
    const groups = byEntry(rows);
    if (more !== undefined) {
      await this.#remove(feed, groups, more);
      return;
    }
    for (let from = 0; from < groups.length; from += finishedTogether) {
      await this.#remove(feed, groups.slice(from, from + finishedTogether));
    }
  }

  async #remove<Row extends RowPlace>(
    feed: string,
    groups: readonly (readonly Row[])[],
    more?: (transaction: Transaction, removed: readonly Row[]) => void | Promise<void>,
  ): Promise<void> {
    let isFirst = true;
    await transact(this.#store, async (transaction) => {
      const removed: Row[] = [];
      // Usually all rows of an entry are done, and nobody has touched it. That is for the commit to see,
      // which costs no read; only when it is otherwise, entries are read again.
      const parts: (readonly Row[])[] = [];
      for (const group of groups) {
        const { entry } = group[0] as Row; // no group is empty
        if (!isFirst || group.length < entry.rows) {
          parts.push(group);
          continue;
        }
        transaction.check(entry.key, entry.revision);
        transaction.delete(entry.key);
        removed.push(...group);
      }
      isFirst = false;
      removed.push(...(await removeParts(transaction, parts)));
      if (removed.length > 0) transaction.add(keys.feedSize(feed), -removed.length);
      await more?.(transaction, removed);
    });
  }

  /** Every feed that ever had a row, and how many it has now. */
  async sizes(prefix = ""): Promise<readonly FeedSize[]> {
    const range = { ...ranges.feedSizes(prefix), limit: feedsLimit };
    const entries = (await this.#store.read({ ranges: [range] })).ranges[0] ?? [];
    return entries.map(({ key, value }) => ({ feed: feedOf(key), rows: decodeCounter(value) }));
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

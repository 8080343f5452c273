// The contract of an ordered transactional key-value store: two data calls, nothing else.
// Transactions with retry are written once above it (transaction.ts); drivers know nothing of S3.

/** A version of one key. Grows with every write to the store; equal revisions mean equal values. */
export type Revision = number;

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly revision: Revision;
}

/** Entries with `start <= key < end` in byte order, or in descending order when `reverse` is set. */
export interface RangeRead {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  /** At most this many entries; a positive integer. */
  readonly limit: number;
  readonly reverse?: boolean;
  /**
   * One entry stands for its group: after an entry whose key holds `separator` at or behind the byte
   * `offset`, the read goes on behind every key that begins with the bytes up to and including that
   * separator. A listing of a million keys below a thousand prefixes so reads a thousand entries.
   * Not together with `reverse`. The separator is not empty.
   */
  readonly groups?: { readonly offset: number; readonly separator: Uint8Array };
}

export interface ReadRequest {
  readonly gets?: readonly Uint8Array[];
  readonly ranges?: readonly RangeRead[];
}

export interface ReadResult {
  /** One for each requested key, in the order of the request; `undefined` for an absent key. */
  readonly gets: readonly (Entry | undefined)[];
  /** One for each requested range, in the order of the request. */
  readonly ranges: readonly (readonly Entry[])[];
}

/** The key must still have this revision at the moment of the commit; `null`: must still be absent. */
export interface Check {
  readonly key: Uint8Array;
  readonly revision: Revision | null;
}

/**
 * Puts a value behind all that were ever appended to a queue. It comes to lie in an entry (see
 * `queue-entry.ts`) whose key begins with `queue`; in the order of their keys the entries of a queue have
 * the values in the order of the commits. Values of several writes may share an entry.
 */
export interface QueueAppend {
  readonly queue: Uint8Array;
  /** Not empty. */
  readonly value: Uint8Array;
  /** A counter that grows by one with it, as by an addition; neither set nor deleted by the request. */
  readonly counter: Uint8Array;
}

/**
 * Deletes are applied after sets. The key of an addition stands nowhere else in the request: not in
 * sets, deletes or another addition (it may be checked).
 */
export interface WriteRequest {
  readonly checks: readonly Check[];
  readonly sets: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[];
  readonly deletes: readonly Uint8Array[];
  /**
   * Adds to the signed 64-bit counters stored under these keys (8 bytes, big-endian, see
   * `counter.ts`); an absent counter is 0. Commutative: needs no check, never conflicts.
   * Adding to a value that is not a counter, or past a safe integer, is a caller's bug: the write
   * rejects with an AssertionError and nothing of it happens.
   */
  readonly additions: readonly { readonly key: Uint8Array; readonly delta: number }[];
  /** Commutative too. */
  readonly appends?: readonly QueueAppend[];
}

/**
 * `false`: a check did not hold and nothing was written. The revision is the one that every key
 * written by this request now has; a request of checks alone answers the newest revision.
 */
export type WriteResult =
  | { readonly committed: true; readonly revision: Revision }
  | { readonly committed: false };

/**
 * Guarantees of every driver, proven by `tests/contracts/key-value-suite.ts`:
 * - `read` sees one consistent snapshot, which holds every write that was acknowledged anywhere (this
 *   process, another worker, another gateway) before the call began.
 * - `write` is atomic (all or nothing), serializable with every other write, and durable when it
 *   resolves, unless the store was opened in relaxed durability.
 * - After `write` rejects, the write either happened whole or not at all (`StorageUnavailableError`),
 *   or surely not at all (`StorageFullError`).
 * - The store never keeps a reference to a caller's arrays after the call returned its promise's
 *   value, and the returned arrays belong to the caller.
 */
export interface KeyValueStore extends AsyncDisposable {
  read(request: ReadRequest): Promise<ReadResult>;
  write(request: WriteRequest): Promise<WriteResult>;
}

// Server access logging is told of a request when its answer is about to leave. A request about buckets
// that nobody logs costs a look at what is known of them.

import type { Clock } from "../base/clock.ts";
import type { AccessEntry, AccessOutcome } from "../objects/access-log.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { SourceNote } from "../operations/request-notes.ts";
import {
  describeAccess,
  describeDeletion,
  describeSource,
  isLogged,
  type BegunAnswer,
  type LoggedBucket,
} from "./access-entry.ts";
import type { Exchange } from "./exchange.ts";
import { elapsedOf } from "./request-record.ts";

/** How an answer has left. */
export type AnswerEnd = Omit<AccessOutcome, "requestId">;

/** Who keeps records. Called for requests about buckets that are logged, but for `defer`. */
export interface AccessRecorder {
  /** Keeps the entry before it returns. */
  begin(entry: AccessEntry): void;
  /** Entries that have no answer of their own. */
  add(...entries: readonly AccessEntry[]): void;
  /** The answer to the request of an entry has left. */
  end(requestId: string, end: AnswerEnd): void;
  /** Does what need not be done before the answer; nothing while too much of it waits. */
  defer(work: () => Promise<void>): void;
}

interface RecordDependencies {
  readonly accessLog?: AccessRecorder | undefined;
  readonly store: ObjectStore;
  readonly clock: Clock;
}

/** Begins a record where a bucket wants one. The answer is to be called when it has left. */
export function recordAccess(
  exchange: Exchange,
  answer: Pick<BegunAnswer, "status" | "headers">,
  { accessLog, store, clock }: RecordDependencies,
): ((sentBytes: number) => void) | undefined {
  const { address, notes, isControl } = exchange;
  const name = address?.bucket;
  if (accessLog === undefined || name === undefined || isControl) return undefined;
  if (notes?.source !== undefined) recordSource(exchange, notes.source, { accessLog, store });
  // What the request itself has just read: nothing is read for it once more.
  const bucket = store.buckets.guess(name) ?? notes?.deletedBucket;
  const isKnown = isLogged(bucket);
  if (!isKnown && !isUnseen(exchange, answer.status)) return undefined;
  const elapsedMilliseconds = elapsedOf(clock) - exchange.startedElapsed;
  const begun = { ...answer, elapsedMilliseconds };
  const endOf = (sentBytes: number): AnswerEnd => ({
    sentBytes,
    totalMilliseconds: elapsedOf(clock) - exchange.startedElapsed,
    errorCode: answer.status < 300 ? exchange.errorCode : undefined,
  });
  if (isKnown) {
    recordRequest(exchange, bucket, begun, accessLog);
    return (sentBytes) => accessLog.end(exchange.requestId, endOf(sentBytes));
  }
  return (sentBytes) => {
    const end = endOf(sentBytes);
    accessLog.defer(async () => {
      const found = await store.buckets.find(name);
      if (!isLogged(found)) return;
      recordRequest(exchange, found, begun, accessLog);
      accessLog.end(exchange.requestId, end);
    });
  };
}

function recordRequest(
  exchange: Exchange,
  bucket: LoggedBucket,
  answer: BegunAnswer,
  accessLog: AccessRecorder,
): void {
  accessLog.begin(describeAccess(exchange, bucket, answer));
  const { deletions } = exchange.notes ?? {};
  if (deletions === undefined) return;
  accessLog.add(
    ...deletions.map((note, index) =>
      describeDeletion(exchange, bucket, { note, part: index + 1 }),
    ),
  );
}

function recordSource(
  exchange: Exchange,
  source: SourceNote,
  { accessLog, store }: { readonly accessLog: AccessRecorder; readonly store: ObjectStore },
): void {
  const bucket = store.buckets.guess(source.bucketName);
  if (isLogged(bucket)) accessLog.add(describeSource(exchange, bucket, source));
}

/** Refused before anybody looked at the bucket: what is known of it may be nothing, or old. */
function isUnseen({ facts }: Exchange, status: number): boolean {
  return status >= 400 && facts?.isUsed !== true;
}

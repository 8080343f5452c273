// Server access logging: what a record says, how it is written ("Amazon S3 server access log format",
// User Guide, LogFormat.html), and how log objects are named. Pure rules.

import { createHash } from "node:crypto";
import type { LoggingSettings } from "./records/logging-record.ts";

/** A request of a bucket that is logged, as it was about to be answered. */
export interface AccessEntry {
  readonly requestId: string;
  readonly receivedMilliseconds: number;
  readonly bucket: string;
  /** Canonical id. */
  readonly bucketOwner: string;
  readonly bucketOwnerAccount: string;
  readonly target: LoggingSettings;
  readonly remoteAddress?: string;
  /** Canonical id of a root, ARN of others; absent: nobody signed. */
  readonly requester?: string;
  /** `REST.GET.OBJECT`. */
  readonly operation: string;
  readonly key?: string;
  /** `GET /photos/cat.jpg HTTP/1.1`. */
  readonly requestLine?: string;
  readonly status?: number;
  readonly errorCode?: string;
  readonly objectBytes?: number;
  readonly turnAroundMilliseconds?: number;
  readonly referer?: string;
  readonly userAgent?: string;
  readonly versionId?: string;
  readonly hostId?: string;
  readonly signatureVersion?: "SigV2" | "SigV4";
  readonly cipherSuite?: string;
  readonly authentication?: "AuthHeader" | "QueryString";
  readonly hostHeader?: string;
  readonly tlsVersion?: string;
  readonly isAclRequired?: boolean;
}

/** What is known when the answer has left. */
export interface AccessOutcome {
  readonly requestId: string;
  readonly sentBytes: number;
  readonly totalMilliseconds: number;
}

/** An entry whose answer was still leaving when its segment was put aside: it stands in the next one. */
export interface MovedEntry {
  readonly requestId: string;
  readonly isMoved: true;
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** One line, without its line break. `outcome`: `undefined` when the process died before the end. */
export function formatAccessLine(entry: AccessEntry, outcome: AccessOutcome | undefined): string {
  return [
    entry.bucketOwner,
    entry.bucket,
    `[${formatTime(entry.receivedMilliseconds)}]`,
    orDash(entry.remoteAddress),
    orDash(entry.requester),
    entry.requestId,
    entry.operation,
    entry.key === undefined ? "-" : encodeKey(entry.key),
    quote(entry.requestLine),
    orDash(entry.status),
    orDash(entry.errorCode),
    orDash(outcome?.sentBytes === 0 ? undefined : outcome?.sentBytes),
    orDash(entry.objectBytes),
    orDash(outcome && Math.round(outcome.totalMilliseconds)),
    orDash(entry.turnAroundMilliseconds && Math.round(entry.turnAroundMilliseconds)),
    // "This is a quoted string"; the dash of the examples is inside.
    quote(entry.referer ?? "-"),
    quote(entry.userAgent ?? "-"),
    orDash(entry.versionId),
    orDash(entry.hostId),
    orDash(entry.signatureVersion),
    orDash(entry.cipherSuite),
    orDash(entry.authentication),
    orDash(entry.hostHeader?.replaceAll(/\s/g, "")),
    orDash(entry.tlsVersion),
    // There are no access points.
    "-",
    entry.isAclRequired === true ? "Yes" : "-",
  ].join(" ");
}

/** Takes the proof of who asked out of a request target: it would let anybody ask again. */
export function redactTarget(target: string): string {
  return target.replaceAll(
    /([?&](?:X-Amz-Signature|X-Amz-Security-Token|Signature)=)[^&]*/gi,
    "$1REDACTED",
  );
}

/** Lines of one object, in the order in which their requests came. */
export interface LogObject {
  readonly sourceBucket: string;
  readonly sourceAccount: string;
  readonly target: LoggingSettings;
  readonly key: string;
  readonly text: string;
}

/** `lines` as they were spooled: entries, and outcomes by request id. `id` names the segment. */
export function composeLogObjects(
  id: string,
  lines: readonly string[],
  where: { readonly region: string },
): readonly LogObject[] {
  const entries = new Map<string, AccessEntry>();
  const outcomes = new Map<string, AccessOutcome>();
  for (const line of lines) {
    const read = JSON.parse(line) as AccessEntry | AccessOutcome | MovedEntry;
    if ("sentBytes" in read) outcomes.set(read.requestId, read);
    else if ("isMoved" in read) entries.delete(read.requestId);
    else entries.set(read.requestId, read);
  }
  const groups = new Map<string, AccessEntry[]>();
  for (const entry of entries.values()) {
    const { target, bucket, bucketOwnerAccount } = entry;
    const day = target.keyFormat === "by-event-time" ? dayOf(entry.receivedMilliseconds) : "";
    const name = JSON.stringify([bucket, bucketOwnerAccount, target, day]);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [entry]);
    else group.push(entry);
  }
  return [...groups].map(([name, group]) => {
    const ordered = group.toSorted((a, b) => a.receivedMilliseconds - b.receivedMilliseconds);
    const first = ordered[0] as AccessEntry; // a group is made with one
    const last = ordered.at(-1) as AccessEntry;
    const unique = createHash("sha256").update(`${id} ${name}`).digest("hex").slice(0, 16);
    return {
      sourceBucket: first.bucket,
      sourceAccount: first.bucketOwnerAccount,
      target: first.target,
      key: nameLogObject(first, last.receivedMilliseconds, unique.toUpperCase(), where.region),
      text: ordered
        .map((entry) => `${formatAccessLine(entry, outcomes.get(entry.requestId))}\n`)
        .join(""),
    };
  });
}

/**
 * The same for the same segment, so that a delivery that is repeated writes no second object. Its time is
 * that of the last record. "Log object key format" (User Guide, ServerLogs.html).
 */
function nameLogObject(
  { target, bucket, bucketOwnerAccount }: AccessEntry,
  milliseconds: number,
  unique: string,
  region: string,
): string {
  const { targetPrefix, keyFormat = "simple" } = target;
  const day = dayOf(milliseconds);
  const time = new Date(milliseconds).toISOString().slice(11, 19).replaceAll(":", "-");
  if (keyFormat === "simple") return `${targetPrefix}${day}-${time}-${unique}`;
  const folder = `${targetPrefix}${bucketOwnerAccount}/${region}/${bucket}/${day.replaceAll("-", "/")}`;
  // "For EventTime, the hour, minutes and seconds are set to 00."
  return `${folder}/${day}-${keyFormat === "by-event-time" ? "00-00-00" : time}-${unique}`;
}

function dayOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}

/** `06/Feb/2019:00:00:38 +0000` */
function formatTime(milliseconds: number): string {
  const time = new Date(milliseconds);
  const day = String(time.getUTCDate()).padStart(2, "0");
  const clock = time.toISOString().slice(11, 19);
  return `${day}/${months[time.getUTCMonth()]}/${time.getUTCFullYear()}:${clock} +0000`;
}

/** "The key part of the request, URL encoded": once more where the target has it encoded already. */
function encodeKey(key: string): string {
  return encodeURIComponent(key).replaceAll("%2F", "/");
}

function orDash(value: string | number | undefined): string {
  return value === undefined || value === "" ? "-" : String(value);
}

/** A quotation mark of a client's own must not end the field, nor a line break the record. */
function quote(value: string | undefined): string {
  if (value === undefined) return '"-"';
  return `"${value.replaceAll('"', "%22").replaceAll(/\p{Cc}/gu, " ")}"`;
}

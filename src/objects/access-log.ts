// Server access logging: what a record says, how it is written ("Amazon S3 server access log format",
// User Guide, LogFormat.html), and how log objects are named. Pure rules.

import { createHash } from "node:crypto";
import type { LoggingSettings } from "./records/logging-record.ts";

/** A request of a bucket that is logged, as it was about to be answered. */
export interface AccessEntry {
  readonly requestId: string;
  /** Which part of the request this is about (the source of a copy, a key of a batch); absent: all of it. */
  readonly part?: number;
  readonly receivedMilliseconds: number;
  readonly bucket: string;
  /** Canonical id. */
  readonly bucketOwner: string;
  readonly bucketOwnerAccount: string;
  readonly target: LoggingSettings;
  readonly remoteAddress?: string;
  /** Canonical id of a root, ARN of others, name of a service; absent: nobody signed. */
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
  /** Of a failure after the answer had begun. */
  readonly errorCode?: string | undefined;
}

/** An entry whose answer was still leaving when its segment was put aside: it stands in the next one. */
export interface MovedEntry {
  readonly requestId: string;
  readonly isMoved: true;
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** One line, without its line break. `outcome`: `undefined` when the process died before the end. */
export function formatAccessLine(entry: AccessEntry, outcome: AccessOutcome | undefined): string {
  // Of parts of requests these three are bare dashes, as S3 writes them; else dashes inside the quotes.
  const absent = entry.part === undefined ? '"-"' : "-";
  return [
    entry.bucketOwner,
    entry.bucket,
    `[${formatTime(entry.receivedMilliseconds)}]`,
    orDash(entry.remoteAddress),
    orDash(entry.requester),
    entry.requestId,
    entry.operation,
    entry.key === undefined ? "-" : encodeKey(entry.key, entry.requestLine !== undefined),
    quote(entry.requestLine, absent),
    orDash(entry.status),
    orDash(entry.errorCode ?? outcome?.errorCode),
    orDash(outcome?.sentBytes === 0 ? undefined : outcome?.sentBytes),
    orDash(entry.objectBytes),
    orDash(outcome && Math.round(outcome.totalMilliseconds)),
    orDash(entry.turnAroundMilliseconds && Math.round(entry.turnAroundMilliseconds)),
    quote(entry.referer, absent),
    quote(entry.userAgent, absent),
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
    // The region that a request comes from: "-" for what does not come out of AWS.
    "-",
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
    else entries.set(nameOf(read), read);
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
        .map((entry) => `${formatAccessLine(entry, outcomes.get(nameOf(entry)))}\n`)
        .join(""),
    };
  });
}

/** What the answer was has to do with the whole request alone. */
function nameOf({ requestId, part }: AccessEntry): string {
  return part === undefined ? requestId : `${requestId}/${part}`;
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

/**
 * "The key part of the request, URL encoded": as forms are. A request's target has it encoded already, so
 * that it is encoded twice there, and once where it comes from elsewhere: keys of a batch, lifecycle
 * rules (engineeringblog.yelp.com/2025/09/s3-server-access-logs-at-scale.html, "Idiosyncrasy in key
 * encoding"; elastic/integrations#13486 shows `Screen+Shot…` of a batch).
 */
function encodeKey(key: string, isOfTarget: boolean): string {
  const encoded = encodePath(key);
  const once = isOfTarget ? encodePath(encoded) : encoded.replaceAll("%20", "+");
  return once.replaceAll("~", "%7E");
}

function encodePath(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll(/[!'()]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%2F", "/");
}

function orDash(value: string | number | undefined): string {
  return value === undefined || value === "" ? "-" : String(value);
}

/** By design: S3 lets a client's own quotation mark end the field, and what follows pass for others. */
function quote(value: string | undefined, absent: string): string {
  if (value === undefined) return absent;
  return `"${value.replaceAll('"', "%22").replaceAll(/\p{Cc}/gu, " ")}"`;
}

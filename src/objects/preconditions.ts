// Conditional requests as pure rules: RFC 9110 as S3 applies it to reads, copies, writes and deletes.

import { S3Error } from "../model/errors.ts";

export interface ReadConditions {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly ifModifiedSince?: Date | undefined;
  readonly ifUnmodifiedSince?: Date | undefined;
}

export interface WriteConditions {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

export interface Judged {
  readonly etag: string;
  readonly lastModifiedMilliseconds: number;
}

/**
 * What a conditional read answers. If-Match outranks If-Unmodified-Since and If-None-Match outranks
 * If-Modified-Since (GetObject, "Additional considerations about request headers").
 */
export function judgeRead(
  conditions: ReadConditions,
  object: Judged,
): "proceed" | "not-modified" | { readonly failed: string } {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  if (ifMatch !== undefined) {
    if (!matchesEtag(ifMatch, object.etag)) return { failed: "If-Match" };
  } else if (ifUnmodifiedSince !== undefined && isModifiedSince(object, ifUnmodifiedSince)) {
    return { failed: "If-Unmodified-Since" };
  }
  if (ifNoneMatch !== undefined) {
    if (matchesEtag(ifNoneMatch, object.etag)) return "not-modified";
  } else if (ifModifiedSince !== undefined && !isModifiedSince(object, ifModifiedSince)) {
    return "not-modified";
  }
  return "proceed";
}

/** Whether a range may be taken, or the whole object is the answer (RFC 9110, 13.1.5). */
export function matchesIfRange(validator: string, object: Judged): boolean {
  const text = validator.trim();
  if (text === object.etag || text === `"${object.etag}"`) return true;
  return !text.startsWith('"') && Date.parse(text) === object.lastModifiedMilliseconds;
}

/** Throws S3Error PreconditionFailed; a copy's source never answers 304 (CopyObject). */
export function checkCopySource(conditions: ReadConditions, object: Judged): void {
  const verdict = judgeRead(conditions, object);
  if (verdict === "proceed") return;
  if (verdict !== "not-modified") {
    throw preconditionFailed(`x-amz-copy-source-${verdict.failed}`);
  }
  const condition = conditions.ifNoneMatch === undefined ? "If-Modified-Since" : "If-None-Match";
  throw preconditionFailed(`x-amz-copy-source-${condition}`);
}

/** Refuses what S3 refuses before it looks at the object: If-None-Match takes `*` alone on writes. */
export function checkWriteConditionForm(conditions: WriteConditions): void {
  const { ifMatch, ifNoneMatch } = conditions;
  if (ifNoneMatch !== undefined && ifNoneMatch.trim() !== "*") {
    throw notImplementedCondition("If-None-Match");
  }
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw notImplementedCondition("If-None-Match");
  }
}

/**
 * Judges a write against the current version (`undefined`: none, or a delete marker). Throws
 * PreconditionFailed, or NoSuchKey for If-Match without an object (User Guide, conditional writes).
 */
export function checkWrite(
  conditions: WriteConditions,
  current: Judged | undefined,
  key: string,
): void {
  const { ifMatch, ifNoneMatch } = conditions;
  if (ifNoneMatch !== undefined && current !== undefined) {
    throw preconditionFailed("If-None-Match");
  }
  if (ifMatch === undefined) return;
  if (current === undefined) throw new S3Error("NoSuchKey", { fields: { Key: key } });
  if (!matchesEtag(ifMatch, current.etag)) throw preconditionFailed("If-Match");
}

export interface DeletePreconditions {
  readonly ifMatch?: string | undefined;
  readonly ifMatchLastModifiedTime?: Date | undefined;
  readonly ifMatchSize?: number | undefined;
}

/** What a key is when something of it is deleted. */
export interface JudgedKey {
  readonly key: string;
  readonly current: (Judged & { readonly sizeBytes: number }) | undefined;
  /** The delete marker that hides it. */
  readonly marker: object | undefined;
}

/**
 * Conditions look at the current version alone, also when a version is named ("Conditional delete
 * evaluations only apply to the current version", User Guide). If-Match without an object is 404, and
 * 412 when a delete marker hides it; the other two hold for what is not there (DeleteObject, API).
 */
export function checkDelete(conditions: DeletePreconditions, judged: JudgedKey): void {
  const { ifMatch, ifMatchLastModifiedTime, ifMatchSize } = conditions;
  const { current } = judged;
  if (current === undefined) {
    if (ifMatch === undefined) return;
    if (judged.marker !== undefined) throw preconditionFailed("If-Match");
    throw new S3Error("NoSuchKey", { fields: { Key: judged.key } });
  }
  if (ifMatch !== undefined && !matchesEtag(ifMatch, current.etag)) {
    throw preconditionFailed("If-Match");
  }
  const time = ifMatchLastModifiedTime?.getTime();
  if (time !== undefined && time !== current.lastModifiedMilliseconds) {
    throw preconditionFailed("x-amz-if-match-last-modified-time");
  }
  if (ifMatchSize !== undefined && ifMatchSize !== current.sizeBytes) {
    throw preconditionFailed("x-amz-if-match-size");
  }
}

/** Of a request about something that belongs to an object, on condition of which object it is. */
export function checkObjectMatch(condition: string | undefined, { etag }: { etag: string }): void {
  if (condition === undefined || matchesEtag(condition, etag)) return;
  throw preconditionFailed("x-amz-object-if-match");
}

export function isConditional(conditions: WriteConditions): boolean {
  return conditions.ifMatch !== undefined || conditions.ifNoneMatch !== undefined;
}

export function preconditionFailed(condition: string): S3Error {
  return new S3Error("PreconditionFailed", { fields: { Condition: condition } });
}

/** `*` or a list of entity tags, quoted or not, as S3 takes them. Weak tags never match a strong one. */
function matchesEtag(condition: string, etag: string): boolean {
  for (const part of condition.split(",")) {
    const candidate = part.trim();
    if (candidate === "*") return true;
    const bare =
      candidate.length >= 2 && candidate.startsWith('"') && candidate.endsWith('"')
        ? candidate.slice(1, -1)
        : candidate;
    if (bare === etag) return true;
  }
  return false;
}

function isModifiedSince(object: Judged, date: Date): boolean {
  return object.lastModifiedMilliseconds > date.getTime();
}

function notImplementedCondition(header: string): S3Error {
  return new S3Error("NotImplemented", {
    message: "A header you provided implies functionality that is not implemented",
    fields: { Header: header, additionalMessage: "Conditional header is not supported here" },
  });
}

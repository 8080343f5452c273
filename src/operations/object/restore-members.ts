// How answers show the restoration of a version, and the archive of Intelligent-Tiering in which it lies.

import type { OperationTypes, RestoreStatus } from "../../model/types.generated.ts";
import { archiveTierOf, restorationOf } from "../../objects/archives.ts";
import type { ObjectRecord } from "../../objects/records/object-record.ts";

type Head = OperationTypes["HeadObject"]["output"];

/** The headers x-amz-restore and x-amz-archive-status. */
export function describeArchive(
  record: ObjectRecord,
  nowMilliseconds: number,
): Pick<Head, "Restore" | "ArchiveStatus"> {
  return {
    Restore: restoreHeader(record, nowMilliseconds),
    ArchiveStatus: archiveTierOf(record.tiering?.tier),
  };
}

function restoreHeader(record: ObjectRecord, nowMilliseconds: number): string | undefined {
  const progress = restorationOf(record, nowMilliseconds);
  if (progress === "none") return undefined;
  if (progress === "ongoing") return 'ongoing-request="true"';
  const expiry = new Date(record.restore?.expiryMilliseconds ?? 0).toUTCString();
  return `ongoing-request="false", expiry-date="${expiry}"`;
}

/** The optional member of listings; `undefined`: neither restored nor about to be, or not asked for. */
export function restoreStatus(
  record: ObjectRecord,
  nowMilliseconds: number,
  asked: readonly string[] | undefined,
): RestoreStatus | undefined {
  if (record.restore === undefined || asked?.includes("RestoreStatus") !== true) return undefined;
  const progress = restorationOf(record, nowMilliseconds);
  if (progress === "none") return undefined;
  if (progress === "ongoing") return { IsRestoreInProgress: true };
  return {
    IsRestoreInProgress: false,
    RestoreExpiryDate: new Date(record.restore.expiryMilliseconds ?? 0),
  };
}

// Which versions lie in an archive, and what can be read of them: pure rules.

import { S3Error } from "../model/errors.ts";
import type { AccessTier } from "./records/archive-record.ts";
import type { Content, ObjectRecord } from "./records/object-record.ts";

/** An archive as S3 names it: by a storage class, or by a tier of Intelligent-Tiering. */
export type Archive = "GLACIER" | "DEEP_ARCHIVE" | "ARCHIVE_ACCESS" | "DEEP_ARCHIVE_ACCESS";

export type ArchiveTier = Extract<AccessTier, Archive>;

/** The archive in which a version lies; `undefined`: it can be read at any time. */
export function archiveOf({ attributes, tiering }: ObjectRecord): Archive | undefined {
  const { storageClass } = attributes;
  if (storageClass === undefined) return undefined;
  if (storageClass === "GLACIER" || storageClass === "DEEP_ARCHIVE") return storageClass;
  return storageClass === "INTELLIGENT_TIERING" ? archiveTierOf(tiering?.tier) : undefined;
}

export function archiveTierOf(tier: AccessTier | undefined): ArchiveTier | undefined {
  return tier === "ARCHIVE_ACCESS" || tier === "DEEP_ARCHIVE_ACCESS" ? tier : undefined;
}

/** How far a version's restoration has come. A copy is gone at its expiry, swept or not. */
export function restorationOf(
  { restore }: ObjectRecord,
  nowMilliseconds: number,
): "none" | "ongoing" | "restored" {
  if (restore === undefined) return "none";
  if (restore.expiryMilliseconds === undefined) return "ongoing";
  return restore.expiryMilliseconds > nowMilliseconds ? "restored" : "none";
}

/** Throws S3Error InvalidObjectState for a version that lies in an archive and has no copy now. */
export function checkReadable(
  record: ObjectRecord,
  nowMilliseconds: number,
  // Seen of the service: github.com/counsyl/stor/issues/38.
  message = "The operation is not valid for the object's storage class",
): void {
  if (archiveOf(record) === undefined) return;
  if (restorationOf(record, nowMilliseconds) !== "restored") throw archived(record, message);
}

/** Where the bytes of a version are read. Throws S3Error InvalidObjectState. */
export function readableContent(record: ObjectRecord, nowMilliseconds: number): Content {
  if (record.attributes.storageClass === undefined) return record.content;
  checkReadable(record, nowMilliseconds);
  const isRestored = restorationOf(record, nowMilliseconds) === "restored";
  return (isRestored ? record.restore?.content : undefined) ?? record.content;
}

/** InvalidObjectState has both fields only for Intelligent-Tiering, whose tiers are no classes. */
export function archived(record: ObjectRecord, message: string): S3Error {
  const { storageClass = "STANDARD" } = record.attributes;
  const tier = archiveTierOf(record.tiering?.tier);
  return new S3Error("InvalidObjectState", {
    message,
    fields: { StorageClass: storageClass, ...(tier === undefined ? {} : { AccessTier: tier }) },
  });
}

/** The class whose store keeps the bytes of a version: Intelligent-Tiering's tiers lie beside others. */
export function placingClass(
  storageClass: string | undefined,
  tier: AccessTier | undefined,
): string | undefined {
  if (storageClass !== "INTELLIGENT_TIERING" || tier === undefined) return storageClass;
  return placingClasses[tier];
}

const placingClasses: Readonly<Record<AccessTier, string>> = {
  INFREQUENT_ACCESS: "STANDARD_IA",
  ARCHIVE_INSTANT_ACCESS: "GLACIER_IR",
  ARCHIVE_ACCESS: "GLACIER",
  DEEP_ARCHIVE_ACCESS: "DEEP_ARCHIVE",
};

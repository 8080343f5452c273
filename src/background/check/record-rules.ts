// What must hold for each kind of row, as rules without I/O: which other rows to look at in the same
// snapshot, and what is wrong with the row beside them.

import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { storedEndOf } from "../../objects/extents.ts";
import { decodeAnnotationRecord } from "../../objects/records/annotation-record.ts";
import { decodeBucketRecord } from "../../objects/records/bucket-record.ts";
import {
  annotationPlaceOf,
  bucketIdOf,
  bucketNameOf,
  identifierOf,
  keys,
  objectKeyOf,
  partPlaceOf,
  ranges,
  uploadPlaceOf,
  versionPlaceOf,
} from "../../objects/records/keyspace.ts";
import type { Extent, ObjectRecord } from "../../objects/records/object-record.ts";
import {
  decodeDeleteMarkerRecord,
  decodeLayoutRecord,
  decodeObjectRecord,
  decodeVersionRecord,
  isDeleteMarker,
} from "../../objects/records/object-record.ts";
import {
  decodeGarbageRecord,
  decodeStoreRecord,
  decodeWriterRecord,
} from "../../objects/records/store-record.ts";
import { decodePartRecord, decodeUploadRecord } from "../../objects/records/upload-record.ts";
import { nullVersionId } from "../../objects/identifiers.ts";
import type { BucketId, Sequence } from "../../objects/identifiers.ts";
import type { KeyRange } from "../../storage/key-value/tuple.ts";
import type { Place } from "./finding.ts";

export interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export type BucketNames = ReadonlyMap<BucketId, string>;

export interface RowRule {
  /** What the row is, in words. */
  readonly kind: string;
  readonly range: () => KeyRange;
  /** Rows looked at together: as many as keep what they hold, and what they need, in some MB. */
  readonly pageRows: number;
  readonly place: (row: Row, names: BucketNames) => Place;
  /** May throw for a row that cannot be read. */
  readonly dependents: (row: Row, names: BucketNames) => readonly Uint8Array[];
  /** May throw for a row that cannot be read. */
  readonly problems: (row: Row, others: readonly (Row | undefined)[]) => readonly string[];
}

const nothing = (): readonly never[] => [];

export const storeRule: RowRule = {
  kind: "store record",
  range: () => ({ start: keys.store(), end: Buffer.concat([keys.store(), Buffer.from([0])]) }),
  pageRows: 1,
  place: () => ({ row: "store" }),
  dependents: nothing,
  problems(row) {
    decodeStoreRecord(row.value);
    return [];
  },
};

export const writerRule: RowRule = {
  kind: "writer record",
  range: ranges.writers,
  pageRows: 500,
  place: (row) => ({ row: `writer ${identifierOf(row.key)}` }),
  dependents: nothing,
  problems(row) {
    const isSame = decodeWriterRecord(row.value).writerId === identifierOf(row.key);
    return isSame ? [] : ["writer record lies under another writer's key"];
  },
};

export const garbageRule: RowRule = {
  kind: "garbage record",
  range: ranges.garbage,
  pageRows: 16,
  place: (row) => ({ row: `garbage ${identifierOf(row.key)}` }),
  dependents: nothing,
  problems(row) {
    const known = ["blobs", "upload", "bucket"];
    const record = decodeGarbageRecord(row.value);
    return known.includes(record.kind) ? [] : ["garbage record is of an unknown kind"];
  },
};

export const bucketRule: RowRule = {
  kind: "bucket record",
  range: () => ranges.buckets("", undefined),
  pageRows: 500,
  place: (row) => ({ bucket: bucketNameOf(row.key) }),
  dependents: nothing,
  problems(row) {
    const isSame = decodeBucketRecord(row.value).name === bucketNameOf(row.key);
    return isSame ? [] : ["bucket record lies under another bucket's name"];
  },
};

export const currentRule: RowRule = {
  kind: "current version",
  range: ranges.allCurrent,
  pageRows: 32,
  place: (row, names) => objectPlace(row, names, objectKeyOf(row.key), versionIdIn(row)),
  dependents(row) {
    const marker = keys.marker(bucketIdOf(row.key), objectKeyOf(row.key));
    return [marker, ...contentKeys(decodeObjectRecord(row.value))];
  },
  problems(row, [marker, ...contents]) {
    const record = decodeObjectRecord(row.value);
    if (isDeleteMarker(record)) return ["a delete marker lies among the current versions"];
    const problems = contentProblems(record, contents);
    if (marker !== undefined) problems.push("the key has a current version and a delete marker");
    return problems;
  },
};

const markerRule: RowRule = {
  kind: "delete marker",
  range: ranges.allMarkers,
  pageRows: 500,
  place: (row, names) => objectPlace(row, names, objectKeyOf(row.key), versionIdIn(row)),
  dependents: (row, names) => bucketKeys(row, names),
  problems(row, [bucket]) {
    const record = decodeDeleteMarkerRecord(row.value);
    const problems = unversionedProblems(row, bucket);
    if (!isDeleteMarker(record)) problems.push("a version lies among the delete markers");
    return problems;
  },
};

export const versionRule: RowRule = {
  kind: "older version",
  range: ranges.allVersions,
  pageRows: 32,
  place: (row, names) => objectPlace(row, names, versionPlaceOf(row.key).key, versionIdIn(row)),
  dependents(row, names) {
    const bucketId = bucketIdOf(row.key);
    const { key } = versionPlaceOf(row.key);
    const record = decodeVersionRecord(row.value);
    const heads = [keys.current(bucketId, key), keys.marker(bucketId, key)];
    const contents = isDeleteMarker(record) ? [] : contentKeys(record);
    return [...heads, keys.nullVersion(bucketId, key), ...contents, ...bucketKeys(row, names)];
  },
  problems(row, [current, marker, pointer, ...others]) {
    const record = decodeVersionRecord(row.value);
    const { sequence } = versionPlaceOf(row.key);
    const contentCount = isDeleteMarker(record) ? 0 : contentKeys(record).length;
    const problems = unversionedProblems(row, others[contentCount]);
    if (record.sequence !== sequence) problems.push("a version lies under another's sequence");
    const head = current ?? marker;
    if (head === undefined) problems.push("older versions of a key that has no newest one");
    else if (decodeVersionRecord(head.value).sequence <= sequence) {
      problems.push("an older version is newer than the newest one");
    }
    if (record.versionId === nullVersionId) {
      if (pointer === undefined) problems.push("no pointer names this null version");
      else if (decodeSequence(pointer) !== sequence) {
        problems.push("the key has a second null version");
      }
    }
    if (!isDeleteMarker(record)) problems.push(...contentProblems(record, others));
    return problems;
  },
};

const nullVersionRule: RowRule = {
  kind: "null version pointer",
  range: ranges.allNullVersions,
  pageRows: 200,
  place: (row, names) => objectPlace(row, names, objectKeyOf(row.key), nullVersionId),
  dependents(row) {
    const bucketId = bucketIdOf(row.key);
    const key = objectKeyOf(row.key);
    const version = keys.version(bucketId, key, decodeSequence(row));
    return [version, keys.current(bucketId, key), keys.marker(bucketId, key)];
  },
  problems(_row, [version, current, marker]) {
    const problems: string[] = [];
    if (version === undefined) problems.push("null version pointer names a missing version");
    else if (decodeVersionRecord(version.value).versionId !== nullVersionId) {
      problems.push("null version pointer names another version");
    }
    const head = current ?? marker;
    if (head !== undefined && decodeVersionRecord(head.value).versionId === nullVersionId) {
      problems.push("the key has a second null version");
    }
    return problems;
  },
};

export const uploadRule: RowRule = {
  kind: "upload",
  range: ranges.allUploads,
  pageRows: 500,
  place: (row, names) => {
    const { key, uploadId } = uploadPlaceOf(row.key);
    return { ...objectPlace(row, names, key, undefined), uploadId };
  },
  dependents: nothing,
  problems(row) {
    const record = decodeUploadRecord(row.value);
    const { sequence, uploadId } = uploadPlaceOf(row.key);
    const isSame = record.uploadId === uploadId && record.initiatedSequence === sequence;
    return isSame ? [] : ["upload record lies under another upload's key"];
  },
};

export const partRule: RowRule = {
  kind: "part",
  range: ranges.allParts,
  pageRows: 16,
  place: (row) => {
    const { uploadId, number } = partPlaceOf(row.key);
    return { uploadId, partNumber: number };
  },
  dependents: (row) => inlineKeys(decodePartRecord(row.value).extents),
  problems(row, contents) {
    const record = decodePartRecord(row.value);
    const problems = extentProblems(record.extents, record.sizeBytes, contents);
    if (record.number !== partPlaceOf(row.key).number) {
      problems.push("part record lies under another part's number");
    }
    return problems;
  },
};

export const layoutRule: RowRule = {
  kind: "layout",
  range: ranges.layouts,
  pageRows: 8,
  place: (row) => ({ row: `layout ${identifierOf(row.key)}` }),
  dependents: (row) => inlineKeys(decodeLayoutRecord(row.value).extents),
  problems(row, contents) {
    const { extents, parts } = decodeLayoutRecord(row.value);
    const partBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
    const problems = extentProblems(extents, partBytes, contents);
    const isAscending = parts.every(
      (part, at) => at === 0 || part.number > (parts[at - 1]?.number ?? 0),
    );
    if (!isAscending) problems.push("parts are out of order");
    return problems;
  },
};

export const annotationRule: RowRule = {
  kind: "annotation",
  range: ranges.allAnnotations,
  pageRows: 32,
  place(row, names) {
    const { key, name } = annotationPlaceOf(row.key);
    return { ...objectPlace(row, names, key, undefined), row: `annotation ${name}` };
  },
  dependents(row) {
    const { bucket, key, sequence } = annotationPlaceOf(row.key);
    const versions = [keys.current(bucket, key), keys.version(bucket, key, sequence)];
    return [...versions, ...inlineKeys(decodeAnnotationRecord(row.value).extents)];
  },
  problems(row, [current, older, ...contents]) {
    const { sequence } = annotationPlaceOf(row.key);
    const { extents, sizeBytes } = decodeAnnotationRecord(row.value);
    const problems = extentProblems(extents, sizeBytes, contents);
    const isHead =
      current !== undefined && decodeVersionRecord(current.value).sequence === sequence;
    if (!isHead && older === undefined) problems.push("its version does not exist");
    return problems;
  },
};

/** Rules of rows that belong to a bucket: such a row must not outlive it. */
export const bucketedRules: readonly RowRule[] = [
  currentRule,
  markerRule,
  versionRule,
  nullVersionRule,
  uploadRule,
  annotationRule,
];

function objectPlace(
  row: Row,
  names: BucketNames,
  key: string,
  versionId: string | undefined,
): Place {
  const bucketId = bucketIdOf(row.key);
  const bucket = names.get(bucketId) ?? `(id ${bucketId})`;
  return { bucket, key, ...(versionId === undefined ? {} : { versionId }) };
}

function versionIdIn(row: Row): string | undefined {
  try {
    return decodeVersionRecord(row.value).versionId;
  } catch {
    return undefined;
  }
}

function bucketKeys(row: Row, names: BucketNames): readonly Uint8Array[] {
  const name = names.get(bucketIdOf(row.key));
  return name === undefined ? [] : [keys.bucket(name)];
}

function unversionedProblems(row: Row, bucket: Row | undefined): string[] {
  if (bucket === undefined) return [];
  const { id, versioning } = decodeBucketRecord(bucket.value);
  const isWrong = id === bucketIdOf(row.key) && versioning === "Unversioned";
  return isWrong ? ["an unversioned bucket holds more than current versions"] : [];
}

function contentKeys(record: ObjectRecord): readonly Uint8Array[] {
  const { content } = record;
  return "extents" in content ? inlineKeys(content.extents) : [keys.layout(content.layout)];
}

function inlineKeys(extents: readonly Extent[]): readonly Uint8Array[] {
  return extents.flatMap((extent) => ("inline" in extent ? [keys.inline(extent.inline)] : []));
}

function contentProblems(record: ObjectRecord, others: readonly (Row | undefined)[]): string[] {
  const { content, sizeBytes } = record;
  if ("extents" in content) {
    const problems = extentProblems(content.extents, sizeBytes, others);
    return problems.length > 0 ? problems : digestProblems(record, content.extents, others[0]);
  }
  const [layoutRow] = others;
  if (layoutRow === undefined) return ["the layout is missing"];
  const layout = decodeLayoutRecord(layoutRow.value);
  const problems: string[] = [];
  if (layout.parts.length !== content.partCount) problems.push("parts are missing in the layout");
  const extentBytes = layout.extents.reduce((sum, extent) => sum + extent.lengthBytes, 0);
  if (extentBytes !== sizeBytes) problems.push("the extents do not add up to the size");
  const partBytes = layout.parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  if (partBytes !== sizeBytes) problems.push("the parts do not add up to the size");
  return problems;
}

/** `inlineRows`: one for each inline extent, in their order. */
function extentProblems(
  extents: readonly Extent[],
  sizeBytes: number,
  inlineRows: readonly (Row | undefined)[],
): string[] {
  const problems = new Set<string>();
  let sum = 0;
  let next = 0;
  for (const extent of extents) {
    const { offset, lengthBytes } = extent;
    const isSound = Number.isSafeInteger(offset) && Number.isSafeInteger(lengthBytes);
    if (!isSound || offset < 0 || lengthBytes <= 0) problems.add("an extent is malformed");
    sum += lengthBytes;
    if (!("inline" in extent)) continue;
    const row = inlineRows[next];
    next += 1;
    if (row === undefined) problems.add("inline bytes are missing");
    else if (row.value.byteLength < storedEndOf(extent)) problems.add("inline bytes are too short");
    else if (extent.crc32 !== undefined && crc32(row.value) !== extent.crc32) {
      problems.add("inline bytes do not match their checksum");
    }
  }
  if (sum !== sizeBytes) problems.add("the extents do not add up to the size");
  return [...problems];
}

/** Blobs carry checksums of their own; for inline bytes the MD5 in a plain entity tag does as well. */
function digestProblems(
  record: ObjectRecord,
  extents: readonly Extent[],
  row: Row | undefined,
): string[] {
  const [extent] = extents;
  const isJudged = extents.length === 1 && extent !== undefined && "inline" in extent;
  if (!isJudged || row === undefined || !/^[0-9a-f]{32}$/.test(record.etag)) return [];
  // What is sealed has a checksum of its own, and only its keys could tell more.
  if (extent.seal !== undefined) return [];
  const bytes = row.value.subarray(extent.offset, extent.offset + extent.lengthBytes);
  const digest = createHash("md5").update(bytes).digest("hex");
  return digest === record.etag ? [] : ["the bytes do not match the entity tag"];
}

/** As `Versions` stores it: decimal digits. */
function decodeSequence(row: Row): Sequence {
  const sequence = Number(Buffer.from(row.value).toString("latin1"));
  if (!Number.isSafeInteger(sequence) || sequence < 0) throw new TypeError("no sequence");
  return sequence;
}

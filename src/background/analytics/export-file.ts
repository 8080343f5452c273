// The file that an analysis is exported to: its whole history, in the layout of S3's ("Exported File
// Layout" in the User Guide's page on Storage Class Analysis).

import { storageClasses } from "../../model/storage-classes.ts";
import { ageGroups, dayMilliseconds } from "../../objects/analytics-rules.ts";
import {
  addFigures,
  noFigures,
  type AnalyticsDayRecord,
  type AnalyticsFigures,
} from "../../objects/records/analytics-record.ts";
import { AccessRatios, allObjects } from "./access-ratios.ts";

export const exportColumns = [
  "Date",
  "ConfigId",
  "Filter",
  "StorageClass",
  "ObjectAge",
  "ObjectCount",
  "DataUploaded_MB",
  "Storage_MB",
  "DataRetrieved_MB",
  "GetRequestCount",
  "CumulativeAccessRatio",
  "ObjectAgeForSIATransition",
  "RecommendedObjectAgeForSIATransition",
] as const;

const bytesPerMegabyte = 1024 * 1024;
const rowsPerPiece = 500;

/**
 * `history` in the order of days. "Data in the exported file is sorted by date within object age group …
 * At the end of the report the object age group is ALL." In pieces, each some milliseconds of work.
 */
export function* formatExport(
  id: string,
  history: readonly AnalyticsDayRecord[],
): Generator<string, undefined> {
  const ratios = new Map(
    storageClasses.map((each) => [each as string, new AccessRatios(history, each)]),
  );
  yield `${exportColumns.join(",")}\n`;
  const groups = [...ageGroups.keys(), allObjects];
  for (const group of groups) {
    let lines: string[] = [];
    for (const [at, record] of history.entries()) {
      for (const storageClass of storageClasses) {
        // A day always has rows of STANDARD, also where there is nothing.
        if (storageClass !== "STANDARD" && record.classes[storageClass] === undefined) continue;
        const ratiosOfClass = ratios.get(storageClass) as AccessRatios; // made for every class
        lines.push(formatRow({ id, record, at, storageClass, group }, ratiosOfClass));
      }
      if (lines.length < rowsPerPiece) continue;
      yield `${lines.join("\n")}\n`;
      lines = [];
    }
    if (lines.length > 0) yield `${lines.join("\n")}\n`;
  }
  return undefined;
}

interface Row {
  readonly id: string;
  readonly record: AnalyticsDayRecord;
  /** Its place in the history. */
  readonly at: number;
  readonly storageClass: string;
  readonly group: number;
}

function formatRow({ id, record, at, storageClass, group }: Row, ratios: AccessRatios): string {
  const { day, filter, isMeasured } = record;
  const isAll = group === allObjects;
  const figures = figuresOf(record, storageClass, group);
  // "This value exists only where the AgeGroup='ALL' and storage class = STANDARD."
  const hasAge = isAll && storageClass === "STANDARD";
  return [
    formatDate(day),
    id,
    quote(filter),
    storageClass,
    isAll ? "ALL" : (ageGroups[group]?.name ?? ""),
    isMeasured ? String(figures.objects) : "",
    megabytes(figures.uploadedBytes),
    isMeasured ? megabytes(figures.storedBytes) : "",
    megabytes(figures.retrievedBytes),
    String(figures.getRequests),
    rounded(ratios.cumulative(at, group)),
    hasAge ? rounded(ratios.observedAge(at)) : "",
    hasAge ? rounded(ratios.recommendedAge(at)) : "",
  ].join(",");
}

/** "For the AgeGroup='ALL', the value is the total … for the day": of small objects too. */
function figuresOf(
  { classes }: AnalyticsDayRecord,
  storageClass: string,
  group: number,
): AnalyticsFigures {
  const groups = classes[storageClass] ?? {};
  if (group !== allObjects) return groups[group] ?? noFigures;
  return Object.values(groups).reduce(addFigures, noFigures);
}

/** "Format is MM-DD-YYYY." */
function formatDate(day: number): string {
  const [year, month, date] = new Date(day * dayMilliseconds).toISOString().slice(0, 10).split("-");
  return `${month}-${date}-${year}`;
}

function megabytes(bytes: number): string {
  return rounded(bytes / bytesPerMegabyte);
}

function rounded(value: number | undefined): string {
  return value === undefined ? "" : String(Number(value.toFixed(6)));
}

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

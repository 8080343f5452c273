// What is stored of storage class analysis: of each configuration a record for every day, and how far its
// worker has come.

import { decodeRecord } from "../../storage/record-codec.ts";

/** Of the objects of one storage class in one age group, on one day. */
export interface AnalyticsFigures {
  /** At the end of the day. */
  readonly objects: number;
  readonly storedBytes: number;
  readonly uploadedBytes: number;
  readonly retrievedBytes: number;
  readonly getRequests: number;
}

/** What is counted as it happens. */
const accessUnits = ["uploadedBytes", "retrievedBytes", "getRequests"] as const;
export type AccessUnit = (typeof accessUnits)[number];

/** By storage class, then by the place of the age group (see `analytics-rules.ts`). */
export type FiguresByGroup = Readonly<Record<string, Readonly<Record<string, AnalyticsFigures>>>>;

export interface AnalyticsDayRecord {
  readonly v: 1;
  /** Since the epoch, by UTC. */
  readonly day: number;
  /** As it was on this day, in the words of the export. */
  readonly filter: string;
  /** `false`: nobody looked at the objects at the end of the day; their number and size are unknown. */
  readonly isMeasured: boolean;
  readonly classes: FiguresByGroup;
}

export interface AnalyticsStateRecord {
  readonly v: 1;
  readonly bucketName: string;
  /** The first day that is analysed. */
  readonly sinceDay: number;
  /** The last day that is over and measured. */
  readonly measuredDay?: number;
  /** The walk under way, as far as it has come. */
  readonly walk?: AnalyticsWalk;
  /** The last day in the exported file. */
  readonly exportedDay?: number;
  /** Why the last export failed, and when it is tried again. */
  readonly failure?: { readonly message: string; readonly againMilliseconds: number };
}

/** Where a walk over a bucket goes on, and what it has found for one analysis before: both or neither. */
export interface AnalyticsWalk {
  /** The configuration that it is of: another one begins anew. */
  readonly documentId: string;
  readonly day: number;
  /** Whether the day is; otherwise somebody asked for its figures. */
  readonly isOver: boolean;
  /** By which the ages of objects are counted. */
  readonly atMilliseconds: number;
  /** Everything up to this key was looked at. */
  readonly afterKey: string;
  readonly stored: StoredByGroup;
}

export interface StoredFigures {
  readonly objects: number;
  readonly storedBytes: number;
}

/** By storage class, then by the place of the age group. */
export type StoredByGroup = Readonly<Record<string, Readonly<Record<string, StoredFigures>>>>;

export const noFigures: AnalyticsFigures = {
  objects: 0,
  storedBytes: 0,
  uploadedBytes: 0,
  retrievedBytes: 0,
  getRequests: 0,
};

export function addFigures(a: AnalyticsFigures, b: Partial<AnalyticsFigures>): AnalyticsFigures {
  return {
    objects: a.objects + (b.objects ?? 0),
    storedBytes: a.storedBytes + (b.storedBytes ?? 0),
    uploadedBytes: a.uploadedBytes + (b.uploadedBytes ?? 0),
    retrievedBytes: a.retrievedBytes + (b.retrievedBytes ?? 0),
    getRequests: a.getRequests + (b.getRequests ?? 0),
  };
}

export function decodeAnalyticsDay(value: Uint8Array): AnalyticsDayRecord {
  return decodeRecord(value, 1) as AnalyticsDayRecord;
}

export function decodeAnalyticsState(value: Uint8Array): AnalyticsStateRecord {
  return decodeRecord(value, 1) as AnalyticsStateRecord;
}

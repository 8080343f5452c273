// Writes the reports that inventory configurations of buckets ask for: daily or weekly, soon after
// midnight UTC, and when somebody asks for one.

import { randomUUID } from "node:crypto";
import { S3Error } from "../model/errors.ts";
import type { InventoryConfiguration } from "../model/types.generated.ts";
import { inventoryKind, parseInventoryConfiguration } from "../objects/inventory-configuration.ts";
import { dayOf, isReportDue } from "../objects/inventory-schedule.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { decodeBucketRecord, type BucketRecord } from "../objects/records/bucket-record.ts";
import type { InventoryStateRecord, ReportRun } from "../objects/records/inventory-state-record.ts";
import { inventoryPlaceOf, ranges } from "../objects/records/keyspace.ts";
import { writeReport } from "./inventory/inventory-report.ts";
import type { ObjectDeliverer } from "./object-delivery.ts";
import { pagesOf } from "./store-pages.ts";
import type { BackgroundWorker, WorkerPass, WorkerReport } from "./worker.ts";

export interface InventoryWorkerOptions {
  readonly objectStore: Pick<
    ObjectStore,
    "keyValueStore" | "buckets" | "documents" | "lifecycle" | "inventoryStates" | "clock"
  >;
  readonly deliverer: ObjectDeliverer;
  /** How much of a report is held in memory before it goes to the destination; default 16 MiB. */
  readonly fileBytes?: number;
}

const defaultFileBytes = 16 * 1024 * 1024;
const pauseMilliseconds = 60_000;
/** A destination that refuses a report is asked again after so long. */
const retryMilliseconds = 3_600_000;
const bucketPage = 500;
const nothing = { checks: [], sets: [], deletes: [], additions: [] } as const;

interface Counts {
  reports: number;
  rows: number;
  failed: number;
}

interface Work {
  readonly bucket: BucketRecord;
  readonly configuration: InventoryConfiguration;
  readonly documentId: string;
}

export class InventoryWorker implements BackgroundWorker {
  readonly name = "inventory";
  readonly scope = "store";
  readonly intervalMilliseconds = pauseMilliseconds;
  readonly #options: InventoryWorkerOptions;

  constructor(options: InventoryWorkerOptions) {
    this.#options = options;
  }

  async runOnce(signal: AbortSignal, pass: WorkerPass): Promise<WorkerReport> {
    const { keyValueStore, documents } = this.#options.objectStore;
    const counts: Counts = { reports: 0, rows: 0, failed: 0 };
    const known = new Set<string>();
    const range = ranges.buckets("", undefined);
    for await (const page of pagesOf(keyValueStore, range, { limit: bucketPage, signal })) {
      for (const entry of page) {
        const bucket = decodeBucketRecord(entry.value);
        for (const id of documents.namesOf(bucket, inventoryKind)) {
          known.add(`${bucket.id}/${id}`);
          const kind = `${inventoryKind}/${id}`;
          const configuration = await documents.get(bucket, kind, parseInventoryConfiguration);
          const documentId = bucket.documents?.[kind];
          if (configuration === undefined || documentId === undefined) continue;
          await this.#look({ bucket, configuration, documentId }, { signal, pass, counts });
        }
      }
    }
    await this.#forgetOthers(known, signal);
    return { fields: { ...counts } };
  }

  async #look(
    work: Work,
    round: { readonly signal: AbortSignal; readonly pass: WorkerPass; readonly counts: Counts },
  ): Promise<void> {
    const { bucket, configuration, documentId } = work;
    const { inventoryStates, clock } = this.#options.objectStore;
    const { Id: id } = configuration;
    const nowMilliseconds = clock.now();
    const { state: found, isRequested } = await inventoryStates.read(bucket, id);
    const state = found ?? { v: 1, bucketName: bucket.name, day: dayOf(nowMilliseconds) };
    const isDue = isReportDue(configuration, state, nowMilliseconds);
    const waits = (state.failure?.againMilliseconds ?? 0) > nowMilliseconds && !isRequested;
    const goesOn = state.run !== undefined && configuration.IsEnabled;
    if (waits || !(isDue || isRequested || goesOn)) {
      if (found === undefined) await inventoryStates.write(bucket, id, state);
      return;
    }
    const isNew = isDue || isRequested || state.run?.documentId !== documentId;
    const begun: InventoryStateRecord = {
      ...withoutFailure(state),
      ...(isDue ? { day: dayOf(nowMilliseconds), hasReported: true } : {}),
      run: isNew || state.run === undefined ? newRun(work, nowMilliseconds) : state.run,
    };
    await inventoryStates.write(bucket, id, begun, { takesRequest: isRequested });
    await this.#report(work, begun, round);
  }

  async #report(
    { bucket, configuration }: Work,
    begun: InventoryStateRecord,
    {
      signal,
      pass,
      counts,
    }: { readonly signal: AbortSignal; readonly pass: WorkerPass; readonly counts: Counts },
  ): Promise<void> {
    const { deliverer, objectStore, fileBytes = defaultFileBytes } = this.#options;
    const { inventoryStates, clock } = objectStore;
    const { Id: id } = configuration;
    let state = begun;
    try {
      const last = await writeReport(bucket, configuration, begun.run as ReportRun, {
        objectStore,
        deliverer,
        signal,
        fileBytes,
        noted: async (run) => {
          signal.throwIfAborted();
          state = { ...state, run };
          await inventoryStates.write(bucket, id, state);
          pass.progress({ rows: counts.rows + run.rows, files: run.files.length });
        },
      });
      const { run: _, ...others } = state;
      await inventoryStates.write(bucket, id, { ...others, last });
      counts.reports += 1;
      counts.rows += last.rows;
    } catch (error) {
      // What the destination answers is the configuration's own trouble; the rest is the server's.
      if (!(error instanceof S3Error) || signal.aborted) throw error;
      const atMilliseconds = clock.now();
      const failure = {
        message: `${error.code}: ${error.message}`,
        atMilliseconds,
        againMilliseconds: atMilliseconds + retryMilliseconds,
      };
      await inventoryStates.write(bucket, id, { ...state, failure });
      counts.failed += 1;
    }
  }

  /** Of buckets and configurations that are gone. */
  async #forgetOthers(known: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const { keyValueStore } = this.#options.objectStore;
    for (const range of [ranges.inventoryStates(), ranges.inventoryRequests()]) {
      for await (const page of pagesOf(keyValueStore, range, { limit: bucketPage, signal })) {
        const deletes = page
          .map((entry) => entry.key)
          .filter((key) => !known.has(inventoryPlaceOf(key)));
        if (deletes.length > 0) await keyValueStore.write({ ...nothing, deletes });
      }
    }
  }
}

function newRun({ documentId }: Work, startedMilliseconds: number): ReportRun {
  return { reportId: randomUUID(), documentId, startedMilliseconds, files: [], rows: 0 };
}

function withoutFailure(state: InventoryStateRecord): InventoryStateRecord {
  const { failure: _, ...others } = state;
  return others;
}

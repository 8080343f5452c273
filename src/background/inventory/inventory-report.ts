// Writes one report: data files, then what announces them. What is safe in the destination is noted after
// each file, so that a process that is killed, or another one, goes on there; and a file that was written
// without being noted is written once more under the same name. The manifest comes last: a report that is
// not whole is never announced.

import { createHash } from "node:crypto";
import { S3Error } from "../../model/errors.ts";
import type { InventoryConfiguration } from "../../model/types.generated.ts";
import { bucketNameOfArn, reportFolder } from "../../objects/delivery-destination.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type {
  FinishedReport,
  ReportFileRecord,
  ReportRun,
} from "../../objects/records/inventory-state-record.ts";
import type { ObjectDeliverer, ObjectDelivery } from "../object-delivery.ts";
import { csvFormat } from "./csv-file.ts";
import { orcFormat } from "./orc/orc-file.ts";
import { parquetFormat } from "./parquet-file.ts";
import { describeSchema, reportColumns, type ReportColumn } from "./report-columns.ts";
import type { ReportFile, ReportFormat } from "./report-file.ts";
import { placeOf, walkReport, type WalkOptions } from "./report-walk.ts";

export interface ReportContext {
  readonly objectStore: Pick<ObjectStore, "keyValueStore" | "lifecycle" | "buckets" | "clock">;
  readonly deliverer: ObjectDeliverer;
  readonly signal: AbortSignal;
  /** A file that has reached this size is complete: it is held in memory until then. */
  readonly fileBytes: number;
  /** Keeps what is safe by now. */
  readonly noted: (run: ReportRun) => Promise<void>;
}

/** So is one that has so many rows: of each group of rows a file by columns keeps where it is. */
const largestFileRows = 1_000_000;
const service = "s3.amazonaws.com";
const manifestVersion = "2016-11-30";

const formats: Readonly<Record<string, ReportFormat>> = {
  CSV: csvFormat,
  ORC: orcFormat,
  Parquet: parquetFormat,
};

/** Throws S3Error when the destination does not take the report, and the signal's reason. */
export async function writeReport(
  bucket: BucketRecord,
  configuration: InventoryConfiguration,
  begun: ReportRun,
  context: ReportContext,
): Promise<FinishedReport> {
  const report = new InventoryReport(bucket, configuration, context);
  await report.checkDestination();
  const run = begun.isWalked === true ? begun : await report.writeData(begun);
  return await report.announce(run);
}

class InventoryReport {
  readonly #bucket: BucketRecord;
  readonly #configuration: InventoryConfiguration;
  readonly #context: ReportContext;
  readonly #format: ReportFormat;
  readonly #destinationBucket: string;
  readonly #folder: string;

  constructor(bucket: BucketRecord, configuration: InventoryConfiguration, context: ReportContext) {
    this.#bucket = bucket;
    this.#configuration = configuration;
    this.#context = context;
    const { Bucket: arn, Format, Prefix } = configuration.Destination.S3BucketDestination;
    // The decoder takes no other format.
    this.#format = formats[Format] as ReportFormat;
    this.#destinationBucket = bucketNameOfArn(arn);
    this.#folder = reportFolder(Prefix, bucket.name, configuration.Id);
  }

  /** "If no account ID is provided, the owner is not validated before exporting data." (Reference) */
  async checkDestination(): Promise<void> {
    const { AccountId } = this.#configuration.Destination.S3BucketDestination;
    const destination = await this.#context.objectStore.buckets.get(this.#destinationBucket);
    if (AccountId !== undefined && destination.ownerAccountId !== AccountId) {
      throw new S3Error("AccessDenied");
    }
  }

  async writeData(begun: ReportRun): Promise<ReportRun> {
    const columns = await this.#columns();
    let run = begun;
    let file: ReportFile | undefined;
    let fileRows = 0;
    const settle = async (): Promise<void> => {
      await file?.settle();
      if (file === undefined) return;
      if (file.sizeBytes < this.#context.fileBytes && fileRows < largestFileRows) return;
      run = await this.#deliverFile(run, file);
      file = undefined;
      fileRows = 0;
      await this.#context.noted(run);
    };
    const walked: WalkOptions = {
      bucket: this.#bucket,
      prefix: this.#configuration.Filter?.Prefix ?? "",
      versions: this.#configuration.IncludedObjectVersions,
      after: begun.after,
      signal: this.#context.signal,
      settle,
    };
    await walkReport(this.#context.objectStore, walked, (rows) => {
      file ??= this.#format.open(columns);
      file.write(rows);
      fileRows += rows.length;
      const last = rows.at(-1);
      run = {
        ...run,
        rows: run.rows + rows.length,
        ...(last === undefined ? {} : { after: placeOf(walked, last) }),
      };
    });
    if (file !== undefined) run = await this.#deliverFile(run, file);
    run = { ...run, isWalked: true };
    await this.#context.noted(run);
    return run;
  }

  async announce(run: ReportRun): Promise<FinishedReport> {
    const { startedMilliseconds } = run;
    const time = new Date(startedMilliseconds).toISOString();
    const day = time.slice(0, 10);
    const minute = time.slice(11, 16).replace(":", "-");
    const links = run.files.map(({ key }) => `s3://${this.#destinationBucket}/${key}`).join("\n");
    const manifest = Buffer.from(JSON.stringify(await this.#manifest(run), undefined, 2), "utf8");
    const folder = `${this.#folder}/${day}T${minute}Z`;
    const manifestKey = `${folder}/manifest.json`;
    await this.#deliver(
      `${this.#folder}/hive/dt=${day}-${minute}/symlink.txt`,
      [Buffer.from(links, "utf8")],
      "text/plain",
    );
    await this.#deliver(manifestKey, [manifest], "application/json");
    const checksum = createHash("md5").update(manifest).digest("hex");
    await this.#deliver(
      `${folder}/manifest.checksum`,
      [Buffer.from(checksum, "latin1")],
      "text/plain",
    );
    return {
      startedMilliseconds,
      finishedMilliseconds: this.#context.objectStore.clock.now(),
      destinationBucket: this.#destinationBucket,
      manifestKey,
      files: run.files.length,
      rows: run.rows,
    };
  }

  async #columns(): Promise<readonly ReportColumn[]> {
    const { lifecycle } = this.#context.objectStore;
    return reportColumns(this.#configuration, {
      bucket: this.#bucket,
      lifecycle: await lifecycle.find(this.#bucket),
      days: lifecycle.days,
    });
  }

  async #manifest(run: ReportRun): Promise<object> {
    const { Bucket: destinationArn, Format } = this.#configuration.Destination.S3BucketDestination;
    return {
      sourceBucket: this.#bucket.name,
      destinationBucket: destinationArn,
      version: manifestVersion,
      creationTimestamp: String(run.startedMilliseconds),
      fileFormat: Format,
      fileSchema: describeSchema(await this.#columns(), Format),
      files: run.files.map(({ key, sizeBytes, md5 }) => ({
        key,
        size: sizeBytes,
        MD5checksum: md5,
      })),
    };
  }

  async #deliverFile(run: ReportRun, file: ReportFile): Promise<ReportRun> {
    const chunks = await file.finish();
    const name = fileName(run.reportId, run.files.length);
    const key = `${this.#folder}/data/${name}.${this.#format.extension}`;
    const delivered = await this.#deliver(key, chunks, this.#format.contentType);
    return { ...run, files: [...run.files, delivered] };
  }

  async #deliver(
    key: string,
    chunks: readonly Uint8Array[],
    contentType: string,
  ): Promise<ReportFileRecord> {
    const md5 = createHash("md5");
    let sizeBytes = 0;
    for (const chunk of chunks) {
      md5.update(chunk);
      sizeBytes += chunk.byteLength;
    }
    const encryption = this.#encryption();
    await this.#context.deliverer.deliver({
      service,
      bucketName: this.#destinationBucket,
      key,
      body: streamOf(chunks),
      lengthBytes: sizeBytes,
      contentType,
      sourceBucket: this.#bucket.name,
      sourceAccount: this.#bucket.ownerAccountId,
      ...(encryption === undefined ? {} : { encryption }),
      signal: this.#context.signal,
    });
    return { key, sizeBytes, md5: md5.digest("hex") };
  }

  #encryption(): ObjectDelivery["encryption"] {
    const { Encryption } = this.#configuration.Destination.S3BucketDestination;
    if (Encryption?.SSEKMS !== undefined) {
      return { algorithm: "aws:kms", keyId: Encryption.SSEKMS.KeyId };
    }
    return Encryption?.SSES3 === undefined ? undefined : { algorithm: "AES256" };
  }
}

async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, undefined> {
  yield* chunks;
  return undefined;
}

/** A UUID that is the same whenever this file of this report is written. */
function fileName(reportId: string, index: number): string {
  const digits = createHash("sha256").update(`${reportId}/${index}`).digest("hex");
  const parts = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    // A name made of a hash: version 8, and the variant's bits.
    `8${digits.slice(13, 16)}`,
    `a${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ];
  return parts.join("-");
}

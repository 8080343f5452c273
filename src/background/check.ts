// A walk over a whole store that changes nothing: verifies every record, reference, counter and block
// checksum, and reports what is wrong. May run beside a server at work; memory is bounded (some 100 MB
// for the table of references, see check/reference-tally.ts; pages of rows elsewhere).

import type { Clock } from "../base/clock.ts";
import type { BucketId } from "../objects/identifiers.ts";
import type { BlobStore } from "../storage/blob/blob-store.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { BlobTotals, DamagedBlob } from "./check/blob-check.ts";
import {
  checkBlobBytes,
  checkZeroCounters,
  countWaste,
  reportDamagedBlobs,
} from "./check/blob-check.ts";
import type { CheckContext } from "./check/check-context.ts";
import type { CheckOutput, Finding } from "./check/finding.ts";
import { CheckReport } from "./check/finding.ts";
import { checkPartOwners } from "./check/part-check.ts";
import { checkPendingUsage } from "./check/pending-check.ts";
import { CheckProgress, formatBytes } from "./check/progress.ts";
import { checkRecords, readBucketNames } from "./check/record-check.ts";
import { checkReferences } from "./check/reference-check.ts";
import type { TallyOptions, TallyShare } from "./check/reference-tally.ts";
import { ReferenceTally } from "./check/reference-tally.ts";
import { checkUsage, readUsage } from "./check/usage-check.ts";

export interface CheckOptions {
  readonly store: Pick<KeyValueStore, "read">;
  readonly blobs: Pick<BlobStore, "open" | "list">;
  readonly clock: Clock;
  readonly output: CheckOutput;
  readonly isTerminal: boolean;
  readonly signal?: AbortSignal;
  readonly tally?: TallyOptions;
}

export interface CheckResult {
  readonly findingCount: number;
  /** The first thousand. */
  readonly findings: readonly Finding[];
  /** What changed too fast to be judged; none on a store that nobody writes to. */
  readonly unsureCount: number;
  readonly unsure: readonly string[];
  /** Blobs that nothing names and whose writer is gone. Harmless: the sweeper removes them. */
  readonly wasteBlobs: number;
  readonly objects: number;
  readonly blobs: number;
  readonly bytes: number;
}

/** Throws what the stores throw when they cannot be read, and the signal's reason when aborted. */
export async function checkStore(options: CheckOptions): Promise<CheckResult> {
  const { store, blobs, clock } = options;
  const began = clock.now();
  const progress = new CheckProgress(options);
  const report = new CheckReport((line) => progress.print(line));
  const signal = options.signal ?? new AbortController().signal;
  const bucketNames = new Map<BucketId, string>();
  const context = { store, blobs, signal, report, progress, bucketNames };
  try {
    await readBucketNames(context);
    const { objects } = await readUsage(context);
    const usage = await checkRecords(context, objects);
    await checkUsage(context, usage);
    await checkPendingUsage(context);
    await checkPartOwners(context);
    const totals = await checkShares(context, objects, options.tally);
    await checkZeroCounters(context);
    report.wasteBlobs = await countWaste(context);
    const counted = [...usage.values()].reduce((sum, each) => sum + each.objects, 0);
    const { findingCount, findings, unsureCount, unsure, wasteBlobs } = report;
    const found = { findingCount, findings, unsureCount, unsure, wasteBlobs };
    const result = { ...found, objects: counted, ...totals };
    for (const line of summarize(result, (clock.now() - began) / 1000)) progress.print(line);
    return result;
  } finally {
    progress.clear();
  }
}

/** References and blob bytes, in as many passes as the tally needs. */
async function checkShares(
  context: CheckContext,
  objects: number,
  options: TallyOptions | undefined,
): Promise<BlobTotals> {
  const totals = { blobs: 0, bytes: 0 };
  const shares: TallyShare[] = [{ index: 0, count: 1 }];
  const damaged: DamagedBlob[] = [];
  for (let share = shares.pop(); share !== undefined; share = shares.pop()) {
    const tally = new ReferenceTally(share, options);
    const countedBlobs = await checkReferences(context, tally, objects);
    shares.push(...tally.forgotten);
    const expected = Math.ceil(countedBlobs / tally.share.count);
    const verified = await checkBlobBytes(context, tally, expected);
    totals.blobs += verified.blobs;
    totals.bytes += verified.bytes;
    damaged.push(...verified.damaged);
  }
  await reportDamagedBlobs(context, damaged, objects);
  return totals;
}

function summarize(result: CheckResult, seconds: number): readonly string[] {
  const lines = [
    `Checked ${result.objects} versions and ${result.blobs} blobs ` +
      `(${formatBytes(result.bytes)}) in ${seconds.toFixed(1)} s.`,
  ];
  if (result.wasteBlobs > 0) {
    lines.push(`${result.wasteBlobs} blobs are named by nothing; a running server removes them.`);
  }
  if (result.unsureCount > 0) {
    lines.push(
      `${result.unsureCount} things changed too fast to be judged; check again when it is quieter.`,
    );
  }
  const { findingCount } = result;
  lines.push(findingCount === 0 ? "Nothing is wrong." : `${findingCount} findings.`);
  return lines;
}

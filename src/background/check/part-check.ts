// Looks for parts whose upload is gone without a garbage record that would let the sweeper find them.

import { partPlaceOf, ranges, uploadPlaceOf } from "../../objects/records/keyspace.ts";
import { decodeGarbageRecord } from "../../objects/records/store-record.ts";
import type { Entry } from "../../storage/key-value/key-value-store.ts";
import { pagesOf } from "../store-pages.ts";
import type { CheckContext } from "./check-context.ts";

/** Uploads looked up together: some 60 MB of identifiers at most. */
const uploadsAtOnce = 500_000;

export interface PartCheckOptions {
  readonly uploadsAtOnce?: number;
}

export async function checkPartOwners(
  context: CheckContext,
  options: PartCheckOptions = {},
): Promise<void> {
  const { store, signal, progress } = context;
  const limit = options.uploadsAtOnce ?? uploadsAtOnce;
  progress.begin("parts", "parts", 0);
  let orphans = new Map<string, Entry>();
  // Parts of one upload lie side by side, so each upload is looked up once.
  for await (const page of pagesOf(store, ranges.allParts(), { limit: 16, signal })) {
    progress.advance(page.length, 0);
    for (const { key, revision } of page) {
      const { uploadId } = partPlaceOf(key);
      if (!orphans.has(uploadId)) orphans.set(uploadId, { key, revision, value: key });
    }
    if (orphans.size < limit) continue;
    await reportOrphans(context, orphans);
    orphans = new Map();
  }
  await reportOrphans(context, orphans);
}

/**
 * Uploads, then garbage, then the part once more: an upload that ends between the first two look-ups
 * has its garbage record from then until its parts are gone.
 */
async function reportOrphans(context: CheckContext, orphans: Map<string, Entry>): Promise<void> {
  const { store, signal, report } = context;
  if (orphans.size === 0) return;
  for await (const page of pagesOf(store, ranges.allUploads(), { limit: 500, signal })) {
    for (const { key } of page) orphans.delete(uploadPlaceOf(key).uploadId);
  }
  if (orphans.size === 0) return;
  for await (const page of pagesOf(store, ranges.garbage(), { limit: 16, signal })) {
    for (const { value } of page) {
      const record = decodeGarbageRecord(value);
      if (record.kind === "upload") orphans.delete(record.uploadId);
    }
  }
  for (const [uploadId, part] of orphans) {
    const { gets } = await store.read({ gets: [part.key] });
    if (gets[0] === undefined) continue;
    report.add({ problem: "parts of an upload that does not exist", places: [{ uploadId }] });
  }
}

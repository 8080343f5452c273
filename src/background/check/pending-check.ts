// Compares what uploads in progress are counted for with the parts that they have.

import type { BucketId } from "../../objects/identifiers.ts";
import { keys, ranges, uploadPlaceOf } from "../../objects/records/keyspace.ts";
import { decodePartRecord } from "../../objects/records/upload-record.ts";
import { decodeCounter } from "../../storage/key-value/counter.ts";
import { pagesOf } from "../store-pages.ts";
import type { CheckContext } from "./check-context.ts";

const recounts = 3;

export async function checkPendingUsage(context: CheckContext): Promise<void> {
  const { bucketNames, progress, report } = context;
  progress.begin("uploads", "buckets", bucketNames.size);
  for (const [id, name] of bucketNames) {
    progress.advance(1, 0);
    let first: string | undefined;
    // With writers about, the counters and the parts are of different moments: only what is off by the
    // same amount every time is a finding.
    for (let attempt = 1; attempt <= recounts; attempt += 1) {
      const detail = await compare(context, id);
      if (detail === undefined) break;
      first ??= detail;
      if (detail !== first) {
        report.addUnsure(`uploads of bucket ${name} kept changing`);
        break;
      }
      if (attempt < recounts) continue;
      report.add({ problem: "uploads are counted wrongly", places: [{ bucket: name }], detail });
    }
  }
}

/** What is wrong; `undefined`: nothing. */
async function compare(context: CheckContext, id: BucketId): Promise<string | undefined> {
  const { store, signal } = context;
  let counted = 0;
  let stored = 0;
  for await (const page of pagesOf(store, ranges.uploads(id), { limit: 500, signal })) {
    const uploads = page.map(({ key }) => uploadPlaceOf(key).uploadId);
    const { gets } = await store.read({ gets: uploads.map((each) => keys.uploadBytes(each)) });
    for (const [index, uploadId] of uploads.entries()) {
      counted += decodeCounter(gets[index]?.value);
      stored += await sumParts(context, uploadId);
    }
  }
  const pending = decodeCounter(
    (await store.read({ gets: [keys.usagePending(id)] })).gets[0]?.value,
  );
  if (pending === counted && counted === stored) return undefined;
  return `the bucket's counter says ${pending} bytes, those of its uploads ${counted}, their parts are ${stored}`;
}

async function sumParts({ store, signal }: CheckContext, uploadId: string): Promise<number> {
  let sum = 0;
  for await (const page of pagesOf(store, ranges.parts(uploadId, 0), { limit: 500, signal })) {
    for (const { value } of page) sum += decodePartRecord(value).sizeBytes;
  }
  return sum;
}

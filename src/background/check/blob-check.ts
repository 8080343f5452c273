// Reads every byte of every named blob, and looks for blobs that nothing counts.

import { identifierOf, keys, ranges } from "../../objects/records/keyspace.ts";
import { decodeGarbageRecord, decodeWriterRecord } from "../../objects/records/store-record.ts";
import type { BlobId } from "../../storage/blob/blob-store.ts";
import { writerOfBlob } from "../../storage/blob/blob-store.ts";
import { decodeCounter } from "../../storage/key-value/counter.ts";
import { BlobCorruptError, BlobMissingError } from "../../storage/storage-errors.ts";
import { pagesOf } from "../store-pages.ts";
import type { CheckContext } from "./check-context.ts";
import type { Place } from "./finding.ts";
import type { Identifier } from "./reference-walk.ts";
import { blobIdentifier, walkReferences } from "./reference-walk.ts";
import type { ReferenceTally } from "./reference-tally.ts";

const countersAtOnce = 1000;
const blobsAtOnce = 4;
const listedAtOnce = 1000;
/** Damaged blobs whose objects are looked up; of others the blob alone is named. */
const locatedBlobs = 10_000;
const placesPerBlob = 5;
/** Counters at zero that are looked for in the garbage; more wait there only for a short time. */
const zeroCounterLimit = 100_000;

export interface BlobTotals {
  blobs: number;
  bytes: number;
}

/** A blob with its problem, to be reported with the objects that it belongs to. */
export interface DamagedBlob {
  readonly id: BlobId;
  readonly problem: string;
}

/** Verifies the bytes of all counted blobs of the tally's share. */
export async function checkBlobBytes(
  context: CheckContext,
  tally: ReferenceTally,
  expectedBlobs: number,
): Promise<BlobTotals & { readonly damaged: readonly DamagedBlob[] }> {
  const { store, signal, progress, report } = context;
  const damaged: DamagedBlob[] = [];
  const totals = { blobs: 0, bytes: 0, damaged };
  const pages = pagesOf(store, ranges.references(), { limit: countersAtOnce, signal });
  progress.begin("blobs", "blobs", expectedBlobs);
  for await (const page of pages) {
    const ids = page
      .filter((entry) => isPositive(entry.value))
      .map((entry) => identifierOf(entry.key) as BlobId)
      .filter((id) => tally.covers(blobIdentifier(id)));
    await forEachAtOnce(ids, async (id) => {
      const end = tally.endOf(blobIdentifier(id));
      const onBytes = (bytes: number) => {
        totals.bytes += bytes;
        progress.advance(0, bytes);
      };
      const problem = await verifyBlob(context, id, end, onBytes);
      totals.blobs += 1;
      progress.advance(1, 0);
      if (problem === undefined) return;
      if (damaged.length < locatedBlobs) damaged.push({ id, problem });
      else report.add({ problem, places: [{ blob: id }] });
    });
  }
  return totals;
}

async function forEachAtOnce(ids: readonly BlobId[], work: (id: BlobId) => Promise<void>) {
  let next = 0;
  const line = async (): Promise<void> => {
    for (;;) {
      const id = ids[next];
      next += 1;
      if (id === undefined) return;
      await work(id);
    }
  };
  await Promise.all(Array.from({ length: blobsAtOnce }, line));
}

async function verifyBlob(
  context: CheckContext,
  id: BlobId,
  namedEnd: number,
  onBytes: (bytes: number) => void,
): Promise<string | undefined> {
  const { blobs, signal } = context;
  try {
    await using reader = await blobs.open(id);
    const { lengthBytes } = reader;
    for await (const chunk of reader.readTransient(0, lengthBytes)) {
      signal.throwIfAborted();
      onBytes(chunk.byteLength);
    }
    return namedEnd > lengthBytes ? "a blob is shorter than what records name of it" : undefined;
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof BlobCorruptError) return "a blob's bytes do not match their checksums";
    if (!(error instanceof BlobMissingError)) return "a blob cannot be read";
    // The counter goes before the blob does: as long as it is there, so must be the blob.
    return (await isCounted(context, id)) ? "a counted blob is missing" : undefined;
  }
}

async function isCounted(context: CheckContext, id: BlobId): Promise<boolean> {
  const { gets } = await context.store.read({ gets: [keys.reference(id)] });
  return gets[0] !== undefined;
}

/** Reports damaged blobs together with the versions and parts that need them: one walk for all. */
export async function reportDamagedBlobs(
  context: CheckContext,
  damaged: readonly DamagedBlob[],
  expectedRows: number,
): Promise<void> {
  if (damaged.length === 0) return;
  const places = new Map<Identifier, Place[]>();
  for (const { id } of damaged) places.set(blobIdentifier(id), []);
  /** Layouts that name damaged blobs, and which. */
  const layouts = new Map<Identifier, Identifier[]>();
  const add = (identifier: Identifier, place: Place): void => {
    const found = places.get(identifier);
    if (found !== undefined && found.length < placesPerBlob) found.push(place);
  };
  context.progress.begin("owners of damaged blobs", "rows", expectedRows);
  await walkReferences(context, {
    thing: () => {},
    name(identifier, _end, row) {
      for (const blob of layouts.get(identifier) ?? []) add(blob, row.place());
      if (!places.has(identifier)) return;
      if (row.layout === undefined) add(identifier, row.place());
      else layouts.set(row.layout, [...(layouts.get(row.layout) ?? []), identifier]);
    },
  });
  for (const { id, problem } of damaged) {
    const owners = places.get(blobIdentifier(id)) ?? [];
    context.report.add({ problem, places: [{ blob: id }, ...owners] });
  }
}

/** A counter at zero must have a garbage record, or nobody would ever remove its blob. */
export async function checkZeroCounters(context: CheckContext): Promise<void> {
  const { store, signal, report } = context;
  const zero = new Map<BlobId, number>();
  const counters = pagesOf(store, ranges.references(), { limit: countersAtOnce, signal });
  for await (const page of counters) {
    for (const { key, value, revision } of page) {
      if (isPositive(value) || zero.size >= zeroCounterLimit) continue;
      zero.set(identifierOf(key) as BlobId, revision);
    }
  }
  if (zero.size === 0) return;
  await forEachGarbageBlob(context, (id) => zero.delete(id));
  for (const [id, revision] of zero) {
    // Its garbage record goes after the counter: a counter that is still there should have had one.
    const { gets } = await store.read({ gets: [keys.reference(id)] });
    if (gets[0]?.revision !== revision) continue;
    report.add({ problem: "an unnamed blob has no garbage record", places: [{ blob: id }] });
  }
}

/** Counts blobs without a counter whose writers are gone: waste, which the sweeper removes. */
export async function countWaste(context: CheckContext): Promise<number> {
  const { blobs, signal, progress } = context;
  progress.begin("unnamed blobs", "blobs", 0);
  let waste = 0;
  let after: BlobId | undefined;
  for (;;) {
    signal.throwIfAborted();
    const ids = await blobs.list(after, listedAtOnce);
    progress.advance(ids.length, 0);
    waste += await countWasteAmong(context, ids);
    if (ids.length < listedAtOnce) return waste;
    after = ids.at(-1);
  }
}

/** In the order of the sweeper: the blob was listed, its writer is gone, its counter is absent. */
async function countWasteAmong(context: CheckContext, ids: readonly BlobId[]): Promise<number> {
  const { store, signal, blobs } = context;
  const alive = new Set<string>();
  for await (const page of pagesOf(store, ranges.writers(), { limit: 1000, signal })) {
    for (const { value } of page) alive.add(decodeWriterRecord(value).writerId);
  }
  const suspects = ids.filter((id) => !alive.has(writerOfBlob(id)));
  if (suspects.length === 0) return 0;
  const { gets } = await store.read({ gets: suspects.map((id) => keys.reference(id)) });
  let waste = 0;
  for (const [at, id] of suspects.entries()) {
    if (gets[at] === undefined && (await isThere(blobs, id))) waste += 1;
  }
  return waste;
}

/** A sweeper may have removed it since it was listed. */
async function isThere(blobs: CheckContext["blobs"], id: BlobId): Promise<boolean> {
  try {
    await using _reader = await blobs.open(id);
    return true;
  } catch (error) {
    return !(error instanceof BlobMissingError);
  }
}

async function forEachGarbageBlob(
  context: CheckContext,
  visit: (id: BlobId) => unknown,
): Promise<void> {
  const { store, signal } = context;
  for await (const page of pagesOf(store, ranges.garbage(), { limit: 16, signal })) {
    for (const { value } of page) {
      const record = decodeGarbageRecord(value);
      if (record.kind === "blobs") for (const id of record.blobs) visit(id);
    }
  }
}

function isPositive(counter: Uint8Array): boolean {
  try {
    return decodeCounter(counter) > 0;
  } catch {
    return false;
  }
}

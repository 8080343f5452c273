// Compares what exists with what is named: every reference counter must equal the number of extents
// that name its blob, every inline row and every layout must be named exactly once.
//
// The walk is no snapshot, and a version that changes its place meanwhile may be missed or seen twice.
// So what does not balance is counted again by name, in two more walks; only what is off in all three,
// in the last two by the same amount and unchanged between them, is a finding.

import { keys } from "../../objects/records/keyspace.ts";
import type { Entry } from "../../storage/key-value/key-value-store.ts";
import type { CheckContext } from "./check-context.ts";
import type { Identifier, NamingRow } from "./reference-walk.ts";
import { walkReferences } from "./reference-walk.ts";
import type { ReferenceTally } from "./reference-tally.ts";
import { hashNameOf } from "./reference-tally.ts";
import type { ContentId } from "../../objects/identifiers.ts";
import type { BlobId } from "../../storage/blob/blob-store.ts";

const suspectLimit = 10_000;
const namesKept = 3;
const recountWalks = 2;

/**
 * Fills the tally of one share of all identifiers, and reports what does not balance. Answers how many
 * blobs are counted, of all shares.
 */
export async function checkReferences(
  context: CheckContext,
  tally: ReferenceTally,
  expectedRows: number,
): Promise<number> {
  const { progress, report } = context;
  let countedBlobs = 0;
  progress.begin("references", "rows", expectedRows);
  await walkReferences(context, {
    thing(identifier, count) {
      tally.add(identifier, -count, 0);
      if (isBlob(identifier) && count > 0) countedBlobs += 1;
    },
    name: (identifier, end) => tally.add(identifier, 1, end),
  });
  let suspects = new Map<string, number>();
  let unfollowed = 0;
  for (const { hash, balance } of tally.imbalances()) {
    if (suspects.size < suspectLimit) suspects.set(hash, balance);
    else unfollowed += 1;
  }
  if (unfollowed > 0) {
    const more = `${unfollowed} more references do not balance`;
    report.addUnsure(`${more}; run the check again when the first ones are repaired`);
  }
  let counted = new Map<Identifier, Counted>();
  for (let walk = 0; walk < recountWalks && suspects.size > 0; walk += 1) {
    const previous = counted;
    counted = await recount(context, suspects, expectedRows);
    suspects = new Map();
    for (const [identifier, each] of counted) {
      if (balanceOf(each) === 0) counted.delete(identifier);
      else suspects.set(hashNameOf(identifier), balanceOf(each));
      const before = previous.get(identifier);
      if (before !== undefined && !isUnchanged(before, each)) each.isChanging = true;
    }
  }
  for (const [identifier, each] of counted) await reportImbalance(context, identifier, each);
  return countedBlobs;
}

interface Counted {
  thing: Entry | undefined;
  expected: number;
  names: number;
  isChanging: boolean;
  readonly rows: NamingRow[];
}

function balanceOf(counted: Counted): number {
  return counted.names - counted.expected;
}

function isUnchanged(before: Counted, after: Counted): boolean {
  return balanceOf(before) === balanceOf(after) && before.thing?.revision === after.thing?.revision;
}

async function recount(
  context: CheckContext,
  suspects: ReadonlyMap<string, number>,
  expectedRows: number,
): Promise<Map<Identifier, Counted>> {
  const found = new Map<Identifier, Counted>();
  const countedOf = (identifier: Identifier): Counted | undefined => {
    if (!suspects.has(hashNameOf(identifier))) return undefined;
    const known = found.get(identifier);
    if (known !== undefined) return known;
    const made = { thing: undefined, expected: 0, names: 0, isChanging: false, rows: [] };
    found.set(identifier, made);
    return made;
  };
  context.progress.begin("references that did not balance", "rows", expectedRows);
  await walkReferences(context, {
    thing(identifier, count, row) {
      const counted = countedOf(identifier);
      if (counted === undefined) return;
      counted.thing = row;
      counted.expected = count;
    },
    name(identifier, _end, row) {
      const counted = countedOf(identifier);
      if (counted === undefined) return;
      counted.names += 1;
      if (counted.rows.length < namesKept) counted.rows.push(row);
    },
  });
  return found;
}

async function reportImbalance(
  context: CheckContext,
  identifier: Identifier,
  counted: Counted,
): Promise<void> {
  const { store, report } = context;
  const thingKey = keyOf(identifier);
  const rows = counted.rows.map((row) => row.entry);
  const read = await store.read({ gets: [thingKey, ...rows.map((entry) => entry.key)] });
  const [thing, ...fresh] = read.gets;
  const isSame =
    thing?.revision === counted.thing?.revision &&
    fresh.every((entry, at) => entry?.revision === rows[at]?.revision);
  if (counted.isChanging || !isSame) {
    report.addUnsure(`references of ${identifier} kept changing`);
    return;
  }
  // A version whose layout or inline bytes are missing has a finding of its own.
  const isReported =
    !isBlob(identifier) &&
    thing === undefined &&
    counted.rows.every((row) => row.layout === undefined);
  if (isReported) return;
  const places = counted.rows.map((row) => row.place());
  report.add({
    problem: problemOf(isBlob(identifier), thing !== undefined, counted),
    places: [isBlob(identifier) ? { blob: identifier.slice(5) } : { row: identifier }, ...places],
    detail: `counted ${counted.expected}, named ${counted.names} times`,
  });
}

function isBlob(identifier: Identifier): boolean {
  return identifier.startsWith("blob ");
}

function problemOf(ofBlob: boolean, exists: boolean, { names, expected }: Counted): string {
  if (!exists) return ofBlob ? "a named blob has no reference counter" : "named content is missing";
  if (names === 0)
    return ofBlob ? "a counted blob is named by nothing" : "content is named by nothing";
  if (!ofBlob) return "content is named more than once";
  return names > expected ? "a reference counter is too low" : "a reference counter is too high";
}

function keyOf(identifier: Identifier): Uint8Array {
  const space = identifier.indexOf(" ");
  const id = identifier.slice(space + 1);
  switch (identifier.slice(0, space)) {
    case "blob":
      return keys.reference(id as BlobId);
    case "inline":
      return keys.inline(id as ContentId);
    default:
      return keys.layout(id as ContentId);
  }
}

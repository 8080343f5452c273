// The one walk over everything that can be named and everything that names: blobs by their counters,
// inline bytes and layouts by their rows, on the other side versions, annotations, layouts and parts.

import { storedEndOf } from "../../objects/extents.ts";
import {
  annotationPlaceOf,
  bucketIdOf,
  identifierOf,
  objectKeyOf,
  partPlaceOf,
  ranges,
  versionPlaceOf,
} from "../../objects/records/keyspace.ts";
import { decodeAnnotationRecord } from "../../objects/records/annotation-record.ts";
import type { Content, Extent } from "../../objects/records/object-record.ts";
import {
  decodeLayoutRecord,
  decodeVersionRecord,
  isDeleteMarker,
} from "../../objects/records/object-record.ts";
import { decodePartRecord } from "../../objects/records/upload-record.ts";
import { decodeCounter } from "../../storage/key-value/counter.ts";
import type { Entry } from "../../storage/key-value/key-value-store.ts";
import type { KeyRange } from "../../storage/key-value/tuple.ts";
import { pagesOf } from "../store-pages.ts";
import type { CheckContext } from "./check-context.ts";
import type { Place } from "./finding.ts";

/** `blob <id>`, `inline <id>` or `layout <id>`. */
export type Identifier = string;

export const blobIdentifier = (id: string): Identifier => `blob ${id}`;
const inlineIdentifier = (id: string): Identifier => `inline ${id}`;
const layoutIdentifier = (id: string): Identifier => `layout ${id}`;

export interface ReferenceVisitor {
  /** Something that exists, and how many names it should have. */
  readonly thing: (identifier: Identifier, count: number, row: Entry) => void;
  /** A name of something, up to the position `end` in its bytes. */
  readonly name: (identifier: Identifier, end: number, row: NamingRow) => void;
}

export interface NamingRow {
  readonly entry: Entry;
  /** Set when the row is a layout: who names this layout names the thing. */
  readonly layout: Identifier | undefined;
  readonly place: () => Place;
}

/** Layouts come before versions, so that a visitor can follow a layout to its object in one walk. */
export async function walkReferences(
  context: CheckContext,
  visitor: ReferenceVisitor,
): Promise<void> {
  const { bucketNames } = context;
  await walk(context, ranges.layouts(), 8, (entry) => {
    const layout = layoutIdentifier(identifierOf(entry.key));
    visitor.thing(layout, 1, entry);
    const row = { entry, layout, place: () => ({ row: layout }) };
    nameExtents(visitor, decodeLayoutRecord(entry.value).extents, row);
  });
  const objectPlace = (entry: Entry, key: string, versionId: string): Place => {
    const id = bucketIdOf(entry.key);
    return { bucket: bucketNames.get(id) ?? `(id ${id})`, key, versionId };
  };
  for (const [range, keyOf] of [
    [ranges.allCurrent(), objectKeyOf],
    [ranges.allVersions(), (key: Uint8Array) => versionPlaceOf(key).key],
  ] as const) {
    await walk(context, range, 500, (entry) => {
      const record = decodeVersionRecord(entry.value);
      if (isDeleteMarker(record)) return;
      const place = () => objectPlace(entry, keyOf(entry.key), record.versionId);
      nameContent(visitor, record.content, { entry, layout: undefined, place });
      const copy = record.restore?.content;
      if (copy !== undefined) nameContent(visitor, copy, { entry, layout: undefined, place });
    });
  }
  await walk(context, ranges.allAnnotations(), 500, (entry) => {
    const { bucket, key, name } = annotationPlaceOf(entry.key);
    const bucketName = bucketNames.get(bucket) ?? `(id ${bucket})`;
    const place = () => ({ bucket: bucketName, key, row: `annotation ${name}` });
    const { extents } = decodeAnnotationRecord(entry.value);
    nameExtents(visitor, extents, { entry, layout: undefined, place });
  });
  await walk(context, ranges.allParts(), 16, (entry) => {
    const { uploadId, number } = partPlaceOf(entry.key);
    const place = () => ({ uploadId, partNumber: number });
    const row = { entry, layout: undefined, place };
    nameExtents(visitor, decodePartRecord(entry.value).extents, row);
  });
  await walk(context, ranges.inline(), 64, (entry) => {
    visitor.thing(inlineIdentifier(identifierOf(entry.key)), 1, entry);
  });
  await walk(context, ranges.references(), 1000, (entry) => {
    const count = decodeCounter(entry.value);
    visitor.thing(blobIdentifier(identifierOf(entry.key)), count, entry);
  });
}

async function walk(
  context: CheckContext,
  range: KeyRange,
  limit: number,
  visit: (entry: Entry) => void,
): Promise<void> {
  const { store, signal, progress } = context;
  for await (const page of pagesOf(store, range, { limit, signal })) {
    for (const entry of page) {
      try {
        visit(entry);
      } catch {
        // A record that cannot be read names nothing; it has a finding of its own.
      }
    }
    progress.advance(page.length, 0);
  }
}

function nameContent(visitor: ReferenceVisitor, content: Content, row: NamingRow): void {
  if ("extents" in content) nameExtents(visitor, content.extents, row);
  else visitor.name(layoutIdentifier(content.layout), 0, row);
}

function nameExtents(visitor: ReferenceVisitor, extents: readonly Extent[], row: NamingRow): void {
  for (const extent of extents) {
    const identifier =
      "blob" in extent ? blobIdentifier(extent.blob) : inlineIdentifier(extent.inline);
    visitor.name(identifier, storedEndOf(extent), row);
  }
}

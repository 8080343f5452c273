// What a resource of a policy can mean of one bucket: the bucket, its objects, both or nothing.

import { normalizePartition } from "./arn-pattern.ts";
import { readTemplate } from "./policy-variables.ts";
import type { TemplatePiece } from "./policy-variables.ts";
import { compileWildcards } from "./wildcard.ts";
import type { PatternPiece } from "./wildcard.ts";

export interface BucketReach {
  readonly bucket: boolean;
  readonly object: boolean;
}

/** Undefined if it means neither. `bucketName` undefined: of whichever bucket. */
export function findReach(text: string, bucketName: string | undefined): BucketReach | undefined {
  if (text === "*") return { bucket: true, object: true };
  const prefix = "arn:aws:s3:::";
  const arn = normalizePartition(text);
  if (!arn.startsWith(prefix)) return undefined;
  const pieces = readTemplate(arn.slice(prefix.length), { hasVariables: true, hasWildcards: true });
  const { bucket, key } = splitResource(pieces);
  if (bucket.length === 0) return undefined;
  if (bucketName !== undefined && !canMean(bucket, bucketName)) return undefined;
  // `arn:aws:s3:::photos*` reaches over the slash.
  const isOpen = bucket.some(({ kind }) => kind === "many" || kind === "variable");
  return { bucket: key === undefined, object: key !== undefined || isOpen };
}

/** At the first slash; `key` is undefined if there is none. */
function splitResource(pieces: readonly TemplatePiece[]): {
  readonly bucket: readonly TemplatePiece[];
  readonly key: readonly TemplatePiece[] | undefined;
} {
  for (const [index, piece] of pieces.entries()) {
    const slash = piece.kind === "literal" ? piece.text.indexOf("/") : -1;
    if (piece.kind !== "literal" || slash < 0) continue;
    const before = pieces.slice(0, index);
    const name: TemplatePiece = { kind: "literal", text: piece.text.slice(0, slash) };
    const rest: TemplatePiece = { kind: "literal", text: piece.text.slice(slash + 1) };
    return {
      bucket: name.text === "" ? before : [...before, name],
      key: [rest, ...pieces.slice(index + 1)],
    };
  }
  return { bucket: pieces, key: undefined };
}

/** A variable may become anything. */
function canMean(pieces: readonly TemplatePiece[], bucketName: string): boolean {
  const open = pieces.map((piece): PatternPiece =>
    piece.kind === "variable" ? { kind: "many" } : piece,
  );
  return compileWildcards(open).matches(bucketName);
}

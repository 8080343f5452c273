// Patterns of ARNs. The six parts of an ARN are matched one by one, so that a star in one of the first
// five does not reach over a colon; a star at the end of a pattern reaches over everything that follows.

import { compileTemplate } from "./policy-variables.ts";
import type { TemplatePiece, TextPattern } from "./policy-variables.ts";
import type { PolicyContext } from "./policy-context.ts";

const partCount = 6;

/** `aws` stands for every partition: this server is one, whatever a document was written for. */
export const partitions: readonly string[] = ["aws", "aws-cn", "aws-us-gov"];

/** `arn:aws-cn:s3:::b` as `arn:aws:s3:::b`. */
export function normalizePartition(arn: string): string {
  return arn.replace(/^arn:aws-(?:cn|us-gov):/, "arn:aws:");
}

/** `undefined`: it does not name a bucket, but an object, an access point, or nothing of S3. */
export function findBucketOfArn(arn: string): string | undefined {
  return /^arn:aws:s3:::([^/:*?]+)$/.exec(normalizePartition(arn))?.[1];
}

/** `pieces` of an ARN whose partition is normalized. */
export function compileArn(pieces: readonly TemplatePiece[]): TextPattern {
  const parts = splitParts(pieces);
  const isPlainHead = parts.slice(0, -1).every((part) => part.every(isLiteral));
  // Nothing before the last colon is wild: one match over the whole is the same, and faster.
  if (isPlainHead) return compileTemplate(pieces);
  const patterns = parts.map(compileTemplate);
  return {
    variables: patterns.flatMap(({ variables }) => variables),
    matches: (text, context) => matchParts(text, patterns, context),
  };
}

function isLiteral(piece: TemplatePiece): boolean {
  return piece.kind === "literal";
}

/** Up to six parts; fewer if the pattern ends early. */
function splitParts(pieces: readonly TemplatePiece[]): readonly (readonly TemplatePiece[])[] {
  const parts: TemplatePiece[][] = [[]];
  for (const piece of pieces) {
    if (piece.kind !== "literal") {
      parts.at(-1)?.push(piece);
      continue;
    }
    let text = piece.text;
    for (let colon = text.indexOf(":"); colon >= 0 && parts.length < partCount;) {
      if (colon > 0) parts.at(-1)?.push({ kind: "literal", text: text.slice(0, colon) });
      parts.push([]);
      text = text.slice(colon + 1);
      colon = text.indexOf(":");
    }
    if (text !== "") parts.at(-1)?.push({ kind: "literal", text });
  }
  return parts;
}

function matchParts(
  text: string,
  patterns: readonly TextPattern[],
  context: PolicyContext,
): boolean {
  let start = 0;
  for (const [index, pattern] of patterns.entries()) {
    const isLast = index === patterns.length - 1;
    const colon = isLast ? text.length : text.indexOf(":", start);
    if (colon < 0 || !pattern.matches(text.slice(start, colon), context)) return false;
    start = colon + 1;
  }
  return true;
}

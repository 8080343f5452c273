// Where a statement stands in the text of its policy: the simulator points at it by line and column.

import type { Position } from "../../model/iam.generated.ts";

export interface StatementPosition {
  readonly StartPosition?: Position;
  readonly EndPosition?: Position;
}

/** `index` from 0. The text is JSON that the policy parser has accepted. */
export function positionOf(document: string, index: number): StatementPosition {
  const range = findStatement(document, index);
  if (range === undefined) return {};
  return {
    StartPosition: lineAndColumn(document, range.start),
    EndPosition: lineAndColumn(document, range.end),
  };
}

interface TextRange {
  readonly start: number;
  readonly end: number;
}

const token = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;

/** The n-th object below the member `Statement` of the outermost object, which may be a list. */
function findStatement(document: string, index: number): TextRange | undefined {
  let depth = 0;
  let isStatement = false;
  let isName = true;
  let count = 0;
  let start: number | undefined;
  // A lone statement stands one level deep, those of a list two.
  let listDepth = 1;
  for (const { 0: text, index: at } of document.matchAll(token)) {
    if (text === "{" || text === "[") {
      if (isStatement && text === "[" && depth === 1) listDepth = 2;
      if (isStatement && text === "{" && depth === listDepth && count === index) start = at;
      depth += 1;
    } else if (text === "}" || text === "]") {
      depth -= 1;
      if (isStatement && text === "}" && depth === listDepth) {
        if (start !== undefined) return { start, end: at + 1 };
        count += 1;
      }
    }
    if (depth !== 1) continue;
    if (text === ",") isName = true;
    else if (isName && text.startsWith('"')) {
      isStatement = JSON.parse(text) === "Statement";
      isName = false;
    }
  }
  return undefined;
}

/** Both from 1. */
function lineAndColumn(document: string, offset: number): Position {
  const before = document.slice(0, offset).split("\n");
  return { Line: before.length, Column: (before.at(-1) ?? "").length + 1 };
}

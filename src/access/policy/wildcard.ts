// Patterns with `*` (any run of characters) and `?` (any one character), matched without backtracking:
// the pieces between the stars are looked for one after the other, each at its first place, which is
// enough. A policy's author decides over the pattern and a stranger over the text, so neither may make
// matching slow.

import { findLongRun } from "./long-run.ts";

/** From here on, trying place after place may cost more than looking at all places at once. */
const longRunLength = 64;

export type PatternPiece =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "one" }
  | { readonly kind: "many" };

export interface Matcher {
  readonly matches: (text: string) => boolean;
}

/** A run without stars: its text, and which of its characters are wild (undefined: none). */
interface Run {
  readonly text: string;
  readonly wild: readonly boolean[] | undefined;
}

/** Reads `*` and `?`; there is no escape. */
export function readWildcards(pattern: string): readonly PatternPiece[] {
  const pieces: PatternPiece[] = [];
  let start = 0;
  for (let position = 0; position <= pattern.length; position += 1) {
    const character = pattern[position];
    if (character !== "*" && character !== "?" && character !== undefined) continue;
    if (position > start) pieces.push({ kind: "literal", text: pattern.slice(start, position) });
    if (character !== undefined) pieces.push({ kind: character === "*" ? "many" : "one" });
    start = position + 1;
  }
  return pieces;
}

export function compileWildcards(pieces: readonly PatternPiece[]): Matcher {
  const runs = readRuns(pieces);
  const [first, last] = [runs[0] as Run, runs.at(-1) as Run];
  if (runs.length === 1) return first.wild === undefined ? literal(first.text) : whole(first);
  const middle = runs.slice(1, -1).filter(({ text }) => text !== "");
  if (middle.length === 0 && last.text === "" && first.wild === undefined)
    return prefix(first.text);
  return { matches: (text) => matchRuns(text, first, middle, last) };
}

function literal(expected: string): Matcher {
  return { matches: (text) => text === expected };
}

function whole(run: Run): Matcher {
  return { matches: (text) => text.length === run.text.length && isAt(text, run, 0) };
}

function prefix(expected: string): Matcher {
  if (expected === "") return { matches: () => true };
  return { matches: (text) => isTextAt(text, expected, 0) };
}

function readRuns(pieces: readonly PatternPiece[]): readonly Run[] {
  const runs: Run[] = [];
  let text = "";
  let wild: boolean[] | undefined;
  for (const piece of pieces) {
    if (piece.kind === "many") {
      runs.push({ text, wild });
      text = "";
      wild = undefined;
    } else if (piece.kind === "literal") text += piece.text;
    else {
      // Holes are characters that are not wild.
      wild ??= [];
      wild[text.length] = true;
      text += "?";
    }
  }
  runs.push({ text, wild });
  return runs;
}

function matchRuns(text: string, first: Run, middle: readonly Run[], last: Run): boolean {
  const end = text.length - last.text.length;
  let position = first.text.length;
  if (position > end || !isAt(text, first, 0) || !isAt(text, last, end)) return false;
  for (const run of middle) {
    const found = find(text, run, position, end);
    if (found < 0) return false;
    position = found + run.text.length;
  }
  return true;
}

/**
 * Whether `text` has `expected` at `start`. From the end, because patterns and texts have their beginnings
 * in common and differ behind them; String.startsWith costs 40 ns a call, this 5 ns.
 */
export function isTextAt(text: string, expected: string, start: number): boolean {
  if (start + expected.length > text.length) return false;
  for (let index = expected.length - 1; index >= 0; index -= 1) {
    if (text.charCodeAt(start + index) !== expected.charCodeAt(index)) return false;
  }
  return true;
}

function isAt(text: string, { text: expected, wild }: Run, start: number): boolean {
  if (wild === undefined) return isTextAt(text, expected, start);
  for (let index = 0; index < expected.length; index += 1) {
    if (wild[index] !== true && text.charCodeAt(start + index) !== expected.charCodeAt(index)) {
      return false;
    }
  }
  return true;
}

/** The first place from `start` at which the run ends not after `end`; -1 if there is none. */
function find(text: string, run: Run, start: number, end: number): number {
  if (run.wild === undefined) {
    const found = text.indexOf(run.text, start);
    return found < 0 || found + run.text.length > end ? -1 : found;
  }
  if (run.text.length >= longRunLength) return findLongRun(text, { ...run, start, end });
  for (let position = start; position + run.text.length <= end; position += 1) {
    if (isAt(text, run, position)) return position;
  }
  return -1;
}

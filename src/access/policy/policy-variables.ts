// Texts of a policy that a request fills in: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, and
// `${*}`, `${?}`, `${$}` for the characters themselves. What a request fills in is text: its stars are
// no wildcards.

import { normalizeContextKey } from "./policy-context.ts";
import type { PolicyContext } from "./policy-context.ts";
import { compileWildcards, readWildcards } from "./wildcard.ts";
import type { Matcher, PatternPiece } from "./wildcard.ts";

/** Longer than any key and default; keeps reading linear, whatever a document holds. */
const maximumVariableLength = 1024;

export type TemplatePiece = PatternPiece | VariablePiece;

export interface VariablePiece {
  readonly kind: "variable";
  /** As PolicyContext takes it. */
  readonly key: string;
  /** The text to take where the request has no such key. */
  readonly fallback: string | undefined;
}

export interface TemplateRules {
  /** Documents of version 2008-10-17 know no variables: `${aws:username}` is text there. */
  readonly hasVariables: boolean;
  readonly hasWildcards: boolean;
}

/** A pattern of which the request may decide a part. */
export interface TextPattern {
  readonly variables: readonly string[];
  readonly matches: (text: string, context: PolicyContext) => boolean;
}

export function compileTemplate(pieces: readonly TemplatePiece[]): TextPattern {
  const variables = pieces.filter((piece) => piece.kind === "variable");
  if (variables.length === 0) {
    return { variables: [], ...compileWildcards(pieces as readonly PatternPiece[]) };
  }
  return {
    variables: variables.map(({ key }) => key),
    matches: (text, context) => fillIn(pieces, context)?.matches(text) ?? false,
  };
}

/**
 * Undefined if a variable has no value: then nothing is equal to it or like it, so that positive
 * conditions are false and negated ones true ("Policy variables with no value", IAM user guide).
 */
function fillIn(pieces: readonly TemplatePiece[], context: PolicyContext): Matcher | undefined {
  const filled: PatternPiece[] = [];
  for (const piece of pieces) {
    if (piece.kind !== "variable") {
      filled.push(piece);
      continue;
    }
    const values = context.get(piece.key);
    // A key with several values is none that a variable can stand for.
    const text = values?.length === 1 ? values[0] : piece.fallback;
    if (text === undefined) return undefined;
    filled.push({ kind: "literal", text });
  }
  return compileWildcards(filled);
}

export function readTemplate(text: string, rules: TemplateRules): readonly TemplatePiece[] {
  const pieces: TemplatePiece[] = [];
  let start = 0;
  const takeText = (end: number): void => {
    if (end === start) return;
    const plain = text.slice(start, end);
    if (rules.hasWildcards) pieces.push(...readWildcards(plain));
    else pieces.push({ kind: "literal", text: plain });
  };
  let end = -1;
  let position = rules.hasVariables ? text.indexOf("${") : -1;
  while (position >= 0) {
    if (end < position) end = text.indexOf("}", position + 2);
    if (end < 0) break;
    const inside = text.slice(position + 2, Math.min(end, position + maximumVariableLength));
    const piece = readVariable(inside);
    if (piece !== undefined) {
      takeText(position);
      pieces.push(piece);
      start = end + 1;
    }
    position = text.indexOf("${", piece === undefined ? position + 2 : start);
  }
  takeText(text.length);
  return pieces;
}

/** Undefined for what is no variable: it stays as it is written. */
function readVariable(inside: string): TemplatePiece | undefined {
  if (inside === "*" || inside === "?" || inside === "$") return { kind: "literal", text: inside };
  const comma = inside.indexOf(",");
  const key = (comma < 0 ? inside : inside.slice(0, comma)).trim();
  if (!/^[^\s${},']+$/.test(key)) return undefined;
  if (comma < 0) return { kind: "variable", key: normalizeContextKey(key), fallback: undefined };
  const quoted = inside.slice(comma + 1).trim();
  if (quoted.length < 2 || !quoted.startsWith("'") || !quoted.endsWith("'")) return undefined;
  return { kind: "variable", key: normalizeContextKey(key), fallback: quoted.slice(1, -1) };
}

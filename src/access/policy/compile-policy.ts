// Policies made ready: done once when a document is stored or loaded, so that a request costs little.

import { compileArn, normalizePartition } from "./arn-pattern.ts";
import { compileCondition } from "./compile-condition.ts";
import type { CompiledCondition } from "./compile-condition.ts";
import { compilePrincipals } from "./compile-principal.ts";
import type { CompiledPrincipals } from "./compile-principal.ts";
import { contextKeyFamily } from "./policy-context.ts";
import type { PolicyContext } from "./policy-context.ts";
import type { PatternElement, PolicyDocument, PolicyStatement } from "./policy-document.ts";
import { readTemplate } from "./policy-variables.ts";
import type { TemplatePiece, TextPattern } from "./policy-variables.ts";
import { compileWildcards, readWildcards } from "./wildcard.ts";

export interface PolicySource {
  readonly kind:
    | "bucket"
    | "key"
    | "identity"
    | "group"
    | "boundary"
    | "session"
    | "trust"
    | "service-account";
  /** Shown to administrators: the policy's ARN or its inline name. */
  readonly name: string;
}

export interface CompiledPolicy {
  readonly source: PolicySource;
  /**
   * The condition keys and variables that the policy looks at, in lower case; of tags the family:
   * `s3:existingobjecttag/`. Who evaluates need not find out anything else.
   */
  readonly contextKeys: ReadonlySet<string>;
  readonly statements: readonly CompiledStatement[];
  /** The statements that are about an action. */
  candidates(action: string): PolicyCandidates;
}

export interface PolicyCandidates {
  readonly denies: readonly CompiledStatement[];
  readonly allows: readonly CompiledStatement[];
}

export interface CompiledStatement {
  readonly source: PolicySource;
  /** From 0. */
  readonly index: number;
  /** The statement as it is written. */
  readonly statement: PolicyStatement;
  readonly principals: CompiledPrincipals | undefined;
  readonly conditions: readonly CompiledCondition[];
  /** `action` in lower case. */
  readonly coversAction: (action: string) => boolean;
  /** With what every resource begins that the statement covers; settles most statements at once. */
  readonly resourcePrefix: string;
  readonly coversResource: (resource: string, context: PolicyContext) => boolean;
}

/** Actions come from the table of operations, except those that a simulation asks for. */
const maximumCachedActions = 512;

export function compilePolicy(document: PolicyDocument, source: PolicySource): CompiledPolicy {
  const hasVariables = document.version === "2012-10-17";
  const compiled = document.statements.map((statement, index) =>
    compileStatement(statement, { source, index, hasVariables }),
  );
  const statements = compiled.map(({ statement }) => statement);
  const contextKeys = new Set(compiled.flatMap(({ keys }) => keys.map(contextKeyFamily)));
  const cache = new Map<string, PolicyCandidates>();
  return {
    source,
    contextKeys,
    statements,
    candidates: (action) => {
      const cached = cache.get(action);
      if (cached !== undefined) return cached;
      if (cache.size >= maximumCachedActions) cache.clear();
      const found = findCandidates(statements, action);
      cache.set(action, found);
      return found;
    },
  };
}

function findCandidates(
  statements: readonly CompiledStatement[],
  action: string,
): PolicyCandidates {
  const lower = action.toLowerCase();
  const covering = statements.filter((statement) => statement.coversAction(lower));
  return {
    denies: covering.filter(({ statement }) => statement.effect === "Deny"),
    allows: covering.filter(({ statement }) => statement.effect === "Allow"),
  };
}

interface StatementPlace {
  readonly source: PolicySource;
  readonly index: number;
  readonly hasVariables: boolean;
}

function compileStatement(
  statement: PolicyStatement,
  { source, index, hasVariables }: StatementPlace,
): { readonly statement: CompiledStatement; readonly keys: readonly string[] } {
  const conditions = statement.conditions.map((each) => compileCondition(each, hasVariables));
  const resources = compileResources(statement.resources, hasVariables);
  const { principals } = statement;
  return {
    statement: {
      source,
      index,
      statement,
      principals: principals && compilePrincipals(principals, statement.effect),
      conditions,
      coversAction: compileActions(statement.actions),
      resourcePrefix: resources.prefix,
      coversResource: resources.covers,
    },
    keys: [
      ...conditions.flatMap(({ key, variables }) => [key, ...variables]),
      ...resources.variables,
    ],
  };
}

function compileActions({ isNegated, patterns }: PatternElement): (action: string) => boolean {
  const matchers = patterns.map((pattern) =>
    compileWildcards(readWildcards(pattern.toLowerCase())),
  );
  return (action) => matchers.some((matcher) => matcher.matches(action)) !== isNegated;
}

interface CompiledResources {
  readonly variables: readonly string[];
  readonly prefix: string;
  readonly covers: (resource: string, context: PolicyContext) => boolean;
}

function compileResources(
  element: PatternElement | undefined,
  hasVariables: boolean,
): CompiledResources {
  // A trust policy is about the role that has it.
  if (element === undefined) return { variables: [], prefix: "", covers: () => true };
  const { isNegated, patterns: texts } = element;
  if (texts.includes("*")) return { variables: [], prefix: "", covers: () => !isNegated };
  const templates = texts.map((text) =>
    readTemplate(normalizePartition(text), { hasVariables, hasWildcards: true }),
  );
  const patterns = templates.map(compileArn);
  const only = patterns.length === 1 && !isNegated ? (patterns[0] as TextPattern) : undefined;
  return {
    variables: patterns.flatMap(({ variables }) => variables),
    prefix: isNegated ? "" : commonPrefix(templates.map(literalHead)),
    covers: only?.matches ?? coversAny(patterns, isNegated),
  };
}

function literalHead([first]: readonly TemplatePiece[]): string {
  return first?.kind === "literal" ? first.text : "";
}

function commonPrefix(texts: readonly string[]): string {
  const [first = "", ...others] = texts;
  let length = first.length;
  for (const text of others) {
    while (!text.startsWith(first.slice(0, length))) length -= 1;
  }
  return first.slice(0, length);
}

function coversAny(
  patterns: readonly TextPattern[],
  isNegated: boolean,
): (resource: string, context: PolicyContext) => boolean {
  return (resource, context) => {
    for (const pattern of patterns) if (pattern.matches(resource, context)) return !isNegated;
    return isNegated;
  };
}

// Conditions of a statement as tests that are ready to run: values are read once, operators are chosen
// once. Missing keys and several values follow the IAM user guide ("Condition operators", "Set operators
// for multivalued context keys").

import { compileArn, normalizePartition } from "./arn-pattern.ts";
import type { ConditionOperator, Comparison } from "./condition-operators.ts";
import { normalizeBase64, parseDate, parseNumber } from "./condition-values.ts";
import { isInRange, parseIpAddress, parseIpRange } from "./ip-range.ts";
import type { IpAddress } from "./ip-range.ts";
import type { PolicyCondition } from "./policy-document.ts";
import { normalizeContextKey } from "./policy-context.ts";
import type { PolicyContext } from "./policy-context.ts";
import { compileTemplate, readTemplate } from "./policy-variables.ts";
import type { TextPattern } from "./policy-variables.ts";

export interface CompiledCondition {
  /** As PolicyContext takes it. */
  readonly key: string;
  /** Keys of the variables in its values. */
  readonly variables: readonly string[];
  holds(context: PolicyContext): boolean;
}

/** Whether one value of the request meets any value of the policy. */
interface ValueTest {
  readonly variables: readonly string[];
  isMet(value: string, context: PolicyContext): boolean;
}

export function compileCondition(
  { operator, key: writtenKey, values }: PolicyCondition,
  hasVariables: boolean,
): CompiledCondition {
  const key = normalizeContextKey(writtenKey);
  if (operator.comparison === "Null") return compileNull(key, values);
  const test = valueTests[operator.comparison](values, hasVariables);
  const isMissingGood = answerWithoutValues(operator);
  const holds = compileQuantifier(operator, test);
  return {
    key,
    variables: test.variables,
    holds: (context) => {
      const found = context.get(key);
      if (found === undefined || isEmpty(found, operator)) return isMissingGood;
      return holds(found, context);
    },
  };
}

/**
 * Set operators treat an empty text like no value: "if the key values in the request resolve to an
 * empty data set (for example, an empty string)".
 */
function isEmpty(values: readonly string[], { quantifier }: ConditionOperator): boolean {
  if (values.length === 0) return true;
  return quantifier !== undefined && values.every((value) => value === "");
}

/** `true` asks for a key that is not there, `false` for one that is. */
function compileNull(key: string, values: readonly string[]): CompiledCondition {
  const wanted = new Set(values.map((value) => value.toLowerCase()));
  const [whenMissing, whenPresent] = [wanted.has("true"), wanted.has("false")];
  return {
    key,
    variables: [],
    holds: (context) => {
      const found = context.get(key);
      return found === undefined || found.length === 0 ? whenMissing : whenPresent;
    },
  };
}

function answerWithoutValues({ quantifier, ifExists, isNegated }: ConditionOperator): boolean {
  if (ifExists || quantifier === "ForAllValues") return true;
  // "ForAnyValue: for no matching key in the request, it returns false", negated operators included.
  return quantifier === "ForAnyValue" ? false : isNegated;
}

function compileQuantifier(
  { quantifier, isNegated }: ConditionOperator,
  test: ValueTest,
): (values: readonly string[], context: PolicyContext) => boolean {
  // Without a set operator a key has one value; of several, a negated operator takes them all.
  const takesAll = quantifier === "ForAllValues" || (quantifier === undefined && isNegated);
  // "All of them are (not)" is "none of them is (not, turned round)".
  const decisive = takesAll ? isNegated : !isNegated;
  return (values, context) => {
    for (const value of values) if (test.isMet(value, context) === decisive) return !takesAll;
    return takesAll;
  };
}

type CompileTest = (values: readonly string[], hasVariables: boolean) => ValueTest;

/** Policy variables: "supported" of String, Arn and Bool operators, of no others. */
const valueTests: Readonly<Record<Exclude<Comparison, "Null">, CompileTest>> = {
  StringEquals: (values, hasVariables) => equalText(values, hasVariables, (text) => text),
  StringEqualsIgnoreCase: (values, hasVariables) =>
    equalText(values, hasVariables, (text) => text.toLowerCase()),
  StringLike: (values, hasVariables) =>
    anyPattern(
      values.map((value) =>
        compileTemplate(readTemplate(value, { hasVariables, hasWildcards: true })),
      ),
    ),
  NumericEquals: (values) => compared(values, parseNumber, (actual, wanted) => actual === wanted),
  NumericLessThan: (values) => compared(values, parseNumber, (actual, wanted) => actual < wanted),
  NumericLessThanEquals: (values) =>
    compared(values, parseNumber, (actual, wanted) => actual <= wanted),
  NumericGreaterThan: (values) =>
    compared(values, parseNumber, (actual, wanted) => actual > wanted),
  NumericGreaterThanEquals: (values) =>
    compared(values, parseNumber, (actual, wanted) => actual >= wanted),
  DateEquals: (values) => compared(values, parseDate, (actual, wanted) => actual === wanted),
  DateLessThan: (values) => compared(values, parseDate, (actual, wanted) => actual < wanted),
  DateLessThanEquals: (values) => compared(values, parseDate, (actual, wanted) => actual <= wanted),
  DateGreaterThan: (values) => compared(values, parseDate, (actual, wanted) => actual > wanted),
  DateGreaterThanEquals: (values) =>
    compared(values, parseDate, (actual, wanted) => actual >= wanted),
  Bool: (values, hasVariables) => equalText(values, hasVariables, (text) => text.toLowerCase()),
  BinaryEquals: (values) =>
    compared(values, normalizeBase64, (actual, wanted) => actual === wanted),
  IpAddress: inRanges,
  ArnLike: likeArn,
};

/** Texts without variables are looked up, the others compared one by one. */
function equalText(
  values: readonly string[],
  hasVariables: boolean,
  fold: (text: string) => string,
): ValueTest {
  const fixed = new Set<string>();
  const patterns: TextPattern[] = [];
  for (const value of values) {
    const pieces = readTemplate(value, { hasVariables, hasWildcards: false });
    if (pieces.some(({ kind }) => kind === "variable")) {
      patterns.push(foldPattern(pieces, fold));
    } else fixed.add(fold(pieces.map((piece) => (piece as { text: string }).text).join("")));
  }
  const filled = anyPattern(patterns);
  return {
    variables: filled.variables,
    isMet: (value, context) => {
      const folded = fold(value);
      return fixed.has(folded) || (patterns.length > 0 && filled.isMet(folded, context));
    },
  };
}

function foldPattern(
  pieces: ReturnType<typeof readTemplate>,
  fold: (text: string) => string,
): TextPattern {
  const folded = pieces.map((piece) =>
    piece.kind === "literal" ? { ...piece, text: fold(piece.text) } : piece,
  );
  const pattern = compileTemplate(folded);
  return {
    variables: pattern.variables,
    matches: (text, context) =>
      pattern.matches(text, { get: (key) => context.get(key)?.map(fold) }),
  };
}

function anyPattern(patterns: readonly TextPattern[]): ValueTest {
  return {
    variables: patterns.flatMap(({ variables }) => variables),
    isMet: (value, context) => patterns.some((pattern) => pattern.matches(value, context)),
  };
}

function compared<Value>(
  values: readonly string[],
  parse: (text: string) => Value | undefined,
  meets: (actual: Value, wanted: Value) => boolean,
): ValueTest {
  const wanted = values.map(parse).filter((value) => value !== undefined);
  return {
    variables: [],
    isMet: (value) => {
      const actual = parse(value);
      return actual !== undefined && wanted.some((each) => meets(actual, each));
    },
  };
}

function inRanges(values: readonly string[]): ValueTest {
  const ranges = values.map(parseIpRange).filter((range) => range !== undefined);
  return {
    variables: [],
    isMet: (value) => {
      const address = readAddress(value);
      return address !== undefined && ranges.some((range) => isInRange(address, range));
    },
  };
}

/** The address that was read last: the statements of one evaluation ask for the same one again. */
let lastAddress: { readonly text: string; readonly address: IpAddress | undefined } | undefined;

function readAddress(text: string): IpAddress | undefined {
  if (lastAddress?.text !== text) lastAddress = { text, address: parseIpAddress(text) };
  return lastAddress.address;
}

function likeArn(values: readonly string[], hasVariables: boolean): ValueTest {
  const rules = { hasVariables, hasWildcards: true };
  const patterns = values.map((value) =>
    compileArn(readTemplate(normalizePartition(value), rules)),
  );
  const any = anyPattern(patterns);
  return {
    variables: any.variables,
    isMet: (value, context) => any.isMet(normalizePartition(value), context),
  };
}

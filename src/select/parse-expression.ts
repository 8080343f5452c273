// Scalar expressions, by the precedence of the guide's "Operators".

import { S3Error } from "../model/errors.ts";
import { parseFunction } from "./parse-function.ts";
import type {
  ArithmeticOperator,
  ComparisonOperator,
  Expression,
  Name,
  PathStep,
} from "./syntax.ts";
import type { TokenCursor } from "./token-cursor.ts";
import { isInteger } from "./values.ts";

const powers = {
  or: 1,
  and: 2,
  not: 3,
  equality: 4,
  order: 5,
  like: 6,
  between: 7,
  in: 8,
  sum: 9,
  product: 10,
  sign: 11,
} as const;

const operatorPowers: Readonly<Record<string, number>> = {
  "=": powers.equality,
  "<>": powers.equality,
  "!=": powers.equality,
  "<": powers.order,
  ">": powers.order,
  "<=": powers.order,
  ">=": powers.order,
  "+": powers.sum,
  "-": powers.sum,
  "||": powers.sum,
  "*": powers.product,
  "/": powers.product,
  "%": powers.product,
};

const keywordPowers: Readonly<Record<string, number>> = {
  or: powers.or,
  and: powers.and,
  like: powers.like,
  between: powers.between,
  in: powers.in,
  is: powers.in,
};

export function parseExpression(cursor: TokenCursor, minimum = 0): Expression {
  return cursor.nested(() => {
    let left = parsePrefix(cursor);
    for (;;) {
      const power = powerOfNext(cursor);
      if (power === undefined || power <= minimum) return left;
      left = parseRest(cursor, left, power);
    }
  });
}

function powerOfNext(cursor: TokenCursor): number | undefined {
  const token = cursor.current;
  if (token.kind === "operator") return operatorPowers[token.text];
  if (token.kind !== "keyword") return undefined;
  if (token.text !== "not") return keywordPowers[token.text];
  const next = cursor.at(1);
  if (next.kind !== "keyword" || !["like", "between", "in"].includes(next.text)) return undefined;
  return keywordPowers[next.text];
}

function parseRest(cursor: TokenCursor, left: Expression, power: number): Expression {
  const token = cursor.advance();
  if (token.kind === "operator") return parseOperator(cursor, left, token.text, power);
  if (token.kind !== "keyword") throw new S3Error("ParseUnexpectedToken");
  switch (token.text) {
    case "not": {
      cursor.countOperator();
      return { kind: "not", operand: parseRest(cursor, left, power) };
    }
    case "and":
    case "or":
      return parseConnected(cursor, left, token.text, power);
    case "like": {
      const pattern = parseExpression(cursor, power);
      const escape = cursor.takeKeyword("escape") ? parseExpression(cursor, power) : undefined;
      return { kind: "like", operand: left, pattern, escape };
    }
    case "between": {
      const low = parseExpression(cursor, power);
      cursor.expectKeyword("and");
      return { kind: "between", operand: left, low, high: parseExpression(cursor, power) };
    }
    case "in":
      return { kind: "in", operand: left, items: parseItems(cursor, power) };
    default:
      return parseIs(cursor, left);
  }
}

function parseOperator(
  cursor: TokenCursor,
  left: Expression,
  text: string,
  power: number,
): Expression {
  cursor.countOperator();
  if (power === powers.equality) {
    const operator: ComparisonOperator = text === "=" ? "=" : "<>";
    // The guide has equality group from the right.
    const right = parseExpression(cursor, power - 1);
    return { kind: "comparison", operator, left, right };
  }
  const right = parseExpression(cursor, power);
  return power === powers.order
    ? { kind: "comparison", operator: text as ComparisonOperator, left, right }
    : { kind: "arithmetic", operator: text as ArithmeticOperator, left, right };
}

/** All of a row of ANDs or ORs beside each other, however many. */
function parseConnected(
  cursor: TokenCursor,
  left: Expression,
  kind: "and" | "or",
  power: number,
): Expression {
  const operands = [left];
  do {
    operands.push(parseExpression(cursor, power));
  } while (cursor.takeKeyword(kind));
  return { kind, operands };
}

function parseItems(cursor: TokenCursor, power: number): Expression {
  if (!cursor.isSymbol("(")) return parseExpression(cursor, power);
  cursor.advance();
  if (cursor.isKeyword("select")) throw new S3Error("UnsupportedSqlStructure");
  return { kind: "list", items: cursor.expressions(")") };
}

function parseIs(cursor: TokenCursor, operand: Expression): Expression {
  cursor.countOperator();
  const isNegated = cursor.takeKeyword("not");
  const token = cursor.advance();
  let test: Expression;
  if (token.kind === "literal" && token.value === null) test = { kind: "is-null", operand };
  else if (token.kind === "keyword" && token.text === "missing") {
    test = { kind: "is-missing", operand };
  } else throw new S3Error("ParseExpectedTypeName");
  return isNegated ? { kind: "not", operand: test } : test;
}

function parsePrefix(cursor: TokenCursor): Expression {
  const token = cursor.current;
  switch (token.kind) {
    case "literal":
      cursor.advance();
      return { kind: "literal", value: token.value };
    case "identifier":
      if (cursor.isSymbol("(", 1) && !token.isQuoted) return parseFunction(cursor);
      return parsePath(cursor);
    case "keyword":
      if (token.text === "not") {
        cursor.advance();
        cursor.countOperator();
        return { kind: "not", operand: parseExpression(cursor, powers.not - 1) };
      }
      return parseFunction(cursor);
    case "operator":
      return parseSigned(cursor, token.text);
    case "punctuation":
      return parseBracketed(cursor, token.text);
    default:
      throw new S3Error("ParseExpectedExpression");
  }
}

function parseSigned(cursor: TokenCursor, sign: string): Expression {
  if (sign === "*") throw new S3Error("ParseUnexpectedTerm");
  if (sign !== "-" && sign !== "+") throw new S3Error("ParseUnexpectedOperator");
  cursor.advance();
  cursor.countOperator();
  const operand = parseExpression(cursor, powers.sign);
  return sign === "-" ? { kind: "negate", operand } : operand;
}

function parseBracketed(cursor: TokenCursor, bracket: string): Expression {
  if (bracket !== "(" && bracket !== "[") {
    throw new S3Error(bracket === ";" ? "ParseExpectedExpression" : "ParseUnexpectedToken");
  }
  cursor.advance();
  if (bracket === "[") return { kind: "list", items: cursor.expressions("]") };
  if (cursor.isKeyword("select")) throw new S3Error("UnsupportedSqlStructure");
  const inner = parseExpression(cursor);
  if (cursor.takeSymbol(")")) return inner;
  cursor.expectSymbol(",", "ParseUnexpectedToken");
  return { kind: "list", items: [inner, ...cursor.expressions(")")] };
}

function parsePath(cursor: TokenCursor): Expression {
  const name = takeName(cursor) as Name;
  const steps: PathStep[] = [];
  for (;;) {
    const step = parseStep(cursor);
    if (step === undefined) return { kind: "path", name, steps };
    steps.push(step);
  }
}

/** A step of a path; `undefined` where it ends, also before `.*`. */
export function parseStep(cursor: TokenCursor): PathStep | undefined {
  if (cursor.isSymbol(".")) {
    if (cursor.isSymbol("*", 1)) return undefined;
    cursor.advance();
    const name = takeName(cursor);
    if (name === undefined) throw new S3Error("ParseInvalidPathComponent");
    return { kind: "name", name };
  }
  if (!cursor.isSymbol("[")) return undefined;
  if (cursor.isSymbol("*", 1)) throw new S3Error("ParseInvalidContextForWildcardInSelectList");
  cursor.advance();
  const token = cursor.advance();
  cursor.expectSymbol("]");
  if (token.kind === "literal" && typeof token.value === "string") {
    return { kind: "name", name: { text: token.value, isQuoted: true } };
  }
  if (token.kind === "literal" && isInteger(token.value)) {
    return { kind: "index", index: Number(token.value) };
  }
  throw new S3Error("ParseInvalidPathComponent");
}

export function takeName(cursor: TokenCursor): Name | undefined {
  const token = cursor.current;
  if (token.kind !== "identifier") return undefined;
  cursor.advance();
  return { text: token.text, isQuoted: token.isQuoted };
}

// What looks like a function call: those with words between their brackets, CASE, aggregates, and the
// ordinary ones.

import { S3Error } from "../model/errors.ts";
import type { AggregateName, CastType, Expression, ExtractPart, TrimSide } from "./syntax.ts";
import type { DatePart } from "./timestamp.ts";
import type { TokenCursor } from "./token-cursor.ts";
import { isInteger } from "./values.ts";

const aggregates: ReadonlySet<string> = new Set(["avg", "count", "max", "min", "sum"]);

/** How many arguments the ordinary functions take. */
const argumentCounts: Readonly<Record<string, readonly [number, number]>> = {
  char_length: [1, 1],
  character_length: [1, 1],
  coalesce: [1, Number.POSITIVE_INFINITY],
  lower: [1, 1],
  nullif: [2, 2],
  to_string: [2, 2],
  to_timestamp: [1, 2],
  upper: [1, 1],
  utcnow: [0, 0],
};

/** The cursor stands on a keyword, or on an identifier before a bracket. */
export function parseFunction(cursor: TokenCursor): Expression {
  const token = cursor.current;
  if (token.kind !== "keyword" && token.kind !== "identifier") {
    throw new S3Error("ParseUnexpectedToken");
  }
  const name = token.text.toLowerCase();
  if (name === "missing") {
    cursor.advance();
    return { kind: "literal", value: undefined };
  }
  cursor.countOperator();
  if (name === "case") return parseCase(cursor);
  if (name === "select") throw new S3Error("UnsupportedSqlStructure");
  if (name === "cast") return parseCast(cursor);
  const isKnown =
    Object.hasOwn(argumentCounts, name) || aggregates.has(name) || Object.hasOwn(forms, name);
  if (!cursor.isSymbol("(", 1)) {
    throw new S3Error(
      isKnown ? "ParseExpectedLeftParenBuiltinFunctionCall" : "ParseUnExpectedKeyword",
    );
  }
  if (!isKnown) throw new S3Error("UnsupportedFunction");
  cursor.advance();
  cursor.advance();
  if (aggregates.has(name)) return parseAggregate(cursor, name as AggregateName);
  const form = forms[name];
  if (form !== undefined) return form(cursor);
  const operands = cursor.expressions(")");
  const [least, most] = argumentCounts[name] ?? [0, 0];
  if (operands.length < least || operands.length > most) {
    throw new S3Error("EvaluatorInvalidArguments");
  }
  return { kind: "call", name, operands };
}

const forms: Readonly<Record<string, (cursor: TokenCursor) => Expression>> = {
  date_add: (cursor) => parseDateFunction(cursor, "date-add"),
  date_diff: (cursor) => parseDateFunction(cursor, "date-diff"),
  extract: parseExtract,
  substring: parseSubstring,
  trim: parseTrim,
};

function expectClosing(cursor: TokenCursor): void {
  cursor.expectSymbol(")", "ParseExpectedRightParenBuiltinFunctionCall");
}

function parseAggregate(cursor: TokenCursor, name: AggregateName): Expression {
  if (cursor.takeSymbol("*")) {
    if (name !== "count") throw new S3Error("ParseUnsupportedCallWithStar");
    expectClosing(cursor);
    return { kind: "aggregate", name, operand: undefined };
  }
  if (cursor.isKeyword("distinct")) throw new S3Error("UnsupportedSyntax");
  cursor.takeKeyword("all");
  const [operand, ...others] = cursor.expressions(")");
  if (operand === undefined || others.length > 0) {
    throw new S3Error("ParseNonUnaryAgregateFunctionCall");
  }
  return { kind: "aggregate", name, operand };
}

function parseCase(cursor: TokenCursor): Expression {
  cursor.advance();
  const operand = cursor.isKeyword("when") ? undefined : cursor.expression();
  const branches: { when: Expression; result: Expression }[] = [];
  while (cursor.takeKeyword("when")) {
    const when = cursor.expression();
    cursor.expectKeyword("then");
    branches.push({ when, result: cursor.expression() });
  }
  if (branches.length === 0) throw new S3Error("ParseExpectedWhenClause");
  const otherwise = cursor.takeKeyword("else") ? cursor.expression() : undefined;
  cursor.expectKeyword("end");
  return { kind: "case", operand, branches, otherwise };
}

const castTypes: Readonly<Record<string, CastType>> = {
  bool: "bool",
  boolean: "bool",
  char: "string",
  character: "string",
  decimal: "decimal",
  dec: "decimal",
  double: "float",
  float: "float",
  int: "int",
  integer: "int",
  numeric: "decimal",
  real: "float",
  smallint: "int",
  string: "string",
  timestamp: "timestamp",
  varchar: "string",
};

/** Types of the language that are none of S3 Select's. */
const otherTypes = new Set("bag blob clob date list sexp struct symbol time tuple".split(" "));

function parseCast(cursor: TokenCursor): Expression {
  cursor.advance();
  cursor.expectSymbol("(", "ParseExpectedLeftParenAfterCast");
  const operand = cursor.expression();
  cursor.expectKeyword("as");
  const token = cursor.advance();
  const name =
    token.kind === "keyword" || token.kind === "identifier" ? token.text.toLowerCase() : "";
  if (otherTypes.has(name)) throw new S3Error("InvalidDataType");
  const type = castTypes[name];
  if (type === undefined) throw new S3Error("ParseExpectedTypeName");
  if (name === "double" && cursor.isKeyword("precision")) cursor.advance();
  if (name === "character" && cursor.isKeyword("varying")) cursor.advance();
  const parameters = cursor.takeSymbol("(") ? parseTypeParameters(cursor) : [];
  // The guide: scale and precision are ignored.
  const most = { decimal: 2, string: name === "string" ? 0 : 1 }[type as string] ?? 0;
  if (parameters.length > most) throw new S3Error("ParseCastArity");
  expectClosing(cursor);
  return {
    kind: "cast",
    operand,
    type,
    lengthLimit: type === "string" ? parameters[0] : undefined,
  };
}

function parseTypeParameters(cursor: TokenCursor): readonly number[] {
  const parameters: number[] = [];
  do {
    const token = cursor.advance();
    if (token.kind !== "literal" || !isInteger(token.value)) {
      throw new S3Error("ParseInvalidTypeParam");
    }
    parameters.push(Number(token.value));
  } while (cursor.takeSymbol(","));
  cursor.expectSymbol(")", "ParseExpectedRightParenBuiltinFunctionCall");
  return parameters;
}

const dateParts: readonly string[] = ["year", "month", "day", "hour", "minute", "second"];
const extractParts = [...dateParts, "timezone_hour", "timezone_minute"];

function takePart(cursor: TokenCursor, parts: readonly string[]): string {
  const token = cursor.advance();
  const isWord = token.kind === "keyword" || token.kind === "identifier";
  const part = isWord ? token.text.toLowerCase() : "";
  if (!parts.includes(part)) throw new S3Error("ParseExpectedDatePart");
  return part;
}

function parseDateFunction(cursor: TokenCursor, kind: "date-add" | "date-diff"): Expression {
  const part = takePart(cursor, dateParts) as DatePart;
  cursor.expectSymbol(",", "ParseExpectedArgumentDelimiter");
  const [first, second, ...others] = cursor.expressions(")");
  if (first === undefined || second === undefined || others.length > 0) {
    throw new S3Error("EvaluatorInvalidArguments");
  }
  return { kind, part, first, second };
}

function parseExtract(cursor: TokenCursor): Expression {
  const part = takePart(cursor, extractParts) as ExtractPart;
  cursor.expectKeyword("from");
  const operand = cursor.expression();
  expectClosing(cursor);
  return { kind: "extract", part, operand };
}

/** `SUBSTRING(text FROM start FOR length)`, or with commas. */
function parseSubstring(cursor: TokenCursor): Expression {
  const text = cursor.expression();
  const operands = [text];
  if (cursor.takeKeyword("from")) {
    operands.push(cursor.expression());
    if (cursor.takeKeyword("for")) operands.push(cursor.expression());
    expectClosing(cursor);
  } else {
    if (cursor.isSymbol(")")) throw new S3Error("EvaluatorInvalidArguments");
    cursor.expectSymbol(",", "ParseExpectedArgumentDelimiter");
    operands.push(...cursor.expressions(")"));
  }
  if (operands.length < 2 || operands.length > 3) throw new S3Error("EvaluatorInvalidArguments");
  return { kind: "call", name: "substring", operands };
}

/** `TRIM([[LEADING | TRAILING | BOTH] [characters] FROM] text)`. */
function parseTrim(cursor: TokenCursor): Expression {
  const side = takeSide(cursor);
  const first = cursor.isKeyword("from") ? undefined : cursor.expression();
  const hasFrom = cursor.takeKeyword("from");
  if (side !== undefined && !hasFrom) throw new S3Error("ParseExpectedKeyword");
  const operand = hasFrom ? cursor.expression() : first;
  if (operand === undefined) throw new S3Error("ParseExpectedExpression");
  expectClosing(cursor);
  const characters = hasFrom ? first : undefined;
  return { kind: "trim", side: side ?? "both", characters, operand };
}

function takeSide(cursor: TokenCursor): TrimSide | undefined {
  for (const side of ["leading", "trailing", "both"] as const) {
    if (cursor.takeKeyword(side)) return side;
  }
  return undefined;
}

// A query's text as a tree: SELECT list, FROM, WHERE, LIMIT, and nothing else. Throws S3Error of the
// codes that S3 Select has for what it does not understand or support.

import { S3Error } from "../model/errors.ts";
import { selectExpressionBytes } from "../model/limits.ts";
import { tokenize } from "./lexer.ts";
import { parseExpression, parseStep, takeName } from "./parse-expression.ts";
import type { Expression, Name, Query, SelectItem, Source, SourceStep } from "./syntax.ts";
import { TokenCursor } from "./token-cursor.ts";
import { isInteger } from "./values.ts";

export function parseQuery(text: string): Query {
  if (Buffer.byteLength(text) > selectExpressionBytes) throw new S3Error("ExpressionTooLong");
  const cursor = new TokenCursor(tokenize(text), parseExpression);
  expectSelect(cursor);
  const items = parseItems(cursor);
  cursor.expectKeyword("from", "ParseSelectMissingFrom");
  const source = parseSource(cursor);
  const where = cursor.takeKeyword("where") ? parseExpression(cursor) : undefined;
  refuseOtherClauses(cursor);
  const limit = cursor.takeKeyword("limit") ? parseLimit(cursor) : undefined;
  while (cursor.takeSymbol(";"));
  if (cursor.current.kind !== "end") {
    refuseOtherClauses(cursor);
    throw new S3Error("ParseUnexpectedToken");
  }
  return { items, source, where, limit };
}

const otherStatements = new Set(
  "insert update delete create drop alter values exec set".split(" "),
);

function expectSelect(cursor: TokenCursor): void {
  const token = cursor.advance();
  if (token.kind === "keyword" && token.text === "select") {
    if (cursor.isKeyword("distinct")) throw new S3Error("ParseUnsupportedSelect");
    cursor.takeKeyword("all");
    return;
  }
  const isStatement = token.kind === "keyword" && otherStatements.has(token.text);
  throw new S3Error(isStatement ? "UnsupportedSqlOperation" : "ParseUnexpectedToken");
}

function parseItems(cursor: TokenCursor): readonly SelectItem[] | "all" {
  if (cursor.isKeyword("from") || cursor.current.kind === "end") {
    throw new S3Error("ParseEmptySelect");
  }
  if (cursor.takeSymbol("*")) {
    if (cursor.isSymbol(",")) throw new S3Error("ParseAsteriskIsNotAloneInSelectList");
    return "all";
  }
  const items: SelectItem[] = [];
  do {
    if (cursor.isSymbol("*")) throw new S3Error("ParseAsteriskIsNotAloneInSelectList");
    items.push(parseItem(cursor));
  } while (cursor.takeSymbol(","));
  return items;
}

function parseItem(cursor: TokenCursor): SelectItem {
  const expression = parseExpression(cursor);
  if (cursor.isSymbol(".") && cursor.isSymbol("*", 1)) return parseMembers(cursor, expression);
  return { kind: "expression", expression, alias: parseAlias(cursor) };
}

function parseMembers(cursor: TokenCursor, expression: Expression): SelectItem {
  cursor.advance();
  cursor.advance();
  if (expression.kind !== "path") throw new S3Error("ParseInvalidContextForWildcardInSelectList");
  if (expression.steps.some((step) => step.kind === "index") || cursor.isSymbol("[")) {
    throw new S3Error("ParseCannotMixSqbAndWildcardInSelectList");
  }
  if (cursor.isSymbol(".")) throw new S3Error("ParseInvalidContextForWildcardInSelectList");
  return { kind: "members", expression };
}

function parseAlias(cursor: TokenCursor): Name | undefined {
  const isAnnounced = cursor.takeKeyword("as");
  const name = takeName(cursor);
  if (isAnnounced && name === undefined) throw new S3Error("ParseExpectedIdentForAlias");
  return name;
}

/** `S3Object`, with `[*]` and a path behind it if the rows lie deeper. */
function parseSource(cursor: TokenCursor): Source {
  const table = takeName(cursor);
  if (table === undefined) {
    const isSubquery = cursor.isSymbol("(");
    throw new S3Error(isSubquery ? "UnsupportedSqlStructure" : "ParseUnexpectedToken");
  }
  if (table.text.toLowerCase() !== "s3object") throw new S3Error("EvaluatorBindingDoesNotExist");
  const steps: SourceStep[] = [];
  if (cursor.isSymbol("[")) {
    cursor.advance();
    cursor.expectSymbol("*", "ParseInvalidPathComponent");
    cursor.expectSymbol("]");
    for (;;) {
      const step = parseSourceStep(cursor);
      if (step === undefined) break;
      steps.push(step);
    }
  } else if (cursor.isSymbol(".")) {
    // The guide: with a path the wildcard cannot be left out.
    throw new S3Error("ParseInvalidPathComponent");
  }
  const alias = parseAlias(cursor);
  if (cursor.isKeyword("at")) throw new S3Error("ParseUnsupportedSyntax");
  if (cursor.isSymbol(",")) throw new S3Error("MultipleDataSourcesUnsupported");
  return { steps, alias: alias ?? impliedAlias(steps, table) };
}

function parseSourceStep(cursor: TokenCursor): SourceStep | undefined {
  if (cursor.isSymbol("[") && cursor.isSymbol("*", 1)) {
    cursor.advance();
    cursor.advance();
    cursor.expectSymbol("]");
    return { kind: "elements" };
  }
  if (cursor.isSymbol(".") && cursor.isSymbol("*", 1)) {
    cursor.advance();
    cursor.advance();
    return { kind: "members" };
  }
  return parseStep(cursor);
}

/** Without an alias the last name of the path is one; behind a wildcard the row is only `_1`. */
function impliedAlias(steps: readonly SourceStep[], table: Name): Name | undefined {
  const last = steps.at(-1);
  if (last === undefined) return table;
  return last.kind === "name" ? last.name : undefined;
}

function parseLimit(cursor: TokenCursor): number {
  const isNegative = cursor.takeSymbol("-");
  const token = cursor.advance();
  if (token.kind !== "literal" || !isInteger(token.value)) throw new S3Error("ParseExpectedNumber");
  if (isNegative && token.value > 0) throw new S3Error("EvaluatorNegativeLimit");
  return Number(token.value);
}

const joins = new Set("cross full inner join left natural outer right".split(" "));

function refuseOtherClauses(cursor: TokenCursor): void {
  const token = cursor.current;
  if (token.kind !== "keyword") return;
  if (joins.has(token.text)) throw new S3Error("ParseMalformedJoin");
  if (token.text === "group") throw new S3Error("ParseExpectedIdentForGroupName");
  if (["order", "having", "union", "intersect", "except"].includes(token.text)) {
    throw new S3Error("UnsupportedSqlStructure");
  }
}

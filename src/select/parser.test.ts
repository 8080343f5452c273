// What the parser refuses, with the codes of the API reference; and that nothing makes it fail otherwise.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { array, assert as check, constantFrom, oneof, property, string } from "fast-check";
import { S3Error } from "../model/errors.ts";
import { parseQuery } from "./parser.ts";
import { reservedWords } from "./reserved-words.ts";

function outcomeOf(sql: string): string {
  try {
    parseQuery(sql);
    return "parsed";
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return error.code;
  }
}

const refusals: readonly (readonly [string, string])[] = [
  ["", "ParseUnexpectedToken"],
  ["SELECT", "ParseEmptySelect"],
  ["SELECT FROM S3Object", "ParseEmptySelect"],
  ["SELECT *", "ParseSelectMissingFrom"],
  ["SELECT *, _1 FROM S3Object", "ParseAsteriskIsNotAloneInSelectList"],
  ["SELECT _1, * FROM S3Object", "ParseAsteriskIsNotAloneInSelectList"],
  ["SELECT _1 AS 5 FROM S3Object", "ParseExpectedIdentForAlias"],
  ["SELECT DISTINCT _1 FROM S3Object", "ParseUnsupportedSelect"],
  ["SELECT s.a[*] FROM S3Object s", "ParseInvalidContextForWildcardInSelectList"],
  ["SELECT s.a[0].* FROM S3Object s", "ParseCannotMixSqbAndWildcardInSelectList"],
  ["SELECT s.CAST FROM S3Object s", "ParseInvalidPathComponent"],
  ["SELECT s. FROM S3Object s", "ParseInvalidPathComponent"],
  ["SELECT user FROM S3Object", "ParseUnExpectedKeyword"],
  ["SELECT * FROM S3Object.path", "ParseInvalidPathComponent"],
  ["SELECT * FROM other", "EvaluatorBindingDoesNotExist"],
  ["SELECT * FROM (SELECT * FROM S3Object)", "UnsupportedSqlStructure"],
  ["SELECT * FROM S3Object a, S3Object b", "MultipleDataSourcesUnsupported"],
  ["SELECT * FROM S3Object a JOIN S3Object b", "ParseMalformedJoin"],
  ["SELECT * FROM S3Object GROUP BY _1", "ParseExpectedIdentForGroupName"],
  ["SELECT * FROM S3Object ORDER BY _1", "UnsupportedSqlStructure"],
  ["SELECT * FROM S3Object WHERE", "ParseExpectedExpression"],
  ["SELECT * FROM S3Object LIMIT -1", "EvaluatorNegativeLimit"],
  ["SELECT * FROM S3Object LIMIT x", "ParseExpectedNumber"],
  ["SELECT * FROM S3Object LIMIT 1 2", "ParseUnexpectedToken"],
  ["DELETE FROM S3Object", "UnsupportedSqlOperation"],
  ["SELECT CAST _1 FROM S3Object", "ParseExpectedLeftParenAfterCast"],
  ["SELECT CAST(_1, INT) FROM S3Object", "ParseExpectedKeyword"],
  ["SELECT CAST(_1 AS COLOUR) FROM S3Object", "ParseExpectedTypeName"],
  ["SELECT CAST(_1 AS BLOB) FROM S3Object", "InvalidDataType"],
  ["SELECT CAST(_1 AS INT(4)) FROM S3Object", "ParseCastArity"],
  ["SELECT CAST(_1 AS DECIMAL('a')) FROM S3Object", "ParseInvalidTypeParam"],
  ["SELECT LOWER FROM S3Object", "ParseExpectedLeftParenBuiltinFunctionCall"],
  ["SELECT LOWER(_1, _2) FROM S3Object", "EvaluatorInvalidArguments"],
  ["SELECT LOWER(_1 _2) FROM S3Object", "ParseExpectedArgumentDelimiter"],
  ["SELECT SOUNDEX(_1) FROM S3Object", "UnsupportedFunction"],
  ["SELECT SUM(*) FROM S3Object", "ParseUnsupportedCallWithStar"],
  ["SELECT SUM(_1, _2) FROM S3Object", "ParseNonUnaryAgregateFunctionCall"],
  ["SELECT COUNT(DISTINCT _1) FROM S3Object", "UnsupportedSyntax"],
  ["SELECT CASE _1 END FROM S3Object", "ParseExpectedWhenClause"],
  ["SELECT DATE_ADD(week, 1, _1) FROM S3Object", "ParseExpectedDatePart"],
  ["SELECT EXTRACT(year _1) FROM S3Object", "ParseExpectedKeyword"],
  ["SELECT TRIM(LEADING _1) FROM S3Object", "ParseExpectedKeyword"],
  ["SELECT _1 IS 5 FROM S3Object", "ParseExpectedTypeName"],
  ["SELECT 'a FROM S3Object", "LexerInvalidLiteral"],
  ["SELECT 1x FROM S3Object", "LexerInvalidLiteral"],
  ["SELECT `2017-99` FROM S3Object", "LexerInvalidIONLiteral"],
  ["SELECT 1 ^ 2 FROM S3Object", "LexerInvalidOperator"],
  ["SELECT 1 == 2 FROM S3Object", "LexerInvalidOperator"],
  ["SELECT § FROM S3Object", "LexerInvalidChar"],
  ["SELECT 99999999999999999999 FROM S3Object", "IntegerOverflow"],
  [`SELECT '${"x".repeat(262_144)}' FROM S3Object`, "ExpressionTooLong"],
  [`SELECT ${"(".repeat(5000)} FROM S3Object`, "MaxOperatorsExceeded"],
  [`SELECT ${"1+".repeat(5000)}1 FROM S3Object`, "MaxOperatorsExceeded"],
];

describe("refused", () => {
  for (const [sql, code] of refusals) {
    test(`${code}: ${sql.slice(0, 70)}`, () => assert.equal(outcomeOf(sql), code));
  }
});

test("keywords and names are taken in any case, a semicolon ends", () => {
  assert.equal(outcomeOf("select s.A, b as C from s3OBJECT AS s Where a = 1 LIMIT 3;"), "parsed");
  assert.equal(outcomeOf('SELECT s."CAST" FROM S3Object s'), "parsed");
});

test("a long row of alternatives is no deep nesting", () => {
  const condition = Array.from({ length: 1500 }, (_, index) => `_1 = '${index}'`).join(" OR ");
  assert.equal(outcomeOf(`SELECT * FROM S3Object WHERE ${condition}`), "parsed");
});

test("any text is parsed or refused", () => {
  const words = [
    ...reservedWords,
    "S3Object",
    "s",
    "_1",
    '"a b"',
    "'text'",
    "1",
    "2.5e3",
    "`2017T`",
  ];
  const marks = [
    "(",
    ")",
    "[",
    "]",
    "*",
    ",",
    ".",
    ";",
    "=",
    "<>",
    "-",
    "+",
    "/",
    "||",
    "'",
    '"',
    "`",
  ];
  const token = constantFrom(...words, ...marks);
  const text = oneof(
    array(token, { maxLength: 40 }).map((tokens) => tokens.join(" ")),
    array(token, { maxLength: 30 }).map((tokens) => `SELECT ${tokens.join(" ")} FROM S3Object`),
    string({ unit: "binary", maxLength: 60 }),
  );
  check(
    property(text, (sql) => {
      assert.equal(typeof outcomeOf(sql), "string");
    }),
    { numRuns: 3000 },
  );
});

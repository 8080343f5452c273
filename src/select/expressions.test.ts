// What expressions mean: the examples of the guide's "SQL reference for Amazon S3 Select", and the rules
// that they leave open.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { asyncProperty, assert as check, constantFrom, letrec, oneof, tuple } from "fast-check";
import { jsonOutput, runQuery } from "../../tests/select/run-query.ts";

/** Of one row whose only column is `1`. */
function valueOf(expression: string): Promise<string> {
  return runQuery(`SELECT ${expression} FROM S3Object`, "1\n").then((text) => text.trimEnd());
}

const examples: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  arithmetic: [
    ["-3*3", "-9"],
    ["10-3*2", "4"],
    ["13-10/5", "11"],
    ["13-10%5", "13"],
    ["7/2", "3"],
    ["7.0/2", "3.5"],
    ["1/3.0", "0.33333333333333333333333333333333333333"],
    ["0.1+0.2", "0.3"],
    ["1.10+1", "2.10"],
    ["9223372036854775807", "9223372036854775807"],
    ["9223372036854775806+1", "9223372036854775807"],
    ["9223372036854775807+1", "!IntegerOverflow"],
    ["4611686018427387904*2", "!IntegerOverflow"],
    ["1/0", "!ExternalEvalException"],
    ["1.0%0", "!ExternalEvalException"],
    ["CAST(1 AS FLOAT)/3", "0.3333333333333333"],
    ["CAST(3 AS FLOAT)", "3.0"],
    ["1e10*1.5", "1.5E+10"],
    ["CAST(1e10 AS FLOAT)", "1.0E10"],
    ["1e999999999+1", "1E+999999999"],
    ["'a'+1", "!ExternalEvalException"],
    ["NULL+1", ""],
    ["'a' || 'b'", "ab"],
  ],
  comparison: [
    ["1 = 1.0", "true"],
    ["1 = '1'", "false"],
    ["1 <> '1'", "true"],
    ["1 < '2'", "!ExternalEvalException"],
    ["'b' > 'a'", "true"],
    ["9007199254740993 > 9007199254740992", "true"],
    ["1e400 > 1e399", "true"],
    ["2 BETWEEN 1 AND 3", "true"],
    ["2 NOT BETWEEN 1 AND 3", "false"],
    ["2 IN (1, 2)", "true"],
    ["2 NOT IN (1, NULL)", ""],
    ["2 IN (1, NULL, 2)", "true"],
    ["`2017T` < `2017-02T`", "true"],
    ["`2017-01-01T00:00Z` = `2017-01-01T01:00+01:00`", "true"],
    ["NULL = NULL", ""],
    ["NULL IS NULL", "true"],
    ["MISSING IS NULL", "true"],
    ["NULL IS MISSING", "false"],
    ["_2 IS MISSING", "true"],
    ["_1 IS NOT NULL", "true"],
  ],
  logic: [
    ["TRUE OR NULL", "true"],
    ["TRUE AND NULL", ""],
    ["FALSE AND NULL", "false"],
    ["NOT NULL", ""],
    ["NOT FALSE OR TRUE", "true"],
    ["NOT 1 = 2", "true"],
    ["1 AND TRUE", "!ExternalEvalException"],
  ],
  like: [
    ["'abc' LIKE 'a%c'", "true"],
    ["'abc' LIKE 'a_c'", "true"],
    ["'abc' LIKE 'a'", "false"],
    ["'abc' NOT LIKE '%d%'", "true"],
    ["'aXbXc' LIKE '%X_X%'", "true"],
    ["'a%c' LIKE 'a!%c' ESCAPE '!'", "true"],
    ["'abc' LIKE 'a!%c' ESCAPE '!'", "false"],
    ["'😀b' LIKE '_b'", "true"],
    ["'ab' LIKE 'a%b%ab'", "false"],
    ["'abc' LIKE 'a!bc' ESCAPE '!'", "!EvaluatorLikePatternInvalidEscapeSequence"],
    ["'abc' LIKE 'a' ESCAPE '!!'", "!LikeInvalidInputs"],
    ["1 LIKE '1'", "!LikeInvalidInputs"],
  ],
  "conditional functions": [
    ["COALESCE(1)", "1"],
    ["COALESCE(NULL, NULL)", ""],
    ["COALESCE(MISSING, 1)", "1"],
    ["COALESCE(NULL, 'string')", "string"],
    ["NULLIF(1, 1)", ""],
    ["NULLIF(1, 2)", "1"],
    ["NULLIF(1.0, 1)", ""],
    ["NULLIF(1, '1')", "1"],
    ["NULLIF([1], [1])", ""],
    ["NULLIF(1, NULL)", "1"],
    ["NULLIF(NULL, 1)", ""],
    ["CASE _1 WHEN '1' THEN 'one' ELSE 'other' END", "one"],
    ["CASE _1 WHEN '2' THEN 'two' END", ""],
    ["CASE WHEN CAST(_1 AS FLOAT) < 1 THEN 'a' WHEN CAST(_1 AS FLOAT) > 0 THEN 'b' END", "b"],
  ],
  cast: [
    ["CAST('2007-04-05T14:30Z' AS TIMESTAMP)", "2007-04-05T14:30Z"],
    ["CAST(0.456 AS FLOAT)", "0.456"],
    ["CAST('13' AS INTEGER)", "13"],
    ["CAST(' 13' AS INT)", "!CastFailed"],
    ["CAST('' AS INT)", "!CastFailed"],
    ["CAST('1.5' AS INT)", "!CastFailed"],
    ["CAST(1.9 AS INT)", "1"],
    ["CAST(-1.9 AS INT)", "-1"],
    ["CAST('99999999999999999999' AS INT)", "!IntegerOverflow"],
    ["CAST('1.50' AS DECIMAL)", "1.50"],
    ["CAST('1.50' AS NUMERIC(10, 1))", "1.50"],
    ["CAST('x' AS DECIMAL)", "!CastFailed"],
    ["CAST(TRUE AS STRING)", "true"],
    ["CAST('TRUE' AS BOOL)", "true"],
    ["CAST(0 AS BOOL)", "false"],
    ["CAST('maybe' AS BOOL)", "!CastFailed"],
    ["CAST(`2007T` AS INT)", "!InvalidCast"],
    ["CAST('nope' AS TIMESTAMP)", "!CastFailed"],
    ["CAST(NULL AS INT)", ""],
    ["CAST('abc' AS VARCHAR(2))", "ab"],
  ],
  "string functions": [
    ["CHAR_LENGTH('')", "0"],
    ["CHARACTER_LENGTH('abcdefg')", "7"],
    ["CHAR_LENGTH('😀')", "1"],
    ["LOWER('AbCdEfG!@#$')", "abcdefg!@#$"],
    ["UPPER('AbCdEfG!@#$')", "ABCDEFG!@#$"],
    ["SUBSTRING('123456789', 0)", "123456789"],
    ["SUBSTRING('123456789', 2)", "23456789"],
    ["SUBSTRING('123456789', -4)", "123456789"],
    ["SUBSTRING('123456789', 0, 999)", "123456789"],
    ["SUBSTRING('123456789', 1, 5)", "12345"],
    ["SUBSTRING('123456789' FROM -1 FOR 4)", "12"],
    ["SUBSTRING('123456789' FROM -4 FOR 2)", ""],
    ["SUBSTRING('a😀c' FROM 2 FOR 1)", "😀"],
    ["SUBSTRING('abc', 1, -1)", "!EvaluatorInvalidArguments"],
    ["SUBSTRING(1, 1)", "!IncorrectSqlFunctionArgumentType"],
    ["TRIM('       foobar         ')", "foobar"],
    ["TRIM(LEADING FROM '       foobar') || '|'", "foobar|"],
    ["TRIM(TRAILING FROM 'foobar   ') || '|'", "foobar|"],
    ["TRIM(BOTH '12' FROM '1112211foobar22211122')", "foobar"],
    ["LOWER(1)", "!IncorrectSqlFunctionArgumentType"],
    ["LOWER(NULL)", ""],
  ],
  "date functions": [
    ["DATE_ADD(year, 5, `2010-01-01T`)", "2015-01-01"],
    ["DATE_ADD(month, 1, `2010T`)", "2010-02T"],
    ["DATE_ADD(month, 13, `2010T`)", "2011-02T"],
    ["DATE_ADD(month, 1, `2010-01-31T`)", "2010-02-28"],
    ["DATE_ADD(day, -1, `2017-01-10T`)", "2017-01-09"],
    ["DATE_ADD(hour, 1, `2017T`)", "2017-01-01T01:00-00:00"],
    ["DATE_ADD(hour, 1, `2017-01-02T03:04Z`)", "2017-01-02T04:04Z"],
    ["DATE_ADD(minute, 1, `2017-01-02T03:04:05.006Z`)", "2017-01-02T03:05:05.006Z"],
    ["DATE_ADD(second, 1, `2017-01-02T03:04:05.006Z`)", "2017-01-02T03:04:06.006Z"],
    ["DATE_ADD(year, 9000, `2017T`)", "!ExternalEvalException"],
    ["DATE_DIFF(year, `2010-01-01T`, `2011-01-01T`)", "1"],
    ["DATE_DIFF(month, `2010T`, `2010-05T`)", "4"],
    ["DATE_DIFF(month, `2011T`, `2010T`)", "-12"],
    ["DATE_DIFF(day, `2010-01-01T23:00Z`, `2010-01-02T01:00Z`)", "0"],
    ["EXTRACT(YEAR FROM `2010-01-01T`)", "2010"],
    ["EXTRACT(MONTH FROM `2010T`)", "1"],
    ["EXTRACT(HOUR FROM `2017-01-02T03:04:05+07:08`)", "3"],
    ["EXTRACT(TIMEZONE_HOUR FROM `2017-01-02T03:04:05+07:08`)", "7"],
    ["EXTRACT(TIMEZONE_MINUTE FROM `2017-01-02T03:04:05+07:08`)", "8"],
    ["TO_STRING(`1969-07-20T20:18Z`, 'MMMM d, y')", '"July 20, 1969"'],
    ["TO_STRING(`1969-07-20T20:18Z`, 'M-d-yy')", "7-20-69"],
    ["TO_STRING(`1969-07-20T20:18Z`, 'MMMM d, y h:m a')", '"July 20, 1969 8:18 PM"'],
    ["TO_STRING(`1969-07-20T20:18Z`, 'y-MM-dd''T''H:m:ssX')", "1969-07-20T20:18:00Z"],
    ["TO_STRING(`1969-07-20T20:18+08:00`, 'y H:m:ssXXXX')", "1969 20:18:00+0800"],
    ["TO_STRING(`1969-07-20T20:18+08:00`, 'y H:m:ssXXXXX')", "1969 20:18:00+08:00"],
    ["TO_STRING(`2017-01-02T03:04:05.0067Z`, 'SSS n')", "006 6700000"],
    ["TO_STRING(`2017T`, 'q')", "!EvaluatorInvalidTimestampFormatPatternSymbol"],
    ["TO_STRING(`2017T`, 'yyyyy')", "!EvaluatorInvalidTimestampFormatPatternToken"],
    ["TO_STRING(`2017T`, '''y')", "!EvaluatorUnterminatedTimestampFormatPatternToken"],
    ["TO_TIMESTAMP('2007T')", "2007T"],
    ["TO_TIMESTAMP('2007-02-23T12:14:33.079-08:00')", "2007-02-23T12:14:33.079-08:00"],
    ["TO_TIMESTAMP('yesterday')", "!ValueParseFailure"],
    ["TO_TIMESTAMP('2007-02-30')", "!ValueParseFailure"],
    ["TO_TIMESTAMP('July 20, 1969', 'MMMM d, y')", "1969-07-20"],
    ["TO_TIMESTAMP('69', 'yy')", "2069T"],
    ["TO_TIMESTAMP('1', 'd')", "!EvaluatorInvalidTimestampFormatPattern"],
    ["TO_TIMESTAMP('J', 'y MMMMM')", "!EvaluatorInvalidTimestampFormatPatternSymbolForParsing"],
    ["TO_TIMESTAMP('1 1', 'y y')", "!EvaluatorTimestampFormatPatternDuplicateFields"],
    [
      "TO_TIMESTAMP('2017-1-1 1:00', 'y-M-d h:mm')",
      "!EvaluatorTimestampFormatPatternHourClockAmPmMismatch",
    ],
    ["UTCNOW()", "1970-01-01T00:00:00.000Z"],
  ],
};

for (const [topic, cases] of Object.entries(examples)) {
  describe(topic, () => {
    for (const [expression, expected] of cases) {
      test(expression, async () => assert.equal(await valueOf(expression), expected));
    }
  });
}

describe("aggregates", () => {
  const rows = "1,a\n2,\n,c\n";
  const cases: readonly (readonly [string, string])[] = [
    ["COUNT(*)", "3"],
    ["COUNT(_1)", "3"],
    ["COUNT(_3)", "0"],
    ["SUM(CAST(NULLIF(_1, '') AS INT))", "3"],
    ["AVG(CAST(NULLIF(_1, '') AS INT))", "1.5"],
    ["MIN(CAST(NULLIF(_1, '') AS DECIMAL))", "1"],
    ["MAX(CAST(NULLIF(_1, '') AS FLOAT))", "2.0"],
    ["SUM(_3)", ""],
    ["SUM(CAST(NULLIF(_1, '') AS INT)) * 2 + COUNT(*)", "9"],
    ["SUM(_2)", "!ExternalEvalException"],
    ["COUNT(*), _1", "!UnsupportedSqlStructure"],
    ["SUM(COUNT(*))", "!UnsupportedSqlStructure"],
  ];
  for (const [expression, expected] of cases) {
    test(expression, async () => {
      const text = await runQuery(`SELECT ${expression} FROM S3Object`, rows);
      assert.equal(text.trimEnd(), expected);
    });
  }

  test("none in a condition", async () => {
    const text = await runQuery("SELECT * FROM S3Object WHERE COUNT(*) > 1", rows);
    assert.equal(text, "!UnsupportedSqlStructure");
  });

  test("the example of the guide, over an inventory", async () => {
    const inventory = ['"b","f/","0"', '"b","f/1","2011267"', '"b","f/2","1570024"'].join("\n");
    const query = "SELECT SUM(CAST(_3 as INT)) FROM s3object s WHERE _2 LIKE 'f/%' AND _2 != 'f/';";
    assert.equal(await runQuery(query, inventory), "3581291\n");
  });
});

test("columns of a result are named after aliases, paths, or their place", async () => {
  const query = "SELECT _1 AS one, _2, s._1, 5, s.* FROM S3Object s";
  assert.equal(
    await runQuery(query, "a,b\n", { output: jsonOutput }),
    '{"one":"a","_2":"b","_1":"a","_4":5,"_1":"a","_2":"b"}\n',
  );
});

test("LIMIT ends a result", async () => {
  assert.equal(await runQuery("SELECT _1 FROM S3Object LIMIT 2", "1\n2\n3\n"), "1\n2\n");
  assert.equal(await runQuery("SELECT _1 FROM S3Object LIMIT 0", "1\n2\n3\n"), "");
});

test("any expression has a value or an error of S3's", async () => {
  const literals = [
    ..."NULL|MISSING|TRUE|0|1|-7|9223372036854775807|0.5|1e2147483000|1e-2147483000|_1|_2|s".split(
      "|",
    ),
    ..."''|'a'|'12'|'2017-01-02'|'%a_'|`2017T`|`2017-01-02T03:04:05.6+07:08`|`nan`|`-inf`".split(
      "|",
    ),
    "'y-MM-dd h a'",
    "[1, 'a']",
  ];
  const unary = [
    ..."-?|NOT ?|? IS NULL|? IS MISSING|LOWER(?)|CHAR_LENGTH(?)|TRIM(?)|COALESCE(?)".split("|"),
    ..."EXTRACT(hour FROM ?)|TO_TIMESTAMP(?)|(?)".split("|"),
    ...["INT", "FLOAT", "DECIMAL", "STRING", "BOOL", "TIMESTAMP"].map(
      (type) => `CAST(? AS ${type})`,
    ),
  ];
  const binary = [
    ..."?+?|?-?|?*?|?/?|?%?|?=?|?<>?|?<?|?>=?|? AND ?|? OR ?|? LIKE ?|? IN (?)".split("|"),
    ..."NULLIF(?, ?)|SUBSTRING(?, ?)|TO_STRING(?, ?)|TO_TIMESTAMP(?, ?)|TRIM(BOTH ? FROM ?)".split(
      "|",
    ),
    ..."DATE_ADD(month, ?, ?)|DATE_ADD(second, ?, ?)|DATE_DIFF(year, ?, ?)|DATE_DIFF(day, ?, ?)".split(
      "|",
    ),
    ..."CASE ? WHEN ? THEN 1 END|CASE WHEN ? THEN ? END|? BETWEEN ? AND 5".split("|"),
  ];
  const { expression } = letrec<{ expression: string }>((tie) => ({
    expression: oneof(
      { maxDepth: 4, withCrossShrink: true },
      constantFrom(...literals),
      tuple(constantFrom(...unary), tie("expression")).map(fill),
      tuple(constantFrom(...binary), tie("expression"), tie("expression")).map(fill),
    ),
  }));
  const property = asyncProperty(expression, async (sql) => {
    const query = `SELECT ${sql} FROM S3Object s`;
    assert.equal(typeof (await runQuery(query, "1,b\n", { output: jsonOutput })), "string");
  });
  await check(property, { numRuns: 3000 });
});

function fill([form, ...operands]: readonly [string, ...string[]]): string {
  let index = 0;
  return form.replaceAll("?", () => `(${operands[index++] ?? ""})`);
}

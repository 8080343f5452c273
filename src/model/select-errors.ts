// The error codes that only SelectObjectContent answers, with the descriptions of the API reference's
// "List of SELECT Object Content Error Codes" as their texts.

export const selectErrors = {
  AmbiguousFieldName: {
    status: 400,
    message:
      "The field name matches to multiple fields in the file. Check the SQL expression and the file, and try again.",
  },
  Busy: { status: 503, message: "The service is unavailable. Try again later." },
  CastFailed: {
    status: 400,
    message:
      "An attempt to convert from one data type to another using CAST failed in the SQL expression.",
  },
  ColumnTooLong: {
    status: 400,
    message: "The length of a column in the result is greater than maxCharsPerColumn of 1 MB.",
  },
  CSVEscapingRecordDelimiter: {
    status: 400,
    message:
      "A quoted record delimiter was found in the file. To allow quoted record delimiters, set AllowQuotedRecordDelimiter to 'TRUE'.",
  },
  CSVParsingError: {
    status: 400,
    message: "An error occurred while parsing the CSV file. Check the file and try again.",
  },
  CSVUnescapedQuote: {
    status: 400,
    message:
      "An unescaped quote was found while parsing the CSV file. To allow quoted record delimiters, set AllowQuotedRecordDelimiter to 'TRUE'.",
  },
  EmptyRequestBody: { status: 400, message: "The request body cannot be empty." },
  EvaluatorBindingDoesNotExist: {
    status: 400,
    message: "A column name or a path provided does not exist in the SQL expression.",
  },
  EvaluatorInvalidArguments: {
    status: 400,
    message:
      "There is an incorrect number of arguments in the function call in the SQL expression.",
  },
  EvaluatorInvalidTimestampFormatPattern: {
    status: 400,
    message: "The timestamp format string in the SQL expression is not valid.",
  },
  EvaluatorInvalidTimestampFormatPatternSymbol: {
    status: 400,
    message:
      "The timestamp format pattern contains a symbol in the SQL expression that is not valid.",
  },
  EvaluatorInvalidTimestampFormatPatternSymbolForParsing: {
    status: 400,
    message:
      "The timestamp format pattern contains a valid format symbol that cannot be applied to timestamp parsing in the SQL expression.",
  },
  EvaluatorInvalidTimestampFormatPatternToken: {
    status: 400,
    message:
      "The timestamp format pattern contains a token in the SQL expression that is not valid.",
  },
  EvaluatorLikePatternInvalidEscapeSequence: {
    status: 400,
    message: "An argument given to the LIKE expression was not valid.",
  },
  EvaluatorNegativeLimit: { status: 400, message: "LIMIT must not be negative." },
  EvaluatorTimestampFormatPatternDuplicateFields: {
    status: 400,
    message:
      "The timestamp format pattern contains multiple format specifiers representing the timestamp field in the SQL expression.",
  },
  EvaluatorTimestampFormatPatternHourClockAmPmMismatch: {
    status: 400,
    message:
      "The timestamp format pattern contains a 12-hour hour of day format symbol but doesn't also contain an AM/PM field, or it contains a 24-hour hour of day format specifier and contains an AM/PM field in the SQL expression.",
  },
  EvaluatorUnterminatedTimestampFormatPatternToken: {
    status: 400,
    message: "The timestamp format pattern contains an unterminated token in the SQL expression.",
  },
  ExpressionTooLong: {
    status: 400,
    message:
      "The SQL expression is too long. The maximum byte-length for an SQL expression is 256 KB.",
  },
  ExternalEvalException: {
    status: 400,
    message: "The query cannot be evaluated. Check the file and try again.",
  },
  IllegalSqlFunctionArgument: {
    status: 400,
    message: "An illegal argument was used in the SQL function.",
  },
  IncorrectSqlFunctionArgumentType: {
    status: 400,
    message: "An incorrect argument type was specified in a function call in the SQL expression.",
  },
  IntegerOverflow: {
    status: 400,
    message: "An integer overflow or underflow occurred in the SQL expression.",
  },
  InvalidCast: {
    status: 400,
    message:
      "An attempt to convert from one data type to another using CAST failed in the SQL expression.",
  },
  InvalidColumnIndex: {
    status: 400,
    message: "The column index in the SQL expression is not valid.",
  },
  InvalidCompressionFormat: {
    status: 400,
    message:
      "The file is not in a supported compression format. Only GZIP and BZIP2 are supported.",
  },
  InvalidDataSource: {
    status: 400,
    message: "The data source type is not valid. Only CSV, JSON, and Parquet are supported.",
  },
  InvalidDataType: {
    status: 400,
    message: "The SQL expression contains a data type that is not valid.",
  },
  InvalidExpressionType: {
    status: 400,
    message: "The ExpressionType value is not valid. Only SQL expressions are supported.",
  },
  InvalidFileHeaderInfo: {
    status: 400,
    message: "The FileHeaderInfo value is not valid. Only NONE, USE, and IGNORE are supported.",
  },
  InvalidJsonType: {
    status: 400,
    message: "The JsonType value is not valid. Only DOCUMENT and LINES are supported.",
  },
  InvalidKeyPath: { status: 400, message: "The key path in the SQL expression is not valid." },
  InvalidQuoteFields: {
    status: 400,
    message: "The QuoteFields value is not valid. Only ALWAYS and ASNEEDED are supported.",
  },
  InvalidRequestParameter: {
    status: 400,
    message:
      "The value of a parameter in the SelectRequest element is not valid. Check the service API documentation and try again.",
  },
  InvalidScanRange: { status: 400, message: "The provided scan range is not valid." },
  InvalidTableAlias: {
    status: 400,
    message: "The SQL expression contains a table alias that is not valid.",
  },
  InvalidTextEncoding: {
    status: 400,
    message: "The encoding type is not valid. Only UTF-8 encoding is supported.",
  },
  JSONParsingError: {
    status: 400,
    message: "An error occurred while parsing the JSON file. Check the file and try again.",
  },
  LexerInvalidChar: {
    status: 400,
    message: "The SQL expression contains a character that is not valid.",
  },
  LexerInvalidIONLiteral: {
    status: 400,
    message: "The SQL expression contains an operator that is not valid.",
  },
  LexerInvalidLiteral: {
    status: 400,
    message: "The SQL expression contains an operator that is not valid.",
  },
  LexerInvalidOperator: {
    status: 400,
    message: "The SQL expression contains a literal that is not valid.",
  },
  LikeInvalidInputs: {
    status: 400,
    message: "The argument given to the LIKE clause in the SQL expression is not valid.",
  },
  MaxOperatorsExceeded: {
    status: 400,
    message:
      "Failed to parse SQL expression, try reducing complexity. For example, reduce number of operators used.",
  },
  // Of an older edition of the list, and what the service says: the present one leaves it out.
  MissingHeaders: {
    status: 400,
    message: "Some headers in the query are missing from the file. Check the file and try again.",
  },
  MissingRequiredParameter: {
    status: 400,
    message:
      "The SelectRequest entity is missing a required parameter. Check the service documentation and try again.",
  },
  MultipleDataSourcesUnsupported: {
    status: 400,
    message: "Multiple data sources are not supported.",
  },
  NumberFormatError: {
    status: 400,
    message:
      "An error occurred while parsing a number. This error can be caused by underflow or overflow of integers.",
  },
  ObjectSerializationConflict: {
    status: 400,
    message:
      "InputSerialization specifies more than one format (CSV, JSON, or Parquet), or OutputSerialization specifies more than one format (CSV or JSON). For InputSerialization and OutputSerialization, you can specify only one format for each.",
  },
  OverMaxColumn: {
    status: 400,
    message:
      "The number of columns in the result is greater than the maximum allowable number of columns.",
  },
  OverMaxParquetBlockSize: {
    status: 400,
    message: "The Parquet file is above the max row group size.",
  },
  OverMaxRecordSize: {
    status: 400,
    message:
      "The length of a record in the input or result is greater than the maxCharsPerRecord limit of 1 MB.",
  },
  ParquetParsingError: {
    status: 400,
    message: "An error occurred while parsing the Parquet file. Check the file and try again.",
  },
  ParquetUnsupportedCompressionCodec: {
    status: 400,
    message: "The specified Parquet compression codec is not supported.",
  },
  ParseAsteriskIsNotAloneInSelectList: {
    status: 400,
    message:
      "Other expressions are not allowed in the SELECT list when * is used without dot notation in the SQL expression.",
  },
  ParseCannotMixSqbAndWildcardInSelectList: {
    status: 400,
    message: "Cannot mix [] and * in the same expression in a SELECT list in the SQL expression.",
  },
  ParseCastArity: { status: 400, message: "The SQL expression CAST has incorrect arity." },
  ParseEmptySelect: { status: 400, message: "The SQL expression contains an empty SELECT clause." },
  ParseExpected2TokenTypes: {
    status: 400,
    message: "The expected token in the SQL expression was not found.",
  },
  ParseExpectedArgumentDelimiter: {
    status: 400,
    message: "The expected argument delimiter in the SQL expression was not found.",
  },
  ParseExpectedDatePart: {
    status: 400,
    message: "The expected date part in the SQL expression was not found.",
  },
  ParseExpectedExpression: { status: 400, message: "The expected SQL expression was not found." },
  ParseExpectedIdentForAlias: {
    status: 400,
    message: "The expected identifier for the alias in the SQL expression was not found.",
  },
  ParseExpectedIdentForAt: {
    status: 400,
    message: "The expected identifier for AT name in the SQL expression was not found.",
  },
  ParseExpectedIdentForGroupName: {
    status: 400,
    message: "GROUP is not supported in the SQL expression.",
  },
  ParseExpectedKeyword: {
    status: 400,
    message: "The expected keyword in the SQL expression was not found.",
  },
  ParseExpectedLeftParenAfterCast: {
    status: 400,
    message: "The expected left parenthesis after CAST in the SQL expression was not found.",
  },
  ParseExpectedLeftParenBuiltinFunctionCall: {
    status: 400,
    message: "The expected left parenthesis in the SQL expression was not found.",
  },
  ParseExpectedLeftParenValueConstructor: {
    status: 400,
    message: "The expected left parenthesis in the SQL expression was not found.",
  },
  ParseExpectedMember: {
    status: 400,
    message: "The SQL expression contains an unsupported use of MEMBER.",
  },
  ParseExpectedNumber: {
    status: 400,
    message: "The expected number in the SQL expression was not found.",
  },
  ParseExpectedRightParenBuiltinFunctionCall: {
    status: 400,
    message: "The expected right parenthesis character in the SQL expression was not found.",
  },
  ParseExpectedTokenType: {
    status: 400,
    message: "The expected token in the SQL expression was not found.",
  },
  ParseExpectedTypeName: {
    status: 400,
    message: "The expected type name in the SQL expression was not found.",
  },
  ParseExpectedWhenClause: {
    status: 400,
    message: "The expected WHEN clause in the SQL expression was not found. CASE is not supported.",
  },
  ParseInvalidContextForWildcardInSelectList: {
    status: 400,
    message: "The use of * in the SELECT list in the SQL expression is not valid.",
  },
  ParseInvalidPathComponent: {
    status: 400,
    message: "The SQL expression contains a path component that is not valid.",
  },
  ParseInvalidTypeParam: {
    status: 400,
    message: "The SQL expression contains a parameter value that is not valid.",
  },
  ParseMalformedJoin: { status: 400, message: "JOIN is not supported in the SQL expression." },
  ParseMissingIdentAfterAt: {
    status: 400,
    message: "The expected identifier after the @ symbol in the SQL expression was not found.",
  },
  ParseNonUnaryAgregateFunctionCall: {
    status: 400,
    message: "Only one argument is supported for aggregate functions in the SQL expression.",
  },
  ParseSelectMissingFrom: {
    status: 400,
    message: "The SQL expression contains a missing FROM after the SELECT list.",
  },
  ParseUnExpectedKeyword: {
    status: 400,
    message: "The SQL expression contains an unexpected keyword.",
  },
  ParseUnexpectedOperator: {
    status: 400,
    message: "The SQL expression contains an unexpected operator.",
  },
  ParseUnexpectedTerm: { status: 400, message: "The SQL expression contains an unexpected term." },
  ParseUnexpectedToken: {
    status: 400,
    message: "The SQL expression contains an unexpected token.",
  },
  ParseUnknownOperator: {
    status: 400,
    message: "The SQL expression contains an operator that is not valid.",
  },
  ParseUnsupportedAlias: {
    status: 400,
    message: "The SQL expression contains an unsupported use of ALIAS.",
  },
  ParseUnsupportedCallWithStar: {
    status: 400,
    message: "Only COUNT with (*) as a parameter is supported in the SQL expression.",
  },
  ParseUnsupportedCase: {
    status: 400,
    message: "The SQL expression contains an unsupported use of CASE.",
  },
  ParseUnsupportedCaseClause: {
    status: 400,
    message: "The SQL expression contains an unsupported use of CASE.",
  },
  ParseUnsupportedLiteralsGroupBy: {
    status: 400,
    message: "The SQL expression contains an unsupported use of GROUP BY.",
  },
  ParseUnsupportedSelect: {
    status: 400,
    message: "The SQL expression contains an unsupported use of SELECT.",
  },
  ParseUnsupportedSyntax: {
    status: 400,
    message: "The SQL expression contains unsupported syntax.",
  },
  ParseUnsupportedToken: {
    status: 400,
    message: "The SQL expression contains an unsupported token.",
  },
  TruncatedInput: {
    status: 400,
    message:
      "Object decompression failed. Check that the object is properly compressed using the format specified in the request.",
  },
  UnauthorizedAccess: { status: 401, message: "You are not authorized to perform this operation." },
  UnrecognizedFormatException: {
    status: 400,
    message: "We encountered a record type that is not valid.",
  },
  UnsupportedFunction: { status: 400, message: "We encountered an unsupported SQL function." },
  UnsupportedParquetType: { status: 400, message: "The specified Parquet type is not supported." },
  UnsupportedRangeHeader: {
    status: 400,
    message: "A range header is not supported for this operation.",
  },
  UnsupportedScanRangeInput: {
    status: 400,
    message: "Scan range queries are not supported on this type of object.",
  },
  UnsupportedSqlOperation: { status: 400, message: "We encountered an unsupported SQL operation." },
  UnsupportedSqlStructure: {
    status: 400,
    message: "We encountered an unsupported SQL structure. Check the SQL Reference.",
  },
  UnsupportedStorageClass: {
    status: 400,
    message:
      "We encountered a storage class that is not supported. Only STANDARD, STANDARD_IA, and ONEZONE_IA storage classes are supported.",
  },
  UnsupportedSyntax: { status: 400, message: "We encountered syntax that is not valid." },
  UnsupportedTypeForQuerying: {
    status: 400,
    message:
      "Your query contains an unsupported type for comparison (e.g. verifying that a Parquet INT96 column type is greater than 0).",
  },
  ValueParseFailure: {
    status: 400,
    message: "A timestamp parse failure occurred in the SQL expression.",
  },
} as const;

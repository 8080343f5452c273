// What a SelectObjectContent request asks for, judged: formats, delimiters and the range. Throws S3Error of
// the codes that the API reference lists for Select.

import { S3Error } from "../../model/errors.ts";
import type {
  CSVInput,
  CSVOutput,
  InputSerialization,
  OutputSerialization,
  SelectObjectContentInput,
} from "../../model/types.generated.ts";
import { parseQuery } from "../../select/parser.ts";
import type {
  Compression,
  HeaderUse,
  InputForm,
  OutputForm,
  ScanRange,
  SelectRequest,
} from "../../select/select-request.ts";

export function parseSelectRequest(input: SelectObjectContentInput): Omit<SelectRequest, "range"> {
  const { Expression, ExpressionType, InputSerialization, OutputSerialization } = input;
  if (Expression === undefined || ExpressionType === undefined) throw missing();
  if (InputSerialization === undefined || OutputSerialization === undefined) throw missing();
  if (ExpressionType.toUpperCase() !== "SQL") throw new S3Error("InvalidExpressionType");
  return {
    input: parseInput(InputSerialization),
    output: parseOutput(OutputSerialization),
    query: parseQuery(Expression),
    reportsProgress: input.RequestProgress?.Enabled === true,
  };
}

function missing(): S3Error {
  return new S3Error("MissingRequiredParameter");
}

function parseInput({ CSV, JSON, Parquet, CompressionType }: InputSerialization): InputForm {
  const given = [CSV, JSON, Parquet].filter((each) => each !== undefined);
  if (given.length > 1) throw new S3Error("ObjectSerializationConflict");
  if (given.length === 0) throw new S3Error("InvalidDataSource");
  const compression = parseCompression(CompressionType);
  if (Parquet !== undefined) {
    // Guide: no compression of a whole object, only of its columns.
    if (compression !== "none") throw new S3Error("InvalidCompressionFormat");
    return { kind: "parquet" };
  }
  if (CSV !== undefined) return parseCsvInput(CSV, compression);
  const type = JSON?.Type?.toUpperCase();
  if (type !== "DOCUMENT" && type !== "LINES") throw new S3Error("InvalidJsonType");
  return { kind: type === "LINES" ? "json-lines" : "json-document", compression };
}

function parseCompression(text = "NONE"): Compression {
  const compression = text.toLowerCase();
  if (compression === "none" || compression === "gzip" || compression === "bzip2") {
    return compression;
  }
  throw new S3Error("InvalidCompressionFormat");
}

function parseCsvInput(csv: CSVInput, compression: Compression): InputForm {
  const form = {
    ...parseSigns(csv),
    comment: parseCharacter(csv.Comments, "#"),
    allowsQuotedRecordDelimiter: csv.AllowQuotedRecordDelimiter === true,
  };
  checkApart(form.fieldDelimiter, form.recordDelimiter, form.quote);
  return { kind: "csv", form, header: parseHeaderUse(csv.FileHeaderInfo), compression };
}

function parseHeaderUse(text = "NONE"): HeaderUse {
  const use = text.toLowerCase();
  if (use === "use" || use === "ignore" || use === "none") return use;
  throw new S3Error("InvalidFileHeaderInfo");
}

function parseOutput({ CSV, JSON }: OutputSerialization): OutputForm {
  if (CSV !== undefined && JSON !== undefined) throw new S3Error("ObjectSerializationConflict");
  if (CSV !== undefined) return parseCsvOutput(CSV);
  if (JSON === undefined) throw missing();
  return { kind: "json", recordDelimiter: JSON.RecordDelimiter ?? "\n" };
}

function parseCsvOutput(csv: CSVOutput): OutputForm {
  const quoting = (csv.QuoteFields ?? "ASNEEDED").toUpperCase();
  if (quoting !== "ALWAYS" && quoting !== "ASNEEDED") throw new S3Error("InvalidQuoteFields");
  return { kind: "csv", ...parseSigns(csv), alwaysQuotes: quoting === "ALWAYS" };
}

function parseSigns(csv: CSVInput | CSVOutput) {
  return {
    fieldDelimiter: parseDelimiter(csv.FieldDelimiter, ","),
    recordDelimiter: parseDelimiter(csv.RecordDelimiter, "\n"),
    quote: parseCharacter(csv.QuoteCharacter, '"'),
    escape: parseCharacter(csv.QuoteEscapeCharacter, '"'),
  };
}

/** Our bound: the reference speaks of single characters, and the service takes several. */
const delimiterCharacters = 16;

function parseDelimiter(text: string | undefined, usual: string): string {
  if (text === undefined) return usual;
  if (text === "" || text.length > delimiterCharacters) {
    throw new S3Error("InvalidRequestParameter");
  }
  return text;
}

/** One character, or none. */
function parseCharacter(text: string | undefined, usual: string): string {
  if (text === undefined) return usual;
  if (Array.from(text).length > 1) throw new S3Error("InvalidRequestParameter");
  return text;
}

function checkApart(fieldDelimiter: string, recordDelimiter: string, quote: string): void {
  if (fieldDelimiter === recordDelimiter || fieldDelimiter === quote || recordDelimiter === quote) {
    throw new S3Error("InvalidRequestParameter");
  }
}

/**
 * Reference, ScanRange: both ends are included; without a start, the end counts the last bytes. Throws
 * S3Error InvalidScanRange, UnsupportedScanRangeInput.
 */
export function parseScanRange(
  range: SelectObjectContentInput["ScanRange"],
  input: InputForm,
  sizeBytes: number,
): ScanRange | undefined {
  if (range === undefined) return undefined;
  const { Start, End } = range;
  if (Start === undefined && End === undefined) throw new S3Error("InvalidScanRange");
  if ((Start ?? 0) < 0 || (End ?? 0) < 0) throw new S3Error("InvalidScanRange");
  if (!canScanRange(input)) throw new S3Error("UnsupportedScanRangeInput");
  if (Start === undefined) return { start: Math.max(0, sizeBytes - (End ?? 0)), end: sizeBytes };
  const end = End === undefined ? sizeBytes : Math.min(End + 1, sizeBytes);
  const isEmpty = sizeBytes === 0 && Start === 0;
  if (!isEmpty && (Start >= sizeBytes || (End !== undefined && Start > End))) {
    throw new S3Error("InvalidScanRange");
  }
  return { start: Start, end };
}

/** Guide: Parquet, and what has a record in each line, uncompressed. */
function canScanRange(input: InputForm): boolean {
  if (input.kind === "parquet") return true;
  if (input.compression !== "none" || input.kind === "json-document") return false;
  return input.kind !== "csv" || !input.form.allowsQuotedRecordDelimiter;
}

// Takes a query's text apart. Throws S3Error of the lexer's codes for what is no token.

import { S3Error } from "../model/errors.ts";
import { parseDecimal } from "./decimal.ts";
import { reservedWords } from "./reserved-words.ts";
import { parseTimestamp } from "./timestamp.ts";
import { Float, integerOf, type Value } from "./values.ts";

export type Token =
  /** `text` is in lower case, `written` as it stood there. */
  | { readonly kind: "keyword"; readonly text: string; readonly written: string }
  | { readonly kind: "identifier"; readonly text: string; readonly isQuoted: boolean }
  | { readonly kind: "literal"; readonly value: Value }
  | { readonly kind: "operator" | "punctuation"; readonly text: string }
  | { readonly kind: "end" };

const spaces = /(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/y;
const word = /[A-Za-z_$][A-Za-z0-9_$]*/y;
const number = /(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/y;
const operator = /[-+*/%<>=!|&^~]+/y;
const operators = new Set(["+", "-", "*", "/", "%", "<", ">", "=", "<=", ">=", "<>", "!=", "||"]);

export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let position = 0;
  const take = (form: RegExp): string | undefined => {
    form.lastIndex = position;
    const found = form.exec(text)?.[0];
    if (found !== undefined) position += found.length;
    return found;
  };
  for (;;) {
    take(spaces);
    const character = text[position];
    if (character === undefined) return [...tokens, { kind: "end" }];
    if (character === "'" || character === '"' || character === "`") {
      const end = closingQuote(text, position);
      tokens.push(quotedToken(character, text.slice(position + 1, end)));
      position = end + 1;
      continue;
    }
    if (
      "()[]{},.;@:?".includes(character) &&
      !/^\.[0-9]/.test(text.slice(position, position + 2))
    ) {
      position += 1;
      tokens.push({ kind: "punctuation", text: character });
      continue;
    }
    const name = take(word);
    if (name !== undefined) {
      tokens.push(wordToken(name));
      continue;
    }
    const digits = take(number);
    if (digits !== undefined) {
      if (/[A-Za-z_$]/.test(text[position] ?? "")) throw new S3Error("LexerInvalidLiteral");
      tokens.push({ kind: "literal", value: numberValue(digits) });
      continue;
    }
    const symbol = take(operator);
    if (symbol === undefined) throw new S3Error("LexerInvalidChar");
    tokens.push(...operatorTokens(symbol));
  }
}

function closingQuote(text: string, start: number): number {
  const quote = text[start] as string;
  for (let end = start + 1; ; end += 2) {
    end = text.indexOf(quote, end);
    if (end < 0) throw new S3Error("LexerInvalidLiteral");
    // Doubled it is itself; an Ion literal ends at the first.
    if (quote === "`" || text[end + 1] !== quote) return end;
  }
}

function quotedToken(quote: string, text: string): Token {
  if (quote === "`") return { kind: "literal", value: ionValue(text.trim()) };
  const content = text.replaceAll(quote + quote, quote);
  return quote === "'"
    ? { kind: "literal", value: content }
    : { kind: "identifier", text: content, isQuoted: true };
}

function wordToken(written: string): Token {
  const text = written.toLowerCase();
  switch (text) {
    case "true":
    case "false":
      return { kind: "literal", value: text === "true" };
    case "null":
      return { kind: "literal", value: null };
    case "missing":
      return { kind: "keyword", text, written };
    default:
      return reservedWords.has(text)
        ? { kind: "keyword", text, written }
        : { kind: "identifier", text: written, isQuoted: false };
  }
}

/** Without point and exponent it is an integer, else a decimal. */
function numberValue(text: string): Value {
  if (/^[0-9]+$/.test(text)) {
    if (text.length > 40) throw new S3Error("NumberFormatError");
    return integerOf(BigInt(text));
  }
  const value = parseDecimal(text);
  if (value === undefined) throw new S3Error("NumberFormatError");
  return value;
}

/** A run of operator characters, of which a minus or plus at the end is a sign of its own. */
function operatorTokens(symbol: string): readonly Token[] {
  if (operators.has(symbol)) return [{ kind: "operator", text: symbol }];
  const longest = [2, 1].find((length) => operators.has(symbol.slice(0, length)));
  const rest = symbol.slice(longest ?? 0);
  if (longest === undefined || !/^[-+*]+$/.test(rest)) throw new S3Error("LexerInvalidOperator");
  return [
    { kind: "operator", text: symbol.slice(0, longest) },
    ...rest.split("").map((text): Token => ({ kind: "operator", text })),
  ];
}

/** The scalars of Ion. */
function ionValue(text: string): Value {
  const timestamp = parseTimestamp(text);
  if (timestamp !== undefined) return timestamp;
  if (text === "true" || text === "false") return text === "true";
  if (/^null(?:\.[a-z]+)?$/.test(text)) return null;
  if (/^-?(?:0|[1-9][0-9]*)$/.test(text) && text.length <= 40) return integerOf(BigInt(text));
  if (/^-?[0-9]+(?:\.[0-9]*)?(?:[dD][+-]?[0-9]+)?$/.test(text)) {
    const value = parseDecimal(text);
    if (value !== undefined) return value;
  }
  if (/^-?[0-9]+(?:\.[0-9]*)?[eE][+-]?[0-9]+$/.test(text)) return new Float(Number(text));
  if (text === "nan") return new Float(Number.NaN);
  if (text === "+inf" || text === "-inf") return new Float(Number(`${text[0]}Infinity`));
  if (/^"(?:[^"\\]|\\.)*"$/.test(text)) {
    try {
      return JSON.parse(text) as string;
    } catch {
      throw new S3Error("LexerInvalidIONLiteral");
    }
  }
  if (/^[A-Za-z_$][A-Za-z0-9_$]*$/.test(text)) return text;
  throw new S3Error("LexerInvalidIONLiteral");
}

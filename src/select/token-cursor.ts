// Where a parser is in the tokens of a query, and what it may ask of them.

import { S3Error, type ErrorCode } from "../model/errors.ts";
import type { Token } from "./lexer.ts";
import type { Expression } from "./syntax.ts";

/** Of an operator that binds stronger than `minimum`, 0 if left out. */
export type ParseExpression = (cursor: TokenCursor, minimum?: number) => Expression;

/** Our bound on what is inside of what. */
const maximumDepth = 200;
/** Our bound on arithmetic, whose operators nest without brackets, and on what a row's texts go through. */
const maximumOperators = 2000;

export class TokenCursor {
  readonly #tokens: readonly Token[];
  #position = 0;
  #depth = 0;
  #operators = 0;

  readonly #parseExpression: ParseExpression;

  constructor(tokens: readonly Token[], parseExpression: ParseExpression) {
    this.#tokens = tokens;
    this.#parseExpression = parseExpression;
  }

  get current(): Token {
    return this.at(0);
  }

  at(offset: number): Token {
    return this.#tokens[this.#position + offset] ?? { kind: "end" };
  }

  advance(): Token {
    const token = this.current;
    this.#position += 1;
    return token;
  }

  isKeyword(text: string, offset = 0): boolean {
    const token = this.at(offset);
    return token.kind === "keyword" && token.text === text;
  }

  /** An operator or a punctuation mark. */
  isSymbol(text: string, offset = 0): boolean {
    const token = this.at(offset);
    return (token.kind === "operator" || token.kind === "punctuation") && token.text === text;
  }

  takeKeyword(text: string): boolean {
    const isThere = this.isKeyword(text);
    if (isThere) this.#position += 1;
    return isThere;
  }

  takeSymbol(text: string): boolean {
    const isThere = this.isSymbol(text);
    if (isThere) this.#position += 1;
    return isThere;
  }

  expectKeyword(text: string, code: ErrorCode = "ParseExpectedKeyword"): void {
    if (!this.takeKeyword(text)) throw new S3Error(code);
  }

  expectSymbol(text: string, code: ErrorCode = "ParseExpectedTokenType"): void {
    if (!this.takeSymbol(text)) throw new S3Error(code);
  }

  expression(): Expression {
    return this.#parseExpression(this);
  }

  /** What is between brackets of which the first was taken. */
  expressions(closing: string): readonly Expression[] {
    const items: Expression[] = [];
    if (this.takeSymbol(closing)) return items;
    do {
      items.push(this.expression());
    } while (this.takeSymbol(","));
    this.expectSymbol(closing, "ParseExpectedArgumentDelimiter");
    return items;
  }

  /** Throws S3Error MaxOperatorsExceeded when brackets, functions and cases nest too deep. */
  nested<Result>(parse: () => Result): Result {
    this.#depth += 1;
    if (this.#depth > maximumDepth) throw new S3Error("MaxOperatorsExceeded");
    const result = parse();
    this.#depth -= 1;
    return result;
  }

  countOperator(): void {
    this.#operators += 1;
    if (this.#operators > maximumOperators) throw new S3Error("MaxOperatorsExceeded");
  }
}

// Makes functions of expressions, so that a row costs calls and no walk over the tree. Three-valued logic:
// NULL stands for unknown, and what is unknown is not true.

import { S3Error } from "../model/errors.ts";
import { Aggregate } from "./aggregates.ts";
import { calculate, negate } from "./arithmetic.ts";
import { castTo } from "./cast.ts";
import { dateAdd, dateDifference, extract, scalarFunctions, trim } from "./functions.ts";
import { compileLike } from "./like.ts";
import type { ComparisonOperator, Expression, Name, PathStep } from "./syntax.ts";
import type { Timestamp } from "./timestamp.ts";
import { areEqual, compareValues, isList, type Value } from "./values.ts";

export type Evaluate<Row> = (row: Row) => Value;

/** What names mean. */
export interface Scope<Row> {
  /** Throws S3Error for a name that cannot mean anything. */
  readonly path: (name: Name, steps: readonly PathStep[]) => Evaluate<Row>;
  readonly now: Timestamp;
}

/** An aggregate of a query: what it is fed with. */
export interface AggregateFeed<Row> {
  readonly aggregate: Aggregate;
  /** `undefined`: counts rows. */
  readonly operand: Evaluate<Row> | undefined;
}

type Kind<Name_ extends Expression["kind"]> = Extract<Expression, { readonly kind: Name_ }>;

export class ExpressionCompiler<Row> {
  readonly #scope: Scope<Row>;
  /** Where aggregates may stand: they are collected, and names may stand inside of them only. */
  readonly #feeds: AggregateFeed<Row>[] | undefined;

  constructor(scope: Scope<Row>, feeds?: AggregateFeed<Row>[]) {
    this.#scope = scope;
    this.#feeds = feeds;
  }

  compile(expression: Expression): Evaluate<Row> {
    switch (expression.kind) {
      case "literal": {
        const { value } = expression;
        return () => value;
      }
      case "path":
        if (this.#feeds !== undefined) throw new S3Error("UnsupportedSqlStructure");
        return this.#scope.path(expression.name, expression.steps);
      case "list": {
        const items = expression.items.map((item) => this.compile(item));
        return (row) => items.map((item) => item(row));
      }
      case "negate": {
        const operand = this.compile(expression.operand);
        return (row) => negate(operand(row));
      }
      case "arithmetic": {
        const [left, right] = [this.compile(expression.left), this.compile(expression.right)];
        const { operator } = expression;
        return (row) => calculate(operator, left(row), right(row));
      }
      case "aggregate":
        return this.#compileAggregate(expression);
      case "cast": {
        const { type, lengthLimit } = expression;
        const operand = this.compile(expression.operand);
        return (row) => castTo(type, operand(row), lengthLimit);
      }
      case "case":
        return this.#compileCase(expression);
      case "call":
        return this.#compileCall(expression);
      case "extract": {
        const { part } = expression;
        const operand = this.compile(expression.operand);
        return (row) => extract(part, operand(row));
      }
      case "date-add":
      case "date-diff": {
        const { part, kind } = expression;
        const [first, second] = [this.compile(expression.first), this.compile(expression.second)];
        const apply = kind === "date-add" ? dateAdd : dateDifference;
        return (row) => apply(part, first(row), second(row));
      }
      case "trim": {
        const { side, characters } = expression;
        const set = characters === undefined ? undefined : this.compile(characters);
        const operand = this.compile(expression.operand);
        return (row) =>
          trim(side, set === undefined ? undefined : (set(row) ?? null), operand(row));
      }
      default:
        return this.compileCondition(expression);
    }
  }

  /** `true`, `false` or `null`; throws S3Error ExternalEvalException for any other value. */
  compileCondition(expression: Expression): (row: Row) => boolean | null {
    switch (expression.kind) {
      case "comparison":
        return this.#compileComparison(expression);
      case "not": {
        const operand = this.compileCondition(expression.operand);
        return (row) => {
          const value = operand(row);
          return value === null ? null : !value;
        };
      }
      case "and":
      case "or":
        return this.#compileConnected(expression);
      case "between":
        return this.#compileBetween(expression);
      case "in":
        return this.#compileIn(expression);
      case "like":
        return this.#compileLike(expression);
      case "is-null": {
        const operand = this.compile(expression.operand);
        return (row) => (operand(row) ?? null) === null;
      }
      case "is-missing": {
        const operand = this.compile(expression.operand);
        return (row) => operand(row) === undefined;
      }
      default: {
        const value = this.compile(expression);
        return (row) => truthOf(value(row));
      }
    }
  }

  #compileComparison({ operator, left, right }: Kind<"comparison">): (row: Row) => boolean | null {
    const [first, second] = [this.compile(left), this.compile(right)];
    const judge = comparisons[operator];
    return (row) => {
      const value = first(row);
      if (value === null || value === undefined) return null;
      const other = second(row);
      if (other === null || other === undefined) return null;
      return judge(value, other);
    };
  }

  #compileConnected({ kind, operands }: Kind<"and" | "or">): (row: Row) => boolean | null {
    const conditions = operands.map((operand) => this.compileCondition(operand));
    const decisive = kind === "or";
    return (row) => {
      let isUnknown = false;
      for (const condition of conditions) {
        const value = condition(row);
        if (value === decisive) return decisive;
        if (value === null) isUnknown = true;
      }
      return isUnknown ? null : !decisive;
    };
  }

  #compileBetween({ operand, low, high }: Kind<"between">): (row: Row) => boolean | null {
    const [value, least, most] = [this.compile(operand), this.compile(low), this.compile(high)];
    return (row) => {
      const [middle, bottom, top] = [value(row) ?? null, least(row) ?? null, most(row) ?? null];
      if (middle === null) return null;
      const isAbove = bottom === null ? null : inOrder(bottom, middle);
      const isBelow = top === null ? null : inOrder(middle, top);
      if (isAbove === false || isBelow === false) return false;
      return isAbove === null || isBelow === null ? null : true;
    };
  }

  #compileIn({ operand, items }: Kind<"in">): (row: Row) => boolean | null {
    const value = this.compile(operand);
    if (items.kind === "list" && items.items.every(isTextLiteral)) {
      const texts = new Set(items.items.map((item) => item.value));
      return (row) => {
        const found = value(row) ?? null;
        return found === null ? null : texts.has(found as string);
      };
    }
    const list = this.compile(items);
    return (row) => {
      const found = value(row) ?? null;
      const candidates = list(row);
      if (found === null || candidates === null || candidates === undefined) return null;
      if (!isList(candidates)) throw new S3Error("ExternalEvalException");
      if (candidates.some((candidate) => areEqual(found, candidate))) return true;
      return candidates.some((candidate) => (candidate ?? null) === null) ? null : false;
    };
  }

  #compileLike({ operand, pattern, escape }: Kind<"like">): (row: Row) => boolean | null {
    const value = this.compile(operand);
    const patternOf = this.compile(pattern);
    const escapeOf = escape === undefined ? undefined : this.compile(escape);
    // Nearly always literals: made once, and again only where they change.
    let matcher: ((text: string) => boolean) | undefined;
    let [lastPattern, lastEscape]: [Value, Value] = [undefined, undefined];
    return (row) => {
      const text = value(row) ?? null;
      const form = patternOf(row) ?? null;
      const sign = escapeOf === undefined ? undefined : (escapeOf(row) ?? null);
      if (text === null || form === null || sign === null) return null;
      const isEscapeText = sign === undefined || typeof sign === "string";
      if (typeof text !== "string" || typeof form !== "string" || !isEscapeText) {
        throw new S3Error("LikeInvalidInputs");
      }
      if (matcher === undefined || form !== lastPattern || sign !== lastEscape) {
        matcher = compileLike(form, sign);
        [lastPattern, lastEscape] = [form, sign];
      }
      return matcher(text);
    };
  }

  #compileCase({ operand, branches, otherwise }: Kind<"case">): Evaluate<Row> {
    const results = branches.map(({ result }) => this.compile(result));
    const fallback = otherwise === undefined ? undefined : this.compile(otherwise);
    if (operand === undefined) {
      const conditions = branches.map(({ when }) => this.compileCondition(when));
      return (row) => {
        const index = conditions.findIndex((condition) => condition(row) === true);
        return index < 0 ? (fallback?.(row) ?? null) : results[index]?.(row);
      };
    }
    const subject = this.compile(operand);
    const candidates = branches.map(({ when }) => this.compile(when));
    return (row) => {
      const value = subject(row) ?? null;
      const index =
        value === null ? -1 : candidates.findIndex((candidate) => areEqual(value, candidate(row)));
      return index < 0 ? (fallback?.(row) ?? null) : results[index]?.(row);
    };
  }

  #compileCall({ name, operands }: Kind<"call">): Evaluate<Row> {
    const values = operands.map((operand) => this.compile(operand));
    if (name === "utcnow") {
      const { now } = this.#scope;
      return () => now;
    }
    if (name === "coalesce") {
      return (row) => {
        for (const value of values) {
          const found = value(row) ?? null;
          if (found !== null) return found;
        }
        return null;
      };
    }
    if (name === "nullif") {
      const [first, second] = values as [Evaluate<Row>, Evaluate<Row>];
      return (row) => {
        const value = first(row) ?? null;
        return areEqual(value, second(row)) ? null : value;
      };
    }
    const apply = scalarFunctions[name];
    if (apply === undefined) throw new S3Error("UnsupportedFunction");
    return (row) => {
      const found = values.map((value) => value(row) ?? null);
      return found.includes(null) ? null : apply(found);
    };
  }

  #compileAggregate({ name, operand }: Kind<"aggregate">): Evaluate<Row> {
    if (this.#feeds === undefined) throw new S3Error("UnsupportedSqlStructure");
    const aggregate = new Aggregate(name);
    const inner = new ExpressionCompiler(this.#scope);
    this.#feeds.push({
      aggregate,
      operand: operand === undefined ? undefined : inner.compile(operand),
    });
    return () => aggregate.result;
  }
}

function isTextLiteral(item: Expression): item is Kind<"literal"> & { readonly value: string } {
  return item.kind === "literal" && typeof item.value === "string";
}

function truthOf(value: Value): boolean | null {
  if (typeof value === "boolean") return value;
  if (value === null || value === undefined) return null;
  throw new S3Error("ExternalEvalException");
}

/** Values of different kinds have no order, and the service evaluates no query that asks for one. */
function orderOf(left: Value, right: Value): number {
  const order = compareValues(left, right);
  if (order === undefined) throw new S3Error("ExternalEvalException");
  return order;
}

function inOrder(low: Value, high: Value): boolean {
  return orderOf(low, high) <= 0;
}

const comparisons: Readonly<Record<ComparisonOperator, (left: Value, right: Value) => boolean>> = {
  "=": areEqual,
  "<>": (left, right) => !areEqual(left, right),
  "<": (left, right) => orderOf(left, right) < 0,
  "<=": (left, right) => orderOf(left, right) <= 0,
  ">": (left, right) => orderOf(left, right) > 0,
  ">=": (left, right) => orderOf(left, right) >= 0,
};

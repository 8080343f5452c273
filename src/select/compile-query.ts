// A query made ready for the rows of one source: what to keep, and what to make of it.

import {
  type AggregateFeed,
  type Evaluate,
  ExpressionCompiler,
  type Scope,
} from "./compile-expression.ts";
import type { Expression, Query, SelectItem } from "./syntax.ts";

/** What a part of the SELECT list adds to the row of a result. */
export type Column<Row> =
  | { readonly name: string; readonly value: Evaluate<Row> }
  /** Everything in what this makes: the members of a structure, or the value itself. */
  | { readonly name: string; readonly members: Evaluate<Row> };

export interface CompiledQuery<Row> {
  readonly accepts: (row: Row) => boolean;
  /** `"all"`: the row as it is. */
  readonly columns: readonly Column<Row>[] | "all";
  /** With them a result has one row, made when all have been seen. */
  readonly aggregates: readonly AggregateFeed<Row>[];
  readonly limit: number;
}

export function compileQuery<Row>(query: Query, scope: Scope<Row>): CompiledQuery<Row> {
  const { items, where, limit } = query;
  const condition =
    where === undefined ? undefined : new ExpressionCompiler(scope).compileCondition(where);
  const feeds: AggregateFeed<Row>[] = [];
  const isAggregation = items !== "all" && items.some(hasAggregate);
  const compiler = new ExpressionCompiler(scope, isAggregation ? feeds : undefined);
  return {
    accepts: condition === undefined ? () => true : (row) => condition(row) === true,
    columns: items === "all" ? "all" : items.map((item, index) => columnOf(item, index, compiler)),
    aggregates: feeds,
    limit: limit ?? Number.POSITIVE_INFINITY,
  };
}

function columnOf<Row>(
  item: SelectItem,
  index: number,
  compiler: ExpressionCompiler<Row>,
): Column<Row> {
  const position = `_${index + 1}`;
  const value = compiler.compile(item.expression);
  if (item.kind === "members") return { name: position, members: value };
  return { name: item.alias?.text ?? nameOf(item.expression) ?? position, value };
}

function nameOf(expression: Expression): string | undefined {
  if (expression.kind !== "path") return undefined;
  const last = expression.steps.at(-1);
  if (last === undefined) return expression.name.text;
  return last.kind === "name" ? last.name.text : undefined;
}

function hasAggregate(item: SelectItem): boolean {
  return item.kind === "expression" && containsAggregate(item.expression);
}

function containsAggregate(part: unknown): boolean {
  if (typeof part !== "object" || part === null) return false;
  if (Array.isArray(part)) return part.some(containsAggregate);
  if ((part as { readonly kind?: unknown }).kind === "aggregate") return true;
  return Object.values(part).some(containsAggregate);
}

export function feedAggregates<Row>(query: CompiledQuery<Row>, row: Row): void {
  for (const { aggregate, operand } of query.aggregates) {
    aggregate.add(operand === undefined ? true : operand(row));
  }
}

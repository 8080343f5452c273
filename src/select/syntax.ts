// The tree of a query. Names carry whether they were written in quotation marks, which makes them
// sensitive to case.

import type { DatePart } from "./timestamp.ts";
import type { Value } from "./values.ts";

export interface Name {
  readonly text: string;
  readonly isQuoted: boolean;
}

export type PathStep =
  | { readonly kind: "name"; readonly name: Name }
  | { readonly kind: "index"; readonly index: number };

/** A step of a FROM clause may stand for many. */
export type SourceStep = PathStep | { readonly kind: "elements" } | { readonly kind: "members" };

export type ArithmeticOperator = "+" | "-" | "*" | "/" | "%" | "||";
export type ComparisonOperator = "=" | "<>" | "<" | "<=" | ">" | ">=";
export type AggregateName = "avg" | "count" | "max" | "min" | "sum";
export type ExtractPart = DatePart | "timezone_hour" | "timezone_minute";
export type TrimSide = "leading" | "trailing" | "both";
export type CastType = "bool" | "int" | "string" | "float" | "decimal" | "timestamp";

export type Expression =
  | { readonly kind: "literal"; readonly value: Value }
  | { readonly kind: "path"; readonly name: Name; readonly steps: readonly PathStep[] }
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  | { readonly kind: "negate"; readonly operand: Expression }
  | {
      readonly kind: "arithmetic";
      readonly operator: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: "comparison";
      readonly operator: ComparisonOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: "not"; readonly operand: Expression }
  | { readonly kind: "and" | "or"; readonly operands: readonly Expression[] }
  | {
      readonly kind: "between";
      readonly operand: Expression;
      readonly low: Expression;
      readonly high: Expression;
    }
  | { readonly kind: "in"; readonly operand: Expression; readonly items: Expression }
  | {
      readonly kind: "like";
      readonly operand: Expression;
      readonly pattern: Expression;
      readonly escape: Expression | undefined;
    }
  | { readonly kind: "is-null" | "is-missing"; readonly operand: Expression }
  | {
      readonly kind: "case";
      /** What is compared; without it each `when` is a condition. */
      readonly operand: Expression | undefined;
      readonly branches: readonly { readonly when: Expression; readonly result: Expression }[];
      readonly otherwise: Expression | undefined;
    }
  | {
      readonly kind: "cast";
      readonly operand: Expression;
      readonly type: CastType;
      /** Of a text type that names its length. */
      readonly lengthLimit: number | undefined;
    }
  | {
      readonly kind: "aggregate";
      readonly name: AggregateName;
      /** `undefined`: COUNT(*). */
      readonly operand: Expression | undefined;
    }
  | { readonly kind: "extract"; readonly part: ExtractPart; readonly operand: Expression }
  | {
      readonly kind: "date-add" | "date-diff";
      readonly part: DatePart;
      readonly first: Expression;
      readonly second: Expression;
    }
  | {
      readonly kind: "trim";
      readonly side: TrimSide;
      readonly characters: Expression | undefined;
      readonly operand: Expression;
    }
  | { readonly kind: "call"; readonly name: string; readonly operands: readonly Expression[] };

export type SelectItem =
  | {
      readonly kind: "expression";
      readonly expression: Expression;
      readonly alias: Name | undefined;
    }
  /** `name.*`: all members of what the path means. */
  | { readonly kind: "members"; readonly expression: Expression };

export interface Source {
  /** Behind `S3Object`, without the `[*]` that every path begins with. */
  readonly steps: readonly SourceStep[];
  readonly alias: Name | undefined;
}

export interface Query {
  readonly items: readonly SelectItem[] | "all";
  readonly source: Source;
  readonly where: Expression | undefined;
  readonly limit: number | undefined;
}

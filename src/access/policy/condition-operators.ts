// The names of condition operators: `StringNotLike`, `ForAllValues:StringEqualsIfExists` and so on are a
// comparison, whether it is turned round, and what happens with several values or none.

export type Comparison =
  | "StringEquals"
  | "StringEqualsIgnoreCase"
  | "StringLike"
  | "NumericEquals"
  | "NumericLessThan"
  | "NumericLessThanEquals"
  | "NumericGreaterThan"
  | "NumericGreaterThanEquals"
  | "DateEquals"
  | "DateLessThan"
  | "DateLessThanEquals"
  | "DateGreaterThan"
  | "DateGreaterThanEquals"
  | "Bool"
  | "BinaryEquals"
  | "IpAddress"
  | "ArnLike"
  | "Null";

export interface ConditionOperator {
  readonly comparison: Comparison;
  /** True if none of the policy's values may be met. */
  readonly isNegated: boolean;
  readonly quantifier: "ForAllValues" | "ForAnyValue" | undefined;
  /** True if a request without the key meets the condition. */
  readonly ifExists: boolean;
}

/** ArnEquals and ArnLike behave alike, says the IAM user guide. */
const operators: Readonly<Record<string, readonly [Comparison, isNegated: boolean]>> = {
  StringEquals: ["StringEquals", false],
  StringNotEquals: ["StringEquals", true],
  StringEqualsIgnoreCase: ["StringEqualsIgnoreCase", false],
  StringNotEqualsIgnoreCase: ["StringEqualsIgnoreCase", true],
  StringLike: ["StringLike", false],
  StringNotLike: ["StringLike", true],
  NumericEquals: ["NumericEquals", false],
  NumericNotEquals: ["NumericEquals", true],
  NumericLessThan: ["NumericLessThan", false],
  NumericLessThanEquals: ["NumericLessThanEquals", false],
  NumericGreaterThan: ["NumericGreaterThan", false],
  NumericGreaterThanEquals: ["NumericGreaterThanEquals", false],
  DateEquals: ["DateEquals", false],
  DateNotEquals: ["DateEquals", true],
  DateLessThan: ["DateLessThan", false],
  DateLessThanEquals: ["DateLessThanEquals", false],
  DateGreaterThan: ["DateGreaterThan", false],
  DateGreaterThanEquals: ["DateGreaterThanEquals", false],
  Bool: ["Bool", false],
  BinaryEquals: ["BinaryEquals", false],
  IpAddress: ["IpAddress", false],
  NotIpAddress: ["IpAddress", true],
  ArnEquals: ["ArnLike", false],
  ArnNotEquals: ["ArnLike", true],
  ArnLike: ["ArnLike", false],
  ArnNotLike: ["ArnLike", true],
  Null: ["Null", false],
};

/** Operators by name in lower case: AWS takes them in any case. */
const operatorsByName: ReadonlyMap<string, readonly [Comparison, boolean]> = new Map(
  Object.entries(operators).map(([name, operator]) => [name.toLowerCase(), operator]),
);

/** Undefined if there is no such operator. */
export function parseConditionOperator(name: string): ConditionOperator | undefined {
  const [, quantifierName, baseName, suffix] =
    /^(?:(forallvalues|foranyvalue):)?([a-z]+?)(ifexists)?$/.exec(name.toLowerCase()) ?? [];
  const operator = operatorsByName.get(baseName ?? "");
  if (operator === undefined) return undefined;
  const [comparison, isNegated] = operator;
  // "You can add IfExists to the end of any condition operator name except the Null condition."
  if (comparison === "Null" && suffix !== undefined) return undefined;
  const quantifier = quantifierName === undefined ? undefined : quantifiers[quantifierName];
  return { comparison, isNegated, quantifier, ifExists: suffix !== undefined };
}

const quantifiers: Readonly<Record<string, "ForAllValues" | "ForAnyValue">> = {
  forallvalues: "ForAllValues",
  foranyvalue: "ForAnyValue",
};

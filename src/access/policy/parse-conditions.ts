// The Condition element: operators, keys and values, in the grammar that all kinds of policy share.

import { parseConditionOperator } from "./condition-operators.ts";
import type { PolicyCondition } from "./policy-document.ts";
import { isJsonList, isJsonObject } from "./policy-json.ts";
import type { JsonValue } from "./policy-json.ts";
import { PolicySyntaxError } from "./policy-syntax-error.ts";

export interface ConditionMessages {
  /** What is no condition block at all. */
  readonly badBlock: string;
  badOperator(name: string): string;
}

export function parseConditions(
  value: JsonValue | undefined,
  messages: ConditionMessages,
): readonly PolicyCondition[] {
  if (value === undefined) return [];
  const bad = (): PolicySyntaxError => new PolicySyntaxError(messages.badBlock);
  if (!isJsonObject(value)) throw bad();
  const conditions: PolicyCondition[] = [];
  const names = new Set<string>();
  for (const [name, block] of value) {
    const operator = parseConditionOperator(name);
    if (operator === undefined) throw new PolicySyntaxError(messages.badOperator(name));
    // Operators and keys do not depend on case: twice the same is a duplicate like any other.
    if (!isJsonObject(block) || names.has(name.toLowerCase())) throw bad();
    names.add(name.toLowerCase());
    const keys = new Set<string>();
    for (const [key, written] of block) {
      const values = readValues(written);
      if (values === undefined || key === "" || keys.has(key.toLowerCase())) throw bad();
      keys.add(key.toLowerCase());
      conditions.push({ operator, key, values });
    }
  }
  return conditions;
}

/** "Quotation marks are optional for numeric and Boolean values." */
function readValues(value: JsonValue): readonly string[] | undefined {
  const values: readonly JsonValue[] = isJsonList(value) ? value : [value];
  const texts: string[] = [];
  for (const each of values) {
    if (typeof each === "string") texts.push(each);
    else if (isJsonList(each) || isJsonObject(each) || each.kind === "null") return undefined;
    else texts.push(each.text);
  }
  return texts;
}

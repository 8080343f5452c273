// AVG, COUNT, MAX, MIN and SUM. NULL and MISSING are left out; of nothing the result is NULL, but the
// count 0. Throws S3Error ExternalEvalException for what is no number.

import { S3Error } from "../model/errors.ts";
import { calculateNumbers } from "./arithmetic.ts";
import type { AggregateName } from "./syntax.ts";
import { Timestamp } from "./timestamp.ts";
import {
  compareValues,
  isInteger,
  isNumeric,
  toDecimal,
  type Numeric,
  type Value,
} from "./values.ts";

export class Aggregate {
  readonly #name: AggregateName;
  #count = 0;
  #total: Numeric | undefined;
  #extreme: Value;

  constructor(name: AggregateName) {
    this.#name = name;
  }

  add(value: Value): void {
    if (value === null || value === undefined) return;
    this.#count += 1;
    if (this.#name === "count") return;
    if (this.#name === "max" || this.#name === "min") {
      this.#compare(value);
      return;
    }
    if (!isNumeric(value)) throw new S3Error("ExternalEvalException");
    // The average of integers is a decimal, so that their sum cannot overflow.
    const term = this.#name === "avg" && isInteger(value) ? toDecimal(value) : value;
    this.#total = this.#total === undefined ? term : calculateNumbers("+", this.#total, term);
  }

  #compare(value: Value): void {
    if (!isNumeric(value) && !(value instanceof Timestamp)) {
      throw new S3Error("ExternalEvalException");
    }
    if (this.#extreme === undefined) {
      this.#extreme = value;
      return;
    }
    const order = compareValues(value, this.#extreme);
    if (order === undefined) throw new S3Error("ExternalEvalException");
    if (this.#name === "max" ? order > 0 : order < 0) this.#extreme = value;
  }

  get result(): Value {
    if (this.#name === "count") return this.#count;
    if (this.#name === "max" || this.#name === "min") return this.#extreme ?? null;
    if (this.#total === undefined) return null;
    return this.#name === "sum" ? this.#total : calculateNumbers("/", this.#total, this.#count);
  }
}

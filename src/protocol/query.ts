// The query of a request target. In a query `+` is a space, a key may stand without a value, and of
// several values of one key S3 reads the first.

import { S3Error } from "../model/errors.ts";
import { queryParameters } from "../model/limits.ts";
import { decodeForm } from "./percent.ts";

export interface QueryParameter {
  readonly name: string;
  /** Empty for a key without a value. */
  readonly value: string;
}

/** Throws S3Error InvalidURI. */
export function parseQuery(rawQuery: string): readonly QueryParameter[] {
  if (rawQuery === "") return noParameters;
  const parameters: QueryParameter[] = [];
  for (const pair of rawQuery.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    parameters.push(
      equals === -1
        ? { name: decodeForm(pair), value: "" }
        : {
            name: decodeForm(pair.slice(0, equals)),
            value: decodeForm(pair.slice(equals + 1)),
          },
    );
    if (parameters.length > queryParameters) throw new S3Error("InvalidURI");
  }
  return parameters;
}

/** The first value of a key; `undefined` when it was not sent. */
export function findParameter(query: readonly QueryParameter[], name: string): string | undefined {
  for (const parameter of query) if (parameter.name === name) return parameter.value;
  return undefined;
}

const noParameters: readonly QueryParameter[] = [];

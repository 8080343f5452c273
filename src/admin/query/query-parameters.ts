// Reads the parameters of a request in AWS's query protocol: a form in the body, and what the query
// holds beside the signature. Strict and bounded; what the parameters mean is not known here.

import { QueryError } from "./query-error.ts";

/** Our bound: a simulation of 1,000 resources has about as many parameters. */
const maximumParameters = 5000;

export type QueryParameters = ReadonlyMap<string, string>;

/** Throws QueryError MalformedQueryString. */
export function parseParameters(rawQuery: string, body: Uint8Array): QueryParameters {
  const parameters = new Map<string, string>();
  readForm(rawQuery, parameters);
  readForm(decodeUtf8(body), parameters);
  return parameters;
}

function readForm(text: string, parameters: Map<string, string>): void {
  if (text === "") return;
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    // Those of the signature and of presigned requests.
    if (name.startsWith("X-Amz-")) continue;
    if (parameters.has(name)) throw malformed();
    if (parameters.size >= maximumParameters) throw malformed();
    parameters.set(name, equals === -1 ? "" : decode(pair.slice(equals + 1)));
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw malformed();
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed();
  }
}

/** "The query string contains a syntax error": with this status ("Common errors", IAM API Reference). */
function malformed(): QueryError {
  return new QueryError("MalformedQueryString", "The query string contains a syntax error.", {
    status: 404,
  });
}

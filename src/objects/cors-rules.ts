// A bucket's CORS rules: what may be put, and what a request from a page of another origin is granted.
// The first rule that fits decides. Pure rules.

import { S3Error } from "../model/errors.ts";
import { corsRules, ruleIdCharacters } from "../model/limits.ts";
import type { CORSRule } from "../model/types.generated.ts";

/** What a page asks for. */
export interface CorsRequest {
  readonly origin: string;
  /** Access-Control-Request-Method; of an actual request without one, its own. */
  readonly method: string;
  /** Access-Control-Request-Headers, as sent. */
  readonly headers: string | undefined;
}

/** What the browser is told, header by header. */
export interface CorsGrant {
  readonly allowOrigin: string;
  readonly allowMethods: string;
  readonly allowHeaders: string | undefined;
  readonly exposeHeaders: string | undefined;
  readonly maxAgeSeconds: number | undefined;
  readonly allowsCredentials: boolean;
}

/** With every grant: a cache must not hand it to a page of another origin. */
export const corsVary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

export const corsMethods: readonly string[] = ["GET", "PUT", "HEAD", "POST", "DELETE"];

/**
 * Throws S3Error. A rule without an origin or a method, and a document without a rule, are MalformedXML
 * for the whole document before any rule's values are looked at; one wildcard is allowed in an origin
 * and a header (Reference, PutBucketCors). The messages are those seen on the service; that about ids is
 * ours.
 */
export function checkCorsRules(rules: readonly CORSRule[]): void {
  if (rules.length === 0) throw new S3Error("MalformedXML");
  if (rules.length > corsRules) {
    refuse(`The number of CORS rules should not exceed allowed limit of ${corsRules} rules.`);
  }
  for (const { AllowedMethods, AllowedOrigins, MaxAgeSeconds = 0 } of rules) {
    if (AllowedMethods.length === 0 || AllowedOrigins.length === 0 || MaxAgeSeconds < 0) {
      throw new S3Error("MalformedXML");
    }
  }
  for (const rule of rules) checkRule(rule);
}

function checkRule(rule: CORSRule): void {
  const { ID = "", AllowedMethods, AllowedOrigins, AllowedHeaders = [], ExposeHeaders = [] } = rule;
  if (ID.length > ruleIdCharacters) {
    refuse(`The ID value can be up to ${ruleIdCharacters} characters long. Invalid ID is "${ID}"`);
  }
  const method = AllowedMethods.find((each) => !corsMethods.includes(each));
  if (method !== undefined) {
    refuse(`Found unsupported HTTP method in CORS config. Unsupported method is ${method}`);
  }
  const origin = AllowedOrigins.find(hasSeveralWildcards);
  if (origin !== undefined) {
    refuse(`AllowedOrigin "${origin}" can not have more than one wildcard.`);
  }
  const header = AllowedHeaders.find(hasSeveralWildcards);
  if (header !== undefined) {
    refuse(`AllowedHeader "${header}" can not have more than one wildcard.`);
  }
  const exposed = ExposeHeaders.find((each) => each.includes("*"));
  if (exposed !== undefined) {
    refuse(
      `ExposeHeader "${exposed}" contains wildcard. We currently do not support wildcard for ExposeHeader.`,
    );
  }
}

function hasSeveralWildcards(pattern: string): boolean {
  return pattern.indexOf("*") !== pattern.lastIndexOf("*");
}

function refuse(message: string): never {
  throw new S3Error("InvalidRequest", { message });
}

/** The grant of the first rule that allows the origin, the method and every requested header. */
export function findCorsGrant(
  rules: readonly CORSRule[],
  request: CorsRequest,
): CorsGrant | undefined {
  const requested = listedNames(request.headers);
  for (const rule of rules) {
    const { AllowedOrigins, AllowedMethods, AllowedHeaders = [], ExposeHeaders = [] } = rule;
    const origin = AllowedOrigins.find((pattern) => matches(pattern, request.origin));
    if (origin === undefined || !AllowedMethods.includes(request.method)) continue;
    const patterns = AllowedHeaders.map((pattern) => pattern.toLowerCase());
    if (!requested.every((name) => patterns.some((pattern) => matches(pattern, name)))) continue;
    // "Every origin" is answered as such, and then without credentials (as recorded from the service).
    const isAnyOrigin = origin === "*";
    return {
      allowOrigin: isAnyOrigin ? "*" : request.origin,
      allowMethods: AllowedMethods.join(", "),
      allowHeaders: requested.length === 0 ? undefined : requested.join(", "),
      exposeHeaders: ExposeHeaders.length === 0 ? undefined : ExposeHeaders.join(", "),
      maxAgeSeconds: rule.MaxAgeSeconds,
      allowsCredentials: !isAnyOrigin,
    };
  }
  return undefined;
}

/** Names of headers have no case, and come back in lower case. */
function listedNames(list: string | undefined): readonly string[] {
  if (list === undefined) return [];
  return list
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
}

function matches(pattern: string, text: string): boolean {
  const star = pattern.indexOf("*");
  if (star === -1) return pattern === text;
  const rest = pattern.length - star - 1;
  return (
    text.length >= star + rest &&
    text.startsWith(pattern.slice(0, star)) &&
    text.endsWith(pattern.slice(star + 1))
  );
}

/** What the bucket's document of kind `cors` holds. */
export function formatCorsRules(rules: readonly CORSRule[]): string {
  return JSON.stringify({ v: 1, rules });
}

export function parseCorsRules(text: string): readonly CORSRule[] {
  return (JSON.parse(text) as { readonly rules: readonly CORSRule[] }).rules;
}

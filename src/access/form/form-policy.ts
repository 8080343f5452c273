// The policy of a browser's form: until when it may be sent, and what each of its fields may say.

import { S3Error } from "../../model/errors.ts";
import type { FormFields } from "./form-signature.ts";

export interface FormPolicy {
  readonly expiresMilliseconds: number;
  readonly conditions: readonly FormCondition[];
}

export type FormCondition =
  | {
      readonly kind: "eq" | "starts-with";
      /** Lower case, without the `$`. */
      readonly field: string;
      readonly value: string;
      /** As the policy writes it, for the error. */
      readonly text: string;
    }
  | { readonly kind: "range"; readonly minimumBytes: number; readonly maximumBytes: number };

export interface FormSizes {
  readonly minimumBytes: number;
  readonly maximumBytes: number;
}

/** `encoded` is the field as sent: base64 of JSON. Throws S3Error InvalidPolicyDocument. */
export function parseFormPolicy(encoded: string): FormPolicy {
  const document = parseJson(Buffer.from(encoded, "base64").toString("utf8"));
  const { expiration, conditions } = document;
  if (expiration === undefined) throw invalid("Policy missing expiration.");
  if (conditions === undefined) throw invalid("Policy missing conditions.");
  if (!Array.isArray(conditions)) throw invalid("Invalid JSON.");
  return {
    expiresMilliseconds: parseExpiration(expiration),
    conditions: conditions.map((condition: unknown) => parseCondition(condition)),
  };
}

function parseJson(text: string): Readonly<Record<string, unknown>> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw invalid("Invalid JSON.");
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw invalid("Invalid JSON.");
  }
  return document as Readonly<Record<string, unknown>>;
}

/** ISO 8601 in UTC, as in `2007-12-01T12:00:00.000Z`. */
function parseExpiration(value: unknown): number {
  const isDate =
    typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(value);
  const milliseconds = isDate ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(milliseconds)) {
    throw invalid(`Invalid 'expiration' value: '${String(value)}'`);
  }
  return milliseconds;
}

function parseCondition(condition: unknown): FormCondition {
  if (Array.isArray(condition)) return parseListCondition(condition);
  if (typeof condition !== "object" || condition === null) {
    throw invalid("Invalid Condition: must be an object or a list.");
  }
  const [entry, ...others] = Object.entries(condition);
  if (entry === undefined || others.length > 0) {
    throw invalid(
      "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
    );
  }
  const [name, value] = entry as [string, unknown];
  if (typeof value !== "string") {
    throw invalid("Invalid Simple-Condition: value must be a string.");
  }
  return { kind: "eq", field: name.toLowerCase(), value, text: textOf(["eq", `$${name}`, value]) };
}

function parseListCondition(condition: readonly unknown[]): FormCondition {
  const [operator, first, second] = condition;
  const kind = typeof operator === "string" ? operator.toLowerCase() : "";
  if (condition.length !== 3) {
    throw invalid(`Invalid ${String(operator)}: wrong number of arguments.`);
  }
  if (kind === "content-length-range") {
    const minimumBytes = parseSize(first);
    const maximumBytes = parseSize(second);
    return { kind: "range", minimumBytes, maximumBytes };
  }
  if (kind !== "eq" && kind !== "starts-with") {
    throw invalid(`Invalid Condition: unknown operation '${String(operator)}'.`);
  }
  if (typeof first !== "string" || typeof second !== "string" || !first.startsWith("$")) {
    throw invalid(`Invalid ${kind}: a field, which begins with $, and a text are expected.`);
  }
  const text = textOf([operator, first, second]);
  return { kind, field: first.slice(1).toLowerCase(), value: second, text };
}

function parseSize(value: unknown): number {
  const text = typeof value === "number" || typeof value === "string" ? String(value) : "";
  if (!/^\d{1,15}$/.test(text)) {
    throw invalid("Invalid content-length-range: sizes must be whole numbers.");
  }
  return Number(text);
}

/** As the service prints a condition: `["eq", "$acl", "private"]`. */
function textOf(parts: readonly unknown[]): string {
  return `[${parts.map((part) => JSON.stringify(part)).join(", ")}]`;
}

function invalid(problem: string): S3Error {
  return new S3Error("InvalidPolicyDocument", { message: `Invalid Policy: ${problem}` });
}

/** Fields that need no condition: the signature's own, and what S3 ignores. */
const freeFields: ReadonlySet<string> = new Set([
  "awsaccesskeyid",
  "signature",
  "x-amz-signature",
  "policy",
  "file",
]);

/**
 * `fields` are those of the form after `${filename}` was filled in. The sizes that the file may have come
 * back: they are known only when it has been read. Throws S3Error AccessDenied.
 */
export function checkFormPolicy(
  policy: FormPolicy,
  fields: FormFields,
  request: { readonly bucketName: string; readonly nowMilliseconds: number },
): FormSizes {
  if (request.nowMilliseconds >= policy.expiresMilliseconds) throw denied("Policy expired.");
  const open = new Set([...fields.keys()].filter((name) => !isFree(name)));
  let sizes: FormSizes = { minimumBytes: 0, maximumBytes: Number.POSITIVE_INFINITY };
  for (const condition of policy.conditions) {
    if (condition.kind === "range") {
      sizes = {
        minimumBytes: Math.max(sizes.minimumBytes, condition.minimumBytes),
        maximumBytes: Math.min(sizes.maximumBytes, condition.maximumBytes),
      };
      continue;
    }
    const { field } = condition;
    // The bucket is the one that the request is sent to, whether the form says so or not.
    const value = field === "bucket" ? request.bucketName : fields.get(field);
    // A field that may say anything must be there all the same (github.com/tj/node-s3-policy/pull/8).
    if (value === undefined || !isMet(condition, value)) {
      throw denied(`Policy Condition failed: ${condition.text}`);
    }
    open.delete(field);
  }
  if (open.size > 0) throw denied(`Extra input fields: ${[...open].join(", ")}`);
  return sizes;
}

function isFree(name: string): boolean {
  return freeFields.has(name) || name.startsWith("x-ignore-");
}

function isMet(
  { kind, field, value: expected }: Extract<FormCondition, { readonly field: string }>,
  value: string,
): boolean {
  // Of several types in one field each must fit (POST policy, "Condition matching").
  const values =
    kind === "starts-with" && field === "content-type"
      ? value.split(",").map((each) => each.trim())
      : [value];
  // A dollar sign may be written `\$` (POST policy, "Character escaping").
  const wanted = [expected, expected.replaceAll(String.raw`\$`, "$")];
  return values.every((each) =>
    wanted.some((text) => (kind === "eq" ? each === text : each.startsWith(text))),
  );
}

function denied(reason: string): S3Error {
  return new S3Error("AccessDenied", { message: `Invalid according to Policy: ${reason}` });
}

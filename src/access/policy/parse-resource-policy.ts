// Bucket, key and trust policies: documents that hang on what they protect. They have a Principal,
// and S3 and IAM read them with one parser: the messages are the same.

import { checkBucketStatement, checkTrustStatement } from "./check-resource-statement.ts";
import { parseConditions } from "./parse-conditions.ts";
import { parsePrincipals } from "./parse-principal.ts";
import type {
  PatternElement,
  PolicyDocument,
  PolicyParseOptions,
  PolicyStatement,
  PolicyVersion,
  PrincipalElement,
} from "./policy-document.ts";
import { isJsonList, isJsonObject, readJson } from "./policy-json.ts";
import type { JsonObject, JsonValue } from "./policy-json.ts";
import { bucketPolicyBytes, keyPolicyBytes, policyDocumentCharacters } from "./policy-limits.ts";
import { PolicySyntaxError } from "./policy-syntax-error.ts";

type ResourcePolicyKind = "bucket" | "key" | "trust";

export function parseResourcePolicy(
  text: string,
  kind: ResourcePolicyKind,
  options: PolicyParseOptions,
): PolicyDocument {
  checkSize(text, kind);
  const json = readDocument(text, kind);
  checkFields(json, ["Version", "Id", "Statement"]);
  const version = readVersion(json.get("Version"));
  const id = readText(json.get("Id"));
  const statements = readStatements(json.get("Statement")).map((statement) =>
    parseStatement(statement, kind),
  );
  for (const statement of statements) {
    if (kind === "trust") checkTrustStatement(statement);
    else if (kind === "bucket") checkBucketStatement(statement, options.bucketName);
  }
  return id === undefined ? { version, statements } : { version, id, statements };
}

function checkSize(text: string, kind: ResourcePolicyKind): void {
  const isTooLarge =
    kind === "trust"
      ? text.length > policyDocumentCharacters
      : Buffer.byteLength(text) > (kind === "key" ? keyPolicyBytes : bucketPolicyBytes);
  if (isTooLarge) fail("Policy exceeds the maximum allowed document size.");
}

function readDocument(text: string, kind: ResourcePolicyKind): JsonObject {
  if (kind === "bucket" && !text.startsWith("{")) {
    fail("Policies must be valid JSON and the first byte must be '{'");
  }
  const json = readJson(text);
  return isJsonObject(json) ? json : fail("This policy contains invalid Json");
}

function readVersion(value: JsonValue | undefined): PolicyVersion {
  if (value === undefined) return "2008-10-17";
  if (value === "2012-10-17" || value === "2008-10-17") return value;
  return fail("The policy must contain a valid version string");
}

function readText(value: JsonValue | undefined): string | undefined {
  return value === undefined || typeof value === "string" ? value : failSyntax();
}

function readStatements(value: JsonValue | undefined): readonly JsonObject[] {
  if (value === undefined) return fail("Missing required field Statement");
  const statements: readonly JsonValue[] = isJsonList(value) ? value : [value];
  if (statements.length === 0) return fail("Could not parse the policy: Statement is empty!");
  return statements.map((statement) => (isJsonObject(statement) ? statement : failSyntax()));
}

const statementFields: readonly string[] = [
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
];

function parseStatement(json: JsonObject, kind: ResourcePolicyKind): PolicyStatement {
  checkFields(json, statementFields);
  const sid = readText(json.get("Sid"));
  const effect = readEffect(json.get("Effect"));
  const principals = readPrincipals(json, kind);
  const actions = readPatterns(json, "Action");
  const resources = kind === "trust" ? refuseResources(json) : readPatterns(json, "Resource");
  const conditions = parseConditions(json.get("Condition"), {
    badBlock: invalidSyntax,
    badOperator: (name) => `Invalid Condition type : ${name}`,
  });
  return {
    ...(sid !== undefined && { sid }),
    effect,
    principals,
    actions,
    ...(resources !== undefined && { resources }),
    conditions,
  };
}

function checkFields(json: JsonObject, known: readonly string[]): void {
  for (const field of json.keys()) if (!known.includes(field)) fail(`Unknown field ${field}`);
}

function readEffect(value: JsonValue | undefined): "Allow" | "Deny" {
  if (value === undefined) return fail("Missing required field Effect");
  if (value === "Allow" || value === "Deny") return value;
  return typeof value === "string" ? fail(`Invalid effect: ${value}`) : failSyntax();
}

function readPrincipals(json: JsonObject, kind: ResourcePolicyKind): PrincipalElement {
  const { value, isNegated } = readEither(json, "Principal");
  const parsed = parsePrincipals(value);
  if ("entries" in parsed) return { isNegated, entries: parsed.entries };
  if (kind === "bucket" || parsed.fault === "form") return fail("Invalid principal in policy");
  if (parsed.fault === "empty") return fail("Missing required field Principal cannot be empty!");
  const { type, value: name } = parsed.fault;
  // IAM says which: `Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:user/none"`.
  return fail(`Invalid principal in policy: "${type.toUpperCase()}":"${name}"`);
}

function readPatterns(json: JsonObject, field: "Action" | "Resource"): PatternElement {
  const { value, isNegated } = readEither(json, field);
  const values: readonly JsonValue[] = isJsonList(value) ? value : [value];
  if (values.length === 0) fail(`Missing required field ${field} cannot be empty!`);
  const patterns = values.map((each) => (typeof each === "string" ? each : failSyntax()));
  return { isNegated, patterns };
}

function refuseResources(json: JsonObject): undefined {
  for (const field of ["Resource", "NotResource"]) {
    if (json.has(field)) fail(`Has prohibited field ${field}`);
  }
}

function readEither(
  json: JsonObject,
  field: "Principal" | "Action" | "Resource",
): { readonly value: JsonValue; readonly isNegated: boolean } {
  const [value, negated] = [json.get(field), json.get(`Not${field}`)];
  if (value !== undefined && negated !== undefined) return failSyntax();
  if (value !== undefined) return { value, isNegated: false };
  if (negated !== undefined) return { value: negated, isNegated: true };
  return fail(`Missing required field ${field}`);
}

const invalidSyntax = "Invalid policy syntax.";

function failSyntax(): never {
  return fail(invalidSyntax);
}

function fail(message: string): never {
  throw new PolicySyntaxError(message);
}

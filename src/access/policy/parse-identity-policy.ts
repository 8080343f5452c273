// Identity policies, and what shares their grammar: session policies and boundaries. No Principal;
// actions and resources of every service. Messages are those of IAM.

import { partitions } from "./arn-pattern.ts";
import { parseConditions } from "./parse-conditions.ts";
import type {
  PatternElement,
  PolicyDocument,
  PolicyParseOptions,
  PolicyStatement,
  PolicyVersion,
} from "./policy-document.ts";
import { isJsonList, isJsonObject, readJson } from "./policy-json.ts";
import type { JsonObject, JsonValue } from "./policy-json.ts";
import { policyDocumentCharacters } from "./policy-limits.ts";
import { PolicySyntaxError } from "./policy-syntax-error.ts";

const syntaxErrors = "Syntax errors in policy.";

export function parseIdentityPolicy(text: string, options: PolicyParseOptions): PolicyDocument {
  if (text.length > policyDocumentCharacters) fail(syntaxErrors);
  const json = readJson(text);
  if (json === undefined) return fail("The policy is not in the valid JSON format.");
  if (!isJsonObject(json)) return fail(syntaxErrors);
  checkFields(json, ["Version", "Id", "Statement"]);
  const version = readVersion(json.get("Version"), options.requiresCurrentVersion === true);
  const id = readText(json.get("Id"));
  const statements = readStatements(json.get("Statement")).map(parseStatement);
  checkStatementIds(statements);
  return id === undefined ? { version, statements } : { version, id, statements };
}

function readVersion(value: JsonValue | undefined, mustBeCurrent: boolean): PolicyVersion {
  const version = value ?? "2008-10-17";
  if (version !== "2012-10-17" && version !== "2008-10-17") return fail(syntaxErrors);
  if (mustBeCurrent && version !== "2012-10-17") {
    return fail("Policy document must be version 2012-10-17 or greater.");
  }
  return version;
}

function readText(value: JsonValue | undefined): string | undefined {
  return value === undefined || typeof value === "string" ? value : fail(syntaxErrors);
}

function readStatements(value: JsonValue | undefined): readonly JsonObject[] {
  const statements: readonly JsonValue[] =
    isJsonList(value) || value === undefined ? (value ?? []) : [value];
  if (statements.length === 0) return fail(syntaxErrors);
  return statements.map((statement) => (isJsonObject(statement) ? statement : fail(syntaxErrors)));
}

const statementFields: readonly string[] = [
  "Sid",
  "Effect",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
];

function parseStatement(json: JsonObject): PolicyStatement {
  if (json.has("Principal") || json.has("NotPrincipal")) {
    fail("Policy document should not specify a principal.");
  }
  checkFields(json, statementFields);
  const sid = readText(json.get("Sid"));
  const effect = json.get("Effect");
  if (effect !== "Allow" && effect !== "Deny") return fail(syntaxErrors);
  const actions = readPatterns(json, "Action", "Policy statement must contain actions.");
  for (const action of actions.patterns) checkAction(action);
  const resources = readPatterns(json, "Resource", "Policy statement must contain resources.");
  for (const resource of resources.patterns) checkResource(resource);
  const conditions = parseConditions(json.get("Condition"), {
    badBlock: syntaxErrors,
    badOperator: () => syntaxErrors,
  });
  for (const { key } of conditions) checkConditionKey(key);
  return { ...(sid !== undefined && { sid }), effect, actions, resources, conditions };
}

function checkFields(json: JsonObject, known: readonly string[]): void {
  for (const field of json.keys()) if (!known.includes(field)) fail(syntaxErrors);
}

function readPatterns(
  json: JsonObject,
  field: "Action" | "Resource",
  missing: string,
): PatternElement {
  const [plain, negated] = [json.get(field), json.get(`Not${field}`)];
  if (plain !== undefined && negated !== undefined) return fail(syntaxErrors);
  const value = plain ?? negated;
  if (value === undefined) return fail(missing);
  const values: readonly JsonValue[] = isJsonList(value) ? value : [value];
  if (values.length === 0) return fail(missing);
  const patterns = values.map((each) => (typeof each === "string" ? each : fail(syntaxErrors)));
  return { isNegated: plain === undefined, patterns };
}

function checkAction(action: string): void {
  if (action === "*") return;
  checkVendor(action);
  const name = action.slice(action.indexOf(":") + 1);
  if (!/^[\w*?-]+$/.test(name)) fail(syntaxErrors);
}

function checkVendor(text: string): void {
  const colon = checkColon(text);
  const vendor = text.slice(0, colon);
  if (!/^[a-zA-Z\d.-]+$/.test(vendor)) fail(`Vendor ${vendor} is not valid`);
  if (text.includes(":", colon + 1)) fail("Actions/Condition can contain only one colon.");
}

/** Keys of identity providers and of tags hold more: `id.example.com/realm:sub`, `aws:RequestTag/a:b`. */
function checkConditionKey(key: string): void {
  checkColon(key);
}

function checkColon(text: string): number {
  const colon = text.indexOf(":");
  if (colon >= 0) return colon;
  return fail("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
}

function checkResource(resource: string): void {
  if (resource === "*") return;
  if (!resource.startsWith("arn:")) fail(`Resource ${resource} must be in ARN format or "*".`);
  const [, partition = "", ...rest] = resource.split(":");
  const isKnown = partitions.includes(partition) || /^[\w*?-]*[*?][\w*?-]*$/.test(partition);
  if (!isKnown) fail(`Partition "${partition}" is not valid for resource "${resource}".`);
  // `arn:aws:s3:*` is whole: a star at the end stands for everything that follows.
  if (rest.length < 4 && !resource.endsWith("*")) fail("The policy failed legacy parsing");
}

function checkStatementIds(statements: readonly PolicyStatement[]): void {
  const seen = new Set<string>();
  for (const { sid } of statements) {
    if (sid === undefined || sid === "") continue;
    if (!/^[\dA-Za-z]+$/.test(sid)) {
      fail(
        "Statement IDs (SID) must be alpha-numeric. " +
          "Check that your input satisfies the regular expression [0-9A-Za-z]*",
      );
    }
    if (seen.has(sid)) fail("Statement IDs (SID) in a single policy must be unique.");
    seen.add(sid);
  }
}

function fail(message: string): never {
  throw new PolicySyntaxError(message);
}

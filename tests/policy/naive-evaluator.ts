// A second evaluator of policies, written from the documentation for slowness and plainness: it reads the
// JSON as it is and decides everything anew for each request. Only tests use it: what both evaluators say
// must be the same.

import type { PolicyCaller } from "../../src/access/policy/evaluate.ts";

export interface NaiveDocument {
  readonly Version?: string;
  readonly Statement: readonly NaiveStatement[];
}

export interface NaiveStatement {
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: NaivePrincipal;
  readonly NotPrincipal?: NaivePrincipal;
  readonly Action?: readonly string[];
  readonly NotAction?: readonly string[];
  readonly Resource?: readonly string[];
  readonly NotResource?: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

type NaivePrincipal = "*" | Readonly<Record<string, readonly string[]>>;

export interface NaiveRequest {
  readonly action: string;
  readonly resource: string;
  readonly principal: PolicyCaller;
  readonly context: Readonly<Record<string, readonly string[]>>;
}

export function evaluateNaively(
  documents: readonly NaiveDocument[],
  request: NaiveRequest,
): "Allow" | "Deny" | "None" {
  const effects = documents.flatMap((document) =>
    document.Statement.filter((statement) =>
      applies(statement, request, document.Version === "2012-10-17"),
    ).map(({ Effect }) => Effect),
  );
  if (effects.includes("Deny")) return "Deny";
  return effects.includes("Allow") ? "Allow" : "None";
}

function applies(statement: NaiveStatement, request: NaiveRequest, hasVariables: boolean): boolean {
  const { action, resource, principal, context } = request;
  const isAction = (pattern: string): boolean =>
    like(symbols(pattern.toLowerCase()), action.toLowerCase());
  if (statement.Action !== undefined && !statement.Action.some(isAction)) return false;
  if (statement.NotAction?.some(isAction) === true) return false;

  const isResource = (pattern: string): boolean =>
    pattern === "*" || arnLike(fill(pattern, context, hasVariables), resource);
  if (statement.Resource !== undefined && !statement.Resource.some(isResource)) return false;
  if (statement.NotResource?.some(isResource) === true) return false;

  if (statement.Principal !== undefined && !isNamed(statement.Principal, principal)) return false;
  if (statement.NotPrincipal !== undefined) {
    const listed = identitiesOf(principal).map((each) => isListed(statement.NotPrincipal, each));
    const isSpared =
      statement.Effect === "Deny"
        ? listed.every(Boolean)
        : isNamed(statement.NotPrincipal, principal);
    if (isSpared) return false;
  }

  for (const [operator, block] of Object.entries(statement.Condition ?? {})) {
    for (const [key, values] of Object.entries(block)) {
      if (!holds(operator, key, values, context, hasVariables)) return false;
    }
  }
  return true;
}

/** Everything that a caller is, each under all its names: its account, its role, itself. */
function identitiesOf(caller: PolicyCaller): readonly (readonly string[])[] {
  // Anonymous is one thing without a name.
  if (caller === "anonymous") return [[]];
  const { accountId, canonicalId, roleArn, kind, arn } = caller;
  const account = [accountId, `arn:aws:iam::${accountId}:root`, canonicalId];
  const role = roleArn === undefined ? [] : [[roleArn]];
  return [account, ...role, ...(kind === "root" ? [] : [[arn]])];
}

function isNamed(principal: NaivePrincipal, caller: PolicyCaller): boolean {
  return identitiesOf(caller).some((identity) => isListed(principal, identity));
}

function isListed(principal: NaivePrincipal | undefined, identity: readonly string[]): boolean {
  const listed = typeof principal === "object" ? Object.values(principal).flat() : ["*"];
  return listed.includes("*") || listed.some((name) => identity.includes(name));
}

/** One character that must be there, or a wildcard. */
type Symbol = { readonly character: string } | "one" | "many";

function symbols(pattern: string): readonly Symbol[] {
  return pattern.split("").map((character): Symbol => {
    if (character === "*") return "many";
    return character === "?" ? "one" : { character };
  });
}

function plain(text: string): readonly Symbol[] {
  return text.split("").map((character) => ({ character }));
}

/** Undefined if a variable has no value: then nothing is like it. */
function fill(
  pattern: string,
  context: Readonly<Record<string, readonly string[]>>,
  hasVariables: boolean,
): readonly Symbol[] | undefined {
  if (!hasVariables) return symbols(pattern);
  const filled: Symbol[] = [];
  for (const part of pattern.split(/(\$\{[^}]*\})/)) {
    const inside = /^\$\{([^}]*)\}$/.exec(part)?.[1];
    if (inside === undefined) filled.push(...symbols(part));
    else if (["*", "?", "$"].includes(inside)) filled.push(...plain(inside));
    else {
      const [name = "", fallback] = inside.split(", ");
      const values = context[name.toLowerCase()];
      const value = values?.length === 1 ? values[0] : fallback?.slice(1, -1);
      if (value === undefined) return undefined;
      filled.push(...plain(value));
    }
  }
  return filled;
}

/** The table of which beginnings of the pattern match which beginnings of the text. */
function like(pattern: readonly Symbol[] | undefined, text: string): boolean {
  if (pattern === undefined) return false;
  let row = Array.from({ length: text.length + 1 }, (_, index) => index === 0);
  for (const symbol of pattern) {
    const next: boolean[] = [];
    for (let index = 0; index <= text.length; index += 1) {
      if (symbol === "many") next.push(row[index] === true || next[index - 1] === true);
      else {
        const isSame = symbol === "one" || symbol.character === text[index - 1];
        next.push(index > 0 && row[index - 1] === true && isSame);
      }
    }
    row = next;
  }
  return row[text.length] === true;
}

/** Part by part at the pattern's first five colons. */
function arnLike(pattern: readonly Symbol[] | undefined, text: string): boolean {
  if (pattern === undefined) return false;
  let rest = text;
  let part: Symbol[] = [];
  let parts = 1;
  for (const symbol of pattern) {
    const isColon = typeof symbol === "object" && symbol.character === ":" && parts < 6;
    if (!isColon) {
      part.push(symbol);
      continue;
    }
    const colon = rest.indexOf(":");
    if (colon < 0 || !like(part, rest.slice(0, colon))) return false;
    rest = rest.slice(colon + 1);
    part = [];
    parts += 1;
  }
  return like(part, rest);
}

function holds(
  operator: string,
  key: string,
  values: readonly string[],
  context: Readonly<Record<string, readonly string[]>>,
  hasVariables: boolean,
): boolean {
  const found = context[key.toLowerCase()] ?? [];
  if (operator === "Null") return values.includes(found.length === 0 ? "true" : "false");
  const [, quantifier, base = "", ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  const isNegated = base.includes("Not");
  const comparison = base.replace("Not", "");
  const isMissing =
    found.length === 0 || (quantifier !== undefined && found.every((value) => value === ""));
  if (isMissing) {
    if (ifExists !== undefined || quantifier === "ForAllValues") return true;
    return quantifier === undefined && isNegated;
  }
  const isMet = (value: string): boolean => {
    const any = values.some((wanted) => compare(comparison, wanted, value, context, hasVariables));
    return any !== isNegated;
  };
  if (quantifier === "ForAllValues") return found.every(isMet);
  if (quantifier === "ForAnyValue") return found.some(isMet);
  return isNegated ? found.every(isMet) : found.some(isMet);
}

function compare(
  comparison: string,
  wanted: string,
  actual: string,
  context: Readonly<Record<string, readonly string[]>>,
  hasVariables: boolean,
): boolean {
  const escaped = wanted.replaceAll("*", "\u0001").replaceAll("?", "\u0002");
  switch (comparison) {
    case "StringEquals": {
      // Its stars are stars.
      const pattern = fill(hasVariables ? wanted : escaped, context, hasVariables);
      const text = pattern?.map((symbol) => spell(symbol)).join("");
      return text?.replaceAll("\u0001", "*").replaceAll("\u0002", "?") === actual;
    }
    case "StringLike":
      return like(fill(wanted, context, hasVariables), actual);
    case "ArnLike":
    case "ArnEquals":
      return arnLike(fill(wanted, context, hasVariables), actual);
    case "NumericEquals":
      return Number(wanted) === Number(actual);
    case "NumericLessThan":
      return Number(actual) < Number(wanted);
    case "Bool":
      return wanted.toLowerCase() === actual.toLowerCase();
    case "IpAddress":
      return isInRange(wanted, actual);
    default:
      throw new Error(`no such comparison: ${comparison}`);
  }
}

function spell(symbol: Symbol): string {
  if (symbol === "many") return "*";
  return symbol === "one" ? "?" : symbol.character;
}

/** IPv4 alone, as texts of 32 digits. */
function isInRange(range: string, address: string): boolean {
  const [network = "", length = "32"] = range.split("/");
  return bits(network).slice(0, Number(length)) === bits(address).slice(0, Number(length));
}

function bits(address: string): string {
  return address
    .split(".")
    .map((byte) => Number(byte).toString(2).padStart(8, "0"))
    .join("");
}

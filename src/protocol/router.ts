// Finds the operation that a request names: by method, level and the sub-resource in its query, and
// inside such a group by the query keys and headers that its members require. Built once from the
// tables. What no operation answers becomes the refusal that S3 gives.

import { S3Error } from "../model/errors.ts";
import type { Level, OperationDefinition } from "../model/operation-table.ts";
import { operations } from "../model/operations.generated.ts";
import type { Address } from "./address.ts";
import { findParameter, type QueryParameter } from "./query.ts";
import {
  bucketSelectorsOfKeys,
  keyRefusals,
  resourceTypeOf,
  selectorsByAnotherName,
} from "./sub-resources.ts";

export interface RoutedRequest {
  readonly method: string;
  readonly address: Address;
  readonly query: readonly QueryParameter[];
  readonly headers: { has(name: string): boolean };
}

/** A refusal is thrown only after authentication: S3 names a bad signature before a bad method. */
export type Route =
  | { readonly operation: OperationDefinition; readonly refusal?: undefined }
  | { readonly refusal: S3Error; readonly operation?: undefined };

export interface Router {
  /** Throws S3Error InvalidArgument for conflicting sub-resources, which S3 names before all else. */
  route(request: RoutedRequest): Route;
}

export function createRouter(): Router {
  const groups = buildGroups();
  const selectors = {
    service: new Set<string>(),
    bucket: selectorsOf("bucket"),
    object: new Set([...selectorsOf("object"), ...bucketSelectorsOfKeys]),
  };
  const exactPaths = new Map<string, Route>();
  const openPaths: { readonly start: string; readonly route: Route }[] = [];
  for (const operation of Object.values(operations)) {
    if (operation.path === undefined) continue;
    const { start, label } = splitPath(operation.path);
    const route = { operation };
    if (label === undefined) exactPaths.set(`${operation.method} ${start}`, route);
    else openPaths.push({ start: `${operation.method} ${start}`, route });
  }
  const findExact = (line: string): Route | undefined =>
    exactPaths.get(line) ??
    openPaths.find(({ start }) => line.startsWith(start) && line !== start)?.route;
  return {
    route(request) {
      const { method, address, query } = request;
      if (method === "POST" || address.rawPath.startsWith(controlPath)) {
        const exact = findExact(`${method} ${address.rawPath}`);
        if (exact !== undefined && isExact(exact, request)) return exact;
      }
      // A preflight asks about the resource whatever the query of the request to come.
      const selector = method === "OPTIONS" ? "" : findSelector(query, selectors[address.level]);
      const atKey = address.level === "object";
      const ofBucket = atKey && bucketSelectorsOfKeys.has(selector);
      if (ofBucket && keyRefusals[selector] !== undefined) return refuseAtKey(selector);
      const level = ofBucket ? "bucket" : address.level;
      const group = groups.get(groupKey(method, level, selector));
      const isMisplacedPart = method !== "PUT" && namesPart(selector, query);
      const route = group === undefined || isMisplacedPart ? undefined : choose(group, request);
      return route ?? { refusal: refuseMethod(groups, request, level, selector) };
    },
  };
}

/** `/v20180820/tags/{ResourceArn}`: where the label begins, and whose member it is. */
export function splitPath(path: string): { readonly start: string; readonly label?: string } {
  const opening = path.indexOf("{");
  if (opening === -1) return { start: path };
  return { start: path.slice(0, opening), label: path.slice(opening + 1, -1) };
}

/** Where S3 Control stands: a key of that name may be meant as well. */
const controlPath = "/v20180820/";

function isExact({ operation }: Route, { headers }: RoutedRequest): boolean {
  return operation?.control !== true || headers.has("x-amz-account-id");
}

interface Candidate {
  readonly route: Route;
  /** Wire names of required query members. */
  readonly queries: readonly string[];
  /** Lower-case names of required header members. */
  readonly headers: readonly string[];
  readonly literals: readonly { readonly name: string; readonly value: string }[];
}

/** The one tie in the whole model: S3 tells the two listings of buckets apart by the host. */
const directoryListing = "ListDirectoryBuckets";

type Groups = ReadonlyMap<string, readonly Candidate[]>;

function groupKey(method: string, level: Level, selector: string): string {
  return `${method} ${level} ${selector}`;
}

function buildGroups(): Groups {
  const groups = new Map<string, Candidate[]>();
  for (const operation of Object.values(operations)) {
    if (operation.path !== undefined) continue;
    const selector = selectorOf(operation);
    const candidate: Candidate = {
      route: { operation },
      queries: requiredWires(operation, "query").filter((name) => name !== selector),
      headers: requiredWires(operation, "header").map((name) => name.toLowerCase()),
      literals: operation.query.filter(({ value }) => value !== ""),
    };
    for (const level of levelsOf(operation)) {
      const key = groupKey(operation.method, level, selector);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [candidate]);
      else group.push(candidate);
    }
  }
  // The most demanding first.
  for (const group of groups.values()) group.sort((left, right) => weight(right) - weight(left));
  return groups;
}

function weight({ queries, headers, literals, route }: Candidate): number {
  const demands = queries.length + headers.length + literals.length;
  return route.operation?.name === directoryListing ? demands + 1 : demands;
}

function requiredWires(operation: OperationDefinition, place: "query" | "header"): string[] {
  return operation.input
    .filter((member) => member.in === place && member.required === true)
    .map(({ wire }) => wire);
}

/** A preflight asks about a bucket or an object: its key is not required. */
function levelsOf(operation: OperationDefinition): readonly Level[] {
  const key = operation.input.find(({ name, in: place }) => name === "Key" && place === "label");
  const isKeyOptional = operation.level === "object" && key?.required !== true;
  return isKeyOptional ? ["bucket", "object"] : [operation.level];
}

/**
 * The query key that names a sub-resource; empty when there is none. `uploadId` is one although the
 * model lists it as a member: S3 lets it conflict with the others and names it in its refusals.
 */
function selectorOf(operation: OperationDefinition): string {
  const literal = operation.query.find(({ value }) => value === "");
  if (literal !== undefined) return literal.name;
  return requiredWires(operation, "query").includes("uploadId") ? "uploadId" : "";
}

function selectorsOf(level: Level): Set<string> {
  const names = Object.values(operations)
    .filter((operation) => operation.level === level)
    .map(selectorOf);
  names.push(...selectorsByAnotherName[level]);
  return new Set(names.filter((name) => name !== ""));
}

/** Unknown query keys mean nothing, as in S3; names are matched with case. */
function findSelector(query: readonly QueryParameter[], selectors: ReadonlySet<string>): string {
  let found = "";
  for (const { name } of query) {
    if (!selectors.has(name) || name === found) continue;
    if (found !== "") throw conflict(query, selectors);
    found = name;
  }
  return found;
}

function conflict(query: readonly QueryParameter[], selectors: ReadonlySet<string>): S3Error {
  const names = new Set(query.map(({ name }) => name).filter((name) => selectors.has(name)));
  const sorted = [...names].toSorted();
  return new S3Error("InvalidArgument", {
    message: `Conflicting query string parameters: ${sorted.join(", ")}`,
    fields: { ArgumentName: "ResourceType", ArgumentValue: sorted[0] as string },
  });
}

/**
 * The first candidate whose demands are met. In the group of a sub-resource the least demanding one
 * takes what is left, so that its decoder can name what is missing; without a sub-resource nothing
 * does, or a POST on an object would complete an upload.
 */
function choose(group: readonly Candidate[], request: RoutedRequest): Route | undefined {
  for (const candidate of group) if (isMet(candidate, request)) return candidate.route;
  const last = group.at(-1) as Candidate;
  const isSubResource = last.route.operation?.query.some(({ value }) => value === "") === true;
  return isSubResource ? last.route : undefined;
}

function isMet(candidate: Candidate, request: RoutedRequest): boolean {
  const { query, headers, address } = request;
  for (const { name, value } of candidate.literals) {
    if (findParameter(query, name) !== value) return false;
  }
  for (const name of candidate.queries) if (findParameter(query, name) === undefined) return false;
  for (const name of candidate.headers) if (!headers.has(name)) return false;
  if (candidate.route.operation?.name !== directoryListing) return true;
  return (
    address.host.startsWith("s3express-control.") ||
    findParameter(query, "max-directory-buckets") !== undefined ||
    findParameter(query, "x-id") === directoryListing
  );
}

function refuseAtKey(selector: string): Route {
  const { code, message } = keyRefusals[selector] as (typeof keyRefusals)[string];
  return { refusal: new S3Error(code, { message }) };
}

/** An upload's part can only be put. */
function namesPart(selector: string, query: readonly QueryParameter[]): boolean {
  return selector === "uploadId" && findParameter(query, "partNumber") !== undefined;
}

const routableMethods = ["GET", "HEAD", "PUT", "POST", "DELETE"];
const knownMethods = [...routableMethods, "PATCH", "OPTIONS"];

function refuseMethod(
  groups: Groups,
  { method, query }: RoutedRequest,
  level: Level,
  selector: string,
): S3Error {
  if (!knownMethods.includes(method)) return new S3Error("BadRequest");
  if (method === "OPTIONS") {
    return new S3Error("AccessForbidden", {
      message: "CORSResponse: Bucket not found",
      fields: { Method: method, ResourceType: "BUCKET" },
    });
  }
  if (level === "bucket" && method === "GET" && selector === "uploadId") {
    return new S3Error("InvalidRequest", { message: "A key must be specified" });
  }
  if (level === "object" && method === "GET" && selector === "uploads") {
    return new S3Error("InvalidRequest", {
      message: "Key is not expected for the GET method ?uploads subresource",
    });
  }
  if (level === "bucket" && method === "GET" && selector === "torrent") {
    return new S3Error("RequestTorrentOfBucketError");
  }
  if (level === "bucket" && method === "POST" && selector === "restore") {
    return new S3Error("UserKeyMustBeSpecified", { message: "User key must be specified." });
  }
  const isPart = namesPart(selector, query);
  const allowed = isPart
    ? ["PUT"]
    : routableMethods.filter((name) => groups.has(groupKey(name, level, selector)));
  const ofUpload = selector === "uploadId" && !isPart;
  const names = ofUpload ? allowed.filter((name) => name !== "PUT") : allowed;
  return new S3Error("MethodNotAllowed", {
    fields: {
      Method: method,
      ResourceType: isPart ? "PART" : resourceTypeOf(level, selector),
    },
    ...(names.length === 0 ? {} : { headers: { allow: names.join(", ") } }),
  });
}

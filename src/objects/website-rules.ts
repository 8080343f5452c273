// A bucket as a website: what may be put, and where its redirects lead. The first routing rule that fits
// decides. Pure rules; who reads pages, and what becomes of errors, stands in protocol/website.ts.

import { S3Error } from "../model/errors.ts";
import { routingRules } from "../model/limits.ts";
import type {
  Condition,
  Redirect,
  RedirectAllRequestsTo,
  RoutingRule,
  WebsiteConfiguration,
} from "../model/types.generated.ts";

/** What a visitor asked for, as far as redirects depend on it. */
export interface WebsiteRequest {
  readonly protocol: "http" | "https";
  /** With its port. */
  readonly host: string;
  readonly key: string;
}

export interface Redirection {
  readonly status: number;
  /** Fit for a header. */
  readonly location: string;
}

/**
 * Throws S3Error. Codes, messages and arguments are those seen on the service; an index is required
 * unless everything goes elsewhere (Reference, PutBucketWebsite), and a list of no rules is no list.
 */
export function checkWebsite(website: WebsiteConfiguration): void {
  const { IndexDocument, ErrorDocument, RedirectAllRequestsTo, RoutingRules } = website;
  if (RedirectAllRequestsTo !== undefined) {
    if (IndexDocument !== undefined || ErrorDocument !== undefined || RoutingRules !== undefined) {
      refuseArgument(
        "RedirectAllRequestsTo",
        "not null",
        "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
      );
    }
    checkRedirectAll(RedirectAllRequestsTo);
    return;
  }
  if (IndexDocument === undefined) {
    refuseArgument(
      "IndexDocument",
      "null",
      "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
    );
  }
  const { Suffix } = IndexDocument;
  if (Suffix === "" || Suffix.includes("/")) {
    refuseArgument("IndexDocument", Suffix, "The IndexDocument Suffix is not well formed");
  }
  if (ErrorDocument?.Key === "" || RoutingRules?.length === 0) throw new S3Error("MalformedXML");
  checkRules(RoutingRules ?? []);
}

function checkRedirectAll({ HostName, Protocol }: RedirectAllRequestsTo): void {
  if (HostName === "") {
    refuse('A host name must be provided to redirect all requests (e.g. "example.com").');
  }
  checkProtocol(Protocol);
}

function checkRules(rules: readonly RoutingRule[]): void {
  if (rules.length > routingRules) {
    refuse(
      `${rules.length} routing rules provided, the number of routing rules in a website configuration is limited to ${routingRules}.`,
    );
  }
  for (const { Condition, Redirect } of rules) {
    if (Condition !== undefined) checkCondition(Condition);
    checkRedirect(Redirect);
  }
}

function checkCondition({ KeyPrefixEquals, HttpErrorCodeReturnedEquals: code }: Condition): void {
  if (KeyPrefixEquals === undefined && code === undefined) {
    refuse(
      "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.",
    );
  }
  if (code !== undefined && !/^[45]\d\d$/.test(code)) {
    refuse(`The provided HTTP error code (${code}) is not valid. Valid codes are 4XX or 5XX.`);
  }
}

function checkRedirect(redirect: Redirect): void {
  // Reference, Redirect: "at least one"; such a rule would send visitors round and round.
  if (Object.values(redirect).every((value) => value === undefined)) {
    throw new S3Error("MalformedXML");
  }
  const { Protocol, HttpRedirectCode: code, ReplaceKeyWith, ReplaceKeyPrefixWith } = redirect;
  checkProtocol(Protocol);
  if (ReplaceKeyWith !== undefined && ReplaceKeyPrefixWith !== undefined) {
    refuse("You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
  }
  if (code !== undefined && !redirectCodes.has(code)) {
    refuse(
      `The provided HTTP redirect code (${code}) is not valid. Valid codes are 3XX except 300.`,
    );
  }
}

/** Of all 3XX those that mean something; the service says 314 is no valid code (ceph/s3-tests). */
const redirectCodes: ReadonlySet<string> = new Set([301, 302, 303, 304, 305, 307, 308].map(String));

function checkProtocol(protocol: string | undefined): void {
  if (protocol === undefined || protocol === "http" || protocol === "https") return;
  refuse(
    "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.",
  );
}

function refuse(message: string): never {
  throw new S3Error("InvalidRequest", { message });
}

function refuseArgument(name: string, value: string, message: string): never {
  throw new S3Error("InvalidArgument", {
    message,
    fields: { ArgumentName: name, ArgumentValue: value },
  });
}

/**
 * The redirect of the first rule that fits: before anything is looked up, of the rules that ask for no
 * error; with `error`, the status of one, of those that ask for it.
 */
export function findRedirection(
  rules: readonly RoutingRule[],
  request: WebsiteRequest,
  error: number | undefined,
): Redirection | undefined {
  for (const { Condition, Redirect } of rules) {
    const { KeyPrefixEquals: prefix = "", HttpErrorCodeReturnedEquals: code } = Condition ?? {};
    if (code !== error?.toString() || !request.key.startsWith(prefix)) continue;
    const key = replaceKey(request.key, prefix, Redirect);
    const { Protocol = request.protocol, HostName = request.host, HttpRedirectCode } = Redirect;
    return {
      status: Number(HttpRedirectCode ?? 301),
      location: headerText(`${Protocol}://${HostName}/${key}`),
    };
  }
  return undefined;
}

/** What the rule's author wrote stays as it is: it may be a query or a fragment. */
function replaceKey(
  key: string,
  prefix: string,
  { ReplaceKeyWith, ReplaceKeyPrefixWith }: Redirect,
): string {
  if (ReplaceKeyWith !== undefined) return ReplaceKeyWith;
  if (ReplaceKeyPrefixWith === undefined) return encodeKey(key);
  return ReplaceKeyPrefixWith + encodeKey(key.slice(prefix.length));
}

/** `target` is path and query as the visitor sent them. */
export function redirectAll(
  { HostName, Protocol }: RedirectAllRequestsTo,
  request: Pick<WebsiteRequest, "protocol">,
  target: string,
): Redirection {
  const protocol = Protocol ?? request.protocol;
  return { status: 301, location: headerText(`${protocol}://${HostName}${target}`) };
}

/** As a path holds it: slashes stay. */
export function encodeKey(key: string): string {
  return encodeURIComponent(key.toWellFormed()).replaceAll("%2F", "/");
}

/** Whatever a header, or a URL, cannot hold is escaped; what is escaped already stays so. */
function headerText(url: string): string {
  return url.toWellFormed().replaceAll(/[^\u0021-\u007e]+/g, encodeURIComponent);
}

/** What the bucket's document of kind `website` holds. */
export function formatWebsite(website: WebsiteConfiguration): string {
  return JSON.stringify({ v: 1, website });
}

export function parseWebsite(text: string): WebsiteConfiguration {
  return (JSON.parse(text) as { readonly website: WebsiteConfiguration }).website;
}

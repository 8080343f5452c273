// A bucket as a website: index and error documents, routing rules, redirects of objects. A visitor reads
// through the same stages as an anonymous request (pipeline.ts), whatever else the request carries.

import { HttpHeaders, type HttpRequest } from "../http/http-message.ts";
import { S3Error } from "../model/errors.ts";
import type { WebsiteConfiguration } from "../model/types.generated.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import {
  encodeKey,
  findRedirection,
  parseWebsite,
  redirectAll,
  type Redirection,
} from "../objects/website-rules.ts";
import { findHostBucket, hostName, type Address } from "./address.ts";
import { encodeError } from "./encode-error.ts";
import type { EncodedOutput } from "./encode-output.ts";
import {
  encodeErrorPage,
  encodeFolderRedirect,
  encodeRedirect,
  errorHeaders,
  type PageIds,
  type SiteFailure,
} from "./website-page.ts";

/** How a website is told from its host; both lists are lower-case names without port. */
export interface WebsiteHosts {
  /** The first label or labels below one of them name the bucket. */
  readonly websiteDomains: readonly string[];
  /** S3's own: the longer name wins. */
  readonly domains: readonly string[];
}

/** The bucket whose website a host is; `undefined`: S3 itself. */
export function findWebsite(
  host: string | undefined,
  { websiteDomains, domains }: WebsiteHosts,
): string | undefined {
  if (websiteDomains.length === 0 || host === undefined) return undefined;
  return findHostBucket(host, websiteDomains, domains);
}

/**
 * The same on a port where everything is a website: the whole name, as of a domain that points here,
 * when there is such a bucket; otherwise what stands before a website domain, or the first label.
 */
export async function findWebsiteOfPort(
  host: string | undefined,
  hosts: WebsiteHosts,
  store: ObjectStore,
): Promise<string> {
  const below = findWebsite(host, { ...hosts, domains: [] });
  if (below !== undefined) return below;
  const name = hostName(host ?? "");
  const label = name.slice(0, Math.max(0, name.indexOf(".")));
  if (label === "" || /^[\d.]+$/.test(name)) return name;
  try {
    await store.buckets.get(name);
    return name;
  } catch (error) {
    if (error instanceof S3Error && error.code === "NoSuchBucket") return label;
    throw error;
  }
}

export interface Visit {
  readonly request: HttpRequest;
  readonly address: Address;
  readonly ids: PageIds;
  readonly store: ObjectStore;
  /** Runs an anonymous request through all stages. Throws S3Error. */
  readonly read: (request: HttpRequest) => Promise<EncodedOutput>;
}

export interface VisitAnswer {
  readonly answer: EncodedOutput;
  /** Of an answer that is an error. */
  readonly error?: S3Error;
}

/** Throws whatever is not an error of the page itself: S3Error, failures of the store. */
export function answerVisit(visit: Visit): Promise<VisitAnswer> {
  return new Visitor(visit).answer();
}

function refuse(failure: SiteFailure, ids: PageIds, ofDocument?: SiteFailure): VisitAnswer {
  return { answer: encodeErrorPage(failure, ids, ofDocument), error: failure.error };
}

class Visitor {
  readonly #visit: Visit;
  readonly #bucket: string;

  constructor(visit: Visit) {
    this.#visit = visit;
    this.#bucket = visit.address.bucket as string; // a website's host names it
  }

  async answer(): Promise<VisitAnswer> {
    const { request, address, store } = this.#visit;
    const { method } = request;
    if (method !== "GET" && method !== "HEAD" && method !== "OPTIONS") {
      throw new S3Error("MethodNotAllowed", {
        fields: { Method: method, ResourceType: "OBJECT" },
        headers: { allow: "GET, HEAD" },
      });
    }
    const record = await store.buckets.get(this.#bucket);
    const website = await store.documents.get(record, "website", parseWebsite);
    if (website === undefined) throw new S3Error("NoSuchWebsiteConfiguration");
    const { key = "", rawPath, rawQuery } = address;
    if (method === "OPTIONS") return { answer: await this.#read(this.#ask("OPTIONS", key)) };
    const { RedirectAllRequestsTo } = website;
    if (RedirectAllRequestsTo !== undefined) {
      const target = rawQuery === "" ? rawPath : `${rawPath}?${rawQuery}`;
      return redirected(redirectAll(RedirectAllRequestsTo, this.#place(), target));
    }
    return this.#find(website, key);
  }

  async #find(website: WebsiteConfiguration, key: string): Promise<VisitAnswer> {
    const early = this.#redirection(website, key, undefined);
    if (early !== undefined) return redirected(early);
    const suffix = website.IndexDocument?.Suffix ?? "";
    const isFolder = key === "" || key.endsWith("/");
    const shown = isFolder ? key + suffix : key;
    try {
      return { answer: await this.#open(shown) };
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      if (error.status === 304) return { answer: this.#notModified(error), error };
      if (!isFolder && isAbsence(error) && (await this.#isThere(`${key}/${suffix}`))) {
        return { answer: encodeFolderRedirect(folderLocation(key), this.#visit.ids) };
      }
      const late = this.#redirection(website, key, error.status);
      if (late !== undefined) return redirected(late);
      return this.#showError(website, this.#failure(error, shown));
    }
  }

  /** A redirect of an object is told by a look at it: the object itself is never opened. */
  async #open(key: string): Promise<EncodedOutput> {
    const { request } = this.#visit;
    const look = await this.#read(this.#ask("HEAD", key, isPlainHeader));
    const location = redirectOf(look);
    if (location !== undefined) return encodeRedirect(301, location);
    return this.#read(this.#ask(request.method, key));
  }

  async #isThere(key: string): Promise<boolean> {
    try {
      await this.#read(this.#ask("HEAD", key, isPlainHeader));
      return true;
    } catch (error) {
      if (error instanceof S3Error && error.status < 500) return false;
      throw error;
    }
  }

  /** "Custom error document … when a 4XX class error occurs" (Reference, ErrorDocument). */
  async #showError(website: WebsiteConfiguration, failure: SiteFailure): Promise<VisitAnswer> {
    const { ids, request } = this.#visit;
    const key = website.ErrorDocument?.Key;
    const { error } = failure;
    if (key === undefined || error.status >= 500) return refuse(failure, ids);
    try {
      const look = await this.#read(this.#ask("HEAD", key, isPlainHeader));
      const location = redirectOf(look);
      if (location !== undefined) return { answer: encodeRedirect(301, location), error };
      const shown =
        request.method === "HEAD" ? look : await this.#read(this.#ask("GET", key, isPlainHeader));
      const headers = [...shown.headers, ...errorHeaders(failure)];
      return { answer: { ...shown, status: error.status, headers }, error };
    } catch (thrown) {
      if (!(thrown instanceof S3Error)) throw thrown;
      return refuse(failure, ids, this.#failure(thrown, key));
    }
  }

  #notModified(error: S3Error): EncodedOutput {
    const { ids, request } = this.#visit;
    return encodeError(error, { method: request.method, ...ids, address: undefined });
  }

  #redirection(
    { RoutingRules = [] }: WebsiteConfiguration,
    key: string,
    error: number | undefined,
  ): Redirection | undefined {
    return findRedirection(RoutingRules, { ...this.#place(), key }, error);
  }

  #place(): { readonly protocol: "http" | "https"; readonly host: string } {
    const { isEncrypted, headers } = this.#visit.request;
    return { protocol: isEncrypted ? "https" : "http", host: headers.get("host") ?? "" };
  }

  #failure(error: S3Error, key: string): SiteFailure {
    return { error, address: { bucket: this.#bucket, key } };
  }

  #read(request: HttpRequest): Promise<EncodedOutput> {
    return this.#visit.read(request);
  }

  /** What an anonymous client of S3 would ask for the object with. */
  #ask(method: string, key: string, isKept = isVisitorHeader): HttpRequest {
    const { request } = this.#visit;
    const { remoteAddress, isEncrypted, tlsVersion, signal } = request;
    const raw: string[] = [];
    for (const [name, value] of request.headers.entries()) {
      if (isKept(name)) raw.push(name, value);
    }
    return {
      method,
      target: `/${this.#bucket}/${encodeKey(key)}`,
      headers: new HttpHeaders(raw),
      body: noBytes(),
      hasBody: false,
      remoteAddress,
      isEncrypted,
      tlsVersion,
      signal,
    };
  }
}

/**
 * Who signs is a visitor like everybody else, and no header of S3's means anything here. The host would
 * name a bucket a second time.
 */
function isVisitorHeader(name: string): boolean {
  return name !== "authorization" && name !== "host" && !name.startsWith("x-amz-");
}

/** Without conditions and ranges, which are about another object than the one that is looked at. */
function isPlainHeader(name: string): boolean {
  return isVisitorHeader(name) && name !== "range" && !name.startsWith("if-");
}

/** Also one that the visitor is not told of. What is there and private is no folder. */
function isAbsence({ status, cause }: S3Error): boolean {
  return status === 404 || (cause instanceof S3Error && cause.status === 404);
}

function redirectOf({ headers }: EncodedOutput): string | undefined {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name === redirectHeader);
  return at === -1 ? undefined : headers[at + 1];
}

const redirectHeader = "x-amz-website-redirect-location";

function redirected({ status, location }: Redirection): VisitAnswer {
  return { answer: encodeRedirect(status, location) };
}

/** A second slash at the beginning would make a host of the folder's name, on another site. */
function folderLocation(key: string): string {
  const path = encodeKey(key);
  return `/${path.startsWith("/") ? `%2F${path.slice(1)}` : path}/`;
}

async function* noBytes(): AsyncGenerator<Uint8Array> {
  // A visitor's request has no body that anybody reads.
}

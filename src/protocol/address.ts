// What a request addresses: the service, a bucket, or an object in it. Reads the target and the Host
// header only; whether the bucket exists is another matter.

import { isIP } from "node:net";
import { S3Error } from "../model/errors.ts";
import { keyBytes } from "../model/limits.ts";
import type { Level } from "../model/operation-table.ts";
import { decodeForm, decodePercent } from "./percent.ts";

export interface Address {
  readonly level: Level;
  /** Decoded; `undefined` at the service level. */
  readonly bucket: string | undefined;
  /** Decoded, any text of 1 to 1,024 bytes; `undefined` above the object level. */
  readonly key: string | undefined;
  /** As sent, up to the `?`. */
  readonly rawPath: string;
  /** As sent, without the `?`; empty when there is none. */
  readonly rawQuery: string;
  /** The bucket as the Host header named it; `undefined` when the path named it. */
  readonly virtualHostBucket: string | undefined;
  /** Whether the host is that of transfer acceleration. */
  readonly isAccelerated: boolean;
  /** The authority that the client spoke to, with its port; empty when it sent none. */
  readonly host: string;
}

/**
 * `domains` are lower-case host names without port; a host below one of them names a bucket.
 * Throws S3Error BadRequest, InvalidURI, InvalidBucketName, KeyTooLongError.
 */
export function parseAddress(
  target: string,
  hostHeader: string | undefined,
  domains: readonly string[],
): Address {
  const { path, query, authority } = splitTarget(target);
  // Signatures cover the Host header: another name in the target would open another bucket with them.
  if (authority !== undefined && authority.toLowerCase() !== hostHeader?.toLowerCase()) {
    throw new S3Error("BadRequest");
  }
  const host = hostHeader ?? "";
  const hostBucket = domains.length === 0 ? undefined : findHostBucket(host, domains);
  const acceleration = hostBucket?.includes(accelerateLabel)
    ? acceleratedHost.exec(hostBucket)
    : undefined;
  const isAccelerated = acceleration !== undefined && acceleration !== null;
  const virtualHostBucket = isAccelerated ? acceleration[1] : hostBucket;
  const common = { rawPath: path, rawQuery: query, virtualHostBucket, isAccelerated, host };
  if (virtualHostBucket !== undefined) {
    return withKey(virtualHostBucket, path.slice(1), common);
  }
  if (path === "/") return { level: "service", bucket: undefined, key: undefined, ...common };
  const slash = path.indexOf("/", 1);
  const rawBucket = slash === -1 ? path.slice(1) : path.slice(1, slash);
  if (rawBucket === "") throw new S3Error("InvalidBucketName", { fields: { BucketName: "" } });
  const bucket = decodePercent(rawBucket);
  return withKey(bucket, slash === -1 ? "" : path.slice(slash + 1), common);
}

/** The same of a request whose bucket is known already: all of its path is the key. */
export function parseAddressOf(
  bucket: string,
  target: string,
  hostHeader: string | undefined,
): Address {
  const { path, query } = splitTarget(target);
  const host = hostHeader ?? "";
  const common = {
    rawPath: path,
    rawQuery: query,
    virtualHostBucket: bucket,
    isAccelerated: false,
    host,
  };
  return withKey(bucket, path.slice(1), common);
}

const accelerateLabel = "s3-accelerate";
/** What stands before the domain: `bucket.s3-accelerate`, or for IPv6 `bucket.s3-accelerate.dualstack`. */
const acceleratedHost = /^(?:(.+)\.)?s3-accelerate(?:\.dualstack)?$/;

function withKey(
  bucket: string,
  rawKey: string,
  common: Omit<Address, "level" | "bucket" | "key">,
): Address {
  if (rawKey === "") return { level: "bucket", bucket, key: undefined, ...common };
  const key = decodeForm(rawKey);
  checkKeyLength(key);
  return { level: "object", bucket, key, ...common };
}

/** Throws S3Error KeyTooLongError. */
export function checkKeyLength(key: string): void {
  // A UTF-16 unit is at most three bytes of UTF-8: short keys need no count.
  if (key.length * 3 <= keyBytes) return;
  const lengthBytes = Buffer.byteLength(key);
  if (lengthBytes <= keyBytes) return;
  throw new S3Error("KeyTooLongError", {
    fields: { Size: lengthBytes, MaxSizeAllowed: keyBytes },
  });
}

interface Target {
  readonly path: string;
  readonly query: string;
  /** Only in the absolute form, where clients say the same in the Host header (RFC 9112, 3.2). */
  readonly authority: string | undefined;
}

function splitTarget(target: string): Target {
  let rest = target;
  let authority: string | undefined;
  if (!target.startsWith("/")) {
    // The asterisk form belongs to OPTIONS and means the server itself.
    if (target === "*") return { path: "/", query: "", authority: undefined };
    const absolute = /^https?:\/\/([^/?#]*)/i.exec(target);
    if (absolute === null) throw new S3Error("InvalidURI");
    authority = absolute[1] as string;
    rest = target.slice(absolute[0].length);
    if (!rest.startsWith("/")) rest = `/${rest}`;
  }
  const question = rest.indexOf("?");
  if (question === -1) return { path: rest, query: "", authority };
  return { path: rest.slice(0, question), query: rest.slice(question + 1), authority };
}

/** What stands before one of the domains; `others` are those of which a longer one has the host. */
export function findHostBucket(
  host: string,
  domains: readonly string[],
  others: readonly string[] = domains,
): string | undefined {
  const name = hostName(host);
  for (const domain of domains) {
    const end = name.length - domain.length - 1;
    if (end <= 0 || name[end] !== "." || !name.endsWith(domain)) continue;
    // Of several domains that fit, the longest leaves the shortest bucket.
    if (domains.some((other) => other.length > domain.length && isBelow(name, other))) continue;
    if (others.some((other) => other.length > domain.length && isBelow(name, other))) continue;
    return isIP(name) === 0 ? name.slice(0, end) : undefined;
  }
  return undefined;
}

function isBelow(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}

/** Lower case, without port and without the root's dot. */
export function hostName(host: string): string {
  if (host.startsWith("[")) return host;
  const colon = host.indexOf(":");
  const name = (colon === -1 ? host : host.slice(0, colon)).toLowerCase();
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

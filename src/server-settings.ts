// The settings of a server that every process that serves has in common: each is declared here, as a type
// and as an option, and travels in one object to where it is read. Plain data: it is sent to worker processes.

import type { ObjectOwnership } from "./objects/records/bucket-record.ts";
import {
  choice,
  duration,
  parseDomains,
  parseInteger,
  pattern,
  text,
  type Setting,
} from "./setting-kinds.ts";

export interface ServerSettings {
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host: string;
  /** Default `us-east-1`. */
  readonly region: string;
  /** Domains under which buckets are addressed as hosts. Default `localhost`: `bucket.localhost`. */
  readonly domains: readonly string[];
  /** Domains under which buckets are shown as websites. Default `s3-website.localhost`. */
  readonly websiteDomains: readonly string[];
  /** Default `strict`: a write is answered when a power cut cannot lose it any more. */
  readonly durability: "strict" | "relaxed";
  /** Object ownership of new buckets whose request names none. Default `BucketOwnerEnforced`. */
  readonly defaultObjectOwnership: ObjectOwnership;
  /** Whether new buckets have Block Public Access, all of it. Default `on`. */
  readonly defaultPublicAccessBlock: "on" | "off";
  /**
   * Encryption with customers' keys (SSE-C). Default `blocked`: new buckets refuse it until
   * PutBucketEncryption unblocks it, as in S3. `anywhere`: without TLS too.
   */
  readonly customerKeys: "blocked" | "allowed" | "anywhere";
  /** How many seconds a day of lifecycle rules has, for tests of rules; default: the calendar's days. */
  readonly lifecycleDaySeconds: number | undefined;
  /** How long records of server access logging wait for their delivery at most; default 30,000. */
  readonly accessLogMilliseconds: number;
}

/** What somebody says of them; the rest is as it is by default. */
export type GivenServerSettings = {
  readonly [Name in keyof ServerSettings]?: ServerSettings[Name] | undefined;
};

export const serverSettings: {
  readonly [Name in keyof ServerSettings]: Setting<ServerSettings[Name]>;
} = {
  host: text({
    option: "host",
    environment: "HOLDFAST_HOST",
    valueName: "ADDRESS",
    defaultValue: "127.0.0.1",
    help: "Address to listen on; 0.0.0.0 or :: for every interface.",
  }),
  region: pattern({
    option: "region",
    environment: "HOLDFAST_REGION",
    valueName: "NAME",
    defaultValue: "us-east-1",
    pattern: /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    expectation: "a region name such as eu-central-1",
    help: "Region that the server says it is.",
  }),
  domains: {
    option: "domain",
    environment: "HOLDFAST_DOMAIN",
    valueName: "NAME",
    isList: true,
    // Names below localhost resolve to the loopback address by themselves on most systems.
    defaultValue: ["localhost"],
    defaultText: "localhost",
    help: "Domain under which buckets are addressed as hosts (bucket.NAME); may be given again.",
    parse: (value) => parseDomains(value),
  },
  websiteDomains: {
    option: "website-domain",
    environment: "HOLDFAST_WEBSITE_DOMAIN",
    valueName: "NAME",
    isList: true,
    defaultValue: ["s3-website.localhost"],
    defaultText: "s3-website.localhost",
    help: "Domain under which buckets that are configured as websites are shown (bucket.NAME); may be given again.",
    parse: (value) => parseDomains(value),
  },
  durability: choice<"strict" | "relaxed">({
    option: "durability",
    environment: "HOLDFAST_DURABILITY",
    choices: ["strict", "relaxed"],
    defaultValue: "strict",
    help:
      "strict: a write is answered when a power cut cannot lose it any more. " +
      "relaxed: sooner; the last writes before a power cut may be lost.",
  }),
  defaultObjectOwnership: choice<ObjectOwnership>({
    option: "default-object-ownership",
    environment: "HOLDFAST_DEFAULT_OBJECT_OWNERSHIP",
    choices: ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"],
    defaultValue: "BucketOwnerEnforced",
    help: "Object ownership of new buckets whose request names none; BucketOwnerEnforced disables ACLs.",
  }),
  defaultPublicAccessBlock: choice<"on" | "off">({
    option: "default-public-access-block",
    environment: "HOLDFAST_DEFAULT_PUBLIC_ACCESS_BLOCK",
    choices: ["on", "off"],
    defaultValue: "on",
    help: "Whether new buckets have Block Public Access, as on AWS; it can be taken off each bucket.",
  }),
  customerKeys: choice<"blocked" | "allowed" | "anywhere">({
    option: "sse-c",
    environment: "HOLDFAST_SSE_C",
    choices: ["blocked", "allowed", "anywhere"],
    defaultValue: "blocked",
    help:
      "Encryption with customers' keys (SSE-C). blocked: new buckets refuse it until PutBucketEncryption " +
      "unblocks it, as in S3. allowed: they take it. anywhere: without TLS too, where keys can be read " +
      "on the way.",
  }),
  lifecycleDaySeconds: {
    option: "lifecycle-day-seconds",
    environment: "HOLDFAST_LIFECYCLE_DAY_SECONDS",
    valueName: "NUMBER",
    defaultValue: undefined,
    defaultText: "",
    help:
      "How long a day of lifecycle rules is, to try them out: nothing then waits for midnight. Without it " +
      "days are those of the calendar, in UTC.",
    parse: (value) => parseInteger(value, 1, 86_400),
  },
  accessLogMilliseconds: duration({
    option: "access-log-interval",
    environment: "HOLDFAST_ACCESS_LOG_INTERVAL",
    defaultValue: 30_000,
    help: "How long records of server access logging wait for their delivery at most.",
  }),
};

/** All of them, and nothing else that was given. */
export function settleServerSettings(given: GivenServerSettings): ServerSettings {
  const names = Object.keys(serverSettings) as readonly (keyof ServerSettings)[];
  const settled = names.map((name) => [name, given[name] ?? serverSettings[name].defaultValue]);
  // Made from the table, one value of the right type for each entry.
  return Object.freeze(Object.fromEntries(settled)) as ServerSettings;
}

// The condition keys of a request: what policies may ask about it, found when they ask. After "Actions,
// resources, and condition keys for Amazon S3" (Service Authorization Reference) and "AWS global
// condition context keys" (IAM User Guide). Keys that are not here the request does not have.

import type { Clock } from "../base/clock.ts";
import type { Caller, IdentifiedCaller } from "./caller.ts";
import type { RequestHeaders } from "./signed-request.ts";
import type { PolicyContext } from "./policy/evaluate.ts";

type Tags = readonly (readonly [key: string, value: string])[];

/** What is known of a request when it is authorized. */
export interface RequestFacts {
  readonly caller: Caller;
  readonly clock: Clock;
  readonly region: string;
  readonly headers: Pick<RequestHeaders, "get">;
  /** Parameters of the query, decoded; the first of several of one name counts. */
  query(name: string): string | undefined;
  readonly remoteAddress: string;
  readonly isEncrypted: boolean;
  /** `TLSv1.3`; absent without TLS. */
  readonly tlsVersion?: string | undefined;
  readonly authentication: {
    readonly form: "header" | "query" | "post" | "none";
    readonly signatureVersion: "v2" | "v4" | undefined;
    /** When it was signed; absent when anonymous. */
    readonly signedMilliseconds?: number | undefined;
  };
  /** Tags that the request wants to give to what it makes. */
  readonly requestTags: Tags;
  /** Names of tags that the request gives or takes away; absent: those of `requestTags`. */
  readonly tagKeys?: readonly string[];
}

/** What is known of the thing that one demand is about. */
export interface SubjectFacts {
  readonly versionId?: string | undefined;
  readonly ownerAccountId?: string | undefined;
  readonly objectTags?: Tags | undefined;
  /** Only of buckets on which attribute-based access control is enabled. */
  readonly bucketTags?: Tags | undefined;
  /** The service that a role is given to: `s3.amazonaws.com`. */
  readonly passedToService?: string | undefined;
}

export function contextOf(facts: RequestFacts, subject: SubjectFacts): PolicyContext {
  return {
    get(key) {
      const value = find(key, facts, subject);
      return typeof value === "string" ? [value] : value;
    },
  };
}

type Found = string | readonly string[] | undefined;

function find(key: string, facts: RequestFacts, subject: SubjectFacts): Found {
  if (key === "iam:passedtoservice") return subject.passedToService;
  if (key.startsWith("s3:")) return findS3(key.slice(3), facts, subject);
  const { caller } = facts;
  if (key.startsWith("aws:")) {
    return findGlobal(key.slice(4), facts, subject) ?? findPrincipal(key.slice(4), caller);
  }
  // `<issuer>:sub` and the like, of a session that a web identity asked for.
  const federated = caller.kind === "anonymous" ? {} : caller.principal.session?.federatedKeys;
  return federated !== undefined && Object.hasOwn(federated, key) ? federated[key] : undefined;
}

function findGlobal(key: string, facts: RequestFacts, subject: SubjectFacts): Found {
  switch (key) {
    case "currenttime":
      return new Date(facts.clock.now()).toISOString();
    case "epochtime":
      return String(Math.floor(facts.clock.now() / 1000));
    case "securetransport":
      return String(facts.isEncrypted);
    case "sourceip":
      return facts.remoteAddress;
    case "useragent":
      return facts.headers.get("user-agent");
    case "referer":
      return facts.headers.get("referer");
    case "requestedregion":
      return facts.region;
    case "resourceaccount":
      return subject.ownerAccountId;
    case "viaawsservice":
    case "principalisawsservice":
      return "false";
    case "tagkeys": {
      const names = facts.tagKeys ?? facts.requestTags.map(([name]) => name);
      return names.length === 0 ? undefined : names;
    }
    default:
      return (
        findTag(key, "requesttag/", facts.requestTags) ??
        findTag(key, "resourcetag/", subject.bucketTags)
      );
  }
}

function findPrincipal(key: string, caller: Caller): Found {
  if (caller.kind === "anonymous") {
    if (key === "principaltype") return "Anonymous";
    return key === "userid" ? "anonymous" : undefined;
  }
  const { principal } = caller;
  switch (key) {
    case "principalarn":
      // Of a session, the role: "aws:PrincipalArn" names the role that was assumed.
      return principal.roleArn ?? principal.arn;
    case "principalaccount":
      return caller.accountId;
    case "principaltype":
      return principalTypes[principal.kind];
    case "userid":
      return principal.userId;
    case "username":
      return principal.userName;
    default:
      return findTag(key, "principaltag/", principal.tags) ?? findSession(key, caller);
  }
}

const principalTypes = {
  root: "Account",
  user: "User",
  "role-session": "AssumedRole",
  "federated-user": "FederatedUser",
} as const;

function findSession(key: string, { principal }: IdentifiedCaller): Found {
  const { session } = principal;
  if (session === undefined) return undefined;
  switch (key) {
    case "tokenissuetime":
      return new Date(session.issuedMilliseconds).toISOString();
    case "multifactorauthpresent":
      // Of long-lived keys the key is absent, of temporary ones it is there.
      return String(session.mfaMilliseconds !== undefined);
    case "multifactorauthage":
      return session.mfaMilliseconds === undefined
        ? undefined
        : String(Math.floor((session.issuedMilliseconds - session.mfaMilliseconds) / 1000));
    case "sourceidentity":
      return session.sourceIdentity;
    case "federatedprovider":
      return session.federatedKeys?.["aws:federatedprovider"];
    default:
      return undefined;
  }
}

const authenticationTypes = {
  header: "REST-HEADER",
  query: "REST-QUERY-STRING",
  post: "POST",
  none: undefined,
} as const;

/** Condition keys whose value stands in a header of another name. */
const headersByKey: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "object-lock-mode": "x-amz-object-lock-mode",
    "object-lock-retain-until-date": "x-amz-object-lock-retain-until-date",
    "object-lock-legal-hold": "x-amz-object-lock-legal-hold",
    "if-match": "if-match",
    "if-none-match": "if-none-match",
  }),
);

const millisecondsPerDay = 86_400_000;

function findS3(key: string, facts: RequestFacts, subject: SubjectFacts): Found {
  const { headers, authentication } = facts;
  switch (key) {
    case "authtype":
      return authenticationTypes[authentication.form];
    case "signatureversion": {
      const { signatureVersion } = authentication;
      return signatureVersion && (signatureVersion === "v4" ? "AWS4-HMAC-SHA256" : "AWS");
    }
    case "signatureage":
      return authentication.signedMilliseconds === undefined
        ? undefined
        : String(facts.clock.now() - authentication.signedMilliseconds);
    case "tlsversion":
      return facts.tlsVersion?.replace(/^TLSv/, "");
    case "resourceaccount":
      return subject.ownerAccountId;
    case "versionid":
      return subject.versionId;
    case "prefix":
    case "delimiter":
    case "max-keys":
    case "annotation-prefix":
    case "max-annotation-results":
      return facts.query(key);
    case "locationconstraint":
      return facts.query("location-constraint");
    case "object-lock-remaining-retention-days":
      return remainingDays(facts);
    case "requestobjecttagkeys":
      return facts.requestTags.length === 0 ? undefined : facts.requestTags.map(([name]) => name);
    default: {
      if (key.startsWith("x-amz-")) return headers.get(key) ?? facts.query(key);
      const header = headersByKey.get(key);
      if (header !== undefined) return headers.get(header);
      return (
        findTag(key, "existingobjecttag/", subject.objectTags) ??
        findTag(key, "requestobjecttag/", facts.requestTags) ??
        findTag(key, "buckettag/", subject.bucketTags)
      );
    }
  }
}

/** Names of S3's tags are compared with case, those of principals and requests without. */
function findTag(key: string, family: string, tags: Tags | undefined): string | undefined {
  if (tags === undefined || !key.startsWith(family)) return undefined;
  const wanted = key.slice(family.length);
  const isExact = tags.find(([name]) => name === wanted);
  if (isExact !== undefined) return isExact[1];
  const isCaseless =
    family === "principaltag/" || family === "requesttag/" || family === "resourcetag/";
  return isCaseless ? tags.find(([name]) => name.toLowerCase() === wanted)?.[1] : undefined;
}

function remainingDays({ headers, clock }: RequestFacts): string | undefined {
  const date = headers.get("x-amz-object-lock-retain-until-date");
  const time = date === undefined ? Number.NaN : Date.parse(date);
  if (Number.isNaN(time)) return undefined;
  return String(Math.ceil((time - clock.now()) / millisecondsPerDay));
}

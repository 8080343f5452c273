// Whether a caller may do what it asks of another service than S3 (IAM, STS, KMS): the policies on its
// own side decide. What the service knows of the thing that an action is about joins the context.

import type { Clock } from "../base/clock.ts";
import type { IdentifiedCaller } from "./caller.ts";
import { decide, type Decision } from "./decide.ts";
import { explainServiceDenial } from "./denial.ts";
import type { PolicyContext } from "./policy/evaluate.ts";
import { contextOf, type RequestFacts } from "./request-context.ts";
import type { Judged } from "./request-authorization.ts";
import { IdentityError } from "./identities/identity-error.ts";
import type { ServiceRequest } from "./service-request.ts";

export type ContextTags = readonly (readonly [key: string, value: string])[];

/** What the action itself says about the request. */
export interface ServiceFacts {
  /** Condition keys of the service, in lower case: `iam:policyarn`. */
  readonly keys?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** `aws:RequestTag/…`, and the values of `aws:TagKeys`. */
  readonly requestTags?: ContextTags | undefined;
  /** `aws:TagKeys` of a request that takes tags away. */
  readonly tagKeys?: readonly string[] | undefined;
  /** `aws:ResourceTag/…`, and the same of the service. */
  readonly resourceTags?: ContextTags | undefined;
  readonly resourceAccount?: string | undefined;
}

export interface ServiceEnvironment {
  readonly clock: Clock;
  readonly region: string;
}

/** What conditions may ask of the request itself. */
export function serviceRequestFacts(
  { caller, headers, remoteAddress, isEncrypted }: ServiceRequest,
  { clock, region }: ServiceEnvironment,
  requestTags: ContextTags = [],
): RequestFacts {
  return {
    caller,
    clock,
    region,
    headers,
    query: () => undefined,
    remoteAddress,
    isEncrypted,
    // Only keys of S3 ask for it.
    authentication: { form: "header", signatureVersion: "v4" },
    requestTags,
  };
}

export function serviceContext(
  request: ServiceRequest,
  environment: ServiceEnvironment,
  facts: ServiceFacts,
): PolicyContext {
  const requestFacts = serviceRequestFacts(request, environment, facts.requestTags);
  const common = contextOf(requestFacts, { ownerAccountId: facts.resourceAccount });
  return {
    get(key) {
      const own = findOwn(key, facts);
      if (own !== undefined) return typeof own === "string" ? [own] : own;
      return common.get(key);
    },
  };
}

function findOwn(key: string, facts: ServiceFacts): string | readonly string[] | undefined {
  const { keys, tagKeys, resourceTags = [] } = facts;
  if (keys !== undefined && Object.hasOwn(keys, key)) return keys[key];
  if (key === "aws:tagkeys") return tagKeys;
  const family = /^[a-z]+:resourcetag\//.exec(key)?.[0];
  if (family === undefined) return undefined;
  const wanted = key.slice(family.length).toLowerCase();
  return resourceTags.find(([name]) => name.toLowerCase() === wanted)?.[1];
}

export interface ServiceAction {
  /** `iam:CreateUser`. */
  readonly action: string;
  /** ARN, or `*`. */
  readonly resource: string;
  readonly context: PolicyContext;
}

export function decideService(
  caller: IdentifiedCaller,
  { action, resource, context }: ServiceAction,
): Decision {
  return decide({
    caller,
    action,
    resource,
    context,
    bucket: undefined,
    object: undefined,
    acl: undefined,
  });
}

/** What IAM and STS refuse by a policy; the audit log is told by which. */
export class ServiceDenial extends IdentityError {
  readonly decision: Judged;

  constructor(
    caller: IdentifiedCaller,
    { action, resource }: Pick<ServiceAction, "action" | "resource">,
    decision: Decision,
  ) {
    super("AccessDenied", explainServiceDenial(caller, { action, resource }, decision));
    this.decision = { ...decision, action, resource };
  }
}

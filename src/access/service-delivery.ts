// Whether a bucket lets a service of the server's own put what it delivers: access logs, inventories,
// analyses. As on AWS the bucket says so, in its policy, to the service's principal; for access logs an
// access control list may say it to the log delivery group.

import type { Clock } from "../base/clock.ts";
import { aclGroups, type AclGrants } from "../model/access-control-list.ts";
import { aclAllowsGroup } from "./acl/acl-evaluation.ts";
import type { BucketPolicy } from "./bucket-policy.ts";
import { servicePrincipal } from "./policy/compile-principal.ts";
import { evaluatePolicies } from "./policy/evaluate.ts";

export interface Delivery {
  /** `logging.s3.amazonaws.com`, `s3.amazonaws.com`. */
  readonly service: string;
  readonly bucketName: string;
  readonly key: string;
  /** For whom: the bucket that is logged or listed, and its account. */
  readonly sourceBucket: string;
  readonly sourceAccount: string;
  /** Headers that the upload would have, in lower case: `x-amz-acl`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** By the bucket's policy alone; `undefined`: it says neither yes nor no. */
export function judgeDelivery(
  policy: BucketPolicy | undefined,
  delivery: Delivery,
  clock: Clock,
): boolean | undefined {
  if (policy === undefined) return undefined;
  const { service, bucketName, key } = delivery;
  const { effect } = evaluatePolicies([policy.compiled], {
    action: "s3:PutObject",
    resource: `arn:aws:s3:::${bucketName}/${key}`,
    principal: servicePrincipal(service),
    context: { get: (name) => conditionValue(name, delivery, clock) },
  });
  return effect === "None" ? undefined : effect === "Allow";
}

/** "You must grant WRITE and READ_ACP to the log delivery group" (ServerLogs.html, "ACL"). */
export function isLogDeliveryGranted(acl: AclGrants | undefined): boolean {
  return (
    aclAllowsGroup(acl, aclGroups.logDelivery, "WRITE") &&
    aclAllowsGroup(acl, aclGroups.logDelivery, "READ_ACP")
  );
}

function conditionValue(
  name: string,
  { service, sourceBucket, sourceAccount, headers }: Delivery,
  clock: Clock,
): readonly string[] | undefined {
  switch (name) {
    case "aws:sourcearn":
      return [`arn:aws:s3:::${sourceBucket}`];
    case "aws:sourceaccount":
      return [sourceAccount];
    case "aws:securetransport":
      return ["true"];
    case "aws:principalisawsservice":
      return ["true"];
    case "aws:principalservicename":
      return [service];
    case "aws:currenttime":
      return [new Date(clock.now()).toISOString()];
    case "aws:epochtime":
      return [String(Math.floor(clock.now() / 1000))];
    default: {
      const value = name.startsWith("s3:") ? headers?.[name.slice(3)] : undefined;
      return value === undefined ? undefined : [value];
    }
  }
}

// From an action to what requests that need it demand: which place it is about, and which permission of
// an access control list gives it. Made of the table of operations, so that an explanation asks what a
// request asks.

import type { OperationName } from "../model/types.generated.ts";
import { demandOf, type DemandedPlace } from "./authorize.ts";
import { operationRules, type OperationRule } from "./operation-rules.ts";
import { s3PolicyActions } from "./policy/s3-policy-catalogue.ts";
import type { AccessDemand } from "./request-access.ts";

export type ActionDemand =
  | { readonly kind: "unknown" }
  /** Decided by the caller's own policies alone. */
  | { readonly kind: "service"; readonly action: string }
  | { readonly kind: "bucket" | "object"; demandAt(place: DemandedPlace): AccessDemand };

interface RuledOperation {
  readonly operation: OperationName;
  readonly rule: OperationRule;
}

/** By action in lower case. */
const operationsByAction: ReadonlyMap<string, RuledOperation> = new Map(
  Object.entries(operationRules)
    .flatMap(([operation, rule]) => {
      if (rule === undefined) return [];
      const ruled = { operation: operation as OperationName, rule }; // the table's own names
      return [rule.action, rule.versionAction]
        .filter((action) => action !== undefined)
        .map((action) => [action.toLowerCase(), ruled] as const);
    })
    // Of several operations the first one counts: the last entry of a map does.
    .toReversed(),
);

/** What GetObjectAttributes demands beside reading the object. */
const attributes: RuledOperation = {
  operation: "GetObjectAttributes",
  rule: {
    action: "s3:GetObjectAttributes",
    versionAction: "s3:GetObjectVersionAttributes",
    on: "object",
    acl: { of: "object", permission: "READ" },
  },
};
export function findActionDemand(action: string): ActionDemand {
  const lower = action.toLowerCase();
  const ruled = findOperation(lower);
  if (ruled !== undefined) {
    const { operation, rule } = ruled;
    if (rule.on === "service" || operation === "CreateBucket") {
      return { kind: "service", action: rule.action };
    }
    const asked = lower === rule.versionAction?.toLowerCase() ? versionRule(operation, rule) : rule;
    return { kind: rule.on, demandAt: (place) => demandOf(operation, asked, place) };
  }
  const known = lower.startsWith("s3:") ? s3PolicyActions.get(lower.slice(3)) : undefined;
  if (known === undefined) return { kind: "unknown" };
  const name = `s3:${known.name}` as const;
  const kind = known.resources.find((type) => type === "object" || type === "bucket");
  if (kind === undefined) return { kind: "service", action: name };
  return {
    kind,
    demandAt: ({ bucketName, key, versionId }) => ({
      action: name,
      bucketName,
      ...(key === undefined ? {} : { key, versionId }),
    }),
  };
}

/** Asked about by its own name, the action on versions needs no version. */
function versionRule(operation: OperationName, rule: OperationRule): OperationRule {
  const { acl, versionAction = rule.action, on } = rule;
  const isGivenByList = acl !== undefined && operation !== "DeleteObject";
  return { action: versionAction, on, ...(isGivenByList ? { acl } : {}) };
}

function findOperation(action: string): RuledOperation | undefined {
  switch (action) {
    case "s3:getobjectattributes":
    case "s3:getobjectversionattributes":
      return attributes;
    default:
      return operationsByAction.get(action);
  }
}

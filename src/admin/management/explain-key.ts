// What would be decided about the use or the administration of a KMS key, by the code that decides about
// KMS's own requests and about objects that are encrypted with it.

import {
  decideAccountAccess,
  decideKeyAccess,
  keyVerdict,
} from "../../access/key-authorization.ts";
import { keyContextOf } from "../../access/key-context.ts";
import { explainCallerLayers, explainKeyPolicy } from "../../access/explain-layers.ts";
import type { ExplainedDecision } from "../../access/request-authorization.ts";
import { contextOf, type RequestFacts } from "../../access/request-context.ts";
import type { ManagementInput } from "../../model/management-actions.ts";
import type { ManagementCall } from "./management-action.ts";
import { invalid } from "./management-error.ts";

/** Without a key it is about the account: kms:CreateKey. Throws KmsError NotFoundException. */
export async function explainKeyAccess(
  { Action: action, Resource, Bucket, Key }: ManagementInput<"ExplainDecision">,
  facts: RequestFacts,
  call: ManagementCall,
): Promise<ExplainedDecision> {
  const { caller } = facts;
  if ((Bucket ?? Key) !== undefined) {
    throw invalid("Bucket: a KMS key is named by its ARN, as Resource");
  }
  if (caller.kind === "anonymous") throw invalid("Principal: nobody uses a key without a name");
  if (Resource === undefined || Resource === "*") {
    const context = contextOf(facts, {});
    const { isAllowed, reason } = decideAccountAccess(caller, action, context);
    const judged = { isAllowed, reason, action, resource: "*" };
    return { judged, layers: explainCallerLayers({ caller, action, resource: "*", context }) };
  }
  const { keys } = call.dependencies;
  const record = await keys.get(Resource, caller.accountId);
  call.demandAccount(record.accountId, Resource);
  const { accountId, tags } = record;
  const key = { keyArn: keys.arnOf(record), accountId, policy: keys.policyOf(record) };
  const context = keyContextOf(facts, { accountId, tags });
  const { isAllowed, reason } = decideKeyAccess({ caller, action, key, context });
  const verdict = keyVerdict({ caller, action, key, context });
  const layers = explainCallerLayers({ caller, action, resource: key.keyArn, context });
  return {
    judged: { isAllowed, reason, action, resource: key.keyArn },
    layers: [...layers, explainKeyPolicy(verdict)],
  };
}

// Holdfast's own administration: what AWS has no API for, in the form of AWS's JSON services, so that any
// client that signs with Signature Version 4 (as `holdfast`) can call it.

import { z } from "zod";

import type { ServiceApi } from "../../access/service-request.ts";
import { managementActions, type ManagementActionName } from "../../model/management-actions.ts";
import { createJsonApi, type JsonCall, type JsonObject } from "../json/json-api.ts";
import { accountActions } from "./accounts.ts";
import { explainActions } from "./explain.ts";
import {
  ManagementCall,
  type ManagementAction,
  type ManagementActionTable,
  type ManagementDependencies,
} from "./management-action.ts";
import { asManagementError, invalid } from "./management-error.ts";
import { inventoryReportActions } from "./inventory-reports.ts";
import { lifecycleReportActions } from "./lifecycle-report.ts";
import { quotaActions } from "./quotas.ts";
import { notificationActions } from "./notifications.ts";
import { replicationActions } from "./replication.ts";
import { rootAccessKeyActions } from "./root-access-keys.ts";
import { serviceAccountActions } from "./service-accounts.ts";
import { sessionActions } from "./sessions.ts";
import { workerActions } from "./workers.ts";

export interface ManagementApiOptions extends ManagementDependencies {
  readonly reportFailure: (requestId: string, operation: string, error: unknown) => void;
}

/** Complete: an action of the contract that is missing here does not compile. */
const actions: ManagementActionTable = {
  ...accountActions,
  ...rootAccessKeyActions,
  ...serviceAccountActions,
  ...sessionActions,
  ...quotaActions,
  ...lifecycleReportActions,
  ...notificationActions,
  ...inventoryReportActions,
  ...replicationActions,
  ...explainActions,
  ...workerActions,
};

export function createManagementApi(options: ManagementApiOptions): ServiceApi {
  return createJsonApi({
    service: "holdfast",
    target: "Holdfast",
    internalError: "InternalFailureException",
    refusalStatus: (status) => status,
    findOperation(name) {
      if (!Object.hasOwn(managementActions, name)) return undefined;
      const known = name as ManagementActionName;
      return (input, call) => runAction(known, input, call, options);
    },
    asError: asManagementError,
    reportFailure: (requestId, operation, error) => {
      options.reportFailure(requestId, operation, error);
    },
  });
}

async function runAction(
  name: ManagementActionName,
  input: JsonObject,
  jsonCall: JsonCall,
  dependencies: ManagementDependencies,
): Promise<JsonObject> {
  // The contract's schema of this very action makes the input.
  const action = actions[name] as ManagementAction<never>;
  const parsed = parseInput(name, input) as never;
  const call = new ManagementCall(name, jsonCall, dependencies);
  const subject = await action.subject(parsed, call);
  call.demand(subject);
  if (action.isForRootAccount === true) call.demandRootAccount(subject.resource);
  if (subject.accountId !== undefined) call.demandAccount(subject.accountId, subject.resource);
  return action.run(parsed, call);
}

function parseInput(name: ManagementActionName, input: JsonObject): unknown {
  const parsed = managementActions[name].input.safeParse(input);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error.issues.map(describeIssue).join("; "));
}

/** Names of members alone: their values may be secret, and are the client's own. */
function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") {
    return `there is no member ${issue.keys.map((key) => JSON.stringify(key)).join(", ")}`;
  }
  return issue.path.length === 0 ? issue.message : `${issue.path.join(".")}: ${issue.message}`;
}

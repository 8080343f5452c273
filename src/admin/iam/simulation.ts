// IAM's simulator: what policies would say of actions, without doing them. It asks the same engine that
// decides for real.

import { pageOf } from "../../access/identities/identity-database.ts";
import { checkPolicyDocument } from "../../access/identities/policy-checks.ts";
import type {
  GetContextKeysForCustomPolicyOutput,
  SimulateCustomPolicyInput,
  SimulateCustomPolicyOutput,
} from "../../model/iam.generated.ts";
import { pageMembers, pageRequestOf, type IamActionTable, type IamContext } from "./iam-action.ts";
import { contextKeysOf } from "./policy-context-keys.ts";
import { simulate, type SimulatedPolicies } from "./simulate.ts";
import { loadSourcePolicies, policyInputs } from "./simulated-policies.ts";

export const simulationActions: IamActionTable<
  | "SimulatePrincipalPolicy"
  | "SimulateCustomPolicy"
  | "GetContextKeysForPrincipalPolicy"
  | "GetContextKeysForCustomPolicy"
> = {
  async SimulatePrincipalPolicy(input, context) {
    const source = await loadSourcePolicies(input.PolicySourceArn, context);
    const given = policyInputs("PolicyInputList", input.PolicyInputList, "identity");
    const boundary = policyInputs(
      "PermissionsBoundaryPolicyInputList",
      input.PermissionsBoundaryPolicyInputList,
      "boundary",
    );
    return run(
      input,
      {
        identity: [...source.identity, ...given],
        // What is handed in takes the place of the boundary that the user or role has.
        boundary: boundary.length > 0 ? boundary : source.boundary,
        callerArn: input.CallerArn ?? input.PolicySourceArn,
      },
      context,
    );
  },

  async SimulateCustomPolicy(input, context) {
    const boundary = policyInputs(
      "PermissionsBoundaryPolicyInputList",
      input.PermissionsBoundaryPolicyInputList,
      "boundary",
    );
    return run(
      input,
      {
        identity: policyInputs("PolicyInputList", input.PolicyInputList, "identity"),
        boundary,
        callerArn: input.CallerArn,
      },
      context,
    );
  },

  async GetContextKeysForPrincipalPolicy(input, context) {
    const { identity } = await loadSourcePolicies(input.PolicySourceArn, context);
    const given = policyInputs("PolicyInputList", input.PolicyInputList, "identity");
    return keysOf([...identity, ...given].map(({ document }) => document));
  },

  async GetContextKeysForCustomPolicy(input) {
    for (const document of input.PolicyInputList) checkPolicyDocument(document, "identity");
    return keysOf(input.PolicyInputList);
  },
};

function run(
  input: Omit<SimulateCustomPolicyInput, "PolicyInputList">,
  policies: SimulatedPolicies,
  context: IamContext,
): SimulateCustomPolicyOutput {
  const results = simulate(input, policies, context.accountId);
  // The marker is the place in the list: it is the same list for the same question.
  const placed = results.map((result, index) => ({
    result,
    place: String(index).padStart(8, "0"),
  }));
  const page = pageOf(pageRequestOf(input), placed, ({ place }) => place);
  return {
    EvaluationResults: page.items.map(({ result }) => result),
    ...pageMembers(page),
  };
}

function keysOf(documents: readonly string[]): GetContextKeysForCustomPolicyOutput {
  const names = documents.flatMap((document) => contextKeysOf(document));
  return { ContextKeyNames: [...new Set(names)] };
}

// The evaluation of one simulation: every action against every resource.

import { parseArnAccount } from "./simulated-principal.ts";
import { checkPolicyDocument } from "../../access/identities/policy-checks.ts";
import { compilePolicy, type CompiledPolicy } from "../../access/policy/compile-policy.ts";
import { evaluatePolicies, type PolicyVerdict } from "../../access/policy/evaluate.ts";
import { normalizeContextKey, type PolicyContext } from "../../access/policy/policy-context.ts";
import { parsePolicy } from "../../access/policy/policy-document.ts";
import type {
  ContextEntry,
  EvaluationResult,
  PolicyEvaluationDecisionType,
  SimulateCustomPolicyInput,
  Statement,
} from "../../model/iam.generated.ts";
import { validationError } from "../query/query-error.ts";
import { contextKeysOf } from "./policy-context-keys.ts";
import { simulatedPrincipal } from "./simulated-principal.ts";
import type { SimulatedPolicy } from "./simulated-policies.ts";
import { positionOf } from "./statement-position.ts";

export interface SimulatedPolicies {
  readonly identity: readonly SimulatedPolicy[];
  /** Empty: there is no boundary. */
  readonly boundary: readonly SimulatedPolicy[];
  readonly callerArn: string | undefined;
}

type SimulationInput = Omit<SimulateCustomPolicyInput, "PolicyInputList">;

/** Our bound on the results of one simulation. */
const maximumResults = 10_000;

export function simulate(
  input: SimulationInput,
  policies: SimulatedPolicies,
  accountId: string,
): readonly EvaluationResult[] {
  const simulation = new Simulation(input, policies, accountId);
  const resources = input.ResourceArns ?? ["*"];
  if (resources.length * input.ActionNames.length > maximumResults) {
    throw validationError(
      "The simulation asks for too many combinations of actions and resources.",
    );
  }
  return input.ActionNames.flatMap((action) => {
    if (!/^[A-Za-z0-9-]+:[\w*?-]+$/.test(action)) {
      throw validationError(`Invalid action: ${action}`);
    }
    return resources.map((resource) => simulation.run(action, resource));
  });
}

class Simulation {
  readonly #policies: SimulatedPolicies;
  readonly #identity: readonly CompiledPolicy[];
  readonly #boundary: readonly CompiledPolicy[];
  readonly #resourcePolicy: CompiledPolicy | undefined;
  readonly #resourceDocument: SimulatedPolicy | undefined;
  readonly #context: PolicyContext;
  readonly #missing: readonly string[];
  readonly #accountId: string;
  readonly #resourceAccount: string;

  constructor(input: SimulationInput, policies: SimulatedPolicies, accountId: string) {
    this.#policies = policies;
    this.#identity = policies.identity.map(compile);
    this.#boundary = policies.boundary.map(compile);
    const document = input.ResourcePolicy;
    if (document !== undefined) {
      if (policies.callerArn === undefined) {
        throw validationError("CallerArn is required when ResourcePolicy is given.");
      }
      checkPolicyDocument(document, "bucket");
      this.#resourceDocument = { id: "ResourcePolicy", type: "resource", kind: "bucket", document };
      this.#resourcePolicy = compile(this.#resourceDocument);
    }
    const given = contextEntries(input.ContextEntries ?? []);
    this.#context = { get: (key) => given.get(key) };
    this.#missing = missingKeys(policies, given);
    this.#accountId = parseArnAccount(policies.callerArn) ?? accountId;
    this.#resourceAccount = parseArnAccount(input.ResourceOwner) ?? this.#accountId;
  }

  run(action: string, resource: string): EvaluationResult {
    const principal = simulatedPrincipal(this.#policies.callerArn, this.#accountId);
    const request = { action, resource, principal, context: this.#context };
    const identity = evaluatePolicies(this.#identity, request);
    const boundary =
      this.#boundary.length === 0 ? undefined : evaluatePolicies(this.#boundary, request);
    const byResource =
      this.#resourcePolicy === undefined
        ? undefined
        : evaluatePolicies([this.#resourcePolicy], request);
    const decision = this.#decide(identity, boundary, byResource);
    const verdicts = [identity, byResource].filter((verdict) => verdict !== undefined);
    const wanted = decision === "allowed" ? "Allow" : "Deny";
    const MatchedStatements = verdicts
      .filter(({ effect }) => effect === wanted)
      .flatMap((verdict) => this.#statementOf(verdict));
    return {
      EvalActionName: action,
      EvalResourceName: resource,
      EvalDecision: decision,
      MatchedStatements,
      MissingContextValues: this.#missing,
      ...(boundary === undefined
        ? {}
        : {
            PermissionsBoundaryDecisionDetail: {
              AllowedByPermissionsBoundary: boundary.effect === "Allow",
            },
          }),
    };
  }

  #decide(
    identity: PolicyVerdict,
    boundary: PolicyVerdict | undefined,
    byResource: PolicyVerdict | undefined,
  ): PolicyEvaluationDecisionType {
    const all = [identity, boundary, byResource];
    if (all.some((verdict) => verdict?.effect === "Deny")) return "explicitDeny";
    const isAllowedByResource =
      byResource?.effect === "Allow" && byResource.principalMatch !== "account";
    const isAllowedByIdentity =
      identity.effect === "Allow" && (boundary === undefined || boundary.effect === "Allow");
    const isSameAccount = this.#resourceAccount === this.#accountId;
    if (byResource === undefined || isSameAccount) {
      return isAllowedByIdentity || isAllowedByResource ? "allowed" : "implicitDeny";
    }
    // Across accounts both sides must allow.
    return isAllowedByIdentity && byResource.effect === "Allow" ? "allowed" : "implicitDeny";
  }

  #statementOf({ statement }: PolicyVerdict): readonly Statement[] {
    if (statement === undefined) return [];
    const { name } = statement.source;
    const policy = [...this.#policies.identity, this.#resourceDocument].find(
      (each) => each?.id === name,
    );
    if (policy === undefined) return [];
    return [
      {
        SourcePolicyId: policy.id,
        SourcePolicyType: policy.type,
        ...positionOf(policy.document, statement.index),
      },
    ];
  }
}

function compile({ id, kind, document }: SimulatedPolicy): CompiledPolicy {
  const grammar = kind === "bucket" ? "bucket" : "identity";
  return compilePolicy(parsePolicy(document, grammar), { kind, name: id });
}

function contextEntries(entries: readonly ContextEntry[]): ReadonlyMap<string, readonly string[]> {
  const given = new Map<string, readonly string[]>();
  for (const { ContextKeyName, ContextKeyValues } of entries) {
    if (ContextKeyName === undefined) continue;
    given.set(normalizeContextKey(ContextKeyName), ContextKeyValues ?? []);
  }
  return given;
}

function missingKeys(
  { identity, boundary }: SimulatedPolicies,
  given: ReadonlyMap<string, unknown>,
): readonly string[] {
  const names = [...identity, ...boundary].flatMap(({ document }) => contextKeysOf(document));
  return [...new Set(names)].filter((name) => !given.has(normalizeContextKey(name)));
}

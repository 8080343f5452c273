// Why somebody may or may not do something: the decision that a request would get, by the very code that
// decides about requests, with what each layer says. Only for administrators: of whose account both the
// principal and the bucket are, or of the server's root account.

import { findActionDemand } from "../../access/action-demands.ts";
import { everyBucket } from "../../access/authorize.ts";
import type { Caller } from "../../access/caller.ts";
import { describeReason, type Statement } from "../../access/explain-layers.ts";
import { checkPolicyDocument } from "../../access/identities/policy-checks.ts";
import {
  RequestAuthorization,
  type ExplainedDecision,
} from "../../access/request-authorization.ts";
import type { RequestFacts } from "../../access/request-context.ts";
import type { ManagementInput } from "../../model/management-actions.ts";
import type { JsonObject } from "../json/json-api.ts";
import { explainKeyAccess } from "./explain-key.ts";
import { findExplainedPrincipal, type Obstacle } from "./explained-principal.ts";
import { bucketArn, type ManagementActionTable, type ManagementCall } from "./management-action.ts";
import { invalid } from "./management-error.ts";

type Input = ManagementInput<"ExplainDecision">;

export const explainActions: ManagementActionTable<"ExplainDecision"> = {
  ExplainDecision: {
    subject: ({ Bucket }) => ({ resource: Bucket === undefined ? "*" : bucketArn(Bucket) }),
    async run(input, call) {
      const { SessionPolicy, Bucket } = input;
      if (SessionPolicy !== undefined) {
        checkPolicyDocument(SessionPolicy, "session", "SessionPolicy");
      }
      const { caller, obstacle } = await findExplainedPrincipal(input, call);
      // A bucket that is to be made need not be there.
      const isThere = Bucket !== undefined && input.Action.toLowerCase() !== "s3:createbucket";
      if (isThere) await call.getBucket(Bucket);
      const facts = factsOf(input, caller, call);
      const resources = call.dependencies.newResourceFacts();
      const authorization = new RequestAuthorization(facts, resources);
      const explained = input.Action.startsWith("kms:")
        ? await explainKeyAccess(input, facts, call)
        : await explain(input, authorization);
      return describe(explained, caller, obstacle);
    },
  },
};

async function explain(
  { Action, Bucket, Key, VersionId, Resource }: Input,
  authorization: RequestAuthorization,
): Promise<ExplainedDecision> {
  const vendor = Action.slice(0, Action.indexOf(":"));
  if (vendor === "iam" || vendor === "holdfast") {
    if (Bucket !== undefined) throw invalid(`Bucket: ${Action} is not about one; give a Resource`);
    return authorization.explainService(Action, Resource ?? "*");
  }
  if (vendor !== "s3") throw invalid("Action: must be one of S3, IAM, KMS or Holdfast");
  if (Resource !== undefined) throw invalid("Resource: S3's actions take Bucket and Key instead");
  const demand = findActionDemand(Action);
  if (demand.kind === "unknown") throw invalid(`Action: there is no ${Action}`);
  if (demand.kind === "service") {
    if (Key !== undefined) throw invalid(`Key: ${Action} is not about objects`);
    return authorization.explainService(
      demand.action,
      Bucket === undefined ? everyBucket : bucketArn(Bucket),
    );
  }
  if (Bucket === undefined) throw invalid(`Bucket: must be given for ${Action}`);
  if (demand.kind === "object" && Key === undefined) {
    throw invalid(`Key: must be given, ${Action} is about objects`);
  }
  if (demand.kind === "bucket" && (Key ?? VersionId) !== undefined) {
    throw invalid(`Key: ${Action} is about buckets`);
  }
  return authorization.explain(
    demand.demandAt({ bucketName: Bucket, key: Key, versionId: VersionId }),
  );
}

/** The request that is imagined: through TLS and from this machine unless it is said otherwise. */
function factsOf(input: Input, caller: Caller, { dependencies }: ManagementCall): RequestFacts {
  const { SourceIp, SecureTransport = true, CurrentTime, Headers, Query, RequestTags } = input;
  const now = CurrentTime === undefined ? dependencies.clock.now() : Date.parse(CurrentTime);
  const headers = new Map(
    Object.entries(Headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const query = new Map(Object.entries(Query ?? {}));
  const isAnonymous = caller.kind === "anonymous";
  return {
    caller,
    clock: { now: () => now },
    region: dependencies.region,
    headers: { get: (name) => headers.get(name.toLowerCase()) },
    query: (name) => query.get(name),
    remoteAddress: SourceIp ?? "127.0.0.1",
    isEncrypted: SecureTransport,
    tlsVersion: SecureTransport ? "TLSv1.3" : undefined,
    authentication: isAnonymous
      ? { form: "none", signatureVersion: undefined }
      : { form: "header", signatureVersion: "v4", signedMilliseconds: now },
    requestTags: Object.entries(RequestTags ?? {}),
  };
}

function describe(
  { judged, layers, isAbsenceTold, isPaymentMissing }: ExplainedDecision,
  caller: Caller,
  obstacle: Obstacle | undefined,
): JsonObject {
  const isRefused = obstacle !== undefined || isPaymentMissing === true;
  const reason = isPaymentMissing === true ? "requester-pays" : judged.reason;
  const isKeySilent =
    judged.reason === "no-resource-permission" && judged.action.startsWith("kms:");
  const decided = isKeySilent ? keySilence : describeReason(judged);
  const words = isPaymentMissing === true ? payment : decided;
  return {
    Decision: judged.isAllowed && !isRefused ? "Allow" : "Deny",
    Reason: obstacle?.reason ?? reason,
    Explanation: obstacle?.words ?? words,
    ...(isAbsenceTold === true ? { Note: absence } : {}),
    Action: judged.action,
    Resource: judged.resource,
    Principal: describePrincipal(caller),
    Statement: describeStatement(judged.statement),
    Layers: layers.map(({ layer, verdict, words: explanation, statement }) => ({
      Layer: layer,
      Verdict: verdict,
      Explanation: explanation,
      Statement: describeStatement(statement),
    })),
  };
}

const payment =
  "Denied because the requester pays for this bucket: the request must be signed and say x-amz-request-payer: requester.";
const keySilence = "Denied because the policy of the KMS key does not allow it.";
const absence =
  "There is no such object, and the caller may list the bucket: it is answered 404 rather than 403.";

function describePrincipal(caller: Caller): JsonObject {
  if (caller.kind === "anonymous") return { Kind: "anonymous" };
  const { principal, accountId, accessKeyId } = caller;
  return {
    Kind: principal.kind,
    Arn: principal.arn,
    AccountId: accountId,
    ...(accessKeyId === "" ? {} : { AccessKeyId: accessKeyId }),
  };
}

function describeStatement(statement: Statement | undefined): JsonObject | undefined {
  if (statement === undefined) return undefined;
  const { source, sid, index } = statement;
  return { PolicyKind: source.kind, PolicyName: source.name, Sid: sid, Index: index };
}

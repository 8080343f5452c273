// One service that speaks AWS's query protocol: finds the action, decodes its input, lets it run, and
// writes what came of it. Who may do what is a matter of the actions.

import type { Caller } from "../../access/caller.ts";
import { IdentityError } from "../../access/identities/identity-error.ts";
import { ServiceDenial } from "../../access/service-authorization.ts";
import type { ServiceApi, ServiceName, ServiceRequest } from "../../access/service-request.ts";
import type { ServiceConstraints } from "../../model/service-constraints.ts";
import type { ServiceContract } from "../../model/service-table.ts";
import { refusalOf } from "./authentication-refusals.ts";
import { decodeAction } from "./decode-action.ts";
import { encodeQueryError, encodeResult, type AnswerableError } from "./encode-answer.ts";
import { QueryError } from "./query-error.ts";
import { parseParameters } from "./query-parameters.ts";

export interface QueryApiOptions {
  readonly service: ServiceName;
  readonly contract: ServiceContract;
  readonly constraints: ServiceConstraints;
  readonly explainsPatterns: boolean;
  /** Actions that carry a token instead of a signature. */
  readonly unsignedActions?: readonly string[];
  run(action: string, input: unknown, request: ServiceRequest): Promise<unknown>;
  /** Told of what is thrown and is not an answer. */
  reportFailure(requestId: string, error: unknown): void;
}

export function createQueryApi(options: QueryApiOptions): ServiceApi {
  const { service, contract } = options;
  return {
    service,
    async answer(request) {
      const { requestId } = request;
      // For the audit log, also where the action fails.
      let asked: string | undefined;
      const nameAction = (action: string): void => {
        asked = `${service}:${action}`;
      };
      try {
        const { action, output } = await runAction(options, request, nameAction);
        return { ...encodeResult(action, output, contract, requestId), action: asked };
      } catch (thrown) {
        const error = asAnswer(thrown);
        if (error.status >= 500) options.reportFailure(requestId, thrown);
        const response = encodeQueryError(error, contract.namespace, requestId);
        const decision = thrown instanceof ServiceDenial ? thrown.decision : undefined;
        return { ...response, action: asked, decision, errorCode: error.code };
      }
    },
    refuse(error, requestId) {
      const refusal = refusalOf(error);
      const response = encodeQueryError(refusal, contract.namespace, requestId);
      return { ...response, errorCode: refusal.code };
    },
  };
}

async function runAction(
  options: QueryApiOptions,
  request: ServiceRequest,
  nameAction: (action: string) => void,
): Promise<{ action: string; output: unknown }> {
  const { contract, unsignedActions = [] } = options;
  checkContentType(request);
  const parameters = parseParameters(request.rawQuery, request.body);
  const action = parameters.get("Action");
  if (action === undefined || action === "") {
    checkSigned(request.caller);
    throw new QueryError("MissingAction", "The request is missing an action parameter.");
  }
  // Strangers learn nothing, not even which actions there are.
  if (!unsignedActions.includes(action)) checkSigned(request.caller);
  const version = parameters.get("Version") ?? contract.version;
  if (!Object.hasOwn(contract.actions, action) || version !== contract.version) {
    throw new QueryError(
      "InvalidAction",
      `Could not find operation ${action} for version ${version}`,
    );
  }
  nameAction(action);
  const input = decodeAction(action, parameters, options);
  return { action, output: await options.run(action, input, request) };
}

function checkContentType({ method, headers, body }: ServiceRequest): void {
  if (method !== "POST" || body.byteLength === 0) return;
  const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type === "application/x-www-form-urlencoded") return;
  throw new QueryError("MalformedInput", "The body must be application/x-www-form-urlencoded.");
}

function checkSigned(caller: Caller): void {
  if (caller.kind === "identified") return;
  throw new QueryError("MissingAuthenticationToken", "Request is missing Authentication Token", {
    status: 403,
  });
}

function asAnswer(thrown: unknown): AnswerableError {
  if (thrown instanceof QueryError || thrown instanceof IdentityError) return thrown;
  return { code: "InternalFailure", message: internalFailure, status: 500 };
}

const internalFailure =
  "The request processing has failed because of an unknown error, exception or failure.";

// One service that speaks AWS's JSON 1.1 protocol: `POST /`, the operation in `X-Amz-Target`, JSON in and
// out. Finds the operation, lets it run, and writes what came of it; KMS and Holdfast's own administration
// differ in their operations and in the names of their errors.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html

import type { IdentifiedCaller } from "../../access/caller.ts";
import type { Judged } from "../../access/request-authorization.ts";
import type {
  ServiceApi,
  ServiceName,
  ServiceRequest,
  ServiceResponse,
} from "../../access/service-request.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export interface JsonCall {
  readonly caller: IdentifiedCaller;
  readonly request: ServiceRequest;
  /** Tells the audit log what was decided; the last word counts. */
  readonly judged: (decision: Judged) => void;
  /** Tells the audit log how much was done, for what cannot be undone. */
  readonly did: (counts: Readonly<Record<string, number>>) => void;
}

export type JsonOperation = (input: JsonObject, call: JsonCall) => Promise<JsonObject>;

/** What a client is told went wrong. */
export interface JsonError {
  readonly type: string;
  readonly message: string;
  readonly status: number;
}

export interface JsonApiOptions {
  readonly service: ServiceName;
  /** What stands before the operation in `X-Amz-Target`. */
  readonly target: string;
  /** The type of the error that is ours. */
  readonly internalError: string;
  /** Of what authentication refused: AWS's JSON services answer 400 whatever it was. */
  readonly refusalStatus: (status: number) => number;
  findOperation(name: string): JsonOperation | undefined;
  /** `undefined` for what is no answer but a failure of ours. */
  asError(thrown: unknown): JsonError | undefined;
  /** Told of what is a bug or a failure of the machine. */
  reportFailure(requestId: string, operation: string, error: unknown): void;
}

export function createJsonApi(options: JsonApiOptions): ServiceApi {
  const { refusalStatus, internalError } = options;
  return {
    service: options.service,
    answer: (request) => answer(request, options),
    refuse: ({ code, message, status }, requestId) => {
      if (status >= 500) return respondError({ type: internalError, message, status }, requestId);
      const type = refusals[code] ?? "ValidationException";
      const text = code === "InvalidAccessKeyId" ? invalidToken : message;
      return respondError({ type, message: text, status: refusalStatus(status) }, requestId);
    },
  };
}

async function answer(request: ServiceRequest, options: JsonApiOptions): Promise<ServiceResponse> {
  const { requestId, headers, method, caller, body } = request;
  const name = operationName(headers.get("x-amz-target"), options.target);
  const operation =
    method === "POST" && name !== undefined ? options.findOperation(name) : undefined;
  // Strangers learn nothing, not even which operations there are.
  if (caller.kind === "anonymous") {
    return respondError({ ...noToken, status: options.refusalStatus(403) }, requestId);
  }
  if (operation === undefined) return respondError(unknownOperation, requestId);
  const action = `${options.service}:${name}`;
  let decision: Judged | undefined;
  const judged = (latest: Judged): void => {
    decision = latest;
  };
  let done: Readonly<Record<string, number>> | undefined;
  const did: JsonCall["did"] = (counts) => {
    done = counts;
  };
  try {
    const input = parseInput(body);
    if (input === undefined) return { ...respondError(notJson, requestId), action };
    const output = await operation(input, { caller, request, judged, did });
    return { ...respond(200, output, requestId), action, decision, did: done };
  } catch (thrown) {
    const error = options.asError(thrown) ?? internal(options);
    if (error.status >= 500) options.reportFailure(requestId, action, thrown);
    return { ...respondError(error, requestId), action, decision };
  }
}

function operationName(target: string | undefined, prefix: string): string | undefined {
  if (target?.startsWith(`${prefix}.`) !== true) return undefined;
  const name = target.slice(prefix.length + 1);
  return /^[A-Za-z]{1,64}$/.test(name) ? name : undefined;
}

/** An empty body is an empty object, as for lists of some clients. `undefined`: no JSON object. */
function parseInput(body: Uint8Array): JsonObject | undefined {
  if (body.byteLength === 0) return {};
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // The parser's message would repeat a part of the body, which may hold a secret.
  }
  return undefined;
}

const noToken = {
  type: "MissingAuthenticationTokenException",
  message: "The request is missing an authentication token.",
};
const invalidToken = "The security token included in the request is invalid.";
const unknownOperation = { type: "UnknownOperationException", message: "", status: 400 };
const notJson = { type: "SerializationException", message: "", status: 400 };

function internal({ internalError }: JsonApiOptions): JsonError {
  const message = "The request failed for an internal reason.";
  return { type: internalError, message, status: 500 };
}

/** What authentication found wrong, under the names that AWS's JSON services have for it. */
const refusals: Readonly<Record<string, string>> = {
  AccessDenied: "AccessDeniedException",
  AuthorizationHeaderMalformed: "IncompleteSignatureException",
  ExpiredToken: "ExpiredTokenException",
  InvalidAccessKeyId: "UnrecognizedClientException",
  InvalidToken: "UnrecognizedClientException",
  MissingAuthenticationToken: "MissingAuthenticationTokenException",
  RequestTimeTooSkewed: "InvalidSignatureException",
  SignatureDoesNotMatch: "InvalidSignatureException",
};

function respondError({ type, message, status }: JsonError, requestId: string): ServiceResponse {
  const output = message === "" ? { __type: type } : { __type: type, message };
  return { ...respond(status, output, requestId), errorCode: type };
}

function respond(status: number, output: JsonObject, requestId: string): ServiceResponse {
  return {
    status,
    headers: [
      "Content-Type",
      "application/x-amz-json-1.1",
      "x-amzn-RequestId",
      requestId,
      // Answers hold plaintexts and secrets.
      "Cache-Control",
      "no-cache, no-store, must-revalidate, private",
    ],
    body: JSON.stringify(output),
  };
}

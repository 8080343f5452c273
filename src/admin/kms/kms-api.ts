// AWS KMS's API, as far as Holdfast has it: JSON 1.1 over `POST /`, the operation in `X-Amz-Target`.
// Symmetric keys alone; what is missing is answered UnknownOperationException, as AWS answers names that
// it does not know. https://docs.aws.amazon.com/kms/latest/APIReference/

import type { RequestFacts } from "../../access/request-context.ts";
import type { ServiceApi, ServiceRequest, ServiceResponse } from "../../access/service-request.ts";
import type { Clock } from "../../base/clock.ts";
import { KmsError } from "../../keys/kms-error.ts";
import type { KmsKeys } from "../../keys/kms-keys.ts";
import { createAlias, deleteAlias, listAliases, updateAlias } from "./alias-operations.ts";
import * as cryptography from "./cryptographic-operations.ts";
import * as keyOperations from "./key-operations.ts";
import type { KmsInput, KmsOperation } from "./kms-call.ts";
import { getKeyPolicy, listKeyPolicies, putKeyPolicy } from "./policy-operations.ts";
import * as rotation from "./rotation-operations.ts";
import { listResourceTags, tagResource, untagResource } from "./tag-operations.ts";

export interface KmsApiOptions {
  readonly keys: KmsKeys;
  readonly clock: Clock;
  readonly region: string;
  /** Told of what is a bug or a failure of the machine. */
  readonly reportFailure: (requestId: string, operation: string, error: unknown) => void;
}

const operations: ReadonlyMap<string, KmsOperation> = new Map([
  ["CancelKeyDeletion", keyOperations.cancelKeyDeletion],
  ["CreateAlias", createAlias],
  ["CreateKey", keyOperations.createKey],
  ["Decrypt", cryptography.decrypt],
  ["DeleteAlias", deleteAlias],
  ["DescribeKey", keyOperations.describeKey],
  ["DisableKey", keyOperations.disableKey],
  ["DisableKeyRotation", rotation.disableKeyRotation],
  ["EnableKey", keyOperations.enableKey],
  ["EnableKeyRotation", rotation.enableKeyRotation],
  ["Encrypt", cryptography.encrypt],
  ["GenerateDataKey", cryptography.generateDataKey],
  ["GenerateDataKeyWithoutPlaintext", cryptography.generateDataKeyWithoutPlaintext],
  ["GenerateRandom", cryptography.generateRandom],
  ["GetKeyPolicy", getKeyPolicy],
  ["GetKeyRotationStatus", rotation.getKeyRotationStatus],
  ["ListAliases", listAliases],
  ["ListKeyPolicies", listKeyPolicies],
  ["ListKeyRotations", rotation.listKeyRotations],
  ["ListKeys", keyOperations.listKeys],
  ["ListResourceTags", listResourceTags],
  ["PutKeyPolicy", putKeyPolicy],
  ["ReEncrypt", cryptography.reEncrypt],
  ["RotateKeyOnDemand", rotation.rotateKeyOnDemand],
  ["ScheduleKeyDeletion", keyOperations.scheduleKeyDeletion],
  ["TagResource", tagResource],
  ["UntagResource", untagResource],
  ["UpdateAlias", updateAlias],
  ["UpdateKeyDescription", keyOperations.updateKeyDescription],
]);

const targetPattern = /^TrentService\.([A-Za-z]{1,64})$/;

export function createKmsApi(options: KmsApiOptions): ServiceApi {
  return {
    service: "kms",
    answer: (request) => answer(request, options),
    refuse: ({ code, message, status }, requestId) => refuse(code, message, status, requestId),
  };
}

async function answer(request: ServiceRequest, options: KmsApiOptions): Promise<ServiceResponse> {
  const { requestId, headers, method, caller } = request;
  const name = targetPattern.exec(headers.get("x-amz-target") ?? "")?.[1];
  const operation = method === "POST" && name !== undefined ? operations.get(name) : undefined;
  try {
    if (caller.kind === "anonymous") {
      return respond(400, failure("MissingAuthenticationTokenException", noToken), requestId);
    }
    if (operation === undefined) throw new KmsError("UnknownOperationException", "");
    const { keys } = options;
    const facts = factsOf(request, options);
    const output = await operation(parseInput(request.body), { keys, caller, facts });
    return { ...respond(200, output, requestId), action: `kms:${name}` };
  } catch (error) {
    const known = error instanceof KmsError ? error : internal(error);
    if (known.status >= 500) options.reportFailure(requestId, `kms:${name}`, error);
    const response = respond(known.status, failure(known.type, known.message), requestId);
    return operation === undefined ? response : { ...response, action: `kms:${name}` };
  }
}

const noToken = "The request is missing an authentication token.";

function internal(cause: unknown): KmsError {
  return new KmsError("KMSInternalException", "The request failed for an internal reason.", {
    cause,
  });
}

/** An empty body is an empty object, as for ListKeys of some clients. */
function parseInput(body: Uint8Array): KmsInput {
  if (body.byteLength === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    // The parser's message would repeat a part of the body, which may hold a plaintext.
    throw new KmsError("SerializationException", "");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new KmsError("SerializationException", "");
  }
  return { ...value };
}

function factsOf(
  { caller, headers, remoteAddress, isEncrypted }: ServiceRequest,
  { clock, region }: KmsApiOptions,
): RequestFacts {
  return {
    caller,
    clock,
    region,
    headers,
    query: () => undefined,
    remoteAddress,
    isEncrypted,
    authentication: { form: "header", signatureVersion: "v4" },
    requestTags: [],
  };
}

function failure(type: string, message: string): Readonly<Record<string, unknown>> {
  return message === "" ? { __type: type } : { __type: type, message };
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

function refuse(code: string, message: string, status: number, requestId: string): ServiceResponse {
  if (code === "InvalidAccessKeyId") {
    const text = "The security token included in the request is invalid.";
    return respond(400, failure("UnrecognizedClientException", text), requestId);
  }
  if (status >= 500) return respond(500, failure("KMSInternalException", message), requestId);
  return respond(400, failure(refusals[code] ?? "ValidationException", message), requestId);
}

function respond(
  status: number,
  output: Readonly<Record<string, unknown>>,
  requestId: string,
): ServiceResponse {
  return {
    status,
    headers: [
      "Content-Type",
      "application/x-amz-json-1.1",
      "x-amzn-RequestId",
      requestId,
      // Answers hold plaintexts.
      "Cache-Control",
      "no-cache, no-store, must-revalidate, private",
    ],
    body: JSON.stringify(output),
  };
}

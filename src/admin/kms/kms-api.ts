// AWS KMS's API, as far as Holdfast has it: JSON 1.1 over `POST /`, the operation in `X-Amz-Target`.
// Symmetric keys alone; what is missing is answered UnknownOperationException, as AWS answers names that
// it does not know. https://docs.aws.amazon.com/kms/latest/APIReference/

import { serviceRequestFacts } from "../../access/service-authorization.ts";
import type { ServiceApi } from "../../access/service-request.ts";
import type { Clock } from "../../base/clock.ts";
import { KmsError } from "../../keys/kms-error.ts";
import type { KmsKeys } from "../../keys/kms-keys.ts";
import { createJsonApi, type JsonCall } from "../json/json-api.ts";
import { createAlias, deleteAlias, listAliases, updateAlias } from "./alias-operations.ts";
import * as cryptography from "./cryptographic-operations.ts";
import * as keyOperations from "./key-operations.ts";
import type { KmsCall, KmsOperation } from "./kms-call.ts";
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

export function createKmsApi(options: KmsApiOptions): ServiceApi {
  return createJsonApi({
    service: "kms",
    target: "TrentService",
    internalError: "KMSInternalException",
    refusalStatus: () => 400,
    findOperation(name) {
      const operation = operations.get(name);
      return operation && ((input, call) => operation(input, kmsCall(call, options)));
    },
    asError: (thrown) => (thrown instanceof KmsError ? thrown : undefined),
    reportFailure: (requestId, operation, error) => {
      options.reportFailure(requestId, operation, error);
    },
  });
}

function kmsCall({ caller, request }: JsonCall, options: KmsApiOptions): KmsCall {
  return { keys: options.keys, caller, facts: serviceRequestFacts(request, options) };
}

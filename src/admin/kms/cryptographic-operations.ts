// Encrypting and decrypting, and making data keys. Plaintexts go nowhere but into the answer.

import { randomBytes } from "node:crypto";
import type { EncryptionContext } from "../../keys/key-provider.ts";
import type { KmsKeyRecord } from "../../keys/key-records.ts";
import { currentMaterialOf, decodeHeader } from "../../keys/kms-ciphers.ts";
import { KmsError } from "../../keys/kms-error.ts";
import {
  demandKey,
  findKey,
  type KmsAction,
  type KmsCall,
  type KmsInput,
  type KmsOperation,
} from "./kms-call.ts";
import {
  findFlag,
  findInteger,
  findText,
  getBytes,
  getEncryptionContext,
  getKeyName,
  invalid,
} from "./kms-input.ts";

const algorithm = "SYMMETRIC_DEFAULT";
/** As KMS bounds what Encrypt and Decrypt take. */
const maximumPlaintextBytes = 4096;
const maximumCiphertextBytes = 6144;
const maximumDataKeyBytes = 1024;

export const encrypt: KmsOperation = async (input, call) => {
  const context = getEncryptionContext(input, "EncryptionContext");
  const plain = getBytes(input, "Plaintext", maximumPlaintextBytes);
  checkAlgorithm(input, "EncryptionAlgorithm");
  const record = await findUsable(call, getKeyName(input), "kms:Encrypt", context);
  checkDryRun(input);
  const blob = call.keys.encrypt(record, plain, context);
  return {
    CiphertextBlob: blob.toString("base64"),
    KeyId: call.keys.arnOf(record),
    EncryptionAlgorithm: algorithm,
  };
};

export const decrypt: KmsOperation = async (input, call) => {
  const context = getEncryptionContext(input, "EncryptionContext");
  const blob = getBytes(input, "CiphertextBlob", maximumCiphertextBytes);
  checkAlgorithm(input, "EncryptionAlgorithm");
  checkRecipient(input);
  const name = findText(input, "KeyId", { minimum: 1, maximum: 2048 });
  const source = { blob, name, context, action: "kms:Decrypt" } as const;
  const { record, plain } = await openBlob(call, source, findFlag(input, "DryRun"));
  return {
    Plaintext: plain.toString("base64"),
    KeyId: call.keys.arnOf(record),
    EncryptionAlgorithm: algorithm,
    KeyMaterialId: materialIdOf(record, blob),
  };
};

export const reEncrypt: KmsOperation = async (input, call) => {
  const sourceContext = getEncryptionContext(input, "SourceEncryptionContext");
  const context = getEncryptionContext(input, "DestinationEncryptionContext");
  const blob = getBytes(input, "CiphertextBlob", maximumCiphertextBytes);
  checkAlgorithm(input, "SourceEncryptionAlgorithm");
  checkAlgorithm(input, "DestinationEncryptionAlgorithm");
  const destinationName = getKeyName(input, "DestinationKeyId");
  const destination = await findUsable(call, destinationName, "kms:ReEncryptTo", context);
  const name = findText(input, "SourceKeyId", { minimum: 1, maximum: 2048 });
  const source = { blob, name, context: sourceContext, action: "kms:ReEncryptFrom" } as const;
  const { record, plain } = await openBlob(call, source, findFlag(input, "DryRun"));
  const encrypted = call.keys.encrypt(destination, plain, context);
  plain.fill(0);
  return {
    CiphertextBlob: encrypted.toString("base64"),
    SourceKeyId: call.keys.arnOf(record),
    KeyId: call.keys.arnOf(destination),
    SourceEncryptionAlgorithm: algorithm,
    DestinationEncryptionAlgorithm: algorithm,
    SourceKeyMaterialId: materialIdOf(record, blob),
    DestinationKeyMaterialId: currentMaterialOf(destination).id,
  };
};

export const generateDataKey: KmsOperation = async (input, call) => {
  checkRecipient(input);
  const { record, plain, blob } = await makeDataKey(input, call, "kms:GenerateDataKey");
  return {
    Plaintext: plain.toString("base64"),
    CiphertextBlob: blob.toString("base64"),
    KeyId: call.keys.arnOf(record),
    KeyMaterialId: currentMaterialOf(record).id,
  };
};

export const generateDataKeyWithoutPlaintext: KmsOperation = async (input, call) => {
  const action = "kms:GenerateDataKeyWithoutPlaintext";
  const { record, plain, blob } = await makeDataKey(input, call, action);
  plain.fill(0);
  return {
    CiphertextBlob: blob.toString("base64"),
    KeyId: call.keys.arnOf(record),
    KeyMaterialId: currentMaterialOf(record).id,
  };
};

export const generateRandom: KmsOperation = async (input) => {
  checkRecipient(input);
  const length = findInteger(input, "NumberOfBytes", 1, maximumDataKeyBytes);
  if (length === undefined) throw invalid("NumberOfBytes is required.");
  if (findText(input, "CustomKeyStoreId") !== undefined) {
    throw new KmsError("UnsupportedOperationException", "There are no custom key stores.");
  }
  return { Plaintext: randomBytes(length).toString("base64") };
};

async function makeDataKey(
  input: KmsInput,
  call: KmsCall,
  action: KmsAction,
): Promise<{ readonly record: KmsKeyRecord; readonly plain: Buffer; readonly blob: Buffer }> {
  const context = getEncryptionContext(input, "EncryptionContext");
  const length = dataKeyLength(input);
  const record = await findUsable(call, getKeyName(input), action, context);
  checkDryRun(input);
  const plain = randomBytes(length);
  return { record, plain, blob: call.keys.encrypt(record, plain, context) };
}

function dataKeyLength(input: KmsInput): number {
  const spec = findText(input, "KeySpec", { values: ["AES_256", "AES_128"] });
  const length = findInteger(input, "NumberOfBytes", 1, maximumDataKeyBytes);
  if ((spec === undefined) === (length === undefined)) {
    throw invalid("Please specify either number of bytes or key spec.");
  }
  return length ?? (spec === "AES_128" ? 16 : 32);
}

async function findUsable(
  call: KmsCall,
  name: string,
  action: KmsAction,
  encryptionContext: EncryptionContext,
): Promise<KmsKeyRecord> {
  const record = await findKey(call, name, action, { encryptionContext });
  call.keys.checkUsable(record);
  return record;
}

interface Source {
  readonly blob: Buffer;
  /** The key that the caller expects. */
  readonly name: string | undefined;
  readonly context: EncryptionContext;
  readonly action: KmsAction;
}

async function openBlob(
  call: KmsCall,
  { blob, name, context, action }: Source,
  isDryRun: boolean,
): Promise<{ readonly record: KmsKeyRecord; readonly plain: Buffer }> {
  const { keys, caller } = call;
  const expected = name === undefined ? undefined : await keys.get(name, caller.accountId);
  const record = await keys.getForCiphertext(blob);
  if (expected !== undefined && expected.keyId !== record.keyId) {
    throw new KmsError(
      "IncorrectKeyException",
      "The key ID in the request does not identify a CMK that can perform this operation.",
    );
  }
  demandKey(call, record, action, { encryptionContext: context });
  const plain = keys.decrypt(record, blob, context);
  if (isDryRun) throw dryRun();
  return { record, plain };
}

function materialIdOf(record: KmsKeyRecord, blob: Uint8Array): string | undefined {
  const { materialNumber } = decodeHeader(blob);
  return record.materials.find(({ number }) => number === materialNumber)?.id;
}

function checkAlgorithm(input: KmsInput, name: string): void {
  const asked = findText(input, name) ?? algorithm;
  if (asked === algorithm) return;
  throw new KmsError(
    "InvalidKeyUsageException",
    `Algorithm ${asked} is incompatible with key spec SYMMETRIC_DEFAULT.`,
  );
}

/** Answers for an enclave alone would have to be sealed for it. */
function checkRecipient(input: KmsInput): void {
  if (input["Recipient"] === undefined || input["Recipient"] === null) return;
  throw new KmsError("UnsupportedOperationException", "Recipient is not supported.");
}

function checkDryRun(input: KmsInput): void {
  if (findFlag(input, "DryRun")) throw dryRun();
}

function dryRun(): KmsError {
  return new KmsError(
    "DryRunOperationException",
    "The request would have succeeded, but the DryRun option is set.",
  );
}

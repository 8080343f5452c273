// The key provider whose keys are in AWS KMS, or in whatever speaks its API.

import type { AwsJsonClient } from "./aws-json-client.ts";
import { keyNotFound, parseKeyReference, type KeyPlace } from "./key-arn.ts";
import type {
  DecryptRequest,
  GenerateDataKeyRequest,
  GeneratedDataKey,
  KeyDescription,
  KeyProtection,
  KeyProvider,
  KeyQuery,
} from "./key-provider.ts";
import { remoteKeyProtection } from "./key-policy.ts";
import { answerInS3sWords, KmsError } from "./kms-error.ts";

export interface AwsKeyProviderOptions {
  readonly client: AwsJsonClient;
  /**
   * The region of KMS, and the account of Holdfast whose requests may name keys by id or alias: they
   * are looked for in the AWS account of the credentials. Others name keys by ARN.
   */
  readonly place: KeyPlace;
  /** Id, ARN or alias of the key for requests that name none. */
  readonly defaultKey: string | undefined;
}

export const awsPrefix = "aws:";
const dataKeyBytes = 32;

export class AwsKeyProvider implements KeyProvider {
  readonly #options: AwsKeyProviderOptions;
  #defaultArn: string | undefined;

  constructor(options: AwsKeyProviderOptions) {
    this.#options = options;
  }

  async describe(query: KeyQuery): Promise<KeyDescription> {
    return await answerInS3sWords(async () => {
      const KeyId = this.#nameOf(query);
      const { client } = this.#options;
      const { KeyMetadata } = await client.call("DescribeKey", { KeyId }, query.signal);
      const metadata = isObject(KeyMetadata) ? KeyMetadata : {};
      const { Arn, KeyId: keyId, AWSAccountId: accountId } = metadata;
      const isWhole = isText(Arn) && isText(keyId) && isText(accountId);
      if (!isWhole) throw unexpected("DescribeKey");
      checkUsable(Arn, metadata);
      const isAwsManaged = metadata["KeyManager"] === "AWS";
      return { keyArn: Arn, keyId, accountId, isAwsManaged };
    });
  }

  async generateDataKey(request: GenerateDataKeyRequest): Promise<GeneratedDataKey> {
    return await answerInS3sWords(async () => {
      const input = {
        KeyId: this.#nameOf(request),
        KeySpec: "AES_256",
        EncryptionContext: request.encryptionContext,
      };
      const { client } = this.#options;
      const output = await client.call("GenerateDataKey", input, request.signal);
      const { CiphertextBlob, Plaintext, KeyId } = output;
      const plaintext = bytesOf(Plaintext);
      const isWhole = isText(CiphertextBlob) && isText(KeyId);
      if (!isWhole || plaintext?.byteLength !== dataKeyBytes) throw unexpected("GenerateDataKey");
      return { plaintext, wrapped: `${awsPrefix}${CiphertextBlob}`, keyArn: KeyId };
    });
  }

  async decrypt(request: DecryptRequest): Promise<Uint8Array> {
    return await answerInS3sWords(async () => {
      const { wrapped, keyArn, encryptionContext, signal } = request;
      const input = {
        KeyId: keyArn,
        CiphertextBlob: wrapped.slice(awsPrefix.length),
        EncryptionContext: encryptionContext,
      };
      const { Plaintext } = await this.#options.client.call("Decrypt", input, signal);
      const plaintext = bytesOf(Plaintext);
      if (plaintext?.byteLength !== dataKeyBytes) throw unexpected("Decrypt");
      return plaintext;
    });
  }

  async protectionOf(keyArn: string, callerAccountId: string): Promise<KeyProtection> {
    const { place } = this.#options;
    const isDefault = keyArn === (await this.#findDefaultArn());
    return remoteKeyProtection(keyArn, isDefault, { callerAccountId, place });
  }

  /** Asked for once: the alias of a default key may move, which a restart sees. */
  async #findDefaultArn(): Promise<string | undefined> {
    const { defaultKey, place } = this.#options;
    if (defaultKey === undefined || defaultKey.includes(":key/")) return defaultKey;
    const { accountId } = place;
    this.#defaultArn ??= (await this.describe({ keyId: undefined, accountId })).keyArn;
    return this.#defaultArn;
  }

  #nameOf({ keyId, accountId }: KeyQuery): string {
    const { place, defaultKey } = this.#options;
    const asked = keyId === "alias/aws/s3" ? undefined : keyId;
    if (asked === undefined) {
      if (defaultKey !== undefined) return defaultKey;
      throw new KmsError("NotFoundException", "This server has no default key; name a key.");
    }
    // An ARN names its account itself.
    if (accountId === place.accountId || asked.startsWith("arn:")) return asked;
    parseKeyReference(asked, { region: place.region, accountId });
    throw keyNotFound({ region: place.region, accountId }, asked);
  }
}

function checkUsable(keyArn: string, metadata: Readonly<Record<string, unknown>>): void {
  const { KeyState: state, KeySpec: spec } = metadata;
  if (state === "Disabled") throw new KmsError("DisabledException", `${keyArn} is disabled.`);
  if (state === "PendingDeletion") {
    throw new KmsError("KMSInvalidStateException", `${keyArn} is pending deletion.`);
  }
  if (state !== undefined && state !== "Enabled") {
    throw new KmsError("KMSInvalidStateException", `${keyArn} is not enabled.`);
  }
  if (spec !== undefined && spec !== "SYMMETRIC_DEFAULT") {
    throw new KmsError("UnsupportedOperationException", `${keyArn} is not a symmetric key.`);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function bytesOf(value: unknown): Buffer | undefined {
  return isText(value) ? Buffer.from(value, "base64") : undefined;
}

function unexpected(operation: string): KmsError {
  return new KmsError("KMSInternalException", "The key provider answered what nobody expected.", {
    cause: new Error(`answer to ${operation} lacks members`),
  });
}

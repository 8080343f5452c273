// The key provider whose keys Holdfast keeps itself. Every call looks at the key's record, so that a key
// that is disabled is so at once, in every process.

import { randomBytes } from "node:crypto";
import type { KmsKeyRecord } from "./key-records.ts";
import type {
  DecryptRequest,
  GenerateDataKeyRequest,
  GeneratedDataKey,
  KeyDescription,
  KeyProtection,
  KeyProvider,
  KeyQuery,
} from "./key-provider.ts";
import { answerInS3sWords } from "./kms-error.ts";
import type { KmsKeys } from "./kms-keys.ts";

export const localPrefix = "local:";
const dataKeyBytes = 32;

export class LocalKeyProvider implements KeyProvider {
  readonly #keys: KmsKeys;

  constructor(keys: KmsKeys) {
    this.#keys = keys;
  }

  async describe(query: KeyQuery): Promise<KeyDescription> {
    return await answerInS3sWords(async () => {
      const record = await this.#find(query);
      this.#keys.checkUsable(record);
      return this.#describe(record);
    });
  }

  async generateDataKey(request: GenerateDataKeyRequest): Promise<GeneratedDataKey> {
    return await answerInS3sWords(async () => {
      const record = await this.#find(request);
      const plaintext = randomBytes(dataKeyBytes);
      const blob = this.#keys.encrypt(record, plaintext, request.encryptionContext);
      const wrapped = `${localPrefix}${blob.toString("base64")}`;
      return { plaintext, wrapped, keyArn: this.#keys.arnOf(record) };
    });
  }

  async decrypt({ wrapped, keyArn, encryptionContext }: DecryptRequest): Promise<Uint8Array> {
    return await answerInS3sWords(async () => {
      const blob = Buffer.from(wrapped.slice(localPrefix.length), "base64");
      // By its name, so that a key that is gone is called so.
      const record = await this.#keys.get(keyArn, "");
      return this.#keys.decrypt(record, blob, encryptionContext);
    });
  }

  async protectionOf(keyArn: string, accountId: string): Promise<KeyProtection> {
    return await answerInS3sWords(async () => {
      const record = await this.#keys.get(keyArn, accountId);
      const policy = this.#keys.policyOf(record);
      return { keyArn, accountId: record.accountId, policy };
    });
  }

  #find({ keyId, accountId }: KeyQuery): Promise<KmsKeyRecord> {
    return keyId === undefined ? this.#keys.getForS3(accountId) : this.#keys.get(keyId, accountId);
  }

  #describe(record: KmsKeyRecord): KeyDescription {
    const { keyId, accountId, manager } = record;
    const keyArn = this.#keys.arnOf(record);
    return { keyArn, keyId, accountId, isAwsManaged: manager === "AWS" };
  }
}

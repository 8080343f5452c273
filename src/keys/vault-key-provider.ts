// The key provider whose keys are in the transit engine of HashiCorp Vault or OpenBao. The engine's data
// keys are not bound to an encryption context, so each wraps the data key that is really used, which is.

import { randomBytes } from "node:crypto";
import {
  aliasNotFound,
  keyArnOf,
  keyNotFound,
  parseKeyReference,
  type KeyPlace,
} from "./key-arn.ts";
import type {
  DecryptRequest,
  GenerateDataKeyRequest,
  GeneratedDataKey,
  KeyDescription,
  KeyProtection,
  KeyProvider,
  KeyQuery,
} from "./key-provider.ts";
import { answerInS3sWords, KmsError } from "./kms-error.ts";
import { remoteKeyProtection } from "./key-policy.ts";
import { openInner, sealInner, splitInner } from "./inner-key.ts";
import { KeySealError } from "./sealer.ts";
import type { VaultAnswer, VaultClient } from "./vault-client.ts";

export interface VaultKeyProviderOptions {
  readonly client: VaultClient;
  /** Where the engine is mounted; `transit` unless somebody chose otherwise. */
  readonly mount: string;
  /** The engine's keys belong to this account and region: that is what their ARNs say. */
  readonly place: KeyPlace;
  /** The key for requests that name none; made when it is missing and the token may make it. */
  readonly defaultKey: string;
}

/** As the ciphertexts of the engine begin. */
export const vaultPrefix = "vault:";
const namePattern = /^\w(?:[\w.-]{0,126}\w)?$/;
const dataKeyBytes = 32;

export class VaultKeyProvider implements KeyProvider {
  readonly #options: VaultKeyProviderOptions;

  constructor(options: VaultKeyProviderOptions) {
    this.#options = options;
  }

  async describe(query: KeyQuery): Promise<KeyDescription> {
    return await answerInS3sWords(async () => {
      const name = this.#nameOf(query);
      const answer = await this.#call("GET", `keys/${name}`, undefined, query.signal);
      if (answer.status === 404 && query.keyId === undefined) {
        await this.#createDefault(query.signal);
      } else if (answer.status === 404) {
        throw this.#notFound(name);
      } else if (answer.status >= 400) {
        throw unexpected(answer);
      }
      this.#checkUsable(name, answer.data);
      const { accountId } = this.#options.place;
      const keyArn = this.#arnOf(name);
      return { keyArn, keyId: name, accountId, isAwsManaged: false };
    });
  }

  async generateDataKey(request: GenerateDataKeyRequest): Promise<GeneratedDataKey> {
    return await answerInS3sWords(async () => {
      const { keyId, encryptionContext, signal } = request;
      const name = this.#nameOf(request);
      let answer = await this.#generate(name, signal);
      if (answer.status === 400 && keyId === undefined && isNotFound(answer)) {
        await this.#createDefault(signal);
        answer = await this.#generate(name, signal);
      }
      const { ciphertext, plaintext } = this.#dataOf(answer, name);
      if (
        typeof ciphertext !== "string" ||
        !/^vault:v\d+:[\x21-\x7b\x7d-\x7e]+$/.test(ciphertext)
      ) {
        throw unexpected(answer);
      }
      const outer = keyBytesOf(plaintext, answer);
      const dataKey = randomBytes(dataKeyBytes);
      const wrapped = sealInner(ciphertext, outer, dataKey, encryptionContext);
      return { plaintext: dataKey, wrapped, keyArn: this.#arnOf(name) };
    });
  }

  async decrypt({
    wrapped,
    keyArn,
    encryptionContext,
    signal,
  }: DecryptRequest): Promise<Uint8Array> {
    return await answerInS3sWords(async () => {
      const name = this.#nameOf({ keyId: keyArn, accountId: this.#options.place.accountId });
      const { outer: ciphertext, inner } = splitInner(wrapped);
      const answer = await this.#call("POST", `decrypt/${name}`, { ciphertext }, signal);
      const { plaintext } = this.#dataOf(answer, name);
      return openInner(inner, keyBytesOf(plaintext, answer), encryptionContext);
    });
  }

  async protectionOf(keyArn: string, callerAccountId: string): Promise<KeyProtection> {
    const { place, defaultKey } = this.#options;
    const isDefault = keyArn === this.#arnOf(defaultKey);
    return remoteKeyProtection(keyArn, isDefault, { callerAccountId, place });
  }

  #checkUsable(name: string, data: VaultAnswer["data"]): void {
    const keyArn = this.#arnOf(name);
    if (data["supports_encryption"] === false) {
      throw new KmsError("InvalidKeyUsageException", `${keyArn} cannot be used for this.`);
    }
    // OpenBao's, which keeps such a key until it is restored or deleted.
    if (data["soft_deleted"] === true) {
      throw new KmsError("KMSInvalidStateException", `${keyArn} is pending deletion.`);
    }
  }

  #nameOf({ keyId, accountId }: KeyQuery): string {
    const { place, defaultKey } = this.#options;
    if (keyId === undefined) return defaultKey;
    const reference = parseKeyReference(keyId, { region: place.region, accountId });
    if (reference.kind === "alias") {
      const name = reference.aliasName.slice("alias/".length);
      if (name === "aws/s3") return defaultKey;
      if (reference.accountId === place.accountId && namePattern.test(name)) return name;
      throw aliasNotFound({ region: place.region, accountId }, reference.aliasName);
    }
    // Names of other accounts mean nothing here: they would be policed by the wrong ARN.
    const isOurs = reference.accountId === place.accountId && namePattern.test(reference.keyId);
    if (isOurs) return reference.keyId;
    throw keyNotFound({ region: place.region, accountId: reference.accountId }, reference.keyId);
  }

  #generate(name: string, signal: AbortSignal | undefined): Promise<VaultAnswer> {
    return this.#call("POST", `datakey/plaintext/${name}`, { bits: 256 }, signal);
  }

  /** Making a key that is there already changes nothing. */
  async #createDefault(signal: AbortSignal | undefined): Promise<void> {
    const body = { type: "aes256-gcm96" };
    const answer = await this.#call("POST", `keys/${this.#options.defaultKey}`, body, signal);
    if (answer.status >= 400) throw unexpected(answer);
  }

  #call(
    method: "GET" | "POST",
    path: string,
    body: Readonly<Record<string, unknown>> | undefined,
    signal: AbortSignal | undefined,
  ): Promise<VaultAnswer> {
    return this.#options.client.call(method, `${this.#options.mount}/${path}`, body, signal);
  }

  /** What the engine answered, or what its error means. */
  #dataOf(answer: VaultAnswer, name: string): VaultAnswer["data"] {
    if (answer.status < 300) return answer.data;
    if (answer.status === 404 || isNotFound(answer)) throw this.#notFound(name);
    const text = answer.errors.join("; ");
    const keyArn = this.#arnOf(name);
    if (text.includes("not support")) {
      throw new KmsError("InvalidKeyUsageException", `${keyArn} cannot be used for this.`);
    }
    if (/soft.deleted/.test(text)) {
      throw new KmsError("KMSInvalidStateException", `${keyArn} is pending deletion.`);
    }
    // The version was put out of use by the key's `min_decryption_version`.
    if (text.includes("disallowed by policy")) {
      throw new KmsError(
        "KMSInvalidStateException",
        `${keyArn} does not open this version any more.`,
      );
    }
    if (/invalid ciphertext|message authentication failed/.test(text)) {
      throw new KeySealError("a data key does not open");
    }
    throw unexpected(answer);
  }

  #arnOf(name: string): string {
    return keyArnOf(this.#options.place, name);
  }

  #notFound(name: string): KmsError {
    return keyNotFound(this.#options.place, name);
  }
}

function isNotFound({ errors }: VaultAnswer): boolean {
  return errors.some((text) => text.includes("key not found"));
}

function keyBytesOf(plaintext: unknown, answer: VaultAnswer): Buffer {
  const bytes = typeof plaintext === "string" ? Buffer.from(plaintext, "base64") : undefined;
  if (bytes?.byteLength !== dataKeyBytes) throw unexpected(answer);
  return bytes;
}

function unexpected(answer: VaultAnswer): KmsError {
  return new KmsError("KMSInternalException", "The key provider answered what nobody expected.", {
    cause: new Error(`status ${answer.status}: ${answer.errors.join("; ")}`),
  });
}

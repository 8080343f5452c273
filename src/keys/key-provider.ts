// What the server asks of the KMS keys that SSE-KMS names, whoever keeps them: Holdfast itself, a Vault,
// or AWS KMS. Nothing here knows of objects.

/** Names and values that are bound to a ciphertext, as in AWS KMS. Not secret. */
export type EncryptionContext = Readonly<Record<string, string>>;

export interface KeyQuery {
  /**
   * As S3 takes it: key id, key ARN, alias name (`alias/…`) or alias ARN. `undefined`: the key that
   * protects S3 objects where no other is named (`alias/aws/s3`), made on first use.
   */
  readonly keyId: string | undefined;
  /** Twelve digits: the account in which a name that is no ARN is looked for. */
  readonly accountId: string;
  readonly signal?: AbortSignal;
}

export interface KeyDescription {
  readonly keyArn: string;
  readonly keyId: string;
  /** The account that the key belongs to. */
  readonly accountId: string;
  readonly isAwsManaged: boolean;
}

/** What decides who may use a key through S3. */
export interface KeyProtection {
  readonly keyArn: string;
  /** The account of Holdfast that the key counts as. */
  readonly accountId: string;
  /** The text of the key's policy. */
  readonly policy: string;
}

export interface GenerateDataKeyRequest extends KeyQuery {
  readonly encryptionContext: EncryptionContext;
}

export interface GeneratedDataKey {
  /** 32 bytes. */
  readonly plaintext: Uint8Array;
  /** Printable ASCII, at most 8 KiB; begins with the provider's name and `:`. */
  readonly wrapped: string;
  /** What the answer's `x-amz-server-side-encryption-aws-kms-key-id` says. */
  readonly keyArn: string;
}

export interface DecryptRequest {
  readonly wrapped: string;
  readonly keyArn: string;
  readonly encryptionContext: EncryptionContext;
  readonly signal?: AbortSignal;
}

/**
 * Every call throws S3Error: `KMS.NotFoundException`, `KMS.DisabledException`,
 * `KMS.KMSInvalidStateException`, `KMS.InvalidKeyUsageException`, `AccessDenied`, and `SlowDown` or
 * `ServiceUnavailable` for a provider that cannot answer now. A wrapped key that does not open (changed,
 * or with another context) is a `KeySealError`.
 */
export interface KeyProvider {
  /** The key as it is named, able to encrypt: a disabled key is refused here already. */
  describe(query: KeyQuery): Promise<KeyDescription>;
  generateDataKey(request: GenerateDataKeyRequest): Promise<GeneratedDataKey>;
  decrypt(request: DecryptRequest): Promise<Uint8Array>;
  /** For a caller of the account; throws as the others do. */
  protectionOf(keyArn: string, accountId: string): Promise<KeyProtection>;
}

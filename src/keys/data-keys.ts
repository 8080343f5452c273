// The data keys of objects that KMS keys protect (SSE-KMS): made, opened again, and spared where S3 does:
// with a bucket key, a data key of the bucket wraps those of its objects, so that the provider is asked
// once in a while and not for each object.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html

import { randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { canonicalContext } from "./encryption-context.ts";
import { openInner, sealInner, splitInner } from "./inner-key.ts";
import type {
  DecryptRequest,
  EncryptionContext,
  GenerateDataKeyRequest,
  GeneratedDataKey,
  KeyDescription,
  KeyProtection,
  KeyProvider,
  KeyQuery,
} from "./key-provider.ts";
import { TimedCache } from "./timed-cache.ts";

/** A provider, and the wrapped keys that are its own. */
export interface NamedProvider {
  /** As its wrapped keys begin: `vault:`. */
  readonly prefix: string;
  readonly provider: KeyProvider;
  /** Opened keys are kept for a while, because the provider is far away. */
  readonly isRemote: boolean;
}

export interface DataKeysOptions {
  /** The first makes new keys; each opens its own. */
  readonly providers: readonly [NamedProvider, ...NamedProvider[]];
  readonly clock: Clock;
}

export interface DataKeyRequest extends GenerateDataKeyRequest {
  /** Set: the data key of the bucket wraps this one, and is bound to this context instead. */
  readonly bucketKeyContext?: EncryptionContext;
}

export interface OpenRequest extends DecryptRequest {
  /** As it was when the key was made; used only where a bucket key wraps it. */
  readonly bucketKeyContext?: EncryptionContext;
}

const bucketKeyPrefix = "bucket-key:";
const dataKeyBytes = 32;
const lifetimeMilliseconds = 5 * 60_000;
const maximumEntries = 1000;

export class DataKeys {
  readonly #options: DataKeysOptions;
  /** Data keys of buckets that wrap new data keys. */
  readonly #bucketKeys: TimedCache<GeneratedDataKey>;
  readonly #opened: TimedCache<{ readonly plaintext: Uint8Array }>;

  constructor(options: DataKeysOptions) {
    this.#options = options;
    const { clock } = options;
    this.#bucketKeys = new TimedCache({ clock, lifetimeMilliseconds, maximumEntries });
    this.#opened = new TimedCache({ clock, lifetimeMilliseconds, maximumEntries });
  }

  /** As `KeyProvider.describe`. */
  describe(query: KeyQuery): Promise<KeyDescription> {
    return this.#options.providers[0].provider.describe(query);
  }

  /** What decides who may use the key that wraps; throws as `KeyProvider` does. */
  protectionOf(
    { wrapped, keyArn }: Pick<GeneratedDataKey, "wrapped" | "keyArn">,
    accountId: string,
  ): Promise<KeyProtection> {
    const isByBucketKey = wrapped.startsWith(bucketKeyPrefix);
    const outer = isByBucketKey ? wrapped.slice(bucketKeyPrefix.length) : wrapped;
    return this.#providerOf(outer).provider.protectionOf(keyArn, accountId);
  }

  /** A new data key; throws as `KeyProvider` does. */
  async create(request: DataKeyRequest): Promise<GeneratedDataKey> {
    const { bucketKeyContext, encryptionContext, ...query } = request;
    const { provider } = this.#options.providers[0];
    if (bucketKeyContext === undefined) {
      return await provider.generateDataKey({ ...query, encryptionContext });
    }
    const { keyId, accountId, signal } = query;
    const name = JSON.stringify([accountId, keyId ?? "", canonicalContext(bucketKeyContext)]);
    const bucketKey = await this.#bucketKeys.get(
      name,
      () => provider.generateDataKey({ keyId, accountId, encryptionContext: bucketKeyContext }),
      signal,
    );
    const dataKey = randomBytes(dataKeyBytes);
    const { wrapped, plaintext, keyArn } = bucketKey;
    const inner = sealInner(wrapped, plaintext, dataKey, encryptionContext);
    plaintext.fill(0);
    return { plaintext: dataKey, wrapped: `${bucketKeyPrefix}${inner}`, keyArn };
  }

  /** Opens what `create` has wrapped; throws as `KeyProvider` does, and KeySealError. */
  async open(request: OpenRequest): Promise<Uint8Array> {
    const { wrapped, keyArn, encryptionContext, bucketKeyContext = {}, signal } = request;
    const rest = { keyArn, ...(signal === undefined ? {} : { signal }) };
    if (!wrapped.startsWith(bucketKeyPrefix)) {
      return await this.#decrypt({ wrapped, encryptionContext, ...rest }, false);
    }
    const { outer, inner } = splitInner(wrapped.slice(bucketKeyPrefix.length));
    const outerRequest = { wrapped: outer, encryptionContext: bucketKeyContext, ...rest };
    const bucketKey = await this.#decrypt(outerRequest, true);
    const dataKey = openInner(inner, bucketKey, encryptionContext);
    bucketKey.fill(0);
    return dataKey;
  }

  async #decrypt(request: DecryptRequest, isBucketKey: boolean): Promise<Uint8Array> {
    const { wrapped, keyArn, encryptionContext, signal } = request;
    const { provider, isRemote } = this.#providerOf(wrapped);
    if (!isRemote && !isBucketKey) return await provider.decrypt(request);
    const name = JSON.stringify([wrapped, keyArn, canonicalContext(encryptionContext)]);
    const load = async (): Promise<{ readonly plaintext: Uint8Array }> => {
      return { plaintext: await provider.decrypt({ wrapped, keyArn, encryptionContext }) };
    };
    return (await this.#opened.get(name, load, signal)).plaintext;
  }

  #providerOf(wrapped: string): NamedProvider {
    const { providers } = this.#options;
    const found = providers.find(({ prefix }) => wrapped.startsWith(prefix));
    if (found !== undefined) return found;
    // The configuration has lost a provider, which is nothing that a client could mend.
    throw new Error("a data key was wrapped by a key provider that is not configured any more");
  }
}

// Puts key management together: the KMS keys that Holdfast keeps itself, and the provider that the
// configuration names for the data keys of objects.

import { readFile } from "node:fs/promises";
import type { Clock } from "../base/clock.ts";
import type { Configuration } from "../config-settings.ts";
import { ConfigurationError } from "../setting-kinds.ts";
import { AwsJsonClient } from "../keys/aws-json-client.ts";
import type { AwsCredentials } from "../keys/sign-json-request.ts";
import { AwsKeyProvider, awsPrefix } from "../keys/aws-key-provider.ts";
import { DataKeys, type NamedProvider } from "../keys/data-keys.ts";
import { KmsCiphers } from "../keys/kms-ciphers.ts";
import { KmsKeys } from "../keys/kms-keys.ts";
import { LocalKeyProvider, localPrefix } from "../keys/local-key-provider.ts";
import { defaultRemoteBounds } from "../keys/remote-call.ts";
import type { Sealer } from "../keys/sealer.ts";
import { VaultClient, type VaultLogin } from "../keys/vault-client.ts";
import { VaultKeyProvider, vaultPrefix } from "../keys/vault-key-provider.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";

/** Who keeps the keys of SSE-KMS. Plain data, and secret: worker processes get it through a pipe. */
export type KmsSource =
  | { readonly kind: "local" }
  | {
      readonly kind: "vault";
      readonly endpoint: string;
      readonly mount: string;
      readonly namespace?: string;
      /** Default `holdfast-default`. */
      readonly defaultKey?: string;
      readonly login: VaultLoginSource;
    }
  | {
      readonly kind: "aws";
      /** Default: AWS's own for the region. */
      readonly endpoint?: string;
      /** Default: the server's. */
      readonly region?: string;
      readonly defaultKey?: string;
      readonly credentials: AwsCredentials;
    };

/** A secret stands here, or in a file that is read when it is needed. */
type SecretSource = { readonly text: string } | { readonly file: string };

export type VaultLoginSource =
  | { readonly kind: "token"; readonly token: SecretSource }
  | {
      readonly kind: "app-role";
      readonly mount: string;
      readonly roleId: string;
      readonly secretId: SecretSource;
    };

export interface KeyServices {
  /** The keys of the KMS API. */
  readonly kmsKeys: KmsKeys;
  /** The data keys of SSE-KMS. */
  readonly dataKeys: DataKeys;
  /** Where a provider gave this server a token that expires: prolongs it in time. */
  readonly keepToken: (() => Promise<void>) | undefined;
}

export interface KeyServicesOptions {
  readonly source: KmsSource;
  readonly sealer: Sealer;
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly region: string;
  /** The account that the keys of a remote provider belong to. */
  readonly rootAccountId: string;
}

const vaultDefaultKey = "holdfast-default";

export function createKeyServices(options: KeyServicesOptions): KeyServices {
  const { source, sealer, store, clock, region } = options;
  const kmsKeys = new KmsKeys({ store, ciphers: new KmsCiphers(sealer), clock, region });
  // Always there: it opens what was sealed before the configuration named another.
  const local: NamedProvider = {
    prefix: localPrefix,
    provider: new LocalKeyProvider(kmsKeys),
    isRemote: false,
  };
  const remote = source.kind === "local" ? undefined : createRemote(source, options);
  const providers = remote === undefined ? ([local] as const) : ([remote, local] as const);
  const dataKeys = new DataKeys({ providers, clock });
  return { kmsKeys, dataKeys, keepToken: remote?.keepToken };
}

function createRemote(
  source: Exclude<KmsSource, { kind: "local" }>,
  { clock, region, rootAccountId }: KeyServicesOptions,
): NamedProvider & Pick<KeyServices, "keepToken"> {
  const bounds = defaultRemoteBounds;
  if (source.kind === "vault") {
    const { endpoint, namespace, mount, login, defaultKey = vaultDefaultKey } = source;
    const client = new VaultClient({ endpoint, namespace, login: loginOf(login), clock, bounds });
    const place = { region, accountId: rootAccountId };
    const provider = new VaultKeyProvider({ client, mount, place, defaultKey });
    const keepToken = () => client.keepToken();
    return { prefix: vaultPrefix, provider, isRemote: true, keepToken };
  }
  const kmsRegion = source.region ?? region;
  const endpoint = source.endpoint ?? `https://kms.${kmsRegion}.amazonaws.com`;
  const { credentials, defaultKey } = source;
  const client = new AwsJsonClient({ endpoint, region: kmsRegion, credentials, clock, bounds });
  const place = { region: kmsRegion, accountId: rootAccountId };
  const provider = new AwsKeyProvider({ client, place, defaultKey });
  return { prefix: awsPrefix, provider, isRemote: true, keepToken: undefined };
}

function loginOf(login: VaultLoginSource): VaultLogin {
  if (login.kind === "token") return { kind: "token", read: () => readSecret(login.token) };
  const { mount, roleId, secretId } = login;
  return { kind: "app-role", mount, roleId, readSecretId: () => readSecret(secretId) };
}

async function readSecret(source: SecretSource): Promise<string> {
  return "text" in source ? source.text : await readFile(source.file, "utf8");
}

type KmsSettings = Pick<Configuration, Extract<keyof Configuration, `kms${string}`>>;

/** Throws ConfigurationError where the settings do not fit together. */
export function kmsSourceOf(settings: KmsSettings): KmsSource {
  const { kms, kmsEndpoint, kmsDefaultKey, kmsVaultNamespace } = settings;
  const defaultKey = kmsDefaultKey === undefined ? {} : { defaultKey: kmsDefaultKey };
  if (kms === "local") return { kind: "local" };
  if (kms === "vault") {
    if (kmsEndpoint === "") throw new ConfigurationError("--kms vault needs --kms-endpoint");
    return {
      kind: "vault",
      endpoint: kmsEndpoint,
      mount: settings.kmsVaultMount,
      ...(kmsVaultNamespace === undefined ? {} : { namespace: kmsVaultNamespace }),
      ...defaultKey,
      login: vaultLoginOf(settings),
    };
  }
  const { kmsRegion, kmsAccessKey, kmsSecretKey, kmsSessionToken } = settings;
  if (kmsAccessKey === undefined || kmsSecretKey === undefined) {
    throw new ConfigurationError(
      "--kms aws needs HOLDFAST_KMS_ACCESS_KEY and HOLDFAST_KMS_SECRET_KEY",
    );
  }
  return {
    kind: "aws",
    ...(kmsEndpoint === "" ? {} : { endpoint: kmsEndpoint }),
    ...(kmsRegion === undefined ? {} : { region: kmsRegion }),
    ...defaultKey,
    credentials: {
      accessKeyId: kmsAccessKey,
      secretAccessKey: kmsSecretKey,
      ...(kmsSessionToken === undefined ? {} : { sessionToken: kmsSessionToken }),
    },
  };
}

function vaultLoginOf(settings: KmsSettings): VaultLoginSource {
  const { kmsVaultRoleId: roleId, kmsVaultRoleMount: mount } = settings;
  const token = secretOf(settings.kmsVaultToken, settings.kmsVaultTokenFile);
  const secretId = secretOf(settings.kmsVaultSecretId, settings.kmsVaultSecretIdFile);
  if (roleId !== undefined && secretId !== undefined && token === undefined) {
    return { kind: "app-role", mount, roleId, secretId };
  }
  if (token !== undefined && roleId === undefined) return { kind: "token", token };
  throw new ConfigurationError(
    "--kms vault needs a token (HOLDFAST_KMS_VAULT_TOKEN or --kms-vault-token-file), or else " +
      "--kms-vault-role-id with HOLDFAST_KMS_VAULT_SECRET_ID or --kms-vault-secret-id-file",
  );
}

function secretOf(text: string | undefined, file: string | undefined): SecretSource | undefined {
  if (text !== undefined) return { text };
  return file === undefined ? undefined : { file };
}

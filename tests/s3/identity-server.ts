// A serving process whose identities a test can administer directly, and clients of whoever it makes.

import { S3 } from "@aws-sdk/client-s3";
import type { AccountId } from "../../src/access/caller.ts";
import type { IdentityStore } from "../../src/access/identities/identity-store.ts";
import { systemClock, type Clock } from "../../src/base/clock.ts";
import { settleServerSettings } from "../../src/server-settings.ts";
import { findMasterKeys } from "../../src/start-up/master-keys.ts";
import { generateCredentials, type Credentials } from "../../src/start-up/root-credentials.ts";
import { startServing, type Serving } from "../../src/start-up/serving.ts";
import { destinationOf, Log } from "../../src/telemetry/log.ts";

export interface Pair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export class IdentityServer implements AsyncDisposable {
  readonly serving: Serving;
  readonly endpoint: string;
  readonly root: Credentials;
  readonly #clients: S3[] = [];

  constructor(serving: Serving, root: Credentials) {
    this.serving = serving;
    this.root = root;
    this.endpoint = `http://127.0.0.1:${serving.address.port}`;
  }

  get identities(): IdentityStore {
    return this.serving.identities;
  }

  /** Of the root account. */
  get accountId(): AccountId {
    return this.serving.accountId as AccountId;
  }

  client(credentials: Pair): S3 {
    const client = new S3({
      endpoint: this.endpoint,
      region: "us-east-1",
      credentials: { ...credentials },
      forcePathStyle: true,
      maxAttempts: 1,
    });
    this.#clients.push(client);
    return client;
  }

  /** A user with an access key and these policies of AWS's. */
  async newUser(userName: string, ...policyNames: readonly string[]): Promise<Pair> {
    const { accountId } = this;
    await this.identities.users.create(accountId, { userName });
    for (const name of policyNames) {
      const entity = { kind: "user", accountId, name: userName } as const;
      await this.identities.entityPolicies.attach(entity, `arn:aws:iam::aws:policy/${name}`);
    }
    const { key, secret } = await this.identities.accessKeys.create({ accountId, userName });
    return { accessKeyId: key.accessKeyId, secretAccessKey: secret };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.serving.drain(1000);
  }
}

/** Several on one directory, with the same root, are what several worker processes are. */
export async function startIdentityServer(
  options: {
    readonly directory?: string;
    readonly clock?: Clock;
    readonly root?: Credentials;
    readonly isFirst?: boolean;
  } = {},
): Promise<IdentityServer> {
  const { directory, clock = systemClock, root = generateCredentials(), isFirst = true } = options;
  const log = new Log({
    level: "error",
    format: "text",
    clock,
    requests: false,
    destination: destinationOf(process.stderr),
  });
  const serving = await startServing({
    store: directory === undefined ? "memory" : { directory },
    clock,
    deadWriters: isFirst ? "all" : [],
    settings: settleServerSettings({
      durability: "relaxed",
      websiteDomains: [],
      customerKeys: "allowed",
    }),
    ports: { port: 0, websitePort: undefined },
    limits: {},
    metrics: "off",
    kms: { kind: "local" },
    credentials: root,
    masterKeys: await findMasterKeys(directory, undefined),
    log,
    audit: undefined,
  });
  return new IdentityServer(serving, root);
}

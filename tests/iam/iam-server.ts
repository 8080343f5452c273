// A whole server for one test file with the official clients of IAM and STS, for its root and for
// whoever the tests make.

import assert from "node:assert/strict";
import { after } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { STS } from "@aws-sdk/client-sts";
import { createServer, type HoldfastServer, type ServerOptions } from "../../src/app.ts";

export interface Pair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The services as one principal sees them. */
export interface Clients {
  readonly iam: IAM;
  readonly sts: STS;
  readonly s3: S3;
}

export interface IamServer extends Clients {
  readonly server: HoldfastServer;
  /** Twelve digits. */
  readonly accountId: string;
  /** `clockOffset` in milliseconds: how far the clients' clock is ahead of the machine's. */
  readonly as: (pair: Pair, clockOffset?: number) => Clients;
  /** A user with an access key and an inline policy of these statements. */
  readonly newUser: (
    userName: string,
    ...statements: readonly object[]
  ) => Promise<Clients & { readonly pair: Pair }>;
  readonly arn: (resource: string) => string;
}

export async function startIamServer(options: ServerOptions = {}): Promise<IamServer> {
  const server = await createServer(options);
  const made: { destroy(): void }[] = [];
  after(async () => {
    for (const client of made) client.destroy();
    await server.close();
  });
  const as = (pair: Pair, clockOffset = 0): Clients => {
    // A copy: the clients write marks of their own into what they are given.
    const settings = {
      endpoint: server.endpoint,
      region: "us-east-1",
      credentials: { ...pair },
      maxAttempts: 1,
      systemClockOffset: clockOffset,
    };
    const clients = {
      iam: new IAM(settings),
      sts: new STS(settings),
      s3: new S3({ ...settings, forcePathStyle: true }),
    };
    made.push(clients.iam, clients.sts, clients.s3);
    return clients;
  };
  const root = as(server.credentials);
  const { Account } = await root.sts.getCallerIdentity({});
  const accountId = text(Account);
  return {
    ...root,
    server,
    accountId,
    as,
    arn: (resource) => `arn:aws:iam::${accountId}:${resource}`,
    async newUser(UserName, ...statements) {
      await root.iam.createUser({ UserName });
      if (statements.length > 0) {
        await root.iam.putUserPolicy({
          UserName,
          PolicyName: "inline",
          PolicyDocument: policy(...statements),
        });
      }
      const { AccessKey } = await root.iam.createAccessKey({ UserName });
      const pair = {
        accessKeyId: text(AccessKey?.AccessKeyId),
        secretAccessKey: text(AccessKey?.SecretAccessKey),
      };
      return { ...as(pair), pair };
    },
  };
}

export function policy(...statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

export function allow(Action: string | readonly string[], Resource = "*"): object {
  return { Effect: "Allow", Action, Resource };
}

export function deny(Action: string | readonly string[], Resource = "*"): object {
  return { Effect: "Deny", Action, Resource };
}

/** A trust policy that lets these principals of AWS assume a role. */
export function trust(AWS: string | readonly string[], extra: object = {}): string {
  return policy({ Effect: "Allow", Principal: { AWS }, Action: "sts:AssumeRole", ...extra });
}

/** What somebody refuses, as its code, status and message. */
export interface Refusal {
  readonly code: string;
  readonly status: number | undefined;
  readonly message: string;
}

/** The SDK names its exceptions by class or by code: `NoSuchEntityException` is `NoSuchEntity`. */
export async function refusal(action: Promise<unknown>): Promise<Refusal> {
  try {
    await action;
  } catch (error) {
    const { name, message, $metadata } = error as Error & {
      $metadata?: { httpStatusCode?: number };
    };
    assert.ok($metadata !== undefined, String(error));
    const code = name.replace(/Exception$/, "");
    return { code, status: $metadata.httpStatusCode, message };
  }
  return assert.fail("nothing was refused");
}

export async function assertRefused(
  action: Promise<unknown>,
  code: string,
  message?: string | RegExp,
): Promise<void> {
  const refused = await refusal(action);
  assert.equal(refused.code, code, refused.message);
  if (typeof message === "string") assert.equal(refused.message, message);
  if (message instanceof RegExp) assert.match(refused.message, message);
}

export function text(value: string | undefined): string {
  assert.ok(value !== undefined);
  return value;
}

/** The credentials of an answer of STS. */
export function pairOf(
  credentials:
    | {
        readonly AccessKeyId: string | undefined;
        readonly SecretAccessKey: string | undefined;
        readonly SessionToken: string | undefined;
      }
    | undefined,
): Pair {
  return {
    accessKeyId: text(credentials?.AccessKeyId),
    secretAccessKey: text(credentials?.SecretAccessKey),
    sessionToken: text(credentials?.SessionToken),
  };
}

// A whole server and a signed fetch for one test file: any client that signs can administer Holdfast.

import assert from "node:assert/strict";
import { SignatureV4 } from "@smithy/signature-v4";
import { NodeSha256 } from "../s3/test-server.ts";

export interface Pair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

// Answers are whatever the action says; tests read them as such.
// oxlint-disable-next-line typescript/no-explicit-any
export type Answer = Record<string, any>;

export interface ManagementAnswer {
  readonly status: number;
  readonly body: Answer;
}

/** One call, signed by `credentials`, or by nobody. */
export async function send(
  endpoint: string,
  credentials: Pair | undefined,
  action: string,
  input: unknown = {},
): Promise<ManagementAnswer> {
  const url = new URL(endpoint);
  const body = typeof input === "string" ? input : JSON.stringify(input);
  const request = {
    method: "POST",
    protocol: url.protocol,
    hostname: url.hostname,
    port: Number(url.port),
    path: "/",
    query: {},
    headers: {
      host: url.host,
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `Holdfast.${action}`,
    },
    body,
  };
  const signed =
    credentials === undefined
      ? request
      : await new SignatureV4({
          service: "holdfast",
          region: "us-east-1",
          credentials,
          sha256: NodeSha256,
        }).sign(request);
  const response = await fetch(url, { method: "POST", headers: signed.headers, body });
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : { text } };
}

export class ManagementClient {
  readonly #endpoint: string;
  readonly #credentials: Pair | undefined;

  constructor(endpoint: string, credentials: Pair | undefined) {
    this.#endpoint = endpoint;
    this.#credentials = credentials;
  }

  async call(action: string, input: unknown = {}): Promise<Answer> {
    const { status, body } = await send(this.#endpoint, this.#credentials, action, input);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  }

  /** A new account and a key of its root; for the administrator. */
  async newAccount(name = "tenant"): Promise<{
    readonly accountId: string;
    readonly pair: Pair;
    readonly client: ManagementClient;
  }> {
    const { Account } = await this.call("CreateAccount", { Name: name });
    const accountId: string = Account.AccountId;
    const { AccessKey } = await this.call("CreateRootAccessKey", { AccountId: accountId });
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = AccessKey;
    const pair = { accessKeyId, secretAccessKey };
    return { accountId, pair, client: new ManagementClient(this.#endpoint, pair) };
  }

  async refused(action: string, input: unknown, type: string, status: number): Promise<string> {
    const answer = await send(this.#endpoint, this.#credentials, action, input);
    assert.deepEqual([answer.body["__type"], answer.status], [type, status], action);
    return String(answer.body["message"] ?? "");
  }
}

// The HTTP API of HashiCorp Vault and OpenBao, as far as the transit engine needs it: a token that is
// given or got by AppRole, and calls with it.
// https://openbao.org/api-docs/secret/transit/, https://openbao.org/api-docs/auth/approle/

import type { Clock } from "../base/clock.ts";
import { KmsError } from "./kms-error.ts";
import {
  callRemote,
  parseFields,
  type RemoteAnswer,
  type RemoteBounds,
  type RemoteRequest,
} from "./remote-call.ts";

export type VaultLogin =
  /** Asked for again when the server refuses it: an agent may have renewed the file that holds it. */
  | { readonly kind: "token"; readonly read: () => Promise<string> }
  | {
      readonly kind: "app-role";
      /** Where the method is mounted; `approle` unless somebody chose otherwise. */
      readonly mount: string;
      readonly roleId: string;
      readonly readSecretId: () => Promise<string>;
    };

export interface VaultClientOptions {
  /** `https://vault.example.com:8200`. */
  readonly endpoint: string;
  readonly namespace: string | undefined;
  readonly login: VaultLogin;
  readonly clock: Clock;
  readonly bounds: RemoteBounds;
}

export interface VaultAnswer {
  readonly status: number;
  /** The member `data` of the answer. */
  readonly data: Readonly<Record<string, unknown>>;
  /** What the server says is wrong. */
  readonly errors: readonly string[];
}

interface Token {
  readonly text: string;
  readonly renewMilliseconds: number;
}

export class VaultClient {
  readonly #options: VaultClientOptions;
  #token: Promise<Token> | undefined;

  constructor(options: VaultClientOptions) {
    this.#options = options;
  }

  /** `path` without `/v1/`. Throws KmsError DependencyTimeoutException, AccessDeniedException. */
  async call(
    method: "GET" | "POST",
    path: string,
    body: Readonly<Record<string, unknown>> | undefined,
    signal?: AbortSignal,
  ): Promise<VaultAnswer> {
    const token = await this.#findToken();
    let answer = await this.#send(method, path, { body, token: token.text }, signal);
    if (answer.status === 403) {
      // The token has expired or was revoked, or it must not do this: a new one tells.
      this.#token = undefined;
      const again = await this.#findToken();
      if (again.text !== token.text) {
        answer = await this.#send(method, path, { body, token: again.text }, signal);
      }
    }
    if (answer.status === 403) {
      throw new KmsError(
        "AccessDeniedException",
        "The key provider does not let this server use the key.",
      );
    }
    const { data, errors } = parseFields(answer.body);
    // Vault says with 503 that it is sealed, with 429 and 473 that it is a standby.
    if (answer.status >= 500 || answer.status === 429 || answer.status === 473) {
      throw new KmsError("DependencyTimeoutException", "The key provider cannot answer now.", {
        cause: new Error(`status ${answer.status}: ${textsOf(errors).join("; ")}`),
      });
    }
    return {
      status: answer.status,
      data: typeof data === "object" && data !== null ? { ...data } : {},
      errors: textsOf(errors),
    };
  }

  async #findToken(): Promise<Token> {
    const known = this.#token;
    if (known !== undefined) {
      const token = await known;
      if (this.#options.clock.now() < token.renewMilliseconds) return token;
    }
    // Somebody else may have begun already.
    if (this.#token === known || this.#token === undefined) {
      const login = this.#login();
      this.#token = login;
      login.catch(() => {
        if (this.#token === login) this.#token = undefined;
      });
    }
    return await this.#token;
  }

  async #login(): Promise<Token> {
    const { login, clock } = this.#options;
    if (login.kind === "token") {
      const text = (await login.read()).trim();
      return { text, renewMilliseconds: Number.POSITIVE_INFINITY };
    }
    const secretId = (await login.readSecretId()).trim();
    const body = { role_id: login.roleId, secret_id: secretId };
    const path = `auth/${login.mount}/login`;
    const answer = await this.#send("POST", path, { body, token: undefined }, undefined);
    const { auth } = parseFields(answer.body);
    const fields = typeof auth === "object" && auth !== null ? { ...auth } : {};
    const { client_token: text, lease_duration: leaseSeconds } = fields as {
      readonly client_token?: unknown;
      readonly lease_duration?: unknown;
    };
    if (typeof text !== "string" || text === "") {
      // Its errors may repeat what was sent: only the status is told.
      throw new KmsError("KMSInternalException", "The key provider does not let this server in.", {
        cause: new Error(`login by AppRole was answered with status ${answer.status}`),
      });
    }
    // A new token in time, so that none expires on the way. 0 is a token that does not expire.
    const seconds = typeof leaseSeconds === "number" && leaseSeconds > 0 ? leaseSeconds : Infinity;
    return { text, renewMilliseconds: clock.now() + seconds * 1000 * (2 / 3) };
  }

  #send(
    method: "GET" | "POST",
    path: string,
    sent: {
      readonly body: Readonly<Record<string, unknown>> | undefined;
      readonly token: string | undefined;
    },
    signal: AbortSignal | undefined,
  ): Promise<RemoteAnswer> {
    const { endpoint, namespace, bounds } = this.#options;
    const request: RemoteRequest = {
      url: `${endpoint.replace(/\/+$/, "")}/v1/${path}`,
      method,
      headers: {
        "X-Vault-Request": "true",
        "Content-Type": "application/json",
        ...(namespace === undefined ? {} : { "X-Vault-Namespace": namespace }),
        ...(sent.token === undefined ? {} : { "X-Vault-Token": sent.token }),
      },
      ...(sent.body === undefined ? {} : { body: JSON.stringify(sent.body) }),
    };
    return callRemote(() => request, bounds, signal);
  }
}

function textsOf(errors: unknown): readonly string[] {
  return Array.isArray(errors) ? errors.filter((error) => typeof error === "string") : [];
}

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
  /** When two thirds of its life are over, so that none expires on the way. */
  readonly renewMilliseconds: number;
  readonly expiresMilliseconds: number;
  readonly isRenewable: boolean;
  /** Of a token that was given nothing is known before it is asked about. */
  readonly isLifeKnown: boolean;
  /** Of its first life. */
  readonly lifeMilliseconds: number;
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
    if (isBusy(answer.status)) {
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

  /** Prolongs the token's life when it is time: a server that asks for no key keeps its token too. */
  async keepToken(): Promise<void> {
    const token = await this.#findToken();
    if (token.isLifeKnown) return;
    // Not asked by those who need a key: they would wait for it.
    const known = this.#token;
    const looked = await this.#lookUp(token.text);
    if (looked !== undefined && this.#token === known) this.#token = Promise.resolve(looked);
  }

  async #findToken(): Promise<Token> {
    const known = this.#token;
    let old: Token | undefined;
    if (known !== undefined) {
      old = await known;
      if (this.#options.clock.now() < old.renewMilliseconds) return old;
    }
    // Somebody else may have begun already.
    if (this.#token === known || this.#token === undefined) {
      const next = old === undefined ? this.#login() : this.#prolong(old);
      this.#token = next;
      next.catch(() => {
        if (this.#token === next) this.#token = undefined;
      });
    }
    return await this.#token;
  }

  /** https://openbao.org/api-docs/auth/token/#renew-a-token-self */
  async #prolong(token: Token): Promise<Token> {
    const { clock, login } = this.#options;
    const now = clock.now();
    if (!token.isRenewable || now >= token.expiresMilliseconds) return await this.#login();
    const sent = { body: {}, token: token.text };
    const answer = await this.#send("POST", "auth/token/renew-self", sent, undefined);
    const { auth } = parseFields(answer.body);
    if (answer.status !== 200 || typeof auth !== "object" || auth === null) {
      return await this.#login();
    }
    const { lease_duration: seconds, renewable } = { ...auth } as LeaseFields;
    const renewed = tokenOf(token.text, seconds, renewable, now);
    // A life that gets shorter ends at the longest that the token may have: a role gives a new one.
    const isEnding = renewed.expiresMilliseconds - now < token.lifeMilliseconds / 2;
    if (isEnding && login.kind === "app-role") return await this.#login();
    return { ...renewed, lifeMilliseconds: token.lifeMilliseconds };
  }

  /** How long a token that somebody gave still lives; of one that may not ask, nothing is known. */
  async #lookUp(text: string): Promise<Token | undefined> {
    const sent = { body: undefined, token: text };
    const answer = await this.#send("GET", "auth/token/lookup-self", sent, undefined);
    if (isBusy(answer.status)) return undefined;
    const { data } = parseFields(answer.body);
    const fields = typeof data === "object" && data !== null ? { ...data } : {};
    const { ttl, renewable } = fields as { readonly ttl?: unknown; readonly renewable?: unknown };
    const seconds = answer.status === 200 ? ttl : undefined;
    return tokenOf(text, seconds, renewable, this.#options.clock.now());
  }

  async #login(): Promise<Token> {
    const { login, clock } = this.#options;
    if (login.kind === "token") {
      const text = (await login.read()).trim();
      return { ...tokenOf(text, undefined, false, clock.now()), isLifeKnown: false };
    }
    const secretId = (await login.readSecretId()).trim();
    const body = { role_id: login.roleId, secret_id: secretId };
    const path = `auth/${login.mount}/login`;
    const answer = await this.#send("POST", path, { body, token: undefined }, undefined);
    const { auth } = parseFields(answer.body);
    const fields = typeof auth === "object" && auth !== null ? { ...auth } : {};
    const {
      client_token: text,
      lease_duration: seconds,
      renewable,
    } = fields as LeaseFields & { readonly client_token?: unknown };
    if (typeof text !== "string" || text === "") {
      // Its errors may repeat what was sent: only the status is told.
      throw new KmsError("KMSInternalException", "The key provider does not let this server in.", {
        cause: new Error(`login by AppRole was answered with status ${answer.status}`),
      });
    }
    return tokenOf(text, seconds, renewable, clock.now());
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

/** Vault says with 503 that it is sealed, with 429 and 473 that it is a standby. */
function isBusy(status: number): boolean {
  return status >= 500 || status === 429 || status === 473;
}

interface LeaseFields {
  readonly lease_duration?: unknown;
  readonly renewable?: unknown;
}

/** 0 seconds is the life of a token that does not expire. */
function tokenOf(text: string, seconds: unknown, renewable: unknown, now: number): Token {
  const lifeMilliseconds = typeof seconds === "number" && seconds > 0 ? seconds * 1000 : Infinity;
  return {
    text,
    renewMilliseconds: now + lifeMilliseconds * (2 / 3),
    expiresMilliseconds: now + lifeMilliseconds,
    isRenewable: renewable === true,
    isLifeKnown: true,
    lifeMilliseconds,
  };
}

function textsOf(errors: unknown): readonly string[] {
  return Array.isArray(errors) ? errors.filter((error) => typeof error === "string") : [];
}

// An OpenID Connect provider on this machine: discovery, a key set, and tokens signed with its keys.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { after } from "node:test";

export interface IdentityProvider {
  /** `http://127.0.0.1:4711/realm`. */
  readonly issuer: string;
  /** Without the scheme, as IAM names it. */
  readonly name: string;
  /** How often the key set was asked for. */
  readonly keyRequests: () => number;
  readonly token: (claims: object, options?: TokenOptions) => string;
  /** Signs with a new key from now on; the old one is no longer published. */
  readonly rotate: (kind?: "rsa" | "ec") => void;
}

export interface TokenOptions {
  readonly algorithm?: string;
  readonly keyId?: string;
  readonly key?: KeyObject;
}

interface SigningKey {
  readonly keyId: string;
  readonly kind: "rsa" | "ec";
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export async function startIdentityProvider(): Promise<IdentityProvider> {
  let requests = 0;
  let keyNumber = 0;
  const newKey = (kind: "rsa" | "ec"): SigningKey => {
    keyNumber += 1;
    const pair =
      kind === "rsa"
        ? generateKeyPairSync("rsa", { modulusLength: 2048 })
        : generateKeyPairSync("ec", { namedCurve: "P-256" });
    return { keyId: `key-${keyNumber}`, kind, ...pair };
  };
  let current = newKey("rsa");
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    const issuer = `http://127.0.0.1:${port}/realm`;
    const answers: Readonly<Record<string, () => object>> = {
      "/realm/.well-known/openid-configuration": () => ({ issuer, jwks_uri: `${issuer}/keys` }),
      "/realm/keys": () => {
        requests += 1;
        const { keyId, kind, publicKey } = current;
        const alg = kind === "rsa" ? "RS256" : "ES256";
        const key = { ...publicKey.export({ format: "jwk" }), kid: keyId, use: "sig", alg };
        return { keys: [{ kty: "oct", kid: "no public key" }, key] };
      },
    };
    const answer = answers[request.url ?? ""];
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer?.() ?? {}));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}/realm`;
  return {
    issuer,
    name: issuer.slice("http://".length),
    keyRequests: () => requests,
    rotate: (kind = "rsa") => {
      current = newKey(kind);
    },
    token: (claims, options = {}) => {
      const seconds = Math.floor(Date.now() / 1000);
      const { kind, keyId, privateKey } = current;
      const header = {
        alg: options.algorithm ?? (kind === "rsa" ? "RS256" : "ES256"),
        kid: options.keyId ?? keyId,
        typ: "JWT",
      };
      const body = {
        iss: issuer,
        aud: "client-1",
        sub: "subject-1",
        iat: seconds,
        exp: seconds + 600,
        ...claims,
      };
      const text = `${encode(header)}.${encode(body)}`;
      const key = options.key ?? privateKey;
      const signature = sign(
        "sha256",
        Buffer.from(text),
        kind === "ec" ? { key, dsaEncoding: "ieee-p1363" } : key,
      );
      return `${text}.${signature.toString("base64url")}`;
    },
  };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

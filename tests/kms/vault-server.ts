// The wire of a Vault's transit engine and AppRole method, as far as a key provider meets it, with real
// encryption and the answers of OpenBao 2.4, letter for letter. The suite beside it also runs against a
// real OpenBao (tests/compatibility/openbao.test.ts), which keeps this one honest.

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

interface TransitKey {
  readonly type: string;
  readonly versions: Buffer[];
  minimumDecryptionVersion: number;
}

interface Tls {
  readonly key: string;
  readonly cert: string;
}

interface Answer {
  readonly status: number;
  readonly body?: Readonly<Record<string, unknown>>;
}

type Fields = Readonly<Record<string, unknown>>;

export class VaultServer implements AsyncDisposable {
  readonly rootToken = `hvs.${randomBytes(12).toString("hex")}`;
  readonly roles = new Map<string, string>();
  readonly tokens = new Set<string>([this.rootToken]);
  /** Method and path of each request. */
  readonly requests: string[] = [];
  readonly namespaces = new Set<string | undefined>();
  /** Set: every request is answered so. */
  failure: Answer | undefined;
  /** The next so many connections are cut before an answer. */
  cuts = 0;
  leaseSeconds = 3600;
  /** Of a token that is asked about. */
  tokenSeconds = 0;
  readonly #keys = new Map<string, TransitKey>();
  readonly #server: Server;
  readonly #scheme: string;

  private constructor(tls: Tls | undefined) {
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#serve(request, response);
    };
    this.#server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
    this.#scheme = tls === undefined ? "http" : "https";
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (this.cuts > 0) {
      this.cuts -= 1;
      request.socket.destroy();
      return;
    }
    const answer = this.#answer(request, body);
    response.writeHead(answer.status, { "Content-Type": "application/json" });
    response.end(answer.body === undefined ? "" : `${JSON.stringify(answer.body)}\n`);
  }

  static async start(tls?: Tls): Promise<VaultServer> {
    const vault = new VaultServer(tls);
    await new Promise<void>((resolve) => vault.#server.listen(0, "127.0.0.1", resolve));
    return vault;
  }

  get endpoint(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, body: Fields): Answer {
    const method = request.method ?? "";
    const path = (request.url ?? "").replace(/^\/v1\//, "");
    this.requests.push(`${method} ${path}`);
    if (this.failure !== undefined) return this.failure;
    this.namespaces.add(request.headers["x-vault-namespace"] as string | undefined);
    if (path === "auth/approle/login") return this.#login(body);
    const token = request.headers["x-vault-token"];
    if (typeof token !== "string" || !this.tokens.has(token))
      return errors(403, "permission denied");
    if (path.startsWith("sys/")) return { status: 204 };
    if (path === "auth/token/lookup-self") {
      const data = { ttl: this.tokenSeconds, renewable: this.tokenSeconds > 0, type: "service" };
      return { status: 200, body: { ...envelope, data } };
    }
    if (path === "auth/token/renew-self") {
      const lease = { lease_duration: this.leaseSeconds, renewable: true };
      return { status: 200, body: { ...envelope, auth: { client_token: token, ...lease } } };
    }
    const [mount, operation = "", ...rest] = path.split("/");
    if (mount !== "transit") {
      return errors(404, `no handler for route "${path}". route entry not found.`);
    }
    return this.#transit(method, operation, rest, body);
  }

  #login({ role_id: roleId, secret_id: secretId }: Fields): Answer {
    if (typeof roleId !== "string" || this.roles.get(roleId) !== secretId) {
      return errors(400, "invalid role or secret ID");
    }
    const token = `hvs.${randomBytes(12).toString("hex")}`;
    this.tokens.add(token);
    return {
      status: 200,
      body: {
        ...envelope,
        auth: { client_token: token, lease_duration: this.leaseSeconds, renewable: true },
      },
    };
  }

  #transit(method: string, operation: string, rest: readonly string[], body: Fields): Answer {
    const name = rest.at(operation === "datakey" ? 1 : 0) ?? "";
    const key = this.#keys.get(name);
    if (operation === "keys") return this.#manage(method, name, rest[1], body);
    if (key === undefined) return errors(400, "encryption key not found");
    if (key.type !== "aes256-gcm96") {
      return errors(400, `message encryption not supported for key type ${key.type}`);
    }
    if (operation === "decrypt") return decrypt(key, String(body["ciphertext"]));
    const plain = randomBytes(Number(body["bits"]) / 8);
    const data = {
      ciphertext: encrypt(key, plain),
      key_version: key.versions.length,
      plaintext: plain.toString("base64"),
    };
    return { status: 200, body: { ...envelope, data } };
  }

  #manage(method: string, name: string, what: string | undefined, body: Fields): Answer {
    let key = this.#keys.get(name);
    if (key === undefined) {
      if (method === "GET") return { status: 404, body: { errors: [] } };
      key = {
        type: String(body["type"]),
        versions: [randomBytes(32)],
        minimumDecryptionVersion: 1,
      };
      this.#keys.set(name, key);
    }
    if (what === "rotate") key.versions.push(randomBytes(32));
    const minimum = body["min_decryption_version"];
    if (what === "config" && typeof minimum === "number") key.minimumDecryptionVersion = minimum;
    const isCipher = key.type === "aes256-gcm96";
    const data = {
      latest_version: key.versions.length,
      min_decryption_version: key.minimumDecryptionVersion,
      name,
      soft_deleted: false,
      supports_decryption: isCipher,
      supports_encryption: isCipher,
      type: key.type,
    };
    return { status: 200, body: { ...envelope, data } };
  }
}

const envelope = {
  request_id: "94f3700b-a998-88aa-bed7-e40f55d56a82",
  lease_id: "",
  renewable: false,
  lease_duration: 0,
  wrap_info: null,
  warnings: null,
  auth: null,
};

function errors(status: number, ...texts: string[]): Answer {
  return { status, body: { errors: texts } };
}

function encrypt({ versions }: TransitKey, plain: Buffer): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", versions.at(-1) as Buffer, nonce);
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  const message = Buffer.concat([nonce, encrypted, cipher.getAuthTag()]);
  return `vault:v${versions.length}:${message.toString("base64")}`;
}

function decrypt(key: TransitKey, ciphertext: string): Answer {
  const match = /^vault:v(\d+):(.*)$/.exec(ciphertext);
  if (match === null) return errors(400, "invalid ciphertext: no prefix");
  const version = Number(match[1]);
  if (version < key.minimumDecryptionVersion) {
    return errors(400, "ciphertext or signature version is disallowed by policy (too old)");
  }
  const message = Buffer.from(match[2] as string, "base64");
  if (message.byteLength < 28) return errors(400, "invalid ciphertext length");
  const secret = key.versions[version - 1] as Buffer;
  const decipher = createDecipheriv("aes-256-gcm", secret, message.subarray(0, 12));
  decipher.setAuthTag(message.subarray(-16));
  try {
    const plain = Buffer.concat([decipher.update(message.subarray(12, -16)), decipher.final()]);
    return { status: 200, body: { ...envelope, data: { plaintext: plain.toString("base64") } } };
  } catch {
    return errors(400, "cipher: message authentication failed");
  }
}

async function readBody(request: IncomingMessage): Promise<Fields> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  return text === "" ? {} : (JSON.parse(text) as Fields);
}

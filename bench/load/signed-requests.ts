// Signs requests with Signature Version 4 (header form) and serializes them, all before a run: the
// generator then only copies bytes. A signature is good for 15 minutes, longer than any run.
// Source: "Signature Calculations for the Authorization Header", Amazon S3 API Reference.

import { createHash, createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Credentials, LoadPlan } from "./load-plan.ts";

const unsignedPayload = "UNSIGNED-PAYLOAD";
/** Bodies repeat one block of this size, so that a body of any length costs no memory. */
const bodyBlockBytes = 1024 * 1024;

export interface RequestToSign {
  readonly method: string;
  /** Percent-encoded as it is sent. */
  readonly path: string;
  readonly query: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Lower-case hexadecimal SHA-256 of the body, or `UNSIGNED-PAYLOAD`. */
  readonly payloadHash: string;
  readonly date: Date;
}

export class RequestSigner {
  readonly #credentials: Credentials;
  #keyDay = "";
  #key: KeyObject | undefined;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** The headers to send: those given, and the ones that make the signature. */
  sign(request: RequestToSign): Record<string, string> {
    const time = request.date.toISOString().replace(/[-:]|\.\d{3}/g, "");
    const day = time.slice(0, 8);
    const headers: Record<string, string> = {
      ...request.headers,
      "x-amz-content-sha256": request.payloadHash,
      "x-amz-date": time,
    };
    const names = Object.keys(headers)
      .filter((name) => name === "host" || name.startsWith("x-amz-"))
      .toSorted();
    const signedNames = names.join(";");
    const canonicalRequest = [
      request.method,
      request.path,
      canonicalQuery(request.query),
      ...names.map((name) => `${name}:${headers[name]?.trim()}`),
      "",
      signedNames,
      request.payloadHash,
    ].join("\n");
    const scope = `${day}/${this.#credentials.region}/s3/aws4_request`;
    const stringToSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash("sha256", canonicalRequest)}`;
    const signature = createHmac("sha256", this.#signingKey(day))
      .update(stringToSign)
      .digest("hex");
    headers["authorization"] =
      `AWS4-HMAC-SHA256 Credential=${this.#credentials.accessKey}/${scope}, ` +
      `SignedHeaders=${signedNames}, Signature=${signature}`;
    return headers;
  }

  #signingKey(day: string): KeyObject {
    if (this.#key !== undefined && this.#keyDay === day) return this.#key;
    let key: Buffer = Buffer.from(`AWS4${this.#credentials.secretKey}`);
    for (const part of [day, this.#credentials.region, "s3", "aws4_request"]) {
      key = createHmac("sha256", key).update(part).digest();
    }
    this.#keyDay = day;
    this.#key = createSecretKey(key);
    return this.#key;
  }
}

/** What every request of a run sends as its body: whole repetitions of one block, the last one cut. */
export class RepeatedBody {
  readonly lengthBytes: number;
  readonly block: Buffer;

  constructor(lengthBytes: number) {
    this.lengthBytes = lengthBytes;
    this.block = Buffer.allocUnsafe(Math.min(lengthBytes, bodyBlockBytes));
    let state = 0x9e3779b9;
    for (let position = 0; position < this.block.length; position += 1) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      this.block[position] = state & 0xff;
    }
  }

  *blocks(): Generator<Buffer> {
    for (let rest = this.lengthBytes; rest > 0; rest -= this.block.length) {
      yield rest >= this.block.length ? this.block : this.block.subarray(0, rest);
    }
  }

  digest(algorithm: "sha256" | "md5"): string {
    const digest = createHash(algorithm);
    for (const block of this.blocks()) digest.update(block);
    return digest.digest("hex");
  }

  crc32Base64(): string {
    let checksum = 0;
    for (const block of this.blocks()) checksum = crc32(block, checksum);
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(checksum);
    return bytes.toString("base64");
  }
}

/** The heads of a run's distinct requests, one after the other in one buffer. */
export class SignedRequests {
  readonly body: RepeatedBody;
  readonly #heads: Buffer;
  readonly #offsets: Uint32Array;

  constructor(plan: LoadPlan, date: Date) {
    this.body = new RepeatedBody(plan.bodyBytes ?? 0);
    const signer = new RequestSigner(plan.credentials);
    const headers = this.#commonHeaders(plan);
    const payloadHash = plan.payload === "signed" ? this.body.digest("sha256") : unsignedPayload;
    const heads: Buffer[] = [];
    this.#offsets = new Uint32Array(plan.distinctRequests + 1);
    let offset = 0;
    for (let position = 0; position < plan.distinctRequests; position += 1) {
      const index = (plan.firstIndex ?? 0) + position;
      const path = fillTemplate(plan.path, index, plan.groups ?? 1);
      const query = fillTemplate(plan.query ?? "", index, plan.groups ?? 1);
      const { method } = plan;
      const signed = signer.sign({ method, path, query, headers, payloadHash, date });
      const head = serializeHead(method, query === "" ? path : `${path}?${query}`, signed);
      heads.push(head);
      offset += head.length;
      this.#offsets[position + 1] = offset;
    }
    this.#heads = Buffer.concat(heads);
  }

  get count(): number {
    return this.#offsets.length - 1;
  }

  headLength(position: number): number {
    return (this.#offsets[position + 1] as number) - (this.#offsets[position] as number);
  }

  copyHead(position: number, target: Buffer): void {
    const start = this.#offsets[position] as number;
    this.#heads.copy(target, 0, start, this.#offsets[position + 1]);
  }

  #commonHeaders(plan: LoadPlan): Record<string, string> {
    const headers: Record<string, string> = { host: `${plan.host}:${plan.port}`, ...plan.headers };
    if (plan.method === "PUT" || plan.method === "POST") {
      headers["content-length"] = String(this.body.lengthBytes);
    }
    if (plan.checksum === "crc32") headers["x-amz-checksum-crc32"] = this.body.crc32Base64();
    return headers;
  }
}

export function fillTemplate(template: string, index: number, groups: number): string {
  if (!template.includes("{")) return template;
  return template
    .replaceAll("{index}", padded(index))
    .replaceAll("{number}", String(index + 1))
    .replaceAll("{group}", padded(index % groups))
    .replaceAll("{member}", padded(Math.floor(index / groups)));
}

function padded(value: number): string {
  return String(value).padStart(6, "0");
}

function canonicalQuery(query: string): string {
  if (query === "") return "";
  return query
    .split("&")
    .map((pair) => (pair.includes("=") ? pair : `${pair}=`))
    .toSorted()
    .join("&");
}

function serializeHead(method: string, target: string, headers: Record<string, string>): Buffer {
  let head = `${method} ${target} HTTP/1.1\r\n`;
  for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`;
  return Buffer.from(`${head}\r\n`, "latin1");
}

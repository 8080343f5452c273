// Signs requests that are given as raw bytes: Signature V4 in header and query, chunk signatures, and
// Signature V2. Written from the documents and not from src/access, so that it can contradict it.

import { createHash, createHmac } from "node:crypto";

/** Name and value, bytes as Latin-1 characters, in the order in which they are sent. */
export type HeaderField = readonly [name: string, value: string];

export interface RawRequest {
  readonly method: string;
  /** Path and query as they go over the wire, bytes as Latin-1 characters. */
  readonly target: string;
  readonly headers: readonly HeaderField[];
  readonly body: Uint8Array;
}

export interface Signer {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

export interface SigningSettings {
  readonly milliseconds: number;
  /** Default: the signer's. */
  readonly region?: string;
  readonly service?: string;
  readonly terminal?: string;
  /** Default: the day of `milliseconds`. */
  readonly scopeDate?: string;
  /** Headers that are sent but not signed, lower-case. */
  readonly unsigned?: readonly string[];
}

/** What chunk signatures hang on. */
export interface Seed {
  readonly key: Buffer;
  readonly timestamp: string;
  readonly scope: string;
  readonly signature: string;
}

export interface SignedRequest {
  readonly request: RawRequest;
  readonly seed: Seed;
  readonly canonicalRequest: string;
  readonly stringToSign: string;
}

/** Adds `x-amz-date` and `x-amz-content-sha256` where they are missing, and `Authorization`. */
export function signHeaderV4(
  request: RawRequest,
  signer: Signer,
  settings: SigningSettings,
): SignedRequest {
  const timestamp = basicTime(settings.milliseconds);
  const headers = [...request.headers];
  if (!hasField(headers, "x-amz-date")) headers.push(["x-amz-date", timestamp]);
  if (!hasField(headers, "x-amz-content-sha256")) {
    headers.push(["x-amz-content-sha256", sha256Hex(request.body)]);
  }
  const complete = { ...request, headers };
  const payloadHash = valueOf(headers, "x-amz-content-sha256");
  const names = signedNames(headers, settings.unsigned);
  const parts = compute(complete, signer, settings, { timestamp, names, payloadHash });
  const credential = `${signer.accessKeyId}/${parts.seed.scope}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${parts.seed.signature}`;
  return {
    ...parts,
    request: { ...complete, headers: [...headers, ["Authorization", authorization]] },
  };
}

/** Moves the signature into the query. `change` alters the parameters before they are signed. */
export function presignV4(
  request: RawRequest,
  signer: Signer,
  settings: SigningSettings & {
    readonly expiresSeconds?: number | string;
    readonly change?: (parameters: Map<string, string>) => void;
  },
): SignedRequest {
  const timestamp = basicTime(settings.milliseconds);
  const names = signedNames(request.headers, settings.unsigned);
  const parameters = new Map([
    ["X-Amz-Algorithm", "AWS4-HMAC-SHA256"],
    ["X-Amz-Credential", `${signer.accessKeyId}/${scopeOf(signer, settings)}`],
    ["X-Amz-Date", timestamp],
    ["X-Amz-Expires", String(settings.expiresSeconds ?? 900)],
    ["X-Amz-SignedHeaders", names.join(";")],
  ]);
  settings.change?.(parameters);
  const joint = request.target.includes("?") ? "&" : "?";
  const query = [...parameters].map(([name, value]) => `${encode(name)}=${encode(value)}`);
  const target = `${request.target}${joint}${query.join("&")}`;
  const sent = valueOf(request.headers, "x-amz-content-sha256");
  const payloadHash = sent === "" ? "UNSIGNED-PAYLOAD" : sent;
  const unsigned = { ...request, target };
  const parts = compute(unsigned, signer, settings, { timestamp, names, payloadHash });
  const signed = `${target}&X-Amz-Signature=${parts.seed.signature}`;
  return { ...parts, request: { ...request, target: signed } };
}

function compute(
  request: RawRequest,
  signer: Signer,
  settings: SigningSettings,
  signed: { readonly timestamp: string; readonly names: string[]; readonly payloadHash: string },
): Omit<SignedRequest, "request"> {
  const [path, query] = splitOnce(request.target, "?");
  const lines = signed.names.map((name) => `${name}:${joinedValue(request.headers, name)}\n`);
  const canonicalRequest = [
    request.method,
    encode(decode(path), "/"),
    canonicalQuery(query),
    lines.join(""),
    signed.names.join(";"),
    signed.payloadHash,
  ].join("\n");
  const scope = scopeOf(signer, settings);
  const { timestamp } = signed;
  const digest = sha256Hex(Buffer.from(canonicalRequest, "latin1"));
  const stringToSign = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${digest}`;
  const key = scope.split("/").reduce(hmac, Buffer.from(`AWS4${signer.secretAccessKey}`));
  const signature = hmac(key, stringToSign).toString("hex");
  return { seed: { key, timestamp, scope, signature }, canonicalRequest, stringToSign };
}

function scopeOf(signer: Signer, settings: SigningSettings): string {
  const { region = signer.region, service = "s3", terminal = "aws4_request" } = settings;
  const date = settings.scopeDate ?? basicTime(settings.milliseconds).slice(0, 8);
  return `${date}/${region}/${service}/${terminal}`;
}

function canonicalQuery(query: string): string {
  const pairs = query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const [name, value] = splitOnce(pair, "=");
      return [encode(decode(name)), encode(decode(value))] as const;
    })
    .filter(([name]) => name !== "X-Amz-Signature");
  pairs.sort((left, right) => {
    const [a, b] = left[0] === right[0] ? [left[1], right[1]] : [left[0], right[0]];
    return a < b ? -1 : Number(a > b);
  });
  return pairs.map(([name, value]) => `${name}=${value}`).join("&");
}

/** Adds `Date` where it is missing, and a V2 `Authorization`. `resource` is signed as it is given. */
export function signHeaderV2(
  request: RawRequest,
  signer: Signer,
  settings: { readonly milliseconds: number; readonly resource?: string },
): RawRequest {
  const headers = [...request.headers];
  if (!hasField(headers, "date") && !hasField(headers, "x-amz-date")) {
    headers.push(["Date", new Date(settings.milliseconds).toUTCString()]);
  }
  const date = hasField(headers, "x-amz-date") ? "" : valueOf(headers, "date");
  const text = stringToSignV2({ ...request, headers }, date, settings.resource);
  const authorization = `AWS ${signer.accessKeyId}:${signV2(text, signer)}`;
  return { ...request, headers: [...headers, ["Authorization", authorization]] };
}

export function presignV2(
  request: RawRequest,
  signer: Signer,
  settings: { readonly expiresSeconds: number | string; readonly resource?: string },
): RawRequest {
  const expires = String(settings.expiresSeconds);
  const signature = signV2(stringToSignV2(request, expires, settings.resource), signer);
  const joint = request.target.includes("?") ? "&" : "?";
  const query = `AWSAccessKeyId=${signer.accessKeyId}&Expires=${expires}&Signature=${encode(signature)}`;
  return { ...request, target: `${request.target}${joint}${query}` };
}

function stringToSignV2(request: RawRequest, date: string, resource = request.target): string {
  const { headers, method } = request;
  const amz = signedNames(headers).filter((name) => name.startsWith("x-amz-"));
  const lines = amz.map((name) => `${name}:${joinedValue(headers, name)}\n`).join("");
  const fixed = [valueOf(headers, "content-md5"), valueOf(headers, "content-type"), date];
  return `${[method, ...fixed].join("\n")}\n${lines}${resource}`;
}

function signV2(text: string, signer: Signer): string {
  return createHmac("sha1", signer.secretAccessKey).update(text, "latin1").digest("base64");
}

/** The signature of the next chunk, which `previous` hangs on. */
export function chunkSignature(seed: Seed, previous: string, data: Uint8Array): string {
  const empty = sha256Hex(new Uint8Array(0));
  return signLink(seed, "AWS4-HMAC-SHA256-PAYLOAD", [previous, empty, sha256Hex(data)]);
}

export function trailerSignature(seed: Seed, previous: string, canonicalText: string): string {
  const digest = sha256Hex(Buffer.from(canonicalText, "latin1"));
  return signLink(seed, "AWS4-HMAC-SHA256-TRAILER", [previous, digest]);
}

function signLink(seed: Seed, algorithm: string, rest: readonly string[]): string {
  const text = [algorithm, seed.timestamp, seed.scope, ...rest].join("\n");
  return hmac(seed.key, text).toString("hex");
}

function basicTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replaceAll(/[-:]|\.\d{3}/g, "");
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Every byte but the unreserved ones and those of `kept` as an escape. */
export function encode(text: string, kept = ""): string {
  return text.replaceAll(/[^A-Za-z0-9._~-]/g, (character) => {
    if (kept.includes(character)) return character;
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  });
}

/** Text as the UTF-8 bytes of a path or query, all of them escaped but the unreserved ones and `/`. */
export function encodeText(text: string): string {
  return encode(Buffer.from(text, "utf8").toString("latin1"), "/");
}

/** Bytes behind escapes; a plus sign is a blank. A broken escape stands for itself. */
function decode(text: string): string {
  return text
    .replaceAll("+", " ")
    .replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text, "latin1").digest();
}

function signedNames(headers: readonly HeaderField[], unsigned: readonly string[] = []): string[] {
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  return [...names].filter((name) => !unsigned.includes(name)).toSorted();
}

function hasField(headers: readonly HeaderField[], name: string): boolean {
  return headers.some(([sent]) => sent.toLowerCase() === name);
}

export function valueOf(headers: readonly HeaderField[], name: string): string {
  return headers.find(([sent]) => sent.toLowerCase() === name)?.[1] ?? "";
}

function joinedValue(headers: readonly HeaderField[], name: string): string {
  const values = headers.filter(([sent]) => sent.toLowerCase() === name).map(([, value]) => value);
  return values.map((value) => value.trim().replaceAll(/\s+/g, " ")).join(",");
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

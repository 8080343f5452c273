// A request's address, headers, query and bounded body as the typed input of its operation. One
// decoder is compiled for each operation; at run time it walks over what was sent, not over what
// could have been.

import { checkChecksumHeaderNames } from "../body/object-digests.ts";
import type { RequestPayload } from "../body/request-payload.ts";
import { S3Error } from "../model/errors.ts";
import type { InputMember, OperationDefinition } from "../model/operation-table.ts";
import type { Address } from "./address.ts";
import { compileBodyDecoder, type BodyHeaders } from "./decode-body.ts";
import { headerDecoder, queryDecoder, type ValueDecoder } from "./decode-values.ts";
import { decodePercent } from "./percent.ts";
import type { QueryParameter } from "./query.ts";
import { splitPath } from "./router.ts";
import { checkMetadataSize, decodeMetadataValue } from "./user-metadata.ts";

export interface DecodableRequest {
  readonly address: Address;
  readonly query: readonly QueryParameter[];
  readonly headers: BodyHeaders;
  readonly hasBody: boolean;
  /** Opened only when the operation's input needs the body. */
  readonly payload: RequestPayload;
}

export type OperationInput = Readonly<Record<string, unknown>>;

/** Answers at once unless the body has to be read. Throws S3Error. */
export type InputDecoder = (request: DecodableRequest) => OperationInput | Promise<OperationInput>;

export function compileInputDecoder(operation: OperationDefinition): InputDecoder {
  const headers = new Map<string, { name: string; decode: ValueDecoder }>();
  const queries = new Map<string, { name: string; decode: ValueDecoder; isList?: boolean }>();
  const required: InputMember[] = [];
  let metadata: { readonly name: string; readonly prefix: string } | undefined;
  for (const member of operation.input) {
    const { name, wire } = member;
    if (member.in === "header") {
      headers.set(wire.toLowerCase(), { name, decode: headerDecoder(member) });
    } else if (member.in === "query") {
      queries.set(wire, { name, decode: queryDecoder(member), isList: isList(member) });
    } else if (member.in === "prefix-headers") metadata = { name, prefix: wire.toLowerCase() };
    if (member.required === true && (member.in === "header" || member.in === "query")) {
      required.push(member);
    }
  }
  const decodeLabels = compileLabels(operation);
  const decodeBody = compileBodyDecoder(operation);
  // Bodies that are read whole judge the names of their checksums themselves.
  const takesStream = operation.input.some(
    ({ in: place, type }) => place === "payload" && type === "stream",
  );
  return (request) => {
    const input: Record<string, unknown> = {};
    decodeLabels(input, request.address);
    let mayBeUnknownChecksum = false;
    for (const [header, value] of request.headers.entries()) {
      const member = headers.get(header);
      if (member !== undefined) setValue(input, member.name, member.decode(value));
      else if (metadata !== undefined && header.startsWith(metadata.prefix)) {
        addMetadata(input, metadata, header, value);
      } else if (takesStream && header.startsWith("x-amz-checksum-")) mayBeUnknownChecksum = true;
    }
    if (mayBeUnknownChecksum) {
      checkChecksumHeaderNames([...request.headers.entries()].map(([name]) => name));
    }
    for (const { name, value } of request.query) {
      const member = queries.get(name) ?? (isHoistable(name) ? headers.get(name) : undefined);
      if (member === undefined && metadata !== undefined && name.startsWith(metadata.prefix)) {
        if (request.headers.get(name) === undefined) addMetadata(input, metadata, name, value);
        continue;
      }
      if (member === undefined) continue;
      const known = input[member.name];
      if ("isList" in member && member.isList === true) {
        input[member.name] = [...((known as readonly unknown[] | undefined) ?? []), value];
        // Of several values S3 reads the first.
      } else if (known === undefined) setValue(input, member.name, member.decode(value));
    }
    for (const member of required) if (isMissing(input[member.name])) refuseMissing(member);
    if (metadata !== undefined && metadata.name in input) {
      checkMetadataSize(input[metadata.name] as Record<string, string>);
    }
    if (decodeBody === undefined) return input;
    const { headers: sent, payload, hasBody } = request;
    return decodeBody(input, sent, payload, hasBody).then(() => input);
  };
}

/**
 * Presigning SDKs move headers into the query, and S3 takes them from there
 * (github.com/aws/aws-sdk-js-v3/issues/4694), except those of encryption, which it wants as headers
 * (github.com/aws/aws-sdk-ruby/issues/874), and checksums, which it ignores
 * (github.com/aws/aws-sdk/issues/480): a URL is signed before there is a body.
 */
function isHoistable(name: string): boolean {
  return (
    name.startsWith("x-amz-") &&
    !name.startsWith("x-amz-checksum-") &&
    name !== "x-amz-sdk-checksum-algorithm" &&
    !name.startsWith("x-amz-server-side-encryption")
  );
}

function isList({ type }: InputMember): boolean {
  return typeof type === "object" && "list" in type;
}

function compileLabels({
  input: members,
  path = "",
}: OperationDefinition): (input: Record<string, unknown>, address: Address) => void {
  const labels = members.filter((member) => member.in === "label").map(({ name }) => name);
  const { start, label } = splitPath(path);
  if (label !== undefined) {
    return (input, { rawPath }) => {
      input[label] = decodePercent(rawPath.slice(start.length));
    };
  }
  const hasKey = labels.includes("Key");
  if (!labels.includes("Bucket")) return () => {};
  return (input, address) => {
    input["Bucket"] = address.bucket;
    if (hasKey && address.key !== undefined) input["Key"] = address.key;
  };
}

function setValue(input: Record<string, unknown>, name: string, value: unknown): void {
  if (value !== undefined) input[name] = value;
}

function addMetadata(
  input: Record<string, unknown>,
  member: { readonly name: string; readonly prefix: string },
  header: string,
  value: string,
): void {
  // A client may name its metadata `__proto__`.
  const known = input[member.name] ?? Object.create(null);
  const entries = (input[member.name] = known as Record<string, string>);
  entries[header.slice(member.prefix.length)] = decodeMetadataValue(value);
}

function isMissing(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

function refuseMissing(member: InputMember): never {
  if (member.name === "ObjectAttributes") {
    throw new S3Error("InvalidArgument", {
      message:
        "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
      fields: { ArgumentName: member.wire, ArgumentValue: "" },
    });
  }
  if (member.name === "AnnotationName") throw new S3Error("UserAnnotationNameMustBeSpecified");
  throw new S3Error("InvalidArgument", {
    message: `The required parameter ${member.wire} is missing.`,
    fields: { ArgumentName: member.wire, ArgumentValue: "" },
  });
}

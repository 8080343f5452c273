// An operation's typed output as a response: headers, and a body that is XML, bytes, or a stream. One
// encoder is compiled for each operation; at run time it walks over what the operation set.

import type { ByteStream } from "../base/bytes.ts";
import type { OperationDefinition, OutputMember, TypeReference } from "../model/operation-table.ts";
import { controlNamespace } from "../model/operation-table.ts";
import type { OutputBody } from "../model/output-body.ts";
import { formatHttpDate, formatIsoDate } from "./dates.ts";
import { compileEventStream } from "./encode-event-stream.ts";
import { encodeMetadataValue } from "./user-metadata.ts";
import { compileDocument, compileValueDocument, xmlDeclaration } from "./xml-writer.ts";

export interface EncodedOutput {
  readonly status: number;
  /** Name, value, name, value …, without those that every response has. */
  readonly headers: string[];
  readonly body: string | Uint8Array | ByteStream | undefined;
}

export interface OutputEncoder {
  /** `status` is what the operation answers instead of the table's. */
  encode(output: Output, status: number | undefined): EncodedOutput;
  /** The document alone, without declaration, for a response that has begun; empty if there is none. */
  encodeLate(output: Output): string;
}

export type Output = Readonly<Record<string, unknown>>;

export function compileOutputEncoder(operation: OperationDefinition): OutputEncoder {
  const headers = new Map<string, (headers: string[], value: unknown) => void>();
  for (const member of operation.output) {
    if (member.in === "header") headers.set(member.name, headerEncoder(member));
    if (member.in === "prefix-headers") headers.set(member.name, prefixEncoder(member.wire));
  }
  const encodeBody = compileBody(operation);
  const document = compileOutputDocument(operation);
  return {
    encode(output, status = operation.status) {
      const encoded: string[] = [];
      for (const name in output) {
        const value = output[name];
        if (value !== undefined) headers.get(name)?.(encoded, value);
      }
      const body = status === 304 ? undefined : encodeBody(output, encoded);
      return { status, headers: encoded, body };
    },
    encodeLate: (output) => document?.(output) ?? "",
  };
}

type BodyEncoder = (output: Output, headers: string[]) => EncodedOutput["body"];

function compileBody(operation: OperationDefinition): BodyEncoder {
  const payload = operation.output.find((member) => member.in === "payload");
  if (payload !== undefined && payload.wire === "") return compileRawPayload(payload);
  const document = compileOutputDocument(operation);
  if (document === undefined) return () => undefined;
  return (output, headers) => {
    const text = document(output);
    if (text === "") return undefined;
    headers.push("Content-Type", "application/xml");
    return xmlDeclaration + text;
  };
}

function compileOutputDocument(
  operation: OperationDefinition,
): ((output: Output) => string) | undefined {
  if (operation.outputRoot !== undefined) {
    const members = operation.output.filter((member) => member.in === "body");
    return compileDocument(operation.outputRoot, members);
  }
  const payload = operation.output.find((member) => member.in === "payload" && member.wire !== "");
  if (payload === undefined) return undefined;
  const document = compileValueDocument(payload.wire, payload.type, namespaceOf(operation));
  return (output) => {
    const value = output[payload.name];
    return value === undefined ? "" : document(value);
  };
}

function namespaceOf({ control, withoutNamespace }: OperationDefinition): string | undefined {
  if (withoutNamespace === true) return "";
  return control === true ? controlNamespace : undefined;
}

function compileRawPayload({ name, type }: OutputMember): BodyEncoder {
  if (type === "stream") return (output, headers) => encodeStream(output[name], headers);
  if (typeof type === "object" && "events" in type) {
    const encode = compileEventStream(type.events);
    return (output, headers) => {
      const events = output[name] as AsyncIterable<unknown> | undefined;
      if (events === undefined) return undefined;
      headers.push("Content-Type", "application/vnd.amazon.eventstream");
      return encode(events);
    };
  }
  // The one payload of text is a bucket's policy.
  return (output, headers) => {
    headers.push("Content-Type", "application/json");
    return output[name] as string | undefined;
  };
}

function encodeStream(value: unknown, headers: string[]): EncodedOutput["body"] {
  const body = value as OutputBody | undefined;
  if (body === undefined) return undefined;
  headers.push("Content-Length", String(body.lengthBytes));
  return body.stream;
}

function headerEncoder({ wire, type }: OutputMember): (headers: string[], value: unknown) => void {
  const text = headerText(type);
  return (headers, value) => {
    headers.push(wire, text(value));
  };
}

function headerText(type: TypeReference): (value: unknown) => string {
  if (typeof type === "object" && "list" in type) {
    return (value) => headerSafe((value as readonly string[]).join(","));
  }
  switch (type) {
    case "integer":
    case "boolean":
      return String;
    case "http-date":
      return (value) => formatHttpDate(value as Date);
    case "date-time":
      return (value) => formatIsoDate(value as Date);
    default:
      return (value) => headerSafe(value as string);
  }
}

function prefixEncoder(prefix: string): (headers: string[], value: unknown) => void {
  return (headers, value) => {
    const entries = value as Readonly<Record<string, string>>;
    for (const name in entries) {
      if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) continue;
      headers.push(prefix + name, encodeMetadataValue(entries[name] as string));
    }
  };
}

const plainHeader = /^[\u0020-\u007e\u00a0-\u00ff]*$/;
const beyondLatin1 = /[\u0100-\uffff]/;
const controls = new RegExp(String.raw`[\u0000-\u001f\u007f]`, "g");

/**
 * What a header line can hold: control characters, which could end it, become blanks; text beyond
 * Latin-1 goes out as the bytes of its UTF-8.
 */
export function headerSafe(value: string): string {
  if (plainHeader.test(value)) return value;
  const bytes = beyondLatin1.test(value) ? Buffer.from(value, "utf8").toString("latin1") : value;
  return bytes.replaceAll(controls, " ");
}

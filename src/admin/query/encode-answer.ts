// Writes answers in AWS's query protocol: the result of an action by the tables, and errors.

import { escapeXml } from "../../base/xml-text.ts";
import type { ServiceResponse } from "../../access/service-request.ts";
import type { ServiceContract, ServiceMember, ServiceType } from "../../model/service-table.ts";

export function encodeResult(
  action: string,
  output: unknown,
  contract: ServiceContract,
  requestId: string,
): ServiceResponse {
  const members = contract.actions[action]?.output;
  const result =
    members === undefined
      ? ""
      : element(`${action}Result`, encodeStructure(members, output, contract));
  const metadata = `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>`;
  const body = `<${action}Response xmlns="${contract.namespace}">${result}${metadata}</${action}Response>`;
  return response(200, body, requestId);
}

export interface AnswerableError {
  readonly code: string;
  readonly message: string;
  readonly status: number;
}

export function encodeQueryError(
  { code, message, status }: AnswerableError,
  namespace: string,
  requestId: string,
): ServiceResponse {
  const type = status >= 500 ? "Receiver" : "Sender";
  const error =
    `<Error><Type>${type}</Type><Code>${escapeXml(code)}</Code>` +
    `<Message>${escapeXml(message)}</Message></Error>`;
  const body =
    `<ErrorResponse xmlns="${namespace}">${error}` +
    `<RequestId>${requestId}</RequestId></ErrorResponse>`;
  return response(status, body, requestId);
}

function response(status: number, body: string, requestId: string): ServiceResponse {
  const headers = ["Content-Type", "text/xml", "x-amzn-RequestId", requestId];
  return { status, headers, body };
}

function encodeStructure(
  members: readonly ServiceMember[],
  value: unknown,
  contract: ServiceContract,
): string {
  const values = value as Readonly<Record<string, unknown>>;
  let text = "";
  for (const { name, type } of members) {
    const member = values[name];
    if (member !== undefined) text += element(name, encodeValue(type, member, contract));
  }
  return text;
}

/** The values have the types that the tables name: handlers are typed by the same source. */
function encodeValue(type: ServiceType, value: unknown, contract: ServiceContract): string {
  if (typeof type === "object") {
    if ("list" in type) {
      return (value as readonly unknown[])
        .map((item) => element("member", encodeValue(type.list, item, contract)))
        .join("");
    }
    if ("structure" in type) {
      return encodeStructure(contract.shapes[type.structure] ?? [], value, contract);
    }
    if ("map" in type) {
      return Object.entries(value as Readonly<Record<string, unknown>>)
        .map(([key, item]) => {
          const entry = element("key", escapeXml(key));
          return element("entry", entry + element("value", encodeValue(type.map, item, contract)));
        })
        .join("");
    }
    return escapeXml(String(value));
  }
  switch (type) {
    case "timestamp":
      return `${(value as Date).toISOString().slice(0, 19)}Z`;
    case "bytes":
      return Buffer.from(value as Uint8Array).toString("base64");
    default:
      return escapeXml(String(value));
  }
}

function element(name: string, content: string): string {
  return content === "" ? `<${name}/>` : `<${name}>${content}</${name}>`;
}

// Errors and redirects as a website's visitors see them: pages of HTML, word for word as S3's, with the
// error in headers beside them.

import { escapeXml } from "../base/xml-text.ts";
import { reasonPhrase } from "../http/response-head.ts";
import type { S3Error } from "../model/errors.ts";
import type { Address } from "./address.ts";
import { namedFields } from "./encode-error.ts";
import { headerSafe, type EncodedOutput } from "./encode-output.ts";

/** An error, and what it is about. */
export interface SiteFailure {
  readonly error: S3Error;
  readonly address: Pick<Address, "bucket" | "key"> | undefined;
}

export interface PageIds {
  readonly requestId: string;
  readonly hostId: string;
}

/** `ofDocument`: why the site's own error document could not be shown instead. */
export function encodeErrorPage(
  failure: SiteFailure,
  ids: PageIds,
  ofDocument?: SiteFailure,
): EncodedOutput {
  const { error } = failure;
  const lines = [...describe(failure), `RequestId: ${ids.requestId}`, `HostId: ${ids.hostId}`];
  const second =
    ofDocument === undefined
      ? ""
      : `<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n${listOf(describe(ofDocument))}`;
  return page(error.status, errorHeaders(failure), listOf(lines) + second);
}

/** What every answer that is an error carries, also with a document of the site's own. */
export function errorHeaders(failure: SiteFailure): string[] {
  const { code, message, headers } = failure.error;
  const found = Object.entries(headers).flatMap(([name, value]) => [name, headerSafe(value)]);
  found.push("x-amz-error-code", code, "x-amz-error-message", headerSafe(message));
  for (const [name, value] of Object.entries(fieldsOf(failure))) {
    found.push(`x-amz-error-detail-${name}`, headerSafe(String(value)));
  }
  return found;
}

/** To the folder of a name without its slash: S3 calls it an error of its own. */
export function encodeFolderRedirect(location: string, ids: PageIds): EncodedOutput {
  const lines = [
    "Code: Found",
    "Message: Resource Found",
    `RequestId: ${ids.requestId}`,
    `HostId: ${ids.hostId}`,
  ];
  const headers = ["Location", location, "x-amz-error-code", "Found"];
  headers.push("x-amz-error-message", "Resource Found");
  return page(302, headers, listOf(lines));
}

/** `location` is fit for a header. */
export function encodeRedirect(status: number, location: string): EncodedOutput {
  return { status, headers: ["Location", location, "Content-Length", "0"], body: undefined };
}

function describe(failure: SiteFailure): readonly string[] {
  const { code, message } = failure.error;
  const fields = Object.entries(fieldsOf(failure));
  return [
    `Code: ${code}`,
    `Message: ${message}`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
  ];
}

function fieldsOf({ error, address }: SiteFailure): S3Error["fields"] {
  return namedFields(error, address);
}

/** Its length is told to a HEAD as well. */
function page(status: number, headers: readonly string[], content: string): EncodedOutput {
  const title = `${status} ${reasonPhrase(status)}`;
  const body = Buffer.from(
    `<html>\n<head><title>${title}</title></head>\n<body>\n<h1>${title}</h1>\n${content}<hr/>\n</body>\n</html>\n`,
  );
  const about = ["Content-Type", "text/html; charset=utf-8", "Content-Length", String(body.length)];
  return { status, headers: [...headers, ...about], body };
}

function listOf(lines: readonly string[]): string {
  const items = lines.map((line) => `<li>${escapeXml(line)}</li>\n`);
  return `<ul>\n${items.join("")}</ul>\n`;
}

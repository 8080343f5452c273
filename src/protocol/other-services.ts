// Requests to IAM, STS, KMS and the server's own administration, which answer on S3's endpoint: told
// apart by the service in the credential scope, authenticated like S3's with a body that is read first,
// and handed to their API.

import { createHash } from "node:crypto";
import { authenticate } from "../access/authenticate.ts";
import type { Caller } from "../access/caller.ts";
import type { ServiceApi, ServiceName, ServiceResponse } from "../access/service-request.ts";
import type { AuthenticationOptions } from "../access/signed-request.ts";
import { collectBytes } from "../base/bytes.ts";
import type { HttpRequest } from "../http/http-message.ts";
import { serviceBodyBytes } from "../model/limits.ts";
import { asS3Error } from "./encode-error.ts";

const scopePattern = /Credential=[^/,]+\/\d{8}\/[^/,]+\/(iam|sts|kms|holdfast)\/aws4_request/;
const queryScopePattern =
  /(?:^|&)X-Amz-Credential=[^&]+?(?:%2F|\/)\d{8}(?:%2F|\/)[^&]+?(?:%2F|\/)(iam|sts|kms|holdfast)(?:%2F|\/)aws4_request(?:&|$)/i;

/**
 * The service that a request is for; `undefined`: S3. Only `/` is looked at. A form that is posted
 * there without a signature can only be one of STS's calls that carry a token.
 */
export function findService({ method, target, headers }: HttpRequest): ServiceName | undefined {
  if (target !== "/" && !target.startsWith("/?")) return undefined;
  if (method !== "POST" && method !== "GET") return undefined;
  const authorization = headers.get("authorization");
  if (authorization !== undefined) {
    return scopePattern.exec(authorization)?.[1] as ServiceName | undefined;
  }
  const query = queryScopePattern.exec(target.slice(2));
  if (query !== null) return query[1] as ServiceName;
  const isForm = headers.get("content-type")?.startsWith("application/x-www-form-urlencoded");
  return method === "POST" && isForm === true ? "sts" : undefined;
}

export interface AnsweredService {
  readonly response: ServiceResponse;
  readonly caller: Caller | undefined;
  /** What went wrong in the server itself. */
  readonly failure: unknown;
}

/** Never rejects. */
export async function answerService(
  api: ServiceApi,
  request: HttpRequest,
  options: AuthenticationOptions & { readonly requestId: string },
): Promise<AnsweredService> {
  const { requestId } = options;
  let caller: Caller | undefined;
  try {
    const body = await collectBytes(request.body, serviceBodyBytes);
    const question = request.target.indexOf("?");
    const rawQuery = question === -1 ? "" : request.target.slice(question + 1);
    const { method, headers, isEncrypted, remoteAddress, signal } = request;
    const bodySha256Hex = createHash("sha256").update(body).digest("hex");
    const authentication = await authenticate(
      { method, rawPath: "/", rawQuery, headers, virtualHostBucket: undefined, isEncrypted },
      { ...options, service: { name: api.service, bodySha256Hex } },
    );
    caller = authentication.caller;
    const response = await api.answer({
      requestId,
      method,
      headers,
      rawQuery,
      body,
      caller,
      remoteAddress,
      isEncrypted,
      signal,
    });
    return { response, caller, failure: undefined };
  } catch (thrown) {
    const error = asS3Error(thrown);
    const { code, message, status } = error;
    const failure = status >= 500 ? thrown : undefined;
    return { response: api.refuse({ code, message, status }, requestId), caller, failure };
  }
}

// S3's answers to requests that never reach the pipeline, because the HTTP engine refused them.

import type { HttpResponse } from "../http/http-message.ts";
import type { RefusalReason } from "../http/http-server.ts";
import { S3Error } from "../model/errors.ts";
import { headerSectionBytes } from "../model/limits.ts";
import { encodeError } from "../protocol/encode-error.ts";
import { createRequestIds, type RandomSource } from "../protocol/request-ids.ts";

export function createRefusals(fillRandom: RandomSource): (reason: RefusalReason) => HttpResponse {
  const ids = createRequestIds(fillRandom);
  return (reason) => {
    const requestId = ids.nextRequestId();
    const { status, headers, body } = encodeError(errors[reason](), {
      // The method is not known; an answer with a body is the safe one, because the connection closes.
      method: "",
      requestId,
      hostId: ids.hostId,
      address: undefined,
    });
    headers.push("x-amz-request-id", requestId, "x-amz-id-2", ids.hostId, "Server", "Holdfast");
    return { status, headers, ...(body === undefined ? {} : { body }) };
  };
}

const errors: Readonly<Record<RefusalReason, () => S3Error>> = {
  malformed: () => new S3Error("BadRequest"),
  "headers-too-large": () =>
    new S3Error("RequestHeaderSectionTooLarge", {
      fields: { MaxSizeAllowed: headerSectionBytes },
    }),
  timeout: () => new S3Error("RequestTimeout"),
  "transfer-coding-unsupported": () => new S3Error("NotImplemented"),
  "method-unsupported": () => new S3Error("MethodNotAllowed"),
};

// A request to another of AWS's services than S3 that answers on the same endpoint (IAM, STS, KMS,
// and Holdfast's own administration): a bounded body, already verified, and its caller.

import type { Caller } from "./caller.ts";
import type { Judged } from "./request-authorization.ts";
import type { RequestHeaders } from "./signed-request.ts";

export interface ServiceRequest {
  readonly requestId: string;
  readonly method: string;
  /** By lower-case name. */
  readonly headers: RequestHeaders;
  /** As sent, without the `?`; the parameters of presigned GET requests stand here. */
  readonly rawQuery: string;
  readonly body: Uint8Array;
  /** Anonymous for the calls of STS that carry a token instead of a signature. */
  readonly caller: Caller;
  readonly remoteAddress: string;
  readonly isEncrypted: boolean;
  readonly signal: AbortSignal;
}

export interface ServiceResponse {
  readonly status: number;
  /** Name, value, name, value …; the pipeline adds the request's ids. */
  readonly headers: readonly string[];
  readonly body: string;
  /** What was asked for, as the audit log names it. */
  readonly action?: string | undefined;
  /** What was decided about the caller, for the audit log. */
  readonly decision?: Judged | undefined;
  /** How much was done, for the audit log. */
  readonly did?: Readonly<Record<string, number>> | undefined;
  /** As the answer names the error. */
  readonly errorCode?: string | undefined;
}

/** Never rejects for what the client did: every error is a response in the service's own form. */
export interface ServiceApi {
  readonly service: ServiceName;
  answer(request: ServiceRequest): Promise<ServiceResponse>;
  /** The form in which this service says what authentication found wrong. */
  refuse(
    error: { readonly code: string; readonly message: string; readonly status: number },
    requestId: string,
  ): ServiceResponse;
}

/** As the credential scope of Signature Version 4 names them. */
export type ServiceName = "iam" | "sts" | "kms" | "holdfast";

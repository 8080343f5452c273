// The errors that authentication answers with, in the words that S3 uses. Where S3 was seen to answer,
// the sources are the answers quoted in github.com/versity/versitygw issues 1352, 1425, 1427, 1513 and
// 2116, and in the issues of client libraries.

import { S3Error } from "../model/errors.ts";
import { allowedSkewMilliseconds, formatTime } from "./request-time.ts";

/** Which of the two places a scope was read from decides the code and how the text begins. */
export type ScopePlace = "header" | "query";

export function malformedScope(place: ScopePlace, problem: string, region?: string): S3Error {
  const fields = region === undefined ? {} : { Region: region };
  return place === "header"
    ? malformedAuthorization(problem, fields)
    : malformedParameters(`Error parsing the X-Amz-Credential parameter; ${problem}`, fields);
}

export function malformedAuthorization(
  problem: string,
  fields: Readonly<Record<string, string>> = {},
): S3Error {
  return new S3Error("AuthorizationHeaderMalformed", {
    message: `The authorization header is malformed; ${problem}`,
    fields,
  });
}

export function malformedParameters(
  message: string,
  fields: Readonly<Record<string, string>> = {},
): S3Error {
  return new S3Error("AuthorizationQueryParametersError", { message, fields });
}

export function invalidAuthorizationArgument(message: string, value: string): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    fields: { ArgumentName: "Authorization", ArgumentValue: value },
  });
}

/** Also what S3 answers to Signature Version 4A where it is not offered. */
export function unsupportedMechanism(): S3Error {
  return new S3Error("InvalidRequest", {
    message:
      "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
  });
}

export function unknownAccessKey(accessKeyId: string): S3Error {
  return new S3Error("InvalidAccessKeyId", { fields: { AWSAccessKeyId: accessKeyId } });
}

/** A session token that this server did not issue, or that belongs to another access key. */
export function unknownToken(token: string): S3Error {
  return new S3Error("InvalidToken", { fields: { "Token-0": token } });
}

export function expiredToken(token: string): S3Error {
  return new S3Error("ExpiredToken", { fields: { "Token-0": token } });
}

export function missingDate(): S3Error {
  return new S3Error("AccessDenied", {
    message: "AWS authentication requires a valid Date or x-amz-date header",
  });
}

export function timeTooSkewed(requestTime: string, now: number): S3Error {
  return new S3Error("RequestTimeTooSkewed", {
    fields: {
      RequestTime: requestTime,
      ServerTime: formatTime(now),
      MaxAllowedSkewMilliseconds: allowedSkewMilliseconds,
    },
  });
}

export function expiredRequest(options: {
  readonly expires: number;
  readonly now: number;
  /** X-Amz-Expires as sent; Signature Version 2 has none. */
  readonly lifetime?: string;
}): S3Error {
  return new S3Error("AccessDenied", {
    message: "Request has expired",
    fields: {
      ...(options.lifetime === undefined ? {} : { "X-Amz-Expires": options.lifetime }),
      Expires: formatTime(options.expires),
      ServerTime: formatTime(options.now),
    },
  });
}

export function headersNotSigned(names: readonly string[]): S3Error {
  return new S3Error("AccessDenied", {
    message: "There were headers present in the request which were not signed",
    fields: { HeadersNotSigned: names.join(", ") },
  });
}

/**
 * Tells the client what was signed here, so that it can compare: nothing in it is secret, because all
 * of it but the key came from the client.
 */
export function signatureMismatch(options: {
  readonly accessKeyId: string;
  readonly stringToSign: string;
  readonly signature: string;
  readonly canonicalRequest?: string;
}): S3Error {
  const fields: Record<string, string> = {
    AWSAccessKeyId: options.accessKeyId,
    StringToSign: options.stringToSign,
    SignatureProvided: options.signature,
    StringToSignBytes: spacedHex(options.stringToSign),
  };
  if (options.canonicalRequest !== undefined) {
    fields["CanonicalRequest"] = options.canonicalRequest;
    fields["CanonicalRequestBytes"] = spacedHex(options.canonicalRequest);
  }
  return new S3Error("SignatureDoesNotMatch", { fields });
}

function spacedHex(text: string): string {
  const hex = Buffer.from(text, "latin1").toString("hex");
  return hex.replaceAll(/(..)(?=.)/g, "$1 ");
}

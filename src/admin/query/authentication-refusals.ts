// What authentication found wrong, in the words of IAM and STS: they have codes of their own for what
// S3 says ("Common errors", IAM API Reference).

import type { AnswerableError } from "./encode-answer.ts";

export function refusalOf(error: AnswerableError): AnswerableError {
  const { code, message, status } = error;
  switch (code) {
    case "InvalidAccessKeyId":
    case "InvalidToken":
      return {
        code: "InvalidClientTokenId",
        message: "The security token included in the request is invalid.",
        status: 403,
      };
    case "ExpiredToken":
      return {
        code: "ExpiredToken",
        message: "The security token included in the request is expired",
        status: 403,
      };
    case "SignatureDoesNotMatch":
      return {
        code,
        message:
          "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
        status: 403,
      };
    case "RequestTimeTooSkewed":
      return {
        code: "SignatureDoesNotMatch",
        message: "Signature expired or not yet current: the time of the request differs too much",
        status: 403,
      };
    case "AuthorizationHeaderMalformed":
    case "AuthorizationQueryParametersError":
    case "InvalidArgument":
    case "InvalidRequest":
      return { code: "IncompleteSignature", message, status: 400 };
    case "EntityTooLarge":
    case "MaxMessageLengthExceeded":
      return {
        code: "RequestEntityTooLarge",
        message: "Request size exceeded the limit",
        status: 413,
      };
    default:
      return status >= 500 ? { code: "InternalFailure", message, status } : error;
  }
}

// The errors of IAM and STS, with the codes and statuses that both APIs give them.

const statuses = {
  AccessDenied: 403,
  DeleteConflict: 409,
  EntityAlreadyExists: 409,
  EntityTemporarilyUnmodifiable: 409,
  ExpiredTokenException: 400,
  IDPCommunicationError: 400,
  IDPRejectedClaim: 403,
  InvalidAuthenticationCode: 403,
  InvalidIdentityToken: 400,
  InvalidInput: 400,
  LimitExceeded: 409,
  MalformedPolicyDocument: 400,
  NoSuchEntity: 404,
  PackedPolicyTooLarge: 400,
  UnmodifiableEntity: 400,
  ValidationError: 400,
} as const;

export type IdentityErrorCode = keyof typeof statuses;

/** What IAM or STS refuses. Its message is AWS's text and holds no secret. */
export class IdentityError extends Error {
  override readonly name = "IdentityError";
  readonly code: IdentityErrorCode;
  readonly status: number;

  constructor(code: IdentityErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = statuses[code];
  }
}

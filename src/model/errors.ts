// Every error code that S3 answers, with its status and its usual text, and the one class that carries
// them. Texts are static; what varies travels in fields, which become XML elements of the error.

import { selectErrors } from "./select-errors.ts";

interface ErrorDefinition {
  readonly status: number;
  readonly message: string;
}

const definitions = {
  ...selectErrors,
  AccessControlListNotSupported: { status: 400, message: "The bucket does not allow ACLs" },
  AccessDenied: { status: 403, message: "Access Denied" },
  AccessForbidden: { status: 403, message: "CORSResponse: This CORS request is not allowed." },
  AccountProblem: {
    status: 403,
    message:
      "There is a problem with your AWS account that prevents the action from completing successfully. Contact AWS Support for further assistance.",
  },
  AllAccessDisabled: {
    status: 403,
    message:
      "All access to this Amazon S3 resource has been disabled. Contact AWS Support for further assistance.",
  },
  AmbiguousGrantByEmailAddress: {
    status: 400,
    message: "The email address you provided is associated with more than one account.",
  },
  AnnotationLimitExceeded: {
    status: 400,
    message: "The object already has the maximum number of annotations.",
  },
  AnnotationNameTooLong: { status: 400, message: "The annotation name is too long." },
  AuthorizationHeaderMalformed: {
    status: 400,
    message: "The authorization header that you provided is not valid.",
  },
  AuthorizationQueryParametersError: {
    status: 400,
    message:
      "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
  },
  BadDigest: {
    status: 400,
    message: "The Content-MD5 you specified did not match what we received.",
  },
  BadRequest: { status: 400, message: "An error occurred when parsing the HTTP request." },
  BucketAlreadyExists: {
    status: 409,
    message:
      "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
  },
  BucketAlreadyOwnedByYou: {
    status: 409,
    message: "Your previous request to create the named bucket succeeded and you already own it.",
  },
  BucketNotEmpty: { status: 409, message: "The bucket you tried to delete is not empty." },
  ConditionalRequestConflict: {
    status: 409,
    message:
      "The conditional request cannot succeed due to a conflicting operation against this resource.",
  },
  CredentialsNotSupported: { status: 400, message: "This request does not support credentials." },
  CrossLocationLoggingProhibited: {
    status: 403,
    message:
      "Cross-location logging not allowed. Buckets in one geographic location cannot log information to a bucket in another location.",
  },
  EncryptionTypeMismatch: {
    status: 400,
    message: "The encryption type of the request does not match that of the object.",
  },
  EntityTooLarge: { status: 400, message: "Your proposed upload exceeds the maximum allowed size" },
  EntityTooSmall: {
    status: 400,
    message: "Your proposed upload is smaller than the minimum allowed size",
  },
  ExpiredToken: { status: 400, message: "The provided token has expired." },
  GlacierExpeditedRetrievalNotAvailable: {
    status: 503,
    message: "Glacier expedited retrievals are currently not available, please try again later",
  },
  IdempotencyParameterMismatch: {
    status: 400,
    message: "The client token was used before with other parameters.",
  },
  IdMismatch: {
    status: 400,
    message: "Document ID does not match the specified configuration ID.",
  },
  IllegalLocationConstraintException: {
    status: 400,
    message:
      "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.",
  },
  IllegalVersioningConfigurationException: {
    status: 400,
    message: "Indicates that the versioning configuration specified in the request is invalid.",
  },
  IncompleteBody: { status: 400, message: "The request body terminated unexpectedly" },
  IncorrectNumberOfFilesInPostRequest: {
    status: 400,
    message: "POST requires exactly one file upload per request.",
  },
  InlineDataTooLarge: { status: 400, message: "Inline data exceeds the maximum allowed size." },
  InsufficientStorage: {
    status: 507,
    message:
      "The server has no space left to store the request. Nothing was written; reads are still served.",
  },
  InternalError: { status: 500, message: "We encountered an internal error. Please try again." },
  InvalidAccessKeyId: {
    status: 403,
    message: "The AWS Access Key Id you provided does not exist in our records.",
  },
  InvalidAnnotationName: { status: 400, message: "The annotation name is not valid." },
  InvalidArgument: { status: 400, message: "Invalid Argument" },
  InvalidBucketAclWithBlockPublicAccessError: {
    status: 400,
    message: "Bucket cannot have public ACLs set with BlockPublicAccess enabled",
  },
  InvalidBucketAclWithObjectOwnership: {
    status: 400,
    message: "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
  },
  InvalidBucketName: { status: 400, message: "The specified bucket is not valid." },
  InvalidBucketOwnerAWSAccountID: {
    status: 400,
    message: "The value of the expected bucket owner parameter must be an AWS account ID",
  },
  InvalidBucketState: {
    status: 409,
    message: "The request is not valid with the current state of the bucket.",
  },
  InvalidChunkSizeError: {
    status: 403,
    message: "Only the last chunk is allowed to have a size less than 8192 bytes",
  },
  InvalidDigest: { status: 400, message: "The Content-MD5 you specified was invalid." },
  InvalidEncryptionAlgorithmError: {
    status: 400,
    message: "The Encryption request you specified is not valid. Supported value: AES256.",
  },
  InvalidHTTPVersion: { status: 400, message: "The HTTP version specified is invalid." },
  InvalidLocationConstraint: {
    status: 400,
    message: "The specified location-constraint is not valid",
  },
  InvalidObjectState: {
    status: 403,
    message: "The action is not valid for the current state of the object.",
  },
  InvalidPart: {
    status: 400,
    message:
      "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
  },
  InvalidPartNumber: { status: 416, message: "The requested partnumber is not satisfiable" },
  InvalidPartOrder: {
    status: 400,
    message: "The list of parts was not in ascending order. Parts must be ordered by part number.",
  },
  InvalidPayer: {
    status: 403,
    message:
      "All access to this object has been disabled. Please contact AWS Support for further assistance.",
  },
  InvalidPolicyDocument: {
    status: 400,
    message:
      "The content of the form does not meet the conditions specified in the policy document.",
  },
  InvalidPrefix: { status: 400, message: "The prefix is not valid." },
  InvalidRange: { status: 416, message: "The requested range is not satisfiable" },
  InvalidRedirectLocation: {
    status: 400,
    message: "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
  },
  InvalidRequest: { status: 400, message: "Invalid Request" },
  InvalidS3DestinationBucket: {
    status: 400,
    message: "The destination bucket of the configuration is not valid.",
  },
  InvalidSOAPRequest: { status: 400, message: "The SOAP request body is invalid." },
  InvalidSecurity: { status: 403, message: "The provided security credentials are not valid." },
  InvalidSessionException: { status: 400, message: "The session token is not valid." },
  InvalidStorageClass: { status: 400, message: "The storage class you specified is not valid" },
  InvalidTag: {
    status: 400,
    message:
      "The tag provided was not a valid tag. This error can occur if the tag did not pass input validation.",
  },
  InvalidTargetBucketForLogging: {
    status: 400,
    message:
      "The target bucket for logging does not exist, is not owned by you, or does not have the appropriate grants for the log-delivery group.",
  },
  InvalidToken: { status: 400, message: "The provided token is malformed or otherwise invalid." },
  InvalidURI: { status: 400, message: "Couldn't parse the specified URI." },
  InvalidWriteOffset: {
    status: 400,
    message: "The write offset value that you specified does not match the current object size.",
  },
  "KMS.DisabledException": { status: 400, message: "The KMS key is disabled." },
  "KMS.InvalidKeyUsageException": {
    status: 400,
    message: "The KMS key cannot be used for this operation.",
  },
  "KMS.KMSInvalidStateException": {
    status: 400,
    message: "The KMS key is not in a state in which it can be used.",
  },
  "KMS.NotFoundException": { status: 400, message: "The KMS key does not exist." },
  "KMS.UnsupportedOperationException": {
    status: 400,
    message: "The KMS key does not support this operation.",
  },
  KeyTooLongError: { status: 400, message: "Your key is too long" },
  MalformedACLError: {
    status: 400,
    message:
      "The XML you provided was not well-formed or did not validate against our published schema.",
  },
  MalformedPOSTRequest: {
    status: 400,
    message: "The body of your POST request is not well-formed multipart/form-data.",
  },
  MalformedPolicy: {
    status: 400,
    message: "Policies must be valid JSON and the first byte must be '{'",
  },
  MalformedTrailerError: {
    status: 400,
    message:
      "The request contained trailing data that was not well-formed or did not conform to our published schema.",
  },
  MalformedXML: {
    status: 400,
    message:
      "The XML you provided was not well-formed or did not validate against our published schema",
  },
  MaxMessageLengthExceeded: { status: 400, message: "Your request was too big." },
  MaxPostPreDataLengthExceededError: {
    status: 400,
    message: "Your POST request fields preceding the upload file were too large.",
  },
  MetadataConfigurationNotFound: {
    status: 404,
    message: "The metadata configuration was not found",
  },
  MetadataTooLarge: {
    status: 400,
    message: "Your metadata headers exceed the maximum allowed metadata size",
  },
  MethodNotAllowed: {
    status: 405,
    message: "The specified method is not allowed against this resource.",
  },
  MissingAuthenticationToken: {
    status: 403,
    message: "The request is missing authentication token.",
  },
  MissingContentLength: {
    status: 411,
    message: "You must provide the Content-Length HTTP header.",
  },
  MissingRequestBodyError: { status: 400, message: "Request Body is empty" },
  MissingSecurityElement: {
    status: 400,
    message: "The SOAP 1.1 request is missing a security element.",
  },
  MissingSecurityHeader: { status: 400, message: "Your request was missing a required header" },
  NoLoggingStatusForKey: {
    status: 400,
    message: "There is no such thing as a logging status subresource for a key.",
  },
  NoSuchAnnotation: { status: 404, message: "The specified annotation does not exist." },
  NoSuchBucket: { status: 404, message: "The specified bucket does not exist" },
  NoSuchBucketPolicy: { status: 404, message: "The bucket policy does not exist" },
  NoSuchCORSConfiguration: { status: 404, message: "The CORS configuration does not exist" },
  NoSuchConfiguration: { status: 404, message: "The specified configuration does not exist." },
  NoSuchKey: { status: 404, message: "The specified key does not exist." },
  NoSuchLifecycleConfiguration: {
    status: 404,
    message: "The lifecycle configuration does not exist",
  },
  NoSuchObjectLockConfiguration: {
    status: 404,
    message: "The specified object does not have a ObjectLock configuration",
  },
  NoSuchPublicAccessBlockConfiguration: {
    status: 404,
    message: "The public access block configuration was not found",
  },
  NoSuchTagSet: { status: 404, message: "The TagSet does not exist" },
  NoSuchUpload: {
    status: 404,
    message:
      "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
  },
  NoSuchVersion: { status: 404, message: "The specified version does not exist." },
  NoSuchWebsiteConfiguration: {
    status: 404,
    message: "The specified bucket does not have a website configuration",
  },
  NotImplemented: {
    status: 501,
    message: "A header you provided implies functionality that is not implemented",
  },
  NotModified: { status: 304, message: "Not Modified" },
  NotSignedUp: {
    status: 403,
    message:
      "Your account is not signed up for the Amazon S3 service. You must sign up before you can use Amazon S3. You can sign up at the following URL: Amazon S3",
  },
  ObjectAlreadyInActiveTierError: {
    status: 403,
    message: "This object is already in the active tier.",
  },
  ObjectLockConfigurationNotFoundError: {
    status: 404,
    message: "Object Lock configuration does not exist for this bucket",
  },
  ObjectNotInActiveTierError: {
    status: 403,
    message:
      "The source object of the COPY action is not in the active tier and is only stored in Amazon S3 Glacier.",
  },
  OperationAborted: {
    status: 409,
    message:
      "A conflicting conditional action is currently in progress against this resource. Try again.",
  },
  OwnershipControlsNotFoundError: {
    status: 404,
    message: "The bucket ownership controls were not found",
  },
  PermanentRedirect: {
    status: 301,
    message:
      "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
  },
  PreconditionFailed: {
    status: 412,
    message: "At least one of the pre-conditions you specified did not hold",
  },
  QuotaExceeded: { status: 403, message: "The quota is exceeded." },
  Redirect: { status: 307, message: "Temporary redirect." },
  ReplicationConfigurationNotFoundError: {
    status: 404,
    message: "The replication configuration was not found",
  },
  RequestHeaderSectionTooLarge: {
    status: 400,
    message: "Your request header section exceeds the maximum allowed size.",
  },
  RequestIsNotMultiPartContent: {
    status: 400,
    message: "Bucket POST must be of the enclosure-type multipart/form-data.",
  },
  RequestTimeTooSkewed: {
    status: 403,
    message: "The difference between the request time and the current time is too large.",
  },
  RequestTimeout: {
    status: 400,
    message:
      "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.",
  },
  RequestTorrentOfBucketError: {
    status: 400,
    message: "Requesting the torrent file of a bucket is not permitted.",
  },
  RestoreAlreadyInProgress: { status: 409, message: "Object restore is already in progress." },
  ServerSideEncryptionConfigurationNotFoundError: {
    status: 404,
    message: "The server side encryption configuration was not found",
  },
  ServiceUnavailable: { status: 503, message: "Please reduce your request rate." },
  SignatureDoesNotMatch: {
    status: 403,
    message:
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
  },
  SlowDown: { status: 503, message: "Please reduce your request rate." },
  TemporaryRedirect: {
    status: 307,
    message: "You are being redirected to the bucket while DNS updates.",
  },
  TokenRefreshRequired: { status: 400, message: "The provided token must be refreshed." },
  TooManyBuckets: {
    status: 400,
    message: "You have attempted to create more buckets than allowed.",
  },
  TooManyConfigurations: {
    status: 400,
    message:
      "You are attempting to create a new configuration but have already reached the 1,000-configuration limit.",
  },
  TooManyParts: {
    status: 400,
    message:
      "You have attempted to add more parts than the maximum of 10000 that are allowed for this object.",
  },
  UnexpectedContent: { status: 400, message: "This request does not support content" },
  UnresolvableGrantByEmailAddress: {
    status: 400,
    message: "The email address you provided does not match any account on record.",
  },
  UnsupportedMediaType: { status: 415, message: "The media type is not supported." },
  UserAnnotationNameMustBeSpecified: {
    status: 400,
    message: "The annotation name must be specified.",
  },
  UserKeyMustBeSpecified: {
    status: 400,
    message:
      "The bucket POST must contain the specified field name. If it is specified, check the order of the fields.",
  },
  XAmzContentChecksumMismatch: {
    status: 400,
    message: "The provided 'x-amz-checksum' header does not match what was computed.",
  },
  XAmzContentSHA256Mismatch: {
    status: 400,
    message: "The provided 'x-amz-content-sha256' header does not match what was computed.",
  },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof definitions;

/** Extra elements of the error document, in order, for example `BucketName`, `Key`, `ArgumentName`. */
export type ErrorFields = Readonly<Record<string, string | number>>;

export interface S3ErrorOptions {
  /** Replaces the code's usual text, where S3 words the same code differently. */
  readonly message?: string;
  readonly fields?: ErrorFields;
  /** Extra response headers, for example `x-amz-delete-marker`, lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Only where S3 answers one code with different statuses. */
  readonly status?: number;
  readonly cause?: unknown;
}

/**
 * The one error that is an answer. Thrown anywhere, encoded in one place (`protocol/encode-error.ts`);
 * anything else that is thrown is a bug or a failure of the machine and becomes InternalError.
 */
export class S3Error extends Error {
  override readonly name = "S3Error";
  readonly code: ErrorCode;
  readonly status: number;
  readonly fields: ErrorFields;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, options: S3ErrorOptions = {}) {
    const definition = definitions[code];
    super(
      options.message ?? definition.message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.status = options.status ?? definition.status;
    this.fields = options.fields ?? {};
    this.headers = options.headers ?? {};
  }
}

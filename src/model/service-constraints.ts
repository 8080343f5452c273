// What values the parameters of IAM and STS may have. The SDK's schemas hold no lengths and patterns;
// these are those of the IAM and STS API References ("Request Parameters" of each action), by name of
// the member, with the actions that differ.

export interface ValueConstraint {
  /** Of strings in characters, of lists in items, of integers the value itself. */
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: RegExp;
  /** What IAM says instead of the pattern. */
  readonly patternMessage?: string;
}

const alphanumeric = "It must contain only alphanumeric characters and/or the following: +=,.@_-";

function name(maximum: number): ValueConstraint {
  return { minimum: 1, maximum, pattern: /^[\w+=,.@-]+$/, patternMessage: alphanumeric };
}

const arn: ValueConstraint = { minimum: 20, maximum: 2048 };
const document: ValueConstraint = {
  minimum: 1,
  maximum: 131_072,
  pattern: /^[\t\n\r\u0020-\u00FF]+$/,
  patternMessage: "It must contain only printable ASCII characters.",
};
const path: ValueConstraint = {
  minimum: 1,
  maximum: 512,
  pattern: /^(?:\/|\/[\u0021-\u007E]+\/)$/,
  patternMessage:
    "It must begin and end with / and contain only alphanumeric characters and/or / characters.",
};
const pathPrefix: ValueConstraint = { minimum: 1, maximum: 512, pattern: /^\/[\u0021-\u007F]*$/ };
const policyPath: ValueConstraint = {
  ...path,
  pattern: /^(?:\/[A-Za-z0-9.,+@=_-]+)*\/$/,
};
const description: ValueConstraint = {
  maximum: 1000,
  pattern: /^[\t\n\r\u0020-\u007E\u00A1-\u00FF]*$/,
};
const accessKeyId: ValueConstraint = { minimum: 16, maximum: 128, pattern: /^\w+$/ };
const accountAlias: ValueConstraint = {
  minimum: 3,
  maximum: 63,
  pattern: /^[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9]$/,
};
const authenticationCode: ValueConstraint = { minimum: 6, maximum: 6, pattern: /^\d+$/ };
const serialNumber: ValueConstraint = { minimum: 9, maximum: 256, pattern: /^[\w+=/:,.@-]+$/ };
const tagKey: ValueConstraint = {
  minimum: 1,
  maximum: 128,
  pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u,
};
const tagValue: ValueConstraint = { maximum: 256, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u };
const tags: ValueConstraint = { maximum: 50 };

export interface ServiceConstraints {
  readonly members: Readonly<Record<string, ValueConstraint>>;
  /** By `Action.Member`, where an action differs. */
  readonly exceptions: Readonly<Record<string, ValueConstraint>>;
  /** Of the list itself, by its member. */
  readonly lists: Readonly<Record<string, ValueConstraint>>;
}

/** What a user of that name is called where the user must exist: names once could be longer. */
const userActionsOf64 = [
  "AttachUserPolicy",
  "CreateUser",
  "DeleteUserPermissionsBoundary",
  "DetachUserPolicy",
  "ListAttachedUserPolicies",
  "PutUserPermissionsBoundary",
];

export const iamConstraints: ServiceConstraints = {
  members: {
    AWSServiceName: name(128),
    AccessKeyId: accessKeyId,
    AccountAlias: accountAlias,
    ActionNames: { minimum: 3, maximum: 128 },
    AssumeRolePolicyDocument: document,
    AuthenticationCode1: authenticationCode,
    AuthenticationCode2: authenticationCode,
    CallerArn: { minimum: 1, maximum: 2048 },
    ClientID: { minimum: 1, maximum: 255 },
    ClientIDList: { minimum: 1, maximum: 255 },
    ContextKeyName: { minimum: 5, maximum: 256 },
    CustomSuffix: name(64),
    Description: description,
    GroupName: name(128),
    Key: tagKey,
    Marker: { minimum: 1, maximum: 320, pattern: /^[\u0020-\u00FF]+$/ },
    MaxItems: { minimum: 1, maximum: 1000 },
    MaxSessionDuration: { minimum: 3600, maximum: 43_200 },
    NewGroupName: name(128),
    NewPath: path,
    NewUserName: name(64),
    OpenIDConnectProviderArn: arn,
    Path: path,
    PathPrefix: pathPrefix,
    PermissionsBoundary: arn,
    PermissionsBoundaryPolicyInputList: document,
    PolicyArn: arn,
    PolicyDocument: document,
    PolicyInputList: document,
    PolicyName: name(128),
    PolicySourceArn: arn,
    ResourceArns: { minimum: 1, maximum: 2048 },
    ResourceHandlingOption: { minimum: 1, maximum: 64 },
    ResourceOwner: { minimum: 1, maximum: 2048 },
    ResourcePolicy: document,
    RoleName: name(64),
    SerialNumber: serialNumber,
    TagKeys: tagKey,
    ThumbprintList: { minimum: 40, maximum: 40 },
    Url: { minimum: 1, maximum: 255 },
    UserName: name(128),
    Value: tagValue,
    VersionId: { pattern: /^v[1-9][0-9]*(?:\.[A-Za-z0-9-]*)?$/ },
    VirtualMFADeviceName: name(226),
  },
  exceptions: {
    ...Object.fromEntries(userActionsOf64.map((action) => [`${action}.UserName`, name(64)])),
    "CreatePolicy.Description": { maximum: 1000 },
    "CreatePolicy.Path": policyPath,
    "ListAttachedGroupPolicies.PathPrefix": policyPath,
    "ListAttachedRolePolicies.PathPrefix": policyPath,
    "ListAttachedUserPolicies.PathPrefix": policyPath,
    "ListPolicies.PathPrefix": policyPath,
    "ListEntitiesForPolicy.PathPrefix": path,
  },
  lists: { Tags: tags, TagKeys: tags },
};

const sessionName: ValueConstraint = { minimum: 2, maximum: 64, pattern: /^[\w+=,.@-]*$/ };
const sessionPolicy: ValueConstraint = {
  minimum: 1,
  maximum: 2048,
  pattern: /^[\t\n\r\u0020-\u00FF]+$/,
};

export const stsConstraints: ServiceConstraints = {
  members: {
    AccessKeyId: { minimum: 16, maximum: 128, pattern: /^\w*$/ },
    DurationSeconds: { minimum: 900, maximum: 129_600 },
    EncodedMessage: { minimum: 1, maximum: 10_240 },
    ExternalId: { minimum: 2, maximum: 1224, pattern: /^[\w+=,.@:/-]*$/ },
    Key: tagKey,
    Name: { minimum: 2, maximum: 32, pattern: /^[\w+=,.@-]*$/ },
    Policy: sessionPolicy,
    ProviderId: { minimum: 4, maximum: 2048 },
    RoleArn: arn,
    RoleSessionName: sessionName,
    SerialNumber: { minimum: 9, maximum: 256, pattern: /^[\w+=/:,.@-]*$/ },
    SourceIdentity: { minimum: 2, maximum: 256, pattern: /^[\w+=,.@-]*$/ },
    TokenCode: { minimum: 6, maximum: 6, pattern: /^\d*$/ },
    TransitiveTagKeys: tagKey,
    Value: tagValue,
    WebIdentityToken: { minimum: 4, maximum: 20_000 },
    arn,
  },
  exceptions: {
    "AssumeRole.DurationSeconds": { minimum: 900, maximum: 43_200 },
    "AssumeRoleWithWebIdentity.DurationSeconds": { minimum: 900, maximum: 43_200 },
  },
  lists: { Tags: tags, TransitiveTagKeys: tags },
};

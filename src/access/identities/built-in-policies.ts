// The managed policies that AWS itself keeps and that people attach by habit, with AWS's documents as
// far as they are about services that answer here: S3, IAM, STS and KMS.

export interface BuiltInPolicy {
  readonly arn: string;
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly description: string;
  readonly createdMilliseconds: number;
  readonly updatedMilliseconds: number;
  readonly versionId: string;
  readonly document: string;
}

interface Statement {
  readonly Effect: "Allow";
  readonly Action?: string | readonly string[];
  readonly NotAction?: readonly string[];
  readonly Resource: string;
}

const everything = "*";

/** By ARN. Documents, versions and times: AWS Managed Policy Reference Guide. */
export const builtInPolicies: ReadonlyMap<string, BuiltInPolicy> = new Map([
  builtIn("AdministratorAccess", {
    id: "ANPAIWMBCKSKIEE64ZLYK",
    description: "Provides full access to AWS services and resources.",
    created: "2015-02-06T18:39:46Z",
    statements: [{ Effect: "Allow", Action: "*", Resource: everything }],
  }),
  builtIn("PowerUserAccess", {
    id: "ANPAJYRXTHIB4FOVS3ZXS",
    description:
      "Provides full access to AWS services and resources, but does not allow management of Users and groups.",
    created: "2015-02-06T18:39:47Z",
    updated: "2026-02-12T17:59:00Z",
    version: "v12",
    statements: [
      {
        Effect: "Allow",
        NotAction: ["iam:*", "organizations:*", "account:*"],
        Resource: everything,
      },
      {
        Effect: "Allow",
        Action: [
          "account:GetAccountInformation",
          "account:GetGovCloudAccountInformation",
          "account:GetPrimaryEmail",
          "account:ListRegions",
          "iam:CreateServiceLinkedRole",
          "iam:DeleteServiceLinkedRole",
          "iam:ListRoles",
          "organizations:DescribeEffectivePolicy",
          "organizations:DescribeOrganization",
        ],
        Resource: everything,
      },
    ],
  }),
  builtIn("ReadOnlyAccess", {
    id: "ANPAILL3HVNFSB6DCOWYQ",
    description: "Provides read-only access to AWS services and resources.",
    created: "2015-02-06T18:39:48Z",
    statements: [
      {
        Effect: "Allow",
        Action: [
          "iam:Generate*",
          "iam:Get*",
          "iam:List*",
          "iam:Simulate*",
          "kms:Describe*",
          "kms:Get*",
          "kms:List*",
          "s3:DescribeJob",
          "s3:Get*",
          "s3:List*",
          "sts:GetAccessKeyInfo",
          "sts:GetCallerIdentity",
          "sts:GetSessionToken",
        ],
        Resource: everything,
      },
    ],
  }),
  builtIn("AmazonS3FullAccess", {
    id: "ANPAIFIR6V6BVTRAHWINE",
    description: "Provides full access to all buckets via the AWS Management Console.",
    created: "2015-02-06T18:40:58Z",
    updated: "2021-09-27T20:16:37Z",
    version: "v2",
    statements: [{ Effect: "Allow", Action: ["s3:*", "s3-object-lambda:*"], Resource: everything }],
  }),
  builtIn("AmazonS3ReadOnlyAccess", {
    id: "ANPAIZTJ4DXE7G6AGAE6M",
    description: "Provides read only access to all buckets via the AWS Management Console.",
    created: "2015-02-06T18:40:59Z",
    updated: "2023-08-10T21:31:39Z",
    version: "v3",
    statements: [
      {
        Effect: "Allow",
        Action: [
          "s3:Get*",
          "s3:List*",
          "s3:Describe*",
          "s3-object-lambda:Get*",
          "s3-object-lambda:List*",
        ],
        Resource: everything,
      },
    ],
  }),
  builtIn("IAMFullAccess", {
    id: "ANPAI7XKCFMBPM3QQRRVQ",
    description: "Provides full access to IAM via the AWS Management Console.",
    created: "2015-02-06T18:40:38Z",
    updated: "2019-06-21T19:40:00Z",
    version: "v2",
    statements: [
      {
        Effect: "Allow",
        Action: [
          "iam:*",
          "organizations:DescribeAccount",
          "organizations:DescribeOrganization",
          "organizations:DescribeOrganizationalUnit",
          "organizations:DescribePolicy",
          "organizations:ListChildren",
          "organizations:ListParents",
          "organizations:ListPoliciesForTarget",
          "organizations:ListRoots",
          "organizations:ListPolicies",
          "organizations:ListTargetsForPolicy",
        ],
        Resource: everything,
      },
    ],
  }),
  builtIn("IAMReadOnlyAccess", {
    id: "ANPAJKSO7NDY4T57MWDSQ",
    description: "Provides read only access to IAM via the AWS Management Console.",
    created: "2015-02-06T18:40:39Z",
    updated: "2018-01-25T19:11:27Z",
    version: "v4",
    statements: [
      {
        Effect: "Allow",
        Action: [
          "iam:GenerateCredentialReport",
          "iam:GenerateServiceLastAccessedDetails",
          "iam:Get*",
          "iam:List*",
          "iam:SimulateCustomPolicy",
          "iam:SimulatePrincipalPolicy",
        ],
        Resource: everything,
      },
    ],
  }),
]);

function builtIn(
  name: string,
  facts: {
    readonly id: string;
    readonly path?: string;
    readonly description: string;
    readonly created: string;
    readonly updated?: string;
    readonly version?: string;
    readonly statements: readonly Statement[];
  },
): readonly [string, BuiltInPolicy] {
  const path = facts.path ?? "/";
  const arn = `arn:aws:iam::aws:policy${path}${name}`;
  return [
    arn,
    {
      arn,
      id: facts.id,
      name,
      path,
      description: facts.description,
      createdMilliseconds: Date.parse(facts.created),
      updatedMilliseconds: Date.parse(facts.updated ?? facts.created),
      versionId: facts.version ?? "v1",
      document: JSON.stringify(
        { Version: "2012-10-17", Statement: facts.statements },
        undefined,
        2,
      ),
    },
  ];
}

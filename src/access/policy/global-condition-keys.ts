// The condition keys that every service knows: "AWS global condition context keys" of the IAM user guide.
// A key that ends in a slash is a family: a tag's name follows.

import type { ConditionKeyType } from "./s3-policy-catalogue.ts";

const globalKeys: Readonly<Record<string, ConditionKeyType>> = {
  // Of the principal.
  "aws:AssumedRoot": "Bool",
  "aws:FederatedProvider": "String",
  "aws:MultiFactorAuthAge": "Numeric",
  "aws:MultiFactorAuthPresent": "Bool",
  "aws:PrincipalAccount": "String",
  "aws:PrincipalArn": "Arn",
  "aws:PrincipalIsAWSService": "Bool",
  "aws:PrincipalOrgID": "String",
  "aws:PrincipalOrgPaths": "StringList",
  "aws:PrincipalServiceName": "String",
  "aws:PrincipalServiceNamesList": "StringList",
  "aws:PrincipalTag/": "String",
  "aws:PrincipalType": "String",
  "aws:userid": "String",
  "aws:username": "String",
  // Of the role session.
  "aws:ChatbotSourceArn": "Arn",
  "aws:Ec2InstanceSourceVpc": "String",
  "aws:Ec2InstanceSourcePrivateIPv4": "Ip",
  "aws:SourceIdentity": "String",
  "aws:TokenIssueTime": "Date",
  "ec2:RoleDelivery": "Numeric",
  "ec2:SourceInstanceArn": "Arn",
  "glue:RoleAssumedBy": "String",
  "glue:CredentialIssuingService": "String",
  "lambda:SourceFunctionArn": "Arn",
  "ssm:SourceInstanceArn": "Arn",
  "identitystore:UserId": "String",
  // Of the network.
  "aws:SourceIp": "Ip",
  "aws:SourceVpc": "String",
  "aws:SourceVpcArn": "Arn",
  "aws:SourceVpce": "String",
  "aws:VpceAccount": "String",
  "aws:VpceOrgID": "String",
  "aws:VpceOrgPaths": "StringList",
  "aws:VpcSourceIp": "Ip",
  // Of the resource.
  "aws:ResourceAccount": "String",
  "aws:ResourceOrgID": "String",
  "aws:ResourceOrgPaths": "StringList",
  "aws:ResourceTag/": "String",
  // Of the request.
  "aws:CalledVia": "StringList",
  "aws:CalledViaAWSMCP": "String",
  "aws:CalledViaFirst": "String",
  "aws:CalledViaLast": "String",
  "aws:CurrentTime": "Date",
  "aws:EpochTime": "Date",
  "aws:IsMcpServiceAction": "Bool",
  "aws:referer": "String",
  "aws:RequestedRegion": "String",
  "aws:RequestTag/": "String",
  "aws:SecureTransport": "Bool",
  "aws:SourceAccount": "String",
  "aws:SourceArn": "Arn",
  // A twin of aws:SourceAccount that "The meaning of public" names.
  "aws:SourceOwner": "String",
  "aws:SourceOrgID": "String",
  "aws:SourceOrgPaths": "StringList",
  "aws:TagKeys": "StringList",
  "aws:UserAgent": "String",
  "aws:ViaAWSMCPService": "Bool",
  "aws:ViaAWSService": "Bool",
};

/** By key in lower case. */
export const globalConditionKeys: ReadonlyMap<string, ConditionKeyType> = new Map(
  Object.entries(globalKeys).map(([key, type]) => [key.toLowerCase(), type]),
);

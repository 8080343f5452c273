// Put-, Get-, Delete- and ListBucketIntelligentTieringConfiguration(s): after how many days without an access
// which objects of the class INTELLIGENT_TIERING are archived. objects/tiering.ts acts on them.

import type {
  IntelligentTieringConfiguration,
  OperationTypes,
} from "../../model/types.generated.ts";
import { tieringDocument } from "../../objects/tiering.ts";
import {
  checkTieringFilter,
  checkTierings,
  formatTieringConfiguration,
  parseTieringConfiguration,
  tagsOfTieringFilter,
} from "../../objects/tiering-rules.ts";
import { checkTags } from "../object/tag-set.ts";
import type { Operation } from "../operation.ts";
import {
  checkConfigurationId,
  createDeletion,
  getConfiguration,
  listConfigurations,
  putConfiguration,
  type ConfigurationKind,
} from "./configurations-by-id.ts";

type Get = OperationTypes["GetBucketIntelligentTieringConfiguration"];
type Put = OperationTypes["PutBucketIntelligentTieringConfiguration"];
type Delete = OperationTypes["DeleteBucketIntelligentTieringConfiguration"];
type List = OperationTypes["ListBucketIntelligentTieringConfigurations"];

const tiering: ConfigurationKind<IntelligentTieringConfiguration> = {
  kind: tieringDocument,
  format: formatTieringConfiguration,
  parse: parseTieringConfiguration,
  // Seen of the service: boto/boto3#3401, and aws/aws-sdk#336, which finds the ids to be the reason.
  mismatch: "MalformedXML",
};

export const getBucketIntelligentTieringConfiguration: Operation<
  Get["input"],
  Get["output"]
> = async (input, { store }) => ({
  IntelligentTieringConfiguration: await getConfiguration(store, input.Bucket, tiering, input.Id),
});

export const putBucketIntelligentTieringConfiguration: Operation<
  Put["input"],
  Put["output"]
> = async (input, { store }) => {
  const { Bucket, Id, IntelligentTieringConfiguration: configuration } = input;
  checkConfigurationId(tiering, Id, configuration);
  const { Filter: filter, Tierings: tierings } = configuration;
  checkTierings(tierings);
  if (filter !== undefined) {
    checkTieringFilter(filter);
    checkTags(
      tagsOfTieringFilter(filter).map(({ Key, Value }) => [Key, Value]),
      "object",
    );
  }
  await putConfiguration(store, Bucket, tiering, configuration);
  return {};
};

export const deleteBucketIntelligentTieringConfiguration: Operation<
  Delete["input"],
  Delete["output"]
> = createDeletion(tiering.kind);

export const listBucketIntelligentTieringConfigurations: Operation<
  List["input"],
  List["output"]
> = async (input, { store }) => {
  const { configurations, paging } = await listConfigurations(store, input, tiering);
  return { ...paging, IntelligentTieringConfigurationList: configurations };
};

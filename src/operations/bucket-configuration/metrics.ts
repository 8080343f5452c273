// Put-, Get-, Delete- and ListBucketMetricsConfiguration(s): which requests are counted for a bucket, and
// under which id. What is counted is shown by /metrics (telemetry/metrics-buckets.ts).

import type { MetricsConfiguration, OperationTypes } from "../../model/types.generated.ts";
import {
  checkMetricsFilter,
  formatMetricsConfiguration,
  parseMetricsConfiguration,
  tagsOfFilter,
} from "../../objects/metrics-rules.ts";
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

type Get = OperationTypes["GetBucketMetricsConfiguration"];
type Put = OperationTypes["PutBucketMetricsConfiguration"];
type Delete = OperationTypes["DeleteBucketMetricsConfiguration"];
type List = OperationTypes["ListBucketMetricsConfigurations"];

const metrics: ConfigurationKind<MetricsConfiguration> = {
  kind: "metrics",
  format: formatMetricsConfiguration,
  parse: parseMetricsConfiguration,
  // Seen of the service: aws/aws-cli#4476, where `myid2` meets `avc`.
  mismatch: "MalformedXML",
};

export const getBucketMetricsConfiguration: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => ({
  MetricsConfiguration: await getConfiguration(store, input.Bucket, metrics, input.Id),
});

export const putBucketMetricsConfiguration: Operation<Put["input"], Put["output"]> = async (
  input,
  { store },
) => {
  const { Bucket, Id, MetricsConfiguration: configuration } = input;
  checkConfigurationId(metrics, Id, configuration);
  const { Filter: filter } = configuration;
  if (filter !== undefined) {
    checkMetricsFilter(filter);
    checkTags(
      tagsOfFilter(filter).map(({ Key, Value }) => [Key, Value]),
      "object",
    );
  }
  await putConfiguration(store, Bucket, metrics, configuration);
  return {};
};

export const deleteBucketMetricsConfiguration: Operation<Delete["input"], Delete["output"]> =
  createDeletion(metrics.kind);

export const listBucketMetricsConfigurations: Operation<List["input"], List["output"]> = async (
  input,
  { store },
) => {
  const { configurations, paging } = await listConfigurations(store, input, metrics);
  return { ...paging, MetricsConfigurationList: configurations };
};

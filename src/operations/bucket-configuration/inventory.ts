// Put-, Get-, Delete- and ListBucketInventoryConfiguration(s): which reports about a bucket's objects are
// written, and where. background/inventory-worker.ts writes them.

import { S3Error } from "../../model/errors.ts";
import type { InventoryConfiguration, OperationTypes } from "../../model/types.generated.ts";
import {
  checkInventoryConfiguration,
  formatInventoryConfiguration,
  inventoryKind,
  parseInventoryConfiguration,
} from "../../objects/inventory-configuration.ts";
import type { Operation } from "../operation.ts";
import {
  checkConfigurationId,
  createDeletion,
  getConfiguration,
  listConfigurations,
  putConfiguration,
  type ConfigurationKind,
} from "./configurations-by-id.ts";

type Get = OperationTypes["GetBucketInventoryConfiguration"];
type Put = OperationTypes["PutBucketInventoryConfiguration"];
type Delete = OperationTypes["DeleteBucketInventoryConfiguration"];
type List = OperationTypes["ListBucketInventoryConfigurations"];

const inventory: ConfigurationKind<InventoryConfiguration> = {
  kind: inventoryKind,
  format: formatInventoryConfiguration,
  parse: parseInventoryConfiguration,
};

export const getBucketInventoryConfiguration: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => ({
  InventoryConfiguration: await getConfiguration(store, input.Bucket, inventory, input.Id),
});

export const putBucketInventoryConfiguration: Operation<Put["input"], Put["output"]> = async (
  input,
  { store },
) => {
  const { Bucket, Id, InventoryConfiguration: configuration } = input;
  // Seen of the service with configurations of this kind: github.com/boto/boto3/issues/3401.
  if (configuration.Id !== Id) throw new S3Error("IdMismatch");
  checkConfigurationId(Id);
  checkInventoryConfiguration(configuration);
  await putConfiguration(store, Bucket, inventory, configuration);
  return {};
};

export const deleteBucketInventoryConfiguration: Operation<Delete["input"], Delete["output"]> =
  createDeletion(inventory.kind);

export const listBucketInventoryConfigurations: Operation<List["input"], List["output"]> = async (
  input,
  { store },
) => {
  const { configurations, paging } = await listConfigurations(store, input, inventory);
  return { ...paging, InventoryConfigurationList: configurations };
};

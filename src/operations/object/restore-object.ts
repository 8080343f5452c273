// RestoreObject: makes what lies in an archive readable for some days, or brings it back to an access tier
// of Intelligent-Tiering. Ends later, by the worker `restore`.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes, RestoreRequest } from "../../model/types.generated.ts";
import type { Operation } from "../operation.ts";
import { Reply } from "../operation.ts";

type Input = OperationTypes["RestoreObject"]["input"];
type Output = OperationTypes["RestoreObject"]["output"];

export const restoreObject: Operation<Input, Output> = async (input, context) => {
  const { store } = context;
  const { Days: days, Tier, GlacierJobParameters: job } = input.RestoreRequest;
  checkKind(input.RestoreRequest);
  if (days !== undefined && days < 1) {
    throw new S3Error("InvalidArgument", {
      message: "restoration days should be at least 1",
      fields: { ArgumentName: "Days", ArgumentValue: days },
    });
  }
  // Since there is no Select any more, both members mean the same, and S3 takes either.
  const tier = job?.Tier ?? Tier ?? "Standard";
  const outcome = await store.restores.request(
    { bucketName: input.Bucket, key: input.Key },
    input.VersionId,
    { days, tier },
    context.cause("ObjectRestore:Post"),
  );
  return new Reply<Output>({}, outcome === "begun" ? 202 : 200);
};

/**
 * Throws S3Error MethodNotAllowed for a query: "Amazon S3 Select is no longer available to new customers".
 * Its members make no sense with a restoration.
 */
function checkKind({ Type, SelectParameters, OutputLocation }: RestoreRequest): void {
  if (Type === "SELECT") throw new S3Error("MethodNotAllowed");
  if (SelectParameters !== undefined || OutputLocation !== undefined) {
    throw new S3Error("MalformedXML");
  }
}

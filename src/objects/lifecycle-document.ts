// A bucket's lifecycle configuration as it is kept: the rules as they were accepted, with the ids that
// they got, and from what size on objects change their class.

import { randomUUID } from "node:crypto";
import type { LifecycleRule } from "../model/types.generated.ts";
import { activeRules, type ActiveLifecycle } from "./lifecycle-rules.ts";

export interface LifecycleConfiguration {
  readonly rules: readonly LifecycleRule[];
  readonly minimumSize: TransitionMinimumSize;
}

/** A configuration with what its enabled rules do. */
export interface BucketLifecycle extends LifecycleConfiguration {
  readonly active: ActiveLifecycle;
}

/** Of the bucket's documents. */
export const lifecycleKind = "lifecycle";

export const transitionMinimumSizes = [
  "all_storage_classes_128K",
  "varies_by_storage_class",
] as const;
export type TransitionMinimumSize = (typeof transitionMinimumSizes)[number];

/** S3 makes 48 characters of Base64 of a UUID (as seen in aws/aws-sdk-go-v2#3165). */
export function withRuleIds(rules: readonly LifecycleRule[]): readonly LifecycleRule[] {
  return rules.map((rule) =>
    rule.ID === undefined || rule.ID === ""
      ? { ...rule, ID: Buffer.from(randomUUID()).toString("base64") }
      : rule,
  );
}

/** What the bucket's document of that kind holds. */
export function formatLifecycle({ rules, minimumSize }: LifecycleConfiguration): string {
  return JSON.stringify({ v: 1, rules, minimumSize });
}

export function parseLifecycle(text: string): BucketLifecycle {
  const { rules, minimumSize } = JSON.parse(text, (name, value: unknown) =>
    name === "Date" && typeof value === "string" ? new Date(value) : value,
  ) as LifecycleConfiguration; // our own document
  return { rules, minimumSize, active: { rules: activeRules(rules), minimumSize } };
}

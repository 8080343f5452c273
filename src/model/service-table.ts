// The words in which the contracts of IAM and STS are written down: both speak AWS's query protocol,
// parameters of a form in, XML out. The tables are generated (iam.generated.ts, sts.generated.ts).

export type ServiceType =
  | "string"
  | "integer"
  | "boolean"
  /** ISO 8601 in UTC, to the second. */
  | "timestamp"
  /** Base64. */
  | "bytes"
  /** Its values stand in the contract's `enumerations`. */
  | { readonly enumeration: string }
  | { readonly structure: string }
  | { readonly list: ServiceType }
  /** From a string. */
  | { readonly map: ServiceType };

export interface ServiceMember {
  readonly name: string;
  readonly type: ServiceType;
  readonly required?: true;
}

export interface ActionDefinition {
  readonly input: readonly ServiceMember[];
  /** Absent: the answer is the request's id alone. */
  readonly output?: readonly ServiceMember[];
}

export interface ServiceContract {
  /** The only value of the parameter `Version`. */
  readonly version: string;
  readonly namespace: string;
  readonly actions: Readonly<Record<string, ActionDefinition>>;
  readonly shapes: Readonly<Record<string, readonly ServiceMember[]>>;
  readonly enumerations: Readonly<Record<string, readonly string[]>>;
  /** The status of each error that the service names. */
  readonly errors: Readonly<Record<string, number>>;
}

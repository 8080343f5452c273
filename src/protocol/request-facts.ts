// A request as policies may ask about it, made of what the pipeline knows. Found out only when asked.

import type { Caller } from "../access/caller.ts";
import type { RequestFacts } from "../access/request-context.ts";
import { parseBasicTime, parseDateHeader } from "../access/request-time.ts";
import type { Clock } from "../base/clock.ts";
import type { HttpRequest } from "../http/http-message.ts";
import { decodeForm } from "./percent.ts";
import type { OperationInput } from "./decode-input.ts";
import { findParameter, type QueryParameter } from "./query.ts";

type Tags = RequestFacts["requestTags"];

export interface PipelineFactsOptions {
  readonly caller: Caller;
  readonly clock: Clock;
  readonly region: string;
  readonly request: HttpRequest;
  readonly query: readonly QueryParameter[];
  readonly input: OperationInput;
  readonly form: RequestFacts["authentication"]["form"];
  readonly signatureVersion: "v2" | "v4" | undefined;
}

/** Made for every request, and hardly ever asked: it does nothing before. */
export class PipelineFacts implements RequestFacts {
  readonly #options: PipelineFactsOptions;

  constructor(options: PipelineFactsOptions) {
    this.#options = options;
  }

  get caller(): Caller {
    return this.#options.caller;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get region(): string {
    return this.#options.region;
  }

  get authentication(): RequestFacts["authentication"] {
    const { request, query, form, signatureVersion } = this.#options;
    return { form, signatureVersion, signedMilliseconds: signedTime(request, query) };
  }

  get headers(): HttpRequest["headers"] {
    return this.#options.request.headers;
  }

  get remoteAddress(): string {
    return this.#options.request.remoteAddress;
  }

  get isEncrypted(): boolean {
    return this.#options.request.isEncrypted;
  }

  get tlsVersion(): string | undefined {
    return this.#options.request.tlsVersion;
  }

  get requestTags(): Tags {
    return requestTags(this.#options.input);
  }

  get tagKeys(): readonly string[] {
    const taken = this.#options.input["TagKeys"] as readonly string[] | undefined;
    return taken ?? this.requestTags.map(([name]) => name);
  }

  query(name: string): string | undefined {
    if (name === "location-constraint") {
      const configuration = this.#options.input["CreateBucketConfiguration"] as
        | { readonly LocationConstraint?: string }
        | undefined;
      return configuration?.LocationConstraint;
    }
    return findParameter(this.#options.query, name);
  }
}

function signedTime(request: HttpRequest, query: readonly QueryParameter[]): number | undefined {
  const basic = request.headers.get("x-amz-date") ?? findParameter(query, "X-Amz-Date");
  if (basic !== undefined) return parseBasicTime(basic);
  const date = request.headers.get("date");
  return date === undefined ? undefined : parseDateHeader(date);
}

interface TagSet {
  readonly TagSet?: readonly { readonly Key: string; readonly Value: string }[];
}

/** Of the x-amz-tagging header, of PutObjectTagging, PutBucketTagging, CreateBucket and TagResource. */
function requestTags(input: OperationInput): Tags {
  const tagging = input["Tagging"] as string | TagSet | undefined;
  if (typeof tagging === "string") return headerTags(tagging);
  const configuration = input["CreateBucketConfiguration"] as
    | { readonly Tags?: TagSet["TagSet"] }
    | undefined;
  const given = input["Tags"] as TagSet["TagSet"];
  const tags = tagging?.TagSet ?? configuration?.Tags ?? given ?? [];
  return tags.map(({ Key, Value }) => [Key, Value] as const);
}

/** What cannot be read the operation refuses; here it counts as no tag. */
function headerTags(header: string): Tags {
  return header.split("&").flatMap((pair) => {
    const [name = "", value = ""] = pair.split("=", 2);
    try {
      return name === "" ? [] : [[decodeForm(name), decodeForm(value)] as const];
    } catch {
      return [];
    }
  });
}

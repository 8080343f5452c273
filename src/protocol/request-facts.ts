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

export class PipelineFacts implements RequestFacts {
  readonly caller: Caller;
  readonly clock: Clock;
  readonly region: string;
  readonly authentication: RequestFacts["authentication"];
  readonly #request: HttpRequest;
  readonly #query: readonly QueryParameter[];
  readonly #input: OperationInput;

  constructor(options: {
    readonly caller: Caller;
    readonly clock: Clock;
    readonly region: string;
    readonly request: HttpRequest;
    readonly query: readonly QueryParameter[];
    readonly input: OperationInput;
    readonly form: RequestFacts["authentication"]["form"];
    readonly signatureVersion: "v2" | "v4" | undefined;
  }) {
    const { request, query, form, signatureVersion } = options;
    this.caller = options.caller;
    this.clock = options.clock;
    this.region = options.region;
    this.#request = request;
    this.#query = query;
    this.#input = options.input;
    this.authentication = {
      form,
      signatureVersion,
      get signedMilliseconds() {
        return signedTime(request, query);
      },
    };
  }

  get headers(): HttpRequest["headers"] {
    return this.#request.headers;
  }

  get remoteAddress(): string {
    return this.#request.remoteAddress;
  }

  get isEncrypted(): boolean {
    return this.#request.isEncrypted;
  }

  get tlsVersion(): string | undefined {
    return this.#request.tlsVersion;
  }

  get requestTags(): Tags {
    return requestTags(this.#input);
  }

  query(name: string): string | undefined {
    if (name === "location-constraint") {
      const configuration = this.#input["CreateBucketConfiguration"] as
        | { readonly LocationConstraint?: string }
        | undefined;
      return configuration?.LocationConstraint;
    }
    return findParameter(this.#query, name);
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

/** Of the x-amz-tagging header, of PutObjectTagging and PutBucketTagging, of CreateBucket. */
function requestTags(input: OperationInput): Tags {
  const tagging = input["Tagging"] as string | TagSet | undefined;
  if (typeof tagging === "string") return headerTags(tagging);
  const configuration = input["CreateBucketConfiguration"] as
    | { readonly Tags?: TagSet["TagSet"] }
    | undefined;
  const tags = tagging?.TagSet ?? configuration?.Tags ?? [];
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

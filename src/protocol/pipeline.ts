// The path of every request, as one list: receive, assign ids, address, route, authenticate, decode
// input, authorize, run, encode, record. Each stage stands in a file of its own.

import { anonymously, authenticate } from "../access/authenticate.ts";
import type { AccountDirectory } from "../access/accounts.ts";
import { authorize, refuseStranger } from "../access/authorize.ts";
import type { Caller } from "../access/caller.ts";
import type { MfaVerifier } from "../access/mfa-verifier.ts";
import type { ServiceApi } from "../access/service-request.ts";
import type { Authentication, CredentialLookup } from "../access/signed-request.ts";
import type { Clock } from "../base/clock.ts";
import type { RequestPayload } from "../body/request-payload.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "../http/http-message.ts";
import { S3Error } from "../model/errors.ts";
import type { OperationDefinition } from "../model/operation-table.ts";
import { operations as definitions } from "../model/operations.generated.ts";
import type { OperationName } from "../model/types.generated.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { notImplemented, operations, type OperationTable } from "../operations/index.ts";
import type { BucketDefaults, OperationContext } from "../operations/operation.ts";
import type { AccessRecorder } from "./access-record.ts";
import { checkAcceleration } from "./acceleration.ts";
import { parseAddress, parseAddressOf, type Address } from "./address.ts";
import { findCorsHeaders } from "./cors-headers.ts";
import { compileInputDecoder, type InputDecoder, type OperationInput } from "./decode-input.ts";
import { asS3Error, encodeError, errorDocument, isServerFailure } from "./encode-error.ts";
import { compileOutputEncoder, type EncodedOutput, type OutputEncoder } from "./encode-output.ts";
import { encodeResult, type LateAnswers } from "./encode-result.ts";
import { beginExchange, type Exchange } from "./exchange.ts";
import { checkExpectedOwner, expectsOwner } from "./expected-owner.ts";
import { hideAbsence } from "./hidden-absence.ts";
import { LazyPayload } from "./lazy-payload.ts";
import { checkMisplacedHeaders } from "./misplaced-headers.ts";
import {
  PipelineContext,
  type EncryptionDependencies,
  type UnderstoodRequest,
} from "./operation-context.ts";
import { answerService, findService } from "./other-services.ts";
import { parseQuery } from "./query.ts";
import { createRequestIds, type RandomSource, type RequestIds } from "./request-ids.ts";
import { recordAnswer } from "./recorded-answer.ts";
import type { RequestRecord } from "./request-record.ts";
import { createRouter, type Router } from "./router.ts";
import { traced } from "./traced-handler.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { defaultSlowReplyTiming, type SlowReplyTiming } from "./slow-reply.ts";
import { encodeErrorPage } from "./website-page.ts";
import { answerVisit, findWebsite, findWebsiteOfPort, type WebsiteHosts } from "./website.ts";

export interface PipelineDependencies {
  readonly store: ObjectStore;
  readonly credentials: CredentialLookup;
  readonly accounts: AccountDirectory;
  readonly region: string;
  /** Default: AWS's own. */
  readonly bucketDefaults?: BucketDefaults;
  readonly clock: Clock;
  /** Lower-case host names below which the first label or labels name a bucket. */
  readonly domains: readonly string[];
  /** The same of buckets' websites. */
  readonly websiteDomains?: readonly string[];
  readonly encryption?: EncryptionDependencies;
  /** Who knows the devices that MFA delete asks for. */
  readonly mfa?: MfaVerifier;
  /** IAM, STS, KMS and administration, which answer on the same endpoint. */
  readonly services?: readonly ServiceApi[];
  /** Another table than the server's own, for tests. */
  readonly operations?: OperationTable;
  readonly fillRandom: RandomSource;
  /** Absent: requests are not traced. */
  readonly tracing?: Tracing | undefined;
  /** Called once for every request, when its answer has left or is known never to leave. */
  readonly observe?: (record: RequestRecord) => void;
  /** Who writes down requests of buckets that want it. */
  readonly accessLog?: AccessRecorder | undefined;
  /** Called for every failure that is ours rather than the client's. */
  readonly reportFailure?: (failure: FailureReport) => void;
  readonly slowReplyTiming?: SlowReplyTiming;
}

type RunnableOperation = (input: OperationInput, context: OperationContext) => Promise<unknown>;

export interface FailureReport {
  readonly requestId: string;
  readonly operation: OperationName | undefined;
  /** What was thrown. */
  readonly error: unknown;
}

export function createPipeline(dependencies: PipelineDependencies): HttpHandler {
  return createHandlers(dependencies).s3;
}

/** `website` takes every host for that of a website: for a port of its own. */
export function createHandlers(dependencies: PipelineDependencies): {
  readonly s3: HttpHandler;
  readonly website: HttpHandler;
} {
  const pipeline = new Pipeline(dependencies);
  const { tracing } = dependencies;
  return {
    s3: traced(tracing, (request) => pipeline.answer(request)),
    website: traced(tracing, (request) => pipeline.answerVisit(request)),
  };
}

interface ObjectInput {
  readonly Bucket: string;
  readonly Key: string;
  readonly VersionId?: string;
}

/** Operations whose decision and answer are made of one look at the object. */
function readsObject({ name }: OperationDefinition): boolean {
  return (
    name === "GetObject" ||
    name === "HeadObject" ||
    name === "GetObjectAttributes" ||
    name === "GetObjectTorrent"
  );
}

interface Codec {
  readonly decode: InputDecoder;
  readonly encoder: OutputEncoder;
}

class Pipeline {
  readonly #dependencies: PipelineDependencies;
  readonly #router: Router = createRouter();
  readonly #ids: RequestIds;
  readonly #codecs = new Map<OperationName, Codec>();
  readonly #late: LateAnswers;
  readonly #hosts: WebsiteHosts;
  readonly #store: ObjectStore;

  constructor(dependencies: PipelineDependencies) {
    this.#dependencies = dependencies;
    this.#ids = createRequestIds(dependencies.fillRandom);
    this.#late = {
      timing: dependencies.slowReplyTiming ?? defaultSlowReplyTiming,
      encodeFailure: (exchange, error) => errorDocument(this.#fail(exchange, error), exchange),
    };
    const { websiteDomains = [], domains } = dependencies;
    this.#hosts = { websiteDomains, domains };
    this.#store = dependencies.store;
    for (const definition of Object.values(definitions)) {
      this.#codecs.set(definition.name, {
        decode: compileInputDecoder(definition),
        encoder: compileOutputEncoder(definition),
      });
    }
  }

  async answer(request: HttpRequest): Promise<HttpResponse> {
    const site = findWebsite(request.headers.get("host"), this.#hosts);
    if (site !== undefined) return this.answerVisit(request, site);
    const exchange = this.#begin(request);
    const service = this.#findService(request);
    if (service !== undefined) return this.#answerService(exchange, service);
    const outcome = await this.#perform(exchange);
    const isError = outcome instanceof S3Error;
    return this.#record(exchange, isError ? encodeError(outcome, exchange) : outcome);
  }

  /** `site`: the bucket, where the host has told it already. */
  async answerVisit(request: HttpRequest, site?: string): Promise<HttpResponse> {
    const { store } = this.#dependencies;
    const exchange = this.#begin(request);
    exchange.service = "website";
    const { target, headers } = request;
    try {
      const host = headers.get("host");
      const bucket = site ?? (await findWebsiteOfPort(host, this.#hosts, store));
      const address = (exchange.address = parseAddressOf(bucket, target, host));
      const origin = headers.get("origin");
      if (origin !== undefined) await this.#findCorsHeaders(exchange, address, origin);
      const read = (inner: HttpRequest): Promise<EncodedOutput> => this.#read(exchange, inner);
      const { answer, error } = await answerVisit({ request, address, ids: exchange, store, read });
      exchange.errorCode = error?.code;
      return this.#record(exchange, answer);
    } catch (thrown) {
      const failure = { error: this.#fail(exchange, thrown), address: exchange.address };
      return this.#record(exchange, encodeErrorPage(failure, exchange));
    }
  }

  /** What a visitor reads goes through the stages as a request of its own. Throws S3Error. */
  async #read(visit: Exchange, request: HttpRequest): Promise<EncodedOutput> {
    const exchange = { ...visit, request, method: request.method };
    const outcome = await this.#perform(exchange);
    // What the record of the visit tells is its last read.
    visit.address = exchange.address;
    visit.visitedKey ??= exchange.address?.key;
    visit.routed = visit.definition = exchange.definition;
    visit.caller = exchange.caller;
    visit.access = exchange.access;
    visit.facts = exchange.facts;
    visit.notes = exchange.notes;
    if (outcome instanceof S3Error) throw outcome;
    return outcome;
  }

  /** The stages from the address to the encoded answer, or to the error that is to be shown. */
  async #perform(exchange: Exchange): Promise<EncodedOutput | S3Error> {
    const { request } = exchange;
    try {
      const address = this.#address(exchange);
      const origin = request.headers.get("origin");
      if (origin !== undefined) await this.#findCorsHeaders(exchange, address, origin);
      const { method, query } = exchange;
      const route = this.#router.route({ method, address, query, headers: request.headers });
      exchange.trace?.enter("authenticate");
      exchange.routed = route.operation;
      exchange.isControl = route.operation?.control === true;
      const authentication = await this.#authenticate(exchange, address, route.operation?.name);
      const { caller, integrity } = authentication;
      if (route.operation === undefined) throw route.refusal;
      exchange.trace?.enter("decode input");
      const definition = (exchange.definition = route.operation);
      if (address.isAccelerated) await checkAcceleration(address, definition, this.#store);
      const run = this.#findOperation(definition.name, caller);
      const codec = this.#codecs.get(definition.name) as Codec; // made for every definition
      const payload = new LazyPayload(request, integrity);
      const input = await codec.decode(decodable(exchange, address, payload));
      exchange.trace?.enter("authorize");
      const context = this.#context(exchange, { address, authentication, input, payload });
      if (readsObject(definition)) {
        const { Bucket, Key, VersionId } = input as unknown as ObjectInput; // by the table
        await context.objects.lookAt(Bucket, Key, VersionId);
      }
      const admission = authorize(definition.name, input, context.authorization);
      if (admission !== undefined) await admission;
      if (definition.name === "DeleteObject" && context.objects.areTagsMetered) {
        const { Bucket, Key, VersionId } = input as unknown as ObjectInput; // by the table
        await context.objects.lookAt(Bucket, Key, VersionId);
      }
      checkMisplacedHeaders(definition.name, request.headers);
      if (expectsOwner(input)) await checkExpectedOwner(input, this.#store);
      exchange.trace?.enter("run");
      const result = await run(input, context);
      const encoded = await encodeResult(exchange, codec.encoder, result, this.#late);
      if (context.authorization.isCharged && tellsCharge(definition)) {
        encoded.headers.push("x-amz-request-charged", "requester");
      }
      return encoded;
    } catch (error) {
      return this.#fail(exchange, await hideAbsence(exchange, error));
    }
  }

  #context(
    exchange: Exchange,
    understood: Pick<UnderstoodRequest, "address" | "authentication" | "input" | "payload">,
  ): PipelineContext {
    const { request, requestId, hostId, query } = exchange;
    const { address, authentication, input, payload } = understood;
    const context = new PipelineContext(
      this.#dependencies,
      { request, requestId, hostId, query, address, authentication, input, payload },
      (form) => Object.assign(exchange, form),
    );
    exchange.access = context.authorization;
    exchange.facts = context.objects;
    exchange.notes = context.notes;
    return context;
  }

  #begin(request: HttpRequest): Exchange {
    const { clock, tracing } = this.#dependencies;
    return beginExchange(request, { ids: this.#ids, clock, tracing });
  }

  #findService(request: HttpRequest): ServiceApi | undefined {
    const { services } = this.#dependencies;
    if (services === undefined) return undefined;
    const name = findService(request);
    return name === undefined ? undefined : services.find(({ service }) => service === name);
  }

  async #answerService(exchange: Exchange, service: ServiceApi): Promise<HttpResponse> {
    exchange.trace?.enter("run");
    const { requestId, request } = exchange;
    const { response, caller, failure } = await answerService(service, request, {
      ...this.#dependencies,
      requestId,
    });
    if (failure !== undefined) this.#fail(exchange, failure);
    const { status, body } = response;
    exchange.service = service.service;
    exchange.serviceResponse = response;
    exchange.caller = caller;
    return this.#record(exchange, { status, headers: [...response.headers], body });
  }

  #address(exchange: Exchange): Address {
    const { target, headers } = exchange.request;
    const address = parseAddress(target, headers.get("host"), this.#dependencies.domains);
    exchange.address = address;
    exchange.query = parseQuery(address.rawQuery);
    return address;
  }

  /** A preflight has its own answer. */
  async #findCorsHeaders(exchange: Exchange, { bucket }: Address, origin: string): Promise<void> {
    const { request } = exchange;
    if (bucket === undefined || request.method === "OPTIONS") return;
    exchange.corsHeaders = await findCorsHeaders(request, origin, bucket, this.#store);
  }

  async #authenticate(
    exchange: Exchange,
    address: Address,
    operation: OperationName | undefined,
  ): Promise<Authentication> {
    // Of a presigned URL the browser asks with the query that is signed for the request to come.
    if (operation === "Preflight") return anonymously(exchange.request);
    const { method, headers, isEncrypted } = exchange.request;
    const { rawPath, rawQuery, virtualHostBucket } = address;
    const authentication = await authenticate(
      { method, rawPath, rawQuery, headers, virtualHostBucket, isEncrypted },
      this.#dependencies,
    );
    exchange.caller = authentication.caller;
    return authentication;
  }

  #findOperation(name: OperationName, caller: Caller): RunnableOperation {
    const operation = (this.#dependencies.operations ?? operations)[name];
    if (operation === notImplemented) {
      // A stranger learns nothing, not even what is missing.
      refuseStranger(caller.kind === "anonymous");
      throw new S3Error("NotImplemented");
    }
    // The table's own type has proven that the function fits the operation's name.
    return operation as unknown as RunnableOperation;
  }

  #fail(exchange: Exchange, thrown: unknown): S3Error {
    const error = asS3Error(thrown);
    exchange.errorCode = error.code;
    if (isServerFailure(error)) {
      this.#dependencies.reportFailure?.({
        requestId: exchange.requestId,
        operation: exchange.definition?.name,
        error: thrown,
      });
    }
    return error;
  }

  /** Every answer, good or bad, leaves through here. */
  #record(exchange: Exchange, encoded: EncodedOutput): HttpResponse {
    return recordAnswer(exchange, encoded, this.#dependencies);
  }
}

/** "If the requester was successfully charged": some operations have no member for it. */
function tellsCharge({ output }: OperationDefinition): boolean {
  return output.some(({ name }) => name === "RequestCharged");
}

function decodable(
  { request, query }: Exchange,
  address: Address,
  payload: RequestPayload,
): Parameters<InputDecoder>[0] {
  return { address, query, headers: request.headers, hasBody: request.hasBody, payload };
}

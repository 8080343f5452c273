// What an operation gets beside its input, made of what the pipeline has found out. Getters, because
// most operations look at little of it and every request makes one.

import type { AccountDirectory } from "../access/accounts.ts";
import type { Caller } from "../access/caller.ts";
import type { MfaVerifier } from "../access/mfa-verifier.ts";
import type { RequestAccess } from "../access/request-access.ts";
import { RequestAuthorization } from "../access/request-authorization.ts";
import type { Authentication, CredentialLookup } from "../access/signed-request.ts";
import type { Clock } from "../base/clock.ts";
import type { DataKeys } from "../keys/data-keys.ts";
import type { HttpRequest } from "../http/http-message.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { causeOf } from "../operations/change-cause.ts";
import { bucketDefaultsOf } from "../operations/bucket/new-bucket-access.ts";
import type {
  BucketDefaults,
  NotificationChecks,
  OperationContext,
} from "../operations/operation.ts";
import type { RequestNotes } from "../operations/request-notes.ts";
import type { Address } from "./address.ts";
import { decodeFormUpload } from "./decode-form.ts";
import type { OperationInput } from "./decode-input.ts";
import type { LazyPayload } from "./lazy-payload.ts";
import type { QueryParameter } from "./query.ts";
import { PipelineFacts, type PipelineFactsOptions } from "./request-facts.ts";
import { StoreFacts } from "./resource-facts.ts";

/**
 * Where objects may be encrypted with customers' keys (SSE-C): `blocked` in new buckets until their owner
 * unblocks it, as in S3; `allowed` in new buckets too; `anywhere`: without TLS as well.
 */
export type CustomerKeyMode = "blocked" | "allowed" | "anywhere";

export interface EncryptionDependencies {
  readonly dataKeys: DataKeys | undefined;
  /** Default `blocked`. */
  readonly customerKeys: CustomerKeyMode;
}

export interface ContextDependencies {
  readonly store: ObjectStore;
  readonly accounts: AccountDirectory;
  readonly credentials: CredentialLookup;
  readonly region: string;
  readonly clock: Clock;
  readonly encryption?: EncryptionDependencies;
  readonly mfa?: MfaVerifier;
  /** Default: no destination of notifications is there. */
  readonly notifications?: NotificationChecks;
  /** Default: AWS's own. */
  readonly bucketDefaults?: BucketDefaults;
}

/** A request that has been understood. */
export interface UnderstoodRequest {
  readonly request: HttpRequest;
  readonly requestId: string;
  readonly hostId: string;
  readonly address: Address;
  readonly query: readonly QueryParameter[];
  readonly authentication: Authentication;
  readonly input: OperationInput;
  readonly payload: LazyPayload;
}

/** What a form's fields say of the request that carried it. */
export interface SignedForm {
  readonly access: RequestAuthorization;
  readonly caller: Caller;
  readonly facts: StoreFacts;
  readonly formKey: string;
  readonly formSignature: "v2" | "v4" | undefined;
}

export class PipelineContext implements OperationContext {
  readonly #dependencies: ContextDependencies;
  readonly #understood: UnderstoodRequest;
  readonly #onFormSigner: (form: SignedForm) => void;
  readonly objects: StoreFacts;
  readonly notes: RequestNotes = {};
  readonly authorization: RequestAuthorization;
  readonly access: RequestAccess;

  /**
   * `onFormSigner` hears of the caller that was found in a form's fields. `access`: in place of what the
   * caller may do.
   */
  constructor(
    dependencies: ContextDependencies,
    understood: UnderstoodRequest,
    onFormSigner: (form: SignedForm) => void,
    access?: RequestAccess,
  ) {
    this.#dependencies = dependencies;
    this.#understood = understood;
    this.#onFormSigner = onFormSigner;
    this.objects = new StoreFacts(dependencies.store);
    const { caller, presigned, signatureVersion } = understood.authentication;
    const signed = presigned ? "query" : "header";
    const form = caller.kind === "anonymous" ? "none" : signed;
    const facts = this.#facts(caller, form, signatureVersion);
    this.authorization = new RequestAuthorization(facts, this.objects);
    this.access = access ?? this.authorization;
  }

  get requestId(): string {
    return this.#understood.requestId;
  }

  get caller(): Caller {
    return this.#understood.authentication.caller;
  }

  get cause(): OperationContext["cause"] {
    const { request, requestId, hostId } = this.#understood;
    const timeMilliseconds = this.#dependencies.clock.now();
    const sourceAddress = request.remoteAddress;
    const isReplication = this.#understood.input["Replica"] !== undefined;
    return (event) =>
      causeOf(this.caller, {
        event,
        timeMilliseconds,
        requestId,
        hostId,
        sourceAddress,
        ...(isReplication ? { isReplication } : {}),
      });
  }

  get accounts(): AccountDirectory {
    return this.#dependencies.accounts;
  }

  get clock(): Clock {
    return this.#dependencies.clock;
  }

  get region(): string {
    return this.#dependencies.region;
  }

  get store(): ObjectStore {
    return this.#dependencies.store;
  }

  get payload(): LazyPayload {
    return this.#understood.payload;
  }

  get encryption(): OperationContext["encryption"] {
    const { encryption } = this.#dependencies;
    const { request, authentication } = this.#understood;
    return {
      isSafe: request.isEncrypted || encryption?.customerKeys === "anywhere",
      signatureVersion: authentication.signatureVersion,
      dataKeys: encryption?.dataKeys,
      allowsCustomerKeys: (encryption?.customerKeys ?? "blocked") !== "blocked",
    };
  }

  get mfa(): OperationContext["mfa"] {
    const { isEncrypted, remoteAddress } = this.#understood.request;
    const isSafe = isEncrypted || isLoopback(remoteAddress) || this.encryption.isSafe;
    return { isSafe, verifier: this.#dependencies.mfa };
  }

  get notifications(): NotificationChecks {
    return this.#dependencies.notifications ?? noDestinations;
  }

  get decodeForm(): OperationContext["decodeForm"] {
    const { address, payload } = this.#understood;
    return (form) => decodeFormUpload(form, address, payload);
  }

  get credentials(): CredentialLookup {
    return this.#dependencies.credentials;
  }

  get bucketDefaults(): BucketDefaults {
    return this.#dependencies.bucketDefaults ?? bucketDefaultsOf({});
  }

  get resourceUrl(): string {
    const { request, address } = this.#understood;
    const scheme = request.isEncrypted ? "https" : "http";
    return `${scheme}://${address.host}${address.rawPath}`;
  }

  get signal(): AbortSignal {
    return this.#understood.request.signal;
  }

  get accessFor(): OperationContext["accessFor"] {
    return (caller, signatureVersion, upload) => {
      const form = caller.kind === "anonymous" ? "none" : "post";
      // The model's inputs are what a decoder makes of a request: a record of members.
      const input = upload as unknown as OperationInput;
      const facts = this.#facts(caller, form, signatureVersion, input);
      const objects = new StoreFacts(this.store);
      const access = new RequestAuthorization(facts, objects);
      const formSignature = signatureVersion;
      this.#onFormSigner({ access, caller, facts: objects, formKey: upload.Key, formSignature });
      return access;
    };
  }

  #facts(
    caller: Caller,
    form: PipelineFactsOptions["form"],
    signatureVersion: PipelineFactsOptions["signatureVersion"],
    input = this.#understood.input,
  ): PipelineFacts {
    const { clock, region } = this.#dependencies;
    const { request, query } = this.#understood;
    return new PipelineFacts({
      caller,
      clock,
      region,
      request,
      query,
      input,
      form,
      signatureVersion,
    });
  }
}

const noDestinations: NotificationChecks = { check: async () => "missing" };

/** What a proxy on this machine passes on counts as safe: it is there to end TLS. */
function isLoopback(address: string): boolean {
  return address === "::1" || /^(?:::ffff:)?127\./.test(address);
}

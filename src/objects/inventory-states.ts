// How far the reports of inventory configurations are, and which were asked for out of their turn. The
// worker `inventory` writes the former, the administration the latter.

import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import { encodeRecord } from "../storage/record-codec.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import {
  decodeInventoryState,
  type InventoryStateRecord,
} from "./records/inventory-state-record.ts";
import { keys } from "./records/keyspace.ts";

const nothing = { checks: [], sets: [], deletes: [], additions: [] } as const;

interface RequestRecord {
  readonly v: 1;
  readonly requestedMilliseconds: number;
}

export interface InventoryState {
  readonly state: InventoryStateRecord | undefined;
  readonly isRequested: boolean;
}

export class InventoryStates {
  readonly #store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  async read(bucket: BucketRecord, id: string): Promise<InventoryState> {
    const { gets } = await this.#store.read({
      gets: [keys.inventoryState(bucket.id, id), keys.inventoryRequest(bucket.id, id)],
    });
    const [state, request] = gets;
    return {
      state: state && decodeInventoryState(state.value),
      isRequested: request !== undefined,
    };
  }

  /** A report is written as soon as the worker comes to it, whatever the schedule says. */
  async request(bucket: BucketRecord, id: string, nowMilliseconds: number): Promise<void> {
    const request: RequestRecord = { v: 1, requestedMilliseconds: nowMilliseconds };
    await this.#store.write({
      ...nothing,
      sets: [
        {
          key: keys.inventoryRequest(bucket.id, id),
          value: encodeRecord(request),
        },
      ],
    });
  }

  async write(
    bucket: BucketRecord,
    id: string,
    state: InventoryStateRecord,
    options: { readonly takesRequest?: boolean } = {},
  ): Promise<void> {
    const { takesRequest = false } = options;
    await this.#store.write({
      ...nothing,
      sets: [{ key: keys.inventoryState(bucket.id, id), value: encodeRecord(state) }],
      deletes: takesRequest ? [keys.inventoryRequest(bucket.id, id)] : [],
    });
  }
}

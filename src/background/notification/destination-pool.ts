// The destinations that this process has open: one for each ARN, opened when it is first used, and opened
// anew when its settings changed.

import type { Clock } from "../../base/clock.ts";
import type { Sealer } from "../../keys/sealer.ts";
import type { DestinationSettings } from "../../model/notification-destinations.ts";
import type { NotificationDestinations } from "../../objects/notification-destinations.ts";
import type { Destination } from "./destination.ts";
import { openDestination } from "./open-destination.ts";

export interface OpenDestination {
  readonly destination: Destination;
  readonly settings: DestinationSettings;
}

interface Pooled {
  readonly sealedSettings: string;
  readonly opened: Promise<OpenDestination>;
}

export interface DestinationPoolOptions {
  readonly destinations: NotificationDestinations;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly open?: typeof openDestination;
}

export class DestinationPool implements AsyncDisposable {
  readonly #options: DestinationPoolOptions;
  /** By the ARN, or pattern, that was declared. */
  readonly #pooled = new Map<string, Pooled>();

  constructor(options: DestinationPoolOptions) {
    this.#options = options;
  }

  /** `undefined`: none is declared for the ARN. Rejects when its settings cannot be opened. */
  async find(arn: string): Promise<OpenDestination | undefined> {
    const { destinations, sealer, clock, open = openDestination } = this.#options;
    const declared = await destinations.find(arn);
    if (declared === undefined) return undefined;
    const known = this.#pooled.get(declared.arn);
    if (known?.sealedSettings === declared.sealedSettings) return known.opened;
    const settings = destinations.open(declared, sealer);
    const opened = open(settings, clock).then((destination) => ({ destination, settings }));
    this.#pooled.set(declared.arn, { sealedSettings: declared.sealedSettings, opened });
    if (known !== undefined) await close(known);
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pooled = [...this.#pooled.values()];
    this.#pooled.clear();
    await Promise.all(pooled.map(close));
  }
}

async function close({ opened }: Pooled): Promise<void> {
  try {
    await (await opened).destination[Symbol.asyncDispose]();
  } catch {
    // A connection that broke while it was closed is closed.
  }
}

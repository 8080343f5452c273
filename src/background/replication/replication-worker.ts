// The worker `replication`: brings the changes of buckets with a replication configuration to their
// destinations. Safe to run twice and to be killed anywhere: a version has one place at a destination,
// and a change is taken out of its feed in the commit that says that it is done.

import { isDeepStrictEqual } from "node:util";
import type { ObjectStore } from "../../objects/object-store.ts";
import { parseReplicationFeed, replicationFeedPrefix } from "../../objects/replication-route.ts";
import type { BackgroundWorker, WorkerPass, WorkerReport } from "../worker.ts";
import type { ReplicaDestination } from "./destination.ts";
import { DestinationAwayError } from "./failure.ts";
import { FeedRun, type FeedServices, type FeedTally } from "./feed-run.ts";
import { Holds } from "./holds.ts";
import { Outcomes } from "./outcomes.ts";
import { ThresholdWatch } from "./threshold-watch.ts";
import { awayIn, replicationWorkerName, toldIn, type ReplicationState } from "./worker-state.ts";
import { ResyncWalk } from "./resync-walk.ts";
import type { ReplicationRole, ReplicationRoles } from "./replication-role.ts";

export interface ReplicationWorkerOptions {
  readonly store: ObjectStore;
  readonly roles: ReplicationRoles;
  /** Throws ReplicationRefusedError for a destination that nobody knows. */
  readonly destinationOf: (bucketArn: string) => Promise<ReplicaDestination>;
}

interface Pause {
  readonly untilMilliseconds: number;
  readonly failures: number;
  /** Why, for people; without anything secret. */
  readonly message: string;
}

/** Changes of this process wake the worker at once; those of others are found so soon. */
const intervalMilliseconds = 1000;
const feedsAtOnce = 4;
const firstPauseMilliseconds = 1000;
const longestPauseMilliseconds = 60_000;
/** Of destinations, for lists. */
const describedTroubles = 10;

export class ReplicationWorker implements BackgroundWorker {
  readonly name = replicationWorkerName;
  readonly scope = "store";
  readonly intervalMilliseconds = intervalMilliseconds;
  readonly #options: ReplicationWorkerOptions;
  readonly #holds: Holds;
  readonly #outcomes: Outcomes;
  readonly #resyncs: ResyncWalk;
  readonly #watch: ThresholdWatch;
  /** Feeds whose destination is away. */
  readonly #pauses = new Map<string, Pause>();
  /** Whether there may be something in the state that is true no more. */
  #hasState = true;

  constructor(options: ReplicationWorkerOptions) {
    this.#options = options;
    this.#holds = new Holds(options.store.keyValueStore);
    this.#outcomes = new Outcomes(options.store);
    this.#resyncs = new ResyncWalk(options.store, this.#holds);
    this.#watch = new ThresholdWatch(options.store, this.#outcomes);
  }

  async runOnce(signal: AbortSignal, pass: WorkerPass): Promise<WorkerReport> {
    const tally: FeedTally = { replicated: 0, dropped: 0, refused: 0 };
    const { changes, clock } = this.#options.store;
    const queued = await this.#resyncs.run(signal);
    // Somebody wants it now, perhaps because what was away is back.
    if (queued > 0) this.#pauses.clear();
    const feeds = await changes.sizes(replicationFeedPrefix());
    const held = await this.#holds.sizes();
    const pending = feeds.filter(({ feed, rows }) => rows > 0 || held.has(feed)).values();
    const services = this.#services();
    let away = 0;
    let hasMore = queued > 0;
    let failure: unknown;
    const work = async (): Promise<void> => {
      for (const { feed, rows } of pending) {
        if (signal.aborted) return;
        const pause = this.#pauses.get(feed);
        if (pause !== undefined && pause.untilMilliseconds > clock.now()) {
          away += 1;
          continue;
        }
        const run = new FeedRun(feed, services, tally);
        try {
          if (held.has(feed)) await run.runHeld(signal);
          if (rows > 0 && !(await run.run(signal))) hasMore = true;
          this.#pauses.delete(feed);
        } catch (error) {
          away += 1;
          this.#pause(feed, pause, error);
          // The pass fails in the end, so that it is seen; the other feeds have their turn before.
          if (!(error instanceof DestinationAwayError)) failure ??= error;
        }
      }
    };
    await Promise.all(Array.from({ length: feedsAtOnce }, work));
    await this.#keepState(away > 0, signal, pass);
    if (failure !== undefined) throw failure;
    const againMilliseconds = hasMore ? 0 : this.#nextPauseMilliseconds();
    const troubles = await this.#troubles(tally.refused > 0 || held.size > 0);
    return {
      fields: { ...tally, queued, away },
      ...(troubles.length === 0 ? {} : { troubles }),
      ...(againMilliseconds === undefined ? {} : { againMilliseconds }),
    };
  }

  /** What is still in a feed now waits for a destination that is away. */
  async #keepState(isAway: boolean, signal: AbortSignal, pass: WorkerPass): Promise<void> {
    if (!isAway && !this.#hasState) return;
    const state = await pass.readState();
    const known: ReplicationState = { told: toldIn(state), away: awayIn(state) };
    const told: Record<string, number> = {};
    const away: Record<string, string> = {};
    const { changes } = this.#options.store;
    const feeds = isAway ? await changes.sizes(replicationFeedPrefix()) : [];
    for (const { feed, rows } of feeds) {
      const pause = this.#pauses.get(feed);
      if (rows === 0 || pause === undefined) continue;
      told[feed] = await this.#watch.look(feed, known.told[feed] ?? 0, signal);
      away[feed] = pause.message;
    }
    const next: ReplicationState = { told, away };
    if (!isDeepStrictEqual(known, next)) await pass.writeState({ ...next });
    this.#hasState = isAway;
  }

  /** What keeps destinations from getting what they are to get, for people. */
  async #troubles(areSomeRefused: boolean): Promise<readonly string[]> {
    const troubles = new Set<string>();
    for (const [feed, { message }] of this.#pauses) {
      troubles.add(`${parseReplicationFeed(feed).bucketArn}: ${message}`);
    }
    const held = areSomeRefused ? await this.#holds.sizes() : [];
    for (const [feed] of held) {
      if (troubles.size >= describedTroubles) break;
      const refusal = await this.#holds.lastRefusal(feed);
      if (refusal !== undefined) {
        troubles.add(`${parseReplicationFeed(feed).bucketArn}: ${refusal}`);
      }
    }
    return [...troubles].slice(0, describedTroubles);
  }

  async backlog(): Promise<number> {
    const { changes } = this.#options.store;
    const feeds = await changes.sizes(replicationFeedPrefix());
    const held = await this.#holds.sizes();
    return [...feeds.map(({ rows }) => rows), ...held.values()].reduce(
      (sum, each) => sum + each,
      0,
    );
  }

  /** Roles and destinations are looked up once a pass. */
  #services(): FeedServices {
    const { store, roles, destinationOf } = this.#options;
    const assumed = new Map<string, Promise<ReplicationRole | undefined>>();
    const destinations = new Map<string, Promise<ReplicaDestination>>();
    return {
      store,
      holds: this.#holds,
      outcomes: this.#outcomes,
      assume: (roleArn, source) =>
        remembered(assumed, `${source.name} ${roleArn}`, () => roles.assume(roleArn, source)),
      destinationOf: (bucketArn) => remembered(destinations, bucketArn, destinationOf),
    };
  }

  #pause(feed: string, known: Pause | undefined, error: unknown): void {
    const failures = (known?.failures ?? 0) + 1;
    const pause = Math.min(firstPauseMilliseconds * 2 ** (failures - 1), longestPauseMilliseconds);
    const untilMilliseconds = this.#options.store.clock.now() + pause;
    const message = error instanceof Error ? error.message : "unknown failure";
    this.#pauses.set(feed, { failures, untilMilliseconds, message });
  }

  #nextPauseMilliseconds(): number | undefined {
    if (this.#pauses.size === 0) return undefined;
    const now = this.#options.store.clock.now();
    const next = Math.min(...[...this.#pauses.values()].map((each) => each.untilMilliseconds));
    return Math.min(Math.max(next - now, firstPauseMilliseconds), intervalMilliseconds);
  }
}

function remembered<Value>(
  known: Map<string, Promise<Value>>,
  name: string,
  find: (name: string) => Promise<Value>,
): Promise<Value> {
  let value = known.get(name);
  if (value === undefined) {
    value = find(name);
    known.set(name, value);
  }
  return value;
}

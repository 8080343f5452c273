// Notifications as administrators see them: where they go, what waits, and what was given up.

import { destinationSettings } from "../../model/notification-destinations.ts";
import type { DestinationSettings } from "../../model/notification-destinations.ts";
import {
  deleteDeadLetters,
  deleteWaiting,
  listDeadLetters,
  replayDeadLetters,
  type DeadLetter,
} from "../../objects/dead-letters.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import { deadLetterFeedPrefix, notificationFeedPrefix } from "../../objects/notification-rules.ts";
import type { JsonObject } from "../json/json-api.ts";
import { timeText, type ManagementActionTable } from "./management-action.ts";
import { invalid, ManagementError } from "./management-error.ts";

/** Destinations are the server's, and not of any account. */
const everyDestination = { resource: "*" } as const;
const destinationOf = ({ Arn }: { readonly Arn: string }) => ({ resource: Arn });
const defaultPage = 100;

export const notificationActions: ManagementActionTable<
  | "PutNotificationDestination"
  | "ListNotificationDestinations"
  | "DeleteNotificationDestination"
  | "DeleteWaitingNotifications"
  | "ListDeadLetters"
  | "ReplayDeadLetters"
  | "DeleteDeadLetters"
> = {
  PutNotificationDestination: {
    isForRootAccount: true,
    subject: destinationOf,
    async run({ Arn, Settings }, { dependencies }) {
      const settings = parseSettings(Settings);
      const { objects, sealer } = dependencies;
      await objects.notificationDestinations.set(Arn, settings, sealer);
      return { Arn, Kind: settings.kind };
    },
  },

  ListNotificationDestinations: {
    isForRootAccount: true,
    subject: () => everyDestination,
    async run(_input, { dependencies }) {
      return { Destinations: await describeDestinations(dependencies.objects) };
    },
  },

  DeleteNotificationDestination: {
    isForRootAccount: true,
    subject: destinationOf,
    async run({ Arn }, { dependencies }) {
      if (await dependencies.objects.notificationDestinations.delete(Arn)) return {};
      throw new ManagementError(
        "NoSuchEntityException",
        `There is no notification destination ${Arn}.`,
      );
    },
  },

  DeleteWaitingNotifications: {
    isForRootAccount: true,
    subject: destinationOf,
    async run({ Arn, Limit: limit = Infinity }, call) {
      const { objects, clock } = call.dependencies;
      const options = { limit, untilMilliseconds: clock.now() };
      const Deleted = await deleteWaiting(objects.changes, Arn, options);
      call.did({ deleted: Deleted });
      return { Arn, Deleted };
    },
  },

  ListDeadLetters: {
    isForRootAccount: true,
    subject: destinationOf,
    async run({ Arn, MaxItems = defaultPage, NextToken }, { dependencies }) {
      const after = NextToken === undefined ? undefined : Buffer.from(NextToken, "base64url");
      const page = { after, limit: MaxItems };
      const { letters, next } = await listDeadLetters(dependencies.objects.changes, Arn, page);
      return {
        Arn,
        DeadLetters: letters.map(describeLetter),
        ...(next === undefined ? {} : { NextToken: Buffer.from(next).toString("base64url") }),
      };
    },
  },

  ReplayDeadLetters: {
    isForRootAccount: true,
    subject: destinationOf,
    async run({ Arn, Limit: limit = Infinity }, call) {
      const { objects, clock } = call.dependencies;
      const options = { limit, nowMilliseconds: clock.now() };
      const Replayed = await replayDeadLetters(objects.changes, Arn, options);
      objects.changes.announce();
      call.did({ replayed: Replayed });
      return { Arn, Replayed };
    },
  },

  DeleteDeadLetters: {
    isForRootAccount: true,
    subject: destinationOf,
    async run({ Arn, Limit: limit = Infinity }, call) {
      const Deleted = await deleteDeadLetters(call.dependencies.objects.changes, Arn, limit);
      call.did({ deleted: Deleted });
      return { Arn, Deleted };
    },
  },
};

/** Throws ManagementError; what it says repeats no value. */
function parseSettings(text: string): DestinationSettings {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid("Settings: must be JSON");
  }
  const result = destinationSettings.safeParse(value);
  if (result.success) return result.data;
  const places = result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw invalid(`Settings: ${places.join("; ")}`);
}

/** Those that were declared, and those that only something waits for. */
async function describeDestinations(objects: ObjectStore): Promise<readonly JsonObject[]> {
  const { notificationDestinations } = objects;
  const declared = await notificationDestinations.list();
  const waiting = await rowsByArn(objects, notificationFeedPrefix);
  const dead = await rowsByArn(objects, deadLetterFeedPrefix);
  const failures = await notificationDestinations.failures();
  const arns = new Set([
    ...declared.map(({ arn }) => arn),
    ...[...waiting, ...dead].filter(([, rows]) => rows > 0).map(([arn]) => arn),
  ]);
  return [...arns]
    .toSorted((left, right) => (left < right ? -1 : 1))
    .map((Arn) => {
      const failure = failures.get(Arn);
      return {
        Arn,
        Kind: declared.find(({ arn }) => arn === Arn)?.kind,
        Waiting: waiting.get(Arn) ?? 0,
        DeadLetters: dead.get(Arn) ?? 0,
        LastError: failure?.error,
        FailingSince: timeText(failure?.sinceMilliseconds),
      };
    });
}

async function rowsByArn(
  { changes }: ObjectStore,
  prefix: string,
): Promise<ReadonlyMap<string, number>> {
  const sizes = await changes.sizes(prefix);
  return new Map(sizes.map(({ feed, rows }) => [feed.slice(prefix.length), rows]));
}

function describeLetter({ change, messageId, error, buriedMilliseconds }: DeadLetter): JsonObject {
  return {
    Id: messageId,
    Event: change.event,
    Bucket: change.bucketName,
    Key: change.key,
    VersionId: change.versionId,
    HappenedAt: timeText(change.timeMilliseconds),
    GivenUpAt: timeText(buriedMilliseconds),
    LastError: error,
  };
}

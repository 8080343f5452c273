// Why changes happen in simulations: nobody is told.

import type { ChangeCause, ChangeEvent } from "../../src/objects/records/change-record.ts";

export function causeFor(event: ChangeEvent): ChangeCause {
  return {
    event,
    timeMilliseconds: 0,
    requestId: "simulation",
    hostId: "",
    principalId: "simulation",
    sourceAddress: "127.0.0.1",
  };
}

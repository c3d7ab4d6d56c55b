// @ts-check
/** A hook of React for live appointments. React is yours: this file imports the one of your front end. */
import { useMemo, useSyncExternalStore } from "react";
import { liveStore } from "./store.js";

/**
 * @param {import("./chairside.js").Chairside} client
 * @param {Record<string, string>} [query] `from`, `to`, `practitioner`, `status`.
 * @returns {import("./store.js").Snapshot} `rows` in order, and the `state` to show beside them: they are current only while
 *   it is "live".
 */
export function useLiveAppointments(client, query = {}) {
  const key = JSON.stringify(query);
  const store = useMemo(() => liveStore(client, JSON.parse(key)), [client, key]);
  return useSyncExternalStore(store.subscribe, store.snapshot, store.snapshot);
}

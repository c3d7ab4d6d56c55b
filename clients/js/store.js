// @ts-check
/** Live appointments as a store: `subscribe` and `snapshot`, as React and others take them. */

/**
 * @typedef {import("./chairside.js").Appointment} Appointment
 * @typedef {{ rows: Appointment[], state: import("./live.js").State, reason: string }} Snapshot
 */

/** The list runs while somebody is subscribed. @param {import("./chairside.js").Chairside} client @param {Record<string, string>} [query] */
export function liveStore(client, query = {}) {
  /** @type {Snapshot} */
  let current = { rows: [], state: "connecting", reason: "" };
  /** @type {Set<() => void>} */
  const subscribers = new Set();
  /** @type {import("./live.js").Feed | null} */
  let feed = null;
  const change = (/** @type {Partial<Snapshot>} */ part) => {
    current = { ...current, ...part };
    for (const tell of subscribers) tell();
  };
  return {
    snapshot: () => current,
    /** @param {() => void} tell @returns {() => void} */
    subscribe(tell) {
      subscribers.add(tell);
      feed ??= client.liveAppointments({
        query,
        onchange: (rows) => change({ rows }),
        onstate: (state, reason) => change({ state, reason }),
      });
      return () => {
        subscribers.delete(tell);
        if (subscribers.size) return;
        feed?.stop();
        feed = null;
      };
    },
  };
}

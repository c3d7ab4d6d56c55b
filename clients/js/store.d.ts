/** Live appointments as a store: `subscribe` and `snapshot`, as React and others take them. */
export type Appointment = import("./chairside.js").Appointment;
export type Snapshot = {
    rows: Appointment[];
    state: import("./live.js").State;
    reason: string;
};
/**
 * @typedef {import("./chairside.js").Appointment} Appointment
 * @typedef {{ rows: Appointment[], state: import("./live.js").State, reason: string }} Snapshot
 */
/** The list runs while somebody is subscribed. @param {import("./chairside.js").Chairside} client @param {Record<string, string>} [query] */
export declare function liveStore(client: import("./chairside.js").Chairside, query?: Record<string, string>): {
    snapshot: () => Snapshot;
    /** @param {() => void} tell @returns {() => void} */
    subscribe(tell: () => void): () => void;
};

/**
 * @param {import("./chairside.js").Chairside} client
 * @param {Record<string, string>} [query] `from`, `to`, `practitioner`, `status`.
 * @returns {import("./store.js").Snapshot} `rows` in order, and the `state` to show beside them: they are current only while
 *   it is "live".
 */
export declare function useLiveAppointments(client: import("./chairside.js").Chairside, query?: Record<string, string>): import("./store.js").Snapshot;

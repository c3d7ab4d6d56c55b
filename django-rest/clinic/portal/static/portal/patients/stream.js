// @ts-check
/** Changes of the clinic's visits and holds in the stream, for pages that read themselves again. */

/**
 * @param {{ onrows: (rows: { id: number, patient: number }[], removes: number[]) => void, onholds?: () => void }} wanted
 * Each first list is what the page shows already.
 */
export async function followStream({ onrows, onholds }) {
  try {
    const [{ Feed }, { frame, session }] = await Promise.all([import("../feed.js"), import("../page.js")]);
    const { stream, heartbeatSeconds } = frame;
    const feed = new Feed({
      stream,
      heartbeatSeconds,
      session,
      onrows: (_rows, change) => onrows(/** @type {any[]} */ (change.upserts), change.removes),
      onstate: () => undefined,
    });
    await feed.start();
    if (onholds) await followHolds(stream, heartbeatSeconds, session, onholds);
  } catch {
    // The page reads itself again every few seconds all the same, and says when it did.
  }
}

/** @param {string} stream @param {number} heartbeatSeconds @param {any} session @param {() => void} onholds */
async function followHolds(stream, heartbeatSeconds, session, onholds) {
  const module = await import(`${stream}/chairside-live.js`);
  const holds = new module.LiveHolds({
    url: `${stream}/api/v1/sse/holds`,
    query: {},
    heartbeatSeconds,
    token: (/** @type {{ refresh: boolean }} */ wanted) => session.token(wanted),
    ticket: () => session.ticket(),
    onchange: onholds,
    onstate: () => undefined,
  });
  holds.start();
}

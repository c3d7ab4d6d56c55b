// One client of Server-Sent Events made by others, used as its documentation shows it.
//   node follow.js CLIENT URL TOKEN
// Prints a line of JSON for each event, with the ids it shows by then; anything that goes wrong is printed as `broken`.
import { createParser } from "eventsource-parser";
import { EventSource } from "eventsource";

const [client, url, token] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${token}` };
let shown = new Set();

const print = (line) => console.log(JSON.stringify(line));

/** The code of a page: plain `JSON.parse`, then what the event says. */
function show(event, data) {
  try {
    const told = JSON.parse(data);
    if (told.appointments) shown = new Set(told.appointments.map(({ id }) => id));
    for (const { id } of told.upserts ?? []) shown.add(id);
    for (const id of told.removes ?? []) shown.delete(id);
    print({ event: event || "message", shown: [...shown].sort((a, b) => a - b) });
  } catch (error) {
    print({ broken: `${error}` });
  }
}

const clients = {
  async "fetch-event-source"() {
    globalThis.window = globalThis; // It is made for browsers.
    globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
    const { fetchEventSource } = await import("@microsoft/fetch-event-source");
    await fetchEventSource(url, {
      headers,
      openWhenHidden: true,
      onmessage: ({ event, data }) => show(event, data),
      onclose() {
        throw new Error("closed"); // Its way to ask for the next connection.
      },
      onerror() {},
    });
  },

  async eventsource() {
    const source = new EventSource(url, {
      fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
    });
    for (const event of ["message", "snapshot", "change", "heartbeat", "drain"]) {
      source.addEventListener(event, ({ data }) => show(event, data));
    }
    setInterval(() => {}, 60_000); // Its timer for the next connection keeps no process alive.
    source.onerror = () => source.readyState === EventSource.CLOSED && print({ broken: "closed for ever" });
  },

  async "eventsource-parser"() {
    let lastId = "";
    let retryMs = 1_000;
    for (;;) {
      try {
        const resume = lastId ? { "Last-Event-ID": lastId } : {};
        const { body } = await fetch(url, { headers: { ...headers, ...resume } });
        const parser = createParser({
          onEvent({ id, event, data }) {
            lastId = id ?? lastId;
            show(event, data);
          },
          onRetry: (ms) => (retryMs = ms),
          onError: (error) => print({ broken: `${error}` }),
        });
        for await (const text of body.pipeThrough(new TextDecoderStream())) parser.feed(text);
      } catch (error) {
        if (!(error instanceof TypeError)) print({ broken: `${error}` }); // TypeError: no connection.
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  },
};

await clients[client]();

{% load escapejson %}"use strict";
/* Keeps the page that is shown without a network, and nothing of anybody's: no page, no answer of the API. */
const CACHE = "chairside-{{ version }}";
const KEPT = {{ kept|as_json }};
const OFFLINE = {{ offline|as_json }};
const ICON = {{ icon|as_json }};
const WORDS = { title: {{ title|as_json }}, body: {{ body|as_json }} };

addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(KEPT.map((address) => new Request(address, { cache: "no-cache", credentials: "omit" }))))
      .then(() => skipWaiting()),
  );
});

addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name.startsWith("chairside-") && name !== CACHE).map((name) => caches.delete(name))))
      .then(() => clients.claim()),
  );
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== location.origin) return;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => kept(OFFLINE)));
  } else if (KEPT.includes(address.pathname)) {
    event.respondWith(fetch(request).catch(() => kept(address.pathname)));
  }
});

/** @param {string} path */
const kept = async (path) => (await (await caches.open(CACHE)).match(path)) ?? Response.error();

addEventListener("push", (event) => {
  let told = {};
  try {
    told = event.data?.json() ?? {};
  } catch {} // A browser has to show something for each push.
  const { title = WORDS.title, body = WORDS.body, url = "/me", language = "" } = told;
  event.waitUntil(registration.showNotification(title, { body, lang: language, icon: ICON, badge: ICON, tag: url, data: { url } }));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  const address = new URL(event.notification.data?.url ?? "/me", location.origin);
  if (address.origin !== location.origin) return;
  event.waitUntil(open(address.href));
});

/** @param {string} address */
async function open(address) {
  const all = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const shown = all.find((one) => one.url === address);
  return shown ? shown.focus() : clients.openWindow(address);
}

// Answers when the network does not. Kept are style sheets, scripts, pictures and one page without anything personal.
"use strict";

const SHELL = [{% for address in shell %}"{{ address|escapejs }}",{% endfor %}];
const OFFLINE = "{{ offline|escapejs }}";
const STATIC = "{{ static_url|escapejs }}";
// A new list of files is a new cache; the old one is thrown away.
const NAME = "portal-" + SHELL.join().split("").reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 7);

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(SHELL)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => Promise.all(names.filter((name) => name !== NAME).map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) {
    return;
  }
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match(OFFLINE)));
  } else if (url.pathname.startsWith(STATIC)) {
    event.respondWith(fetch(request).catch(() => caches.match(request).then((kept) => kept || Response.error())));
  }
});

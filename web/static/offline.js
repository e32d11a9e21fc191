// Keeps the page, so that after the first visit it opens without a network.
//
// The build puts the names of all files, and a version made of their contents, in place of the
// first line below (xtask/src/offline.rs). Files with a hash in their name never change and come
// from what is kept; the others come from the network while it answers in time, because a page
// from yesterday would look for files that are gone. Leaves out everything that is not the page's.
"use strict";
const { version, files } = { version: "", files: [] };
const CACHE = `reaperscope ${registration.scope} ${version}`;
const PATIENCE_MS = 3000;
const hasHash = (url) => /-[0-9a-f]{16}(_\w+)?\.\w+$/.test(url);

addEventListener("install", (event) => {
  const all = caches.open(CACHE).then((cache) =>
    // Past the browser's own cache, which may hold a file of an older version.
    cache.addAll(files.map((file) => new Request(file, { cache: hasHash(file) ? "default" : "reload" }))),
  );
  event.waitUntil(all);
});

addEventListener("activate", (event) => {
  const mine = `reaperscope ${registration.scope} `;
  const clean = caches.keys().then((names) =>
    Promise.all(
      names.filter((name) => name.startsWith(mine) && name !== CACHE).map((name) => caches.delete(name)),
    ),
  );
  event.waitUntil(clean);
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const [url] = request.url.split(/[?#]/);
  if (request.method !== "GET" || !url.startsWith(registration.scope)) return;
  event.respondWith(answer(request, url));
});

async function answer(request, url) {
  const cache = await caches.open(CACHE);
  // The page has two names.
  const kept = () => cache.match(url.replace(/index\.html$/, ""));
  const old = await kept();
  // What lies below the page but is none of it (older models, the book) has only the network.
  if (hasHash(url) || !old) return old ?? fetch(request);
  let timer;
  const patience = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error("the network does not answer")), PATIENCE_MS);
  });
  try {
    const fresh = await Promise.race([fetch(request), patience]);
    return fresh.status < 500 ? fresh : old;
  } catch {
    return old;
  } finally {
    clearTimeout(timer);
  }
}

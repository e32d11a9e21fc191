// What every browser test needs: dist/ served below a path, one Chromium, and pages that record
// what went wrong in them and what they asked the network for.
//
// Server and browser start with the first page and end with the file's last test. Leaves out
// what the page should show: the tests say that. A test reads a run from the attributes of the
// root element (data-state, data-digest, …) and not from the page's texts.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import axe from "axe-core";
import { chromium } from "playwright-core";

export const HERE = path.dirname(fileURLToPath(import.meta.url));
/** The built page. */
export const DIST = path.resolve(process.env.DIST ?? path.join(HERE, "../dist"));
/** The command line. */
export const PROGRAM = process.env.REAPERSCOPE ?? path.join(HERE, "../target/debug/reaperscope");
const SCREENSHOTS = path.join(HERE, "screenshots");

/** The page must work below any path; tests use one that nobody would think of. */
export const BASE_PATH = process.env.BASE_PATH ?? "/oom/";

const MIME_TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".toml": "text/plain; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

/** What the page fetches of itself when its first view is there. */
const OWN_PROGRAM = /\/(web-\w+(_rest\.wasm|\.js)|worker\.js|rest\.js)$/;

export const CHROMIUM_ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Path of a Chromium that starts; `cargo xtask test` has found one and set CHROMIUM. */
export function chromiumPath() {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const candidates = process.env.CHROMIUM ? [process.env.CHROMIUM, ...names] : names;
  for (const name of candidates) {
    const found = name.includes(path.sep) ? name : whichOnPath(name);
    if (found && spawnSync(found, ["--version"]).status === 0) return found;
  }
  throw new Error("no Chromium: set CHROMIUM to the path of one, or run `cargo xtask test`");
}

function whichOnPath(name) {
  const { status, stdout } = spawnSync("sh", ["-c", 'command -v "$0"', name]);
  return status === 0 ? stdout.toString().trim() : undefined;
}

/**
 * Serves a folder below `basePath` on a free port, compressed, as hosts do; `others` are more
 * folders by the path they have. Whatever is not a file there is a 404.
 */
export async function serve(folder, basePath, others = {}) {
  const folders = Object.entries({ ...others, [basePath]: folder });
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const [base, from] = folders.find(([base]) => pathname.startsWith(base)) ?? [];
    try {
      if (!from) throw new Error("outside");
      const inside = decodeURIComponent(pathname.slice(base.length)) || "index.html";
      const file = path.resolve(from, inside);
      if (!file.startsWith(path.resolve(from) + path.sep)) throw new Error("outside");
      const { mtimeMs } = await stat(file);
      const plain = await readFile(file);
      const type = MIME_TYPES[path.extname(file)] ?? "application/octet-stream";
      const headers = { "content-type": type, "cache-control": "no-store" };
      const zips = /gzip/.test(request.headers["accept-encoding"] ?? "") && plain.length < 1 << 23;
      if (zips) headers["content-encoding"] = "gzip";
      response.writeHead(200, headers).end(zips ? packed(`${file} ${mtimeMs}`, plain) : plain);
    } catch {
      response.writeHead(404, { "content-type": "text/plain" }).end("not found");
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return server;
}

/** Compressed once: a host does not do it anew for every visitor. */
function packed(key, plain) {
  if (!PACKED.has(key)) PACKED.set(key, gzipSync(plain, { level: 6 }));
  return PACKED.get(key);
}
const PACKED = new Map();

let started;

async function start() {
  const server = await serve(DIST, BASE_PATH);
  const browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: CHROMIUM_ARGUMENTS,
  });
  return { server, browser, url: `http://127.0.0.1:${server.address().port}${BASE_PATH}` };
}

/** Ends server and browser; tests need not, it happens after the last. */
export async function stop() {
  if (!started) return;
  const { server, browser } = await started;
  started = undefined;
  await browser.close();
  server.closeAllConnections();
  server.close();
}

after(stop);

/** The one Chromium of this file, for a test that needs more than a page. */
export async function browser() {
  started ??= start();
  return (await started).browser;
}

/** The address the page has here, without a fragment. */
export async function pageUrl() {
  started ??= start();
  return (await started).url;
}

/**
 * Opens the page in a browser profile of its own.
 *
 * `fragment` is what a link carries ("#/v1/run?…", or "" for a first visit). Options: `viewport`
 * ({ width, height }), `dark`, `reducedMotion`, `touch`, `state` to wait for ("ready"; null does
 * not wait), and `prepare(page)`, which runs before the page is loaded.
 *
 * Hands back a view: `page` (Playwright's), `problems` (console errors and warnings of the
 * content policy, uncaught exceptions, failed requests), `requests` (URLs so far) and
 * `lateRequests()` (those made after the state was reached), `close()`.
 */
export async function openPage(fragment = "", options = {}) {
  const { viewport = { width: 1280, height: 800 }, dark = false, reducedMotion = true } = options;
  const { touch = false, state = "ready", prepare } = options;
  const url = await pageUrl();
  const context = await (await browser()).newContext({
    viewport,
    hasTouch: touch,
    colorScheme: dark ? "dark" : "light",
    reducedMotion: reducedMotion ? "reduce" : "no-preference",
    locale: "en-US",
    timezoneId: "UTC",
    acceptDownloads: true,
    // It would fetch everything behind the page's back; offline.test.mjs is about it.
    serviceWorkers: "block",
  });
  const page = await context.newPage();
  const problems = [];
  const requests = [];
  let requestsAtLoad = 0;
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`exception: ${error.message}`));
  page.on("requestfailed", (request) => {
    // A worker that is ended while it loads takes its request along; what is missing has a status.
    if (request.failure()?.errorText === "net::ERR_ABORTED") return;
    problems.push(`request: ${request.url()} ${request.failure()?.errorText}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) problems.push(`response: ${response.status()} ${response.url()}`);
  });
  // What the page makes for itself (data:, blob:) is no request to anybody.
  context.on("request", (request) => {
    if (/^https?:/.test(request.url())) requests.push(request.url());
  });

  const view = {
    page,
    problems,
    requests,
    // The page fetches the rest of its own program behind the first view, and starts its worker.
    lateRequests: () => requests.slice(requestsAtLoad).filter((url) => !OWN_PROGRAM.test(url)),
    close: () => context.close(),
  };
  await prepare?.(page);
  await page.goto(url + fragment, { waitUntil: "load" });
  if (state) await waitForState(view, state);
  requestsAtLoad = requests.length;
  return view;
}

/** Waits until the root element says `data-state="…"`; an error state ends the wait at once. */
export async function waitForState({ page, problems }, state, timeout = 30_000) {
  const reached = `html[data-state="${state}"], html[data-state="error"]`;
  try {
    await page.waitForSelector(reached, { state: "attached", timeout });
  } catch (error) {
    const now = await page.getAttribute("html", "data-state").catch(() => "unknown");
    throw new Error(`state is "${now}", not "${state}"\n${problems.join("\n")}`, { cause: error });
  }
  const now = await page.getAttribute("html", "data-state");
  if (now !== state) {
    const text = await page.innerText("body");
    throw new Error(`state is "${now}", not "${state}"\n${problems.join("\n")}\n${text}`);
  }
}

/** What the root element says about the run: { state, digest, verdict, events, tNs, linkCheck }. */
export async function readRun({ page }) {
  return page.evaluate(() => ({ ...document.documentElement.dataset }));
}

/**
 * Texts and attributes in which the program shows memory that it does not have: data of the part
 * that comes later would be as many zeros.
 */
export async function zeros({ page }) {
  return page.evaluate(() =>
    [...document.querySelectorAll("*")].flatMap((element) => {
      const texts = [...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE);
      const told = [...texts.map(({ data }) => ["text", data]), ...[...element.attributes].map((it) => [it.name, it.value])];
      const bad = told.filter((parts) => parts.some((it) => it.includes("\0")));
      return bad.map((parts) => `${element.localName}: ${parts.join("=").replaceAll("\0", "0")}`);
    }),
  );
}

/** Presses a button of the top bar; where there is little room, behind the one that unfolds it. */
export async function pressAbove(page, name) {
  const unfold = page.locator(".unfold[aria-expanded=false]");
  if (await unfold.isVisible()) await unfold.click();
  await page.getByRole("button", { name, exact: true }).click();
}

/** Broken accessibility rules, one line each; [] is what a test wants. */
export async function accessibilityProblems({ page }, selector) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    (context) => window.axe.run(context ?? document, { resultTypes: ["violations"] }),
    selector,
  );
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target }) => `${id}: ${help} (${target.join(" ")})`),
  );
}

/** What a page should forbid and lets through: inline script, inline style, foreign hosts. */
export async function allowed({ page }) {
  return page.evaluate(async () => {
    const script = document.createElement("script");
    script.textContent = "window.ranInline = true";
    document.head.append(script);
    document.body.setAttribute("style", "opacity: 0.5");
    const fetched = await fetch("https://example.invalid/").then(() => true, () => false);
    const found = { script: window.ranInline === true, style: document.body.style.length > 0, fetched };
    return Object.keys(found).filter((what) => found[what]);
  });
}

/** Saves what the page looks like as screenshots/NAME.png. */
export async function screenshot({ page }, name, options = {}) {
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`), ...options });
}

/** The instant on screen, in nanoseconds. */
export async function time(view) {
  return Number((await readRun(view)).tNs);
}

/** Waits until the root element's attribute satisfies a condition. */
export async function until(view, condition, what, argument) {
  await view.page
    .waitForFunction(condition, argument, { timeout: 20_000 })
    .catch(() => assert.fail(`never happened: ${what}`));
}

/** Turns the wheel with Ctrl over something on the axis of time: the page zooms, not the browser. */
export async function zoomsByWheel(view, selector) {
  const { page } = view;
  const shown = () => page.evaluate(() => /[?&]view=([^&]*)/.exec(location.hash)?.[1]);
  const before = await shown();
  await page.evaluate(() => {
    addEventListener("wheel", (turn) => (window.keptFromBrowser = turn.defaultPrevented), { once: true });
  });
  await page.locator(selector).scrollIntoViewIfNeeded();
  const box = await page.locator(selector).boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -300);
  await page.keyboard.up("Control");
  await until(view, () => window.keptFromBrowser !== undefined, "the wheel turns");
  assert.ok(await page.evaluate(() => window.keptFromBrowser), "the browser does not zoom");
  const other = (before) => ![undefined, before].includes(/[?&]view=([^&]*)/.exec(location.hash)?.[1]);
  await until(view, other, "another part is shown", before);
}

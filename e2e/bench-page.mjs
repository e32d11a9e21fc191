// Measures the page in headless Chromium with software rendering, and speedscope beside it on the
// same events. `cargo xtask bench --page` calls it, with FOLDER holding NAME.json for each size,
// as `reaperscope run --format chrome` writes them. Prints figures and judges none.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createRequire } from "node:module";
import { BASE_PATH, browser, DIST, serve, stop } from "./support.mjs";

const SPEEDSCOPE = path.dirname(createRequire(import.meta.url).resolve("speedscope/package.json"));
const SIZES = [
  { name: "10k", link: "scenario=f13-lost-end&seed=1" },
  { name: "100k", link: "scenario=eras-fence-needs-allocation&seed=1" },
  { name: "1M", link: "scenario=g9-block-always-deadlock&seed=1&set=horizon%3D190s" },
];

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const rounded = (value) => (value >= 100 ? Math.round(value) : Math.round(value * 10) / 10);
const report = (name, value, unit) => console.log(`bench ${name} ${rounded(value)} ${unit}`);

/** Runs in a page before all else: notes paints, long tasks, and when the run is on screen. */
function note() {
  const seen = (globalThis.seen = { fcp: 0, lcp: 0, long: [], ready: 0 });
  const observe = (type, act) =>
    new PerformanceObserver((list) => list.getEntries().forEach(act)).observe({ type, buffered: true });
  observe("paint", ({ name, startTime }) => {
    if (name === "first-contentful-paint") seen.fcp = startTime;
  });
  observe("largest-contentful-paint", ({ startTime }) => (seen.lcp = startTime));
  observe("longtask", ({ startTime, duration }) => seen.long.push({ startTime, duration }));
  const look = () => {
    if (document.documentElement?.dataset.state !== "ready") return requestAnimationFrame(look);
    requestAnimationFrame(() => (seen.ready = performance.now()));
  };
  look();
}

/** Zooms in, pans and zooms out for some seconds, a step per frame; times between frames, in ms. */
function move(selector) {
  const canvas = [...document.querySelectorAll(selector)].toSorted(
    (a, b) => b.clientHeight * b.clientWidth - a.clientHeight * a.clientWidth,
  )[0];
  const box = canvas.getBoundingClientRect();
  const at = { clientX: box.x + box.width * 0.6, clientY: box.y + Math.min(box.height, 300) / 2 };
  const wheel = (init) => {
    const event = { bubbles: true, cancelable: true, view: window, ...at, ...init };
    canvas.dispatchEvent(new WheelEvent("wheel", event));
  };
  const steps = [
    ...Array(45).fill({ ctrlKey: true, deltaY: -40 }),
    ...Array(30).fill({ shiftKey: true, deltaX: 30, deltaY: 0 }),
    ...Array(30).fill({ shiftKey: true, deltaX: -30, deltaY: 0 }),
    ...Array(45).fill({ ctrlKey: true, deltaY: 40 }),
  ];
  return new Promise((done) => {
    const times = [];
    let last;
    const frame = (now) => {
      if (last !== undefined) times.push(now - last);
      last = now;
      const step = steps.shift();
      if (!step || times.reduce((sum, time) => sum + time, 0) > 20_000) return done(times);
      wheel(step);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
}

/** Sends the cursor to an end of the run and on, and waits for the picture; times in ms. */
async function scrub() {
  const root = document.documentElement;
  const times = [];
  for (let turn = 0; turn < 24; turn += 1) {
    const code = ["Home", "Period", "Period", "End", "Comma", "Comma"][turn % 6];
    const key = { Home: "Home", End: "End", Period: ".", Comma: "," }[code];
    const before = root.dataset.tNs;
    const start = performance.now();
    document.body.dispatchEvent(new KeyboardEvent("keydown", { code, key, bubbles: true, cancelable: true }));
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    if (root.dataset.tNs !== before) times.push(performance.now() - start);
  }
  return times;
}

function frames(name, times) {
  const sorted = times.toSorted((a, b) => a - b);
  report(`${name}/fps`, 1000 / (times.reduce((sum, time) => sum + time, 0) / times.length), "fps");
  report(`${name}/p95-frame`, sorted[Math.floor(sorted.length * 0.95)], "ms");
}

async function fresh(prepare) {
  const context = await (await browser()).newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: "reduce",
    serviceWorkers: "block",
  });
  const page = await context.newPage();
  await prepare?.(page);
  return { page, close: () => context.close() };
}

const ready = (page) =>
  page.waitForFunction(() => globalThis.seen?.ready > 0, undefined, { timeout: 240_000 });

async function first(url) {
  const all = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const { page, close } = await fresh((page) => page.addInitScript(note));
    await page.goto(url);
    await ready(page);
    await page.waitForTimeout(500);
    all.push(await page.evaluate(() => globalThis.seen));
    await close();
  }
  const blocked = ({ long, fcp }) =>
    long.filter((it) => it.startTime > fcp).reduce((sum, it) => sum + Math.max(0, it.duration - 50), 0);
  report("first/fcp", median(all.map(({ fcp }) => fcp)), "ms");
  report("first/lcp", median(all.map(({ lcp }) => lcp)), "ms");
  report("first/blocking", median(all.map(blocked)), "ms");
  report("first/run-on-screen", median(all.map((it) => it.ready)), "ms");
}

async function ours(url, { name, link }) {
  const { page, close } = await fresh((page) => page.addInitScript(note));
  await page.goto(`${url}#/v1/run?${link}`);
  await ready(page);
  report(`reaperscope/${name}/link-to-picture`, await page.evaluate(() => globalThis.seen.ready), "ms");
  report(`reaperscope/${name}/events`, Number(await page.getAttribute("html", "data-events")), "records");
  const longest = await page.evaluate(() => Math.max(0, ...globalThis.seen.long.map((it) => it.duration)));
  report(`reaperscope/${name}/longest-task`, longest, "ms");
  await page.keyboard.press("0");
  await page.waitForTimeout(300);
  frames(`reaperscope/${name}/zoom-and-pan`, await page.evaluate(move, ".timeline canvas"));
  const times = await page.evaluate(scrub);
  report(`reaperscope/${name}/scrub`, median(times), "ms");
  report(`reaperscope/${name}/scrub-worst`, Math.max(...times), "ms");
  const rerun = await page.evaluate(async () => {
    const { dataset } = document.documentElement;
    const { digest } = dataset;
    const start = performance.now();
    location.hash = location.hash.replace(/seed=1/, "seed=2").replace(/&digest=\w+/, "");
    while (dataset.state !== "ready" || dataset.digest === digest) {
      if (performance.now() - start > 60_000) break;
      await new Promise((done) => requestAnimationFrame(done));
    }
    return performance.now() - start;
  });
  // A scenario that draws nothing gives the same run again, and no change to wait for.
  if (rerun < 60_000) report(`reaperscope/${name}/another-seed`, rerun, "ms");
  await close();
}

/** Forks the run half-way, five times, each with other chances: until both runs are on screen. */
async function forked(url, { name, link }) {
  const { page, close } = await fresh((page) => page.addInitScript(note));
  await page.goto(`${url}#/v1/run?${link}`);
  await ready(page);
  await page.waitForTimeout(1_000);
  const times = await page.evaluate(async (link) => {
    const { dataset } = document.documentElement;
    const until = async (is) => {
      const start = performance.now();
      while (!is() && performance.now() - start < 60_000) await new Promise((done) => requestAnimationFrame(done));
      return performance.now() - start;
    };
    const key = { code: "End", key: "End", bubbles: true, cancelable: true };
    document.body.dispatchEvent(new KeyboardEvent("keydown", key));
    await new Promise((done) => setTimeout(done, 200));
    const half = Math.floor(Number(dataset.tNs) / 2e6);
    const times = [];
    for (let seed = 1; seed <= 5; seed += 1) {
      location.hash = `#/v1/run?${link}&fork=0~${half}ms:reseed=${seed}`;
      times.push(await until(() => dataset.digest.includes(",") && dataset.state === "ready"));
      location.hash = `#/v1/run?${link}`;
      await until(() => !dataset.digest.includes(","));
      await new Promise((done) => setTimeout(done, 500));
    }
    return times;
  }, link);
  report(`reaperscope/${name}/fork`, median(times), "ms");
  await close();
}

/** A thousand runs of some 5,000 records by two workers, and whether the page stands still meanwhile. */
async function swept(url) {
  const { page, close } = await fresh(async (page) => {
    await page.addInitScript(note);
    await page.addInitScript(() => Object.defineProperty(navigator, "hardwareConcurrency", { get: () => 2 }));
  });
  await page.goto(`${url}#/v1/run?scenario=seed-8-range-test-in-core&seed=1`);
  await ready(page);
  report("sweep/events", Number(await page.getAttribute("html", "data-events")), "records");
  await page.getByRole("button", { name: "Sweep", exact: true }).click();
  const panel = page.getByRole("complementary", { name: "Sweep over seeds" });
  await panel.getByLabel("Seeds", { exact: true }).fill("1000");
  await page.evaluate(() => (globalThis.seen.long.length = 0));
  const start = performance.now();
  await panel.getByRole("button", { name: "Run them" }).click();
  await panel.getByText(/^[\d\s]+ runs in [\d.]+ s$/).waitFor({ timeout: 60_000 });
  report("sweep/1000-runs", performance.now() - start, "ms");
  const longest = await page.evaluate(() => Math.max(0, ...globalThis.seen.long.map((it) => it.duration)));
  report("sweep/longest-task", longest, "ms");
  await close();
}

async function theirs(url, { name }) {
  const { page, close } = await fresh();
  await page.goto(`${url}#profileURL=/profiles/${name}.json`);
  // It has canvases before it has read the file, and takes the file's name as its title after.
  const drawn = () => document.title.endsWith(" - speedscope") && document.querySelectorAll("canvas").length > 0;
  await page.waitForFunction(drawn, undefined, { timeout: 300_000 });
  report(`speedscope/${name}/file-to-picture`, await page.evaluate(() => performance.now()), "ms");
  await page.waitForTimeout(500);
  frames(`speedscope/${name}/zoom-and-pan`, await page.evaluate(move, "canvas"));
  await close();
}

const page = await serve(DIST, BASE_PATH);
const other = await serve(path.join(SPEEDSCOPE, "dist/release"), "/", {
  "/profiles/": process.env.FOLDER,
});
const at = (server) => `http://127.0.0.1:${server.address().port}`;
try {
  await first(at(page) + BASE_PATH);
  await swept(at(page) + BASE_PATH);
  for (const size of SIZES) {
    await ours(at(page) + BASE_PATH, size);
    await forked(at(page) + BASE_PATH, size);
    const there = await readFile(path.join(process.env.FOLDER, `${size.name}.json`)).catch(() => null);
    if (!there) console.log(`  no ${size.name}.json for speedscope`);
    else await theirs(at(other) + "/", size).catch((error) => console.log(`  speedscope: ${error.message}`));
  }
} finally {
  for (const server of [page, other]) {
    server.closeAllConnections();
    server.close();
  }
  await stop();
}

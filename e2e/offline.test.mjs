// The page without its host: after a first visit, and as one file from a disk. Leaves out what it
// shows: a run that comes out right is taken as proof that all of it is there.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { allowed, browser, DIST, readRun, serve, waitForState } from "./support.mjs";

const LINK = "#/v1/run?scenario=capture-6-1-s6&seed=3";
const SINGLE = path.join(DIST, "single/reaperscope.html");

/** A page in a profile of its own that collects what goes wrong in it. */
async function open(t, url) {
  const context = await (await browser()).newContext({ reducedMotion: "reduce" });
  t.after(() => context.close());
  const page = await context.newPage();
  const problems = [];
  const requests = [];
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  context.on("request", (request) => requests.push(request.url()));
  await page.goto(url);
  const view = { page, problems, requests };
  await waitForState(view, "ready");
  return view;
}

test("after one visit the page opens without a network, below any path", async (t) => {
  const server = await serve(DIST, "/deep/er/");
  const url = `http://127.0.0.1:${server.address().port}/deep/er/`;
  const view = await open(t, url + LINK);
  const { digest } = await readRun(view);
  await view.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await view.page.close();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));

  const page = await view.page.context().newPage();
  // Another address of the same page, and one that needs parts the first view did not.
  await page.goto(`${url}index.html?from=nowhere${LINK}`);
  await waitForState({ page, problems: [] }, "ready");
  assert.equal((await readRun({ page })).digest, digest);
  await page.keyboard.press("F1");
  await page.getByRole("dialog").waitFor();
  await page.goto(`${url}#/v1/run?scenario=lockdep-6-1-l1&seed=1&check=lockdep,wait-for`);
  await page.waitForFunction(
    (old) => document.documentElement.dataset.state === "ready" && document.documentElement.dataset.digest !== old,
    digest,
  );
  await sweep(page);
});

/** A small sweep, which takes workers of its own. */
async function sweep(page) {
  await page.getByRole("button", { name: "Sweep", exact: true }).click();
  const panel = page.getByRole("complementary", { name: "Sweep over seeds" });
  await panel.getByLabel("Seeds", { exact: true }).fill("3");
  await panel.getByRole("button", { name: "Run them" }).click();
  await panel.getByText(/^3 runs in [\d.]+ s$/).waitFor({ timeout: 60_000 });
  assert.ok((await panel.locator(".swept .shares a").count()) > 0);
}

test("a file that is gone is gone, and nothing else is kept", async (t) => {
  const server = await serve(DIST, "/page/");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${server.address().port}/page/`;
  const { page } = await open(t, url);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.reload();
  const seen = await page.evaluate(async () => {
    const missing = await fetch("no-such-file.js");
    const names = await caches.keys();
    const kept = await (await caches.open(names[0])).keys();
    return { status: missing.status, names, kept: kept.map(({ url }) => new URL(url).pathname) };
  });
  assert.equal(seen.status, 404);
  assert.equal(seen.names.length, 1);
  assert.ok(seen.kept.includes("/page/"));
  assert.ok(seen.kept.some((name) => name.endsWith("_bg.wasm")));
  for (const name of seen.kept) assert.ok(name.startsWith("/page/"), name);
});

test("the page as one file opens from a disk and asks nobody for anything", async (t) => {
  const served = await open(t, pathToFileURL(SINGLE).href + LINK);
  assert.equal(served.page.workers().length, 1, "it has its worker too");
  const run = await readRun(served);
  assert.match(run.digest, /^\w{32}$/);
  await served.page.keyboard.press("F1");
  await served.page.getByRole("dialog").waitFor();
  await served.page.keyboard.press("Escape");
  await sweep(served.page);
  assert.deepEqual(served.problems, []);
  const others = served.requests.filter((url) => !/^(file:.*reaperscope\.html|blob:|data:)/.test(url));
  assert.deepEqual(others, []);
  // It forbids what the page forbids.
  assert.deepEqual(await allowed(served), []);
});

test("one file and many give the same run", async (t) => {
  const server = await serve(DIST, "/");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const many = await open(t, `http://127.0.0.1:${server.address().port}/${LINK}`);
  const one = await open(t, pathToFileURL(SINGLE).href + LINK);
  assert.equal((await readRun(one)).digest, (await readRun(many)).digest);
  assert.ok(!(await readFile(SINGLE, "utf8")).includes("./rest.js"));
});

// Links of older models: the page leads to the page of that model, where the host keeps it below this
// one, and says what to do where it does not. The older page is played by today's: that it makes the
// runs of its day is for the day's own tests. Leaves out how older pages are built and put there, which
// `xtask` tests.
import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { accessibilityProblems, browser, DIST, readRun, screenshot, serve, waitForState } from "./support.mjs";

const RUN = "#/v1/run?scenario=d2-direct&seed=3";
const OLDER = `${RUN}&model=1&digest=${"0".repeat(32)}&t=5ms&note=5ms,here`;

/** A host below a path that keeps the page of model 1, and a browser that visits it. */
async function host(t, options = {}) {
  const site = await mkdtemp(path.join(tmpdir(), "models-"));
  t.after(() => rm(site, { recursive: true }));
  await cp(DIST, site, { recursive: true, filter: (file) => !/\/(single|model)$/.test(file) });
  const index = path.join(site, "index.html");
  const page = await readFile(index, "utf8");
  const named = page.replace(/<meta name="models" content="[^"]*"/, '<meta name="models" content="model/1/"');
  assert.notEqual(named, page);
  await writeFile(index, named);
  const server = await serve(site, "/sub/path/", { "/sub/path/model/1/": DIST });
  const end = () => {
    server.closeAllConnections();
    server.close();
  };
  t.after(end);
  const context = await (await browser()).newContext({ reducedMotion: "reduce", ...options });
  t.after(() => context.close());
  return { context, url: `http://127.0.0.1:${server.address().port}/sub/path/`, end };
}

/** A page that collects what goes wrong in it. */
async function visit(context, url) {
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("response", (response) => response.status() >= 400 && problems.push(response.url()));
  await page.goto(url);
  await waitForState({ page, problems }, "ready");
  return { page, problems };
}

test("a link of an older model leads to the page of that model, with its view", async (t) => {
  for (const [name, options] of [
    ["older-desktop", { viewport: { width: 1280, height: 800 } }],
    ["older-dark", { viewport: { width: 1280, height: 800 }, colorScheme: "dark" }],
    ["older-phone", { viewport: { width: 390, height: 844 } }],
  ]) {
    const { context, url } = await host(t, options);
    const view = await visit(context, `${url}index.html${OLDER}`);
    assert.equal((await readRun(view)).linkCheck, "differs");
    const lead = view.page.getByRole("link", { name: "Replay it with model 1" });
    await screenshot(view, name);
    assert.deepEqual(await accessibilityProblems(view), []);
    await lead.click();
    await view.page.waitForURL(`${url}model/1/#**`);
    await waitForState(view, "ready");
    const hash = await view.page.evaluate(() => location.hash);
    for (const part of ["scenario=d2-direct&seed=3&model=1&digest=0000", "&t=5ms", "&note=5ms,here"]) {
      assert.ok(hash.includes(part), hash);
    }
    // That page keeps none: it has another model than the link says only in this test.
    await view.page.getByText("build the page from the source's tag model-1").waitFor();
    assert.equal((await readRun(view)).tNs, "5000000");
    assert.deepEqual(view.problems, []);
  }
});

test("a link of an older model that cannot be run here leads there, too", async (t) => {
  const { context, url } = await host(t);
  const view = await visit(context, `${url}#/v1/run?scenario=gone&seed=3&model=1&t=5ms`);
  await screenshot(view, "older-gone");
  await view.page.getByRole("alert").getByRole("link", { name: "Replay it with model 1" }).click();
  await view.page.waitForURL(`${url}model/1/#/v1/run?scenario=gone&seed=3&model=1&t=5ms`);
});

test("a link of this model, or of a newer one, is not led elsewhere", async (t) => {
  const { context, url } = await host(t);
  for (const link of [OLDER.replace("model=1&", ""), OLDER.replace("model=1&", "model=999&")]) {
    const { page } = await visit(context, url + link);
    await page.locator(".badge.bad").waitFor();
    assert.equal(await page.getByText(/Replay it|source's tag/).count(), 0, link);
    await page.close();
  }
});

test("both pages are kept for visits without a network, each by itself", async (t) => {
  const { context, url, end } = await host(t);
  const ready = ({ page }) => page.evaluate(() => navigator.serviceWorker.ready.then(({ scope }) => scope));
  const first = await visit(context, url + OLDER);
  assert.equal(await ready(first), url);
  const { digest } = await readRun(first);
  await first.page.reload();
  await waitForState(first, "ready");
  await first.page.getByRole("link", { name: "Replay it with model 1" }).click();
  await first.page.waitForURL(`${url}model/1/#**`);
  await waitForState(first, "ready");
  // The worker of the page above it answers until its own is there.
  await first.page.waitForFunction(async (scope) => {
    const its = await navigator.serviceWorker.getRegistration();
    return its?.scope === scope && its.active?.state === "activated";
  }, `${url}model/1/`);
  const kept = await first.page.evaluate(async () => {
    const names = await caches.keys();
    const files = async (name) => (await (await caches.open(name)).keys()).map((file) => new URL(file.url).pathname);
    return Object.fromEntries(await Promise.all(names.map(async (name) => [name.split(" ")[1], await files(name)])));
  });
  assert.deepEqual(Object.keys(kept).sort(), [url, `${url}model/1/`]);
  assert.ok(kept[url].length > 5 && kept[url].every((file) => !/\/(model|single)\//.test(file)), kept[url].join());
  assert.ok(kept[`${url}model/1/`].every((file) => file.startsWith("/sub/path/model/1/")));
  assert.deepEqual(first.problems, []);
  await first.page.close();
  end();
  for (const address of [url, `${url}model/1/`]) {
    const view = await visit(context, address + RUN);
    assert.equal((await readRun(view)).digest, digest, address);
  }
});

test("the page as one file says where its older selves are to be had", async (t) => {
  const context = await (await browser()).newContext({ reducedMotion: "reduce" });
  t.after(() => context.close());
  const file = pathToFileURL(path.join(DIST, "single/reaperscope.html")).href;
  const { page, problems } = await visit(context, file + OLDER);
  await page.getByText("To replay the link, build the page from the source's tag model-1.").waitFor();
  assert.equal(await page.getByRole("link", { name: /Replay/ }).count(), 0);
  assert.deepEqual(problems, []);
});

// Where the simulator runs: in a worker, so that the page answers while a long run is under way,
// and in the page itself where no worker can be had. Leaves out what a run shows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage, readRun, waitForState } from "./support.mjs";

const LINK = "#/v1/run?scenario=capture-6-1-s6&seed=3";
/** More than half a million events. */
const LONG = "#/v1/run?scenario=g9-block-always-deadlock&seed=1";

test("a run comes out the same with and without a worker", async (t) => {
  const withWorker = await openPage(LINK);
  t.after(withWorker.close);
  assert.equal(withWorker.page.workers().length, 1);
  const without = await openPage(LINK, {
    prepare: (page) => page.addInitScript(() => delete window.Worker),
  });
  t.after(without.close);
  assert.equal(without.page.workers().length, 0);
  const missing = await openPage(LINK, {
    prepare: (page) => page.route("**/worker.js*", (route) => route.fulfill({ status: 404 })),
  });
  t.after(missing.close);
  const [one, two, three] = await Promise.all([withWorker, without, missing].map(readRun));
  assert.equal(two.digest, one.digest);
  assert.equal(three.digest, one.digest);
  assert.match(one.digest, /^\w{32}$/);
});

test("a newer question ends the work on an older one", async (t) => {
  const alone = await openPage(LINK);
  t.after(alone.close);
  const view = await openPage(LONG, { state: null });
  t.after(view.close);
  await view.page.waitForSelector('html[data-state="running"]', { state: "attached" });
  await view.page.evaluate((link) => (location.hash = link), LINK);
  await waitForState(view, "ready");
  assert.equal((await readRun(view)).digest, (await readRun(alone)).digest);
  assert.deepEqual(view.problems, []);
});

test("a simulator that ends is told of, and the next run has a new one", async (t) => {
  const prepare = (page) =>
    page.route("**/worker.js*", async (route) => {
      const response = await route.fetch();
      const crash = 'addEventListener("message", ({ data }) => { if (data[1] === "runs" && '
        + 'data[2].some((link) => link.includes("seed=13"))) setTimeout(() => { throw new Error("boom"); }); });\n';
      await route.fulfill({ response, body: crash + (await response.text()) });
    });
  const view = await openPage(LINK, { prepare });
  t.after(view.close);
  await view.page.evaluate((link) => (location.hash = link), LINK.replace("seed=3", "seed=13"));
  await view.page.waitForSelector("html[data-state=error]", { state: "attached" });
  await view.page.evaluate((link) => (location.hash = link), LINK.replace("seed=3", "seed=4"));
  await waitForReady(view, "seed=4");
});

/** Waits for a run whose link says so; an error that stood there before does not count. */
async function waitForReady({ page }, part) {
  const there = (part) =>
    document.documentElement.dataset.state === "ready" && location.hash.includes(part);
  await page.waitForFunction(there, part, { timeout: 20_000 });
}

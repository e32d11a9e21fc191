// The run that the page opens on comes with it, and the simulator makes it again behind the first
// view: whatever came, what is made here counts. Leaves out what the run shows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { openPage, readRun, waitForState } from "./support.mjs";

const OPENING = "**/opening-*.bin";

/** Waits until the simulator has made the run too; says whether it was the same. */
async function proof({ page }) {
  await page.waitForSelector("html[data-opening]", { state: "attached" });
  return page.getAttribute("html", "data-opening");
}

/** The same run, simulated because a link asks for it. */
async function simulated(t) {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1");
  t.after(view.close);
  return readRun(view);
}

/** Opens the page with another file in place of the run. */
function withOpening(change) {
  return (page) =>
    page.route(OPENING, async (route) => {
      const response = await route.fetch();
      const body = gzipSync(change(gunzipSync(await response.body())));
      await route.fulfill({ response, body });
    });
}

test("the run that came is the one that the simulator makes, and needs none to be seen", async (t) => {
  // Nothing else arrives, so what is seen needs nothing else.
  const prepare = (page) => page.route(/_rest\.wasm$|worker\.js$/, () => {});
  const alone = await openPage("", { prepare });
  t.after(alone.close);
  assert.equal(alone.page.workers().length, 0);
  const { digest, events } = await readRun(alone);
  // Text of the program that did not come with it would be as many zeros.
  const zeros = () =>
    [...document.querySelectorAll("*")].filter(({ attributes, textContent }) =>
      [textContent, ...[...attributes].map(({ value }) => value)].some((it) => it.includes("\0")),
    ).length;
  assert.equal(await alone.page.evaluate(zeros), 0);
  const view = await openPage("");
  t.after(view.close);
  assert.equal(await proof(view), "reproduced");
  assert.equal(await view.page.locator(".notice").count(), 0);
  const made = await simulated(t);
  assert.deepEqual([digest, events], [made.digest, made.events]);
  assert.equal((await readRun(view)).digest, made.digest);
  assert.deepEqual(view.problems, []);
});

test("another run that came is told of, and what is made here takes its place", async (t) => {
  const forged = (bytes) => {
    // The digest: behind the version and the run's name, texts with their lengths before them.
    let at = 8;
    for (let field = 0; field < 3; field += 1) at += 8 + Number(bytes.readBigUInt64LE(at));
    bytes.fill(0xee, at + 8, at + 24);
    return bytes;
  };
  const view = await openPage("", { prepare: withOpening(forged) });
  t.after(view.close);
  assert.equal((await readRun(view)).digest, "ee".repeat(16));
  assert.equal(await proof(view), "differs");
  const { digest } = await simulated(t);
  await view.page.waitForSelector(`html[data-digest="${digest}"]`, { state: "attached" });
  assert.match(await view.page.innerText(".notice"), /not the one/);
});

for (const [what, prepare] of [
  ["is cut short", withOpening((bytes) => bytes.subarray(0, 5_000))],
  ["is of another model", withOpening((bytes) => (bytes.writeUInt32LE(99_999, 0), bytes))],
  ["is no file at all", (page) => page.route(OPENING, (route) => route.fulfill({ body: "<html>" }))],
  ["never came", (page) => page.route(OPENING, (route) => route.abort())],
]) {
  test(`the page simulates what it opens on where the run ${what}`, async (t) => {
    const view = await openPage("", { prepare });
    t.after(view.close);
    await waitForState(view, "ready");
    assert.equal((await readRun(view)).digest, (await simulated(t)).digest);
    assert.equal(view.page.workers().length, 1);
  });
}

test("who asks for something else at once gets that", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  await view.page.getByLabel(/scenario/i).first().selectOption({ value: "capture-6-1-s3" });
  await view.page.waitForFunction(
    () => location.hash.includes("capture-6-1-s3") && document.documentElement.dataset.state === "ready",
  );
  await view.page.waitForTimeout(1_000);
  assert.match(await view.page.evaluate(() => location.hash), /capture-6-1-s3/);
  assert.equal(await view.page.locator(".notice").count(), 0);
  assert.deepEqual(view.problems, []);
});

// Links that are damaged, come into an open page, or say which of several records of an instant is
// meant; and what leads from a text to its moment. What links say is tested natively: here is what
// the page and its address do with that.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { accessibilityProblems, PROGRAM, openPage, readRun, screenshot, waitForState } from "./support.mjs";

/** Opens another link in a page, as a click on one does, and waits until `done`. */
async function follow({ page }, fragment, done, expected) {
  await page.evaluate((to) => {
    location.hash = to;
  }, fragment);
  await page.waitForFunction(done, expected, { timeout: 20_000 });
}

test("a link whose extras are damaged opens its run and says what it leaves out", async (t) => {
  const view = await openPage("#/v1/run?scenario=d2-direct&seed=1&t=1ms&note=1ms,%E&digest=0123");
  t.after(view.close);
  const { page } = view;
  assert.equal(await page.getByLabel("Scenario", { exact: true }).inputValue(), "d2-direct");
  const notice = await page.locator(".notice").innerText();
  for (const part of ["`note=1ms,%E`", "`digest=0123`", "opens without those parts"]) {
    assert.ok(notice.includes(part), notice);
  }
  assert.equal((await readRun(view)).linkCheck, "none");
  assert.deepEqual(view.problems, []);
});

test("a newer page's link opens as far as it is understood, and stays in the address", async (t) => {
  const link = "#/v2/run?scenario=d2-direct&seed=3&policy=none-yet&hue=9&t=1ms&focus=oom_reaper";
  const view = await openPage(link);
  t.after(view.close);
  const { page } = view;
  assert.equal(await page.getByLabel("Scenario", { exact: true }).inputValue(), "d2-direct");
  assert.equal(await page.getByLabel("Seed", { exact: true }).inputValue(), "3");
  assert.equal((await readRun(view)).tNs, "1000000");
  const notice = await page.getByRole("alert").filter({ hasText: "newer" }).innerText();
  assert.match(notice, /version 2.*left out: “hue”, “policy”\./s);
  // Longer than the address rests.
  await page.keyboard.press("ArrowRight");
  await page.waitForTimeout(1_200);
  assert.equal(await page.evaluate(() => location.hash), link);
  await page.getByLabel("Seed", { exact: true }).fill("4");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.hash.startsWith("#/v1/run?"));
  assert.deepEqual(view.problems, []);
});

test("a bad link in an open page leaves the run, and the address says so", async (t) => {
  const view = await openPage("#/v1/run?scenario=d2-direct&seed=3&t=1ms");
  t.after(view.close);
  const { page } = view;
  const { digest } = await readRun(view);
  const told = () => /stays/.test(document.querySelector(".notice")?.innerText ?? "");
  for (const bad of ["#/v1/run?scenario=nope", "#/v1/run?nonsense", "#/v1/run?scenario=nope"]) {
    await follow(view, bad, told);
    await page.waitForFunction(() => location.hash.includes("scenario=d2-direct&seed=3"));
    await waitForState(view, "ready");
    assert.equal((await readRun(view)).digest, digest, bad);
    assert.equal(await page.getByLabel("Scenario", { exact: true }).inputValue(), "d2-direct");
    assert.equal(await page.locator("main.stale").count(), 0);
  }
});

test("a link that is followed just before the page writes its own is not lost", async (t) => {
  // The browser changes the address at once and tells the page later: here, when it is told to.
  const prepare = (page) =>
    page.addInitScript((restMs) => {
      window.held = [];
      window.rests = 0;
      const later = setTimeout;
      window.setTimeout = (call, after, ...given) =>
        later((...all) => {
          call(...all);
          if (after === restMs) window.rests += 1;
        }, after, ...given);
      addEventListener("hashchange", (event) => {
        if (!window.holds) return;
        event.stopImmediatePropagation();
        window.held.push(event);
      });
    }, 500);
  const view = await openPage("#/v1/run?scenario=d2-direct&seed=3&t=1ms", { prepare });
  t.after(view.close);
  const { page } = view;
  /** Moves the cursor, follows a link if there is one, and waits until the page's rest before it writes its own is over. */
  const moved = async (link) => {
    await page.waitForFunction(() => location.hash.includes("digest="));
    const [before, rests] = await page.evaluate((to) => {
      const before = [location.hash, window.rests];
      const key = { key: "ArrowRight", code: "ArrowRight", ctrlKey: true, bubbles: true };
      document.body.dispatchEvent(new KeyboardEvent("keydown", key));
      window.holds = Boolean(to);
      if (to) location.hash = to;
      return before;
    }, link);
    await page.waitForFunction((count) => window.rests > count, rests);
    return [before, await page.evaluate(() => location.hash)];
  };
  const [before, after] = await moved();
  assert.notEqual(after, before, "the address follows the cursor");
  const link = "#/v1/run?scenario=d2-direct&seed=4&t=2ms";
  assert.equal((await moved(link))[1], link);
  await page.evaluate(() => {
    window.holds = false;
    for (const event of window.held) dispatchEvent(new HashChangeEvent("hashchange", event));
  });
  await page.waitForFunction(() => document.documentElement.dataset.tNs === "2000000");
  await waitForState(view, "ready");
  assert.equal(await page.getByLabel("Seed", { exact: true }).inputValue(), "4");
  await page.waitForFunction(() => /seed=4.*digest=/.test(location.hash));
  assert.deepEqual(view.problems, []);
});

test("a link whose damage stops its run is told in full, and the run stays", async (t) => {
  const view = await openPage("#/v1/run?scenario=d2-direct&seed=3&t=1ms");
  t.after(view.close);
  const bad = "#/v1/run?scenario=d2-direct&seed=x&policy=non&t=21";
  await follow(view, bad, () => document.querySelector(".notice"));
  const told = (await view.page.locator(".notice p").innerText()).split("\n");
  for (const [line, part] of ["`seed=x`", "`policy=non`", "`t=21`", "The run that was here stays."].entries()) {
    assert.ok(told[line].includes(part), told.join("\n"));
  }
  await screenshot(view, "damaged");
  await view.page.setViewportSize({ width: 390, height: 844 });
  await screenshot(view, "damaged-phone");
  await view.page.emulateMedia({ colorScheme: "dark" });
  await screenshot(view, "damaged-dark");
  assert.deepEqual(await accessibilityProblems(view), []);
});

test("a link leads back to one of several records of an instant", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3000ms");
  t.after(view.close);
  const { page } = view;
  const moment = () => page.locator(".moment").innerText();
  // Until the next record comes at the same instant.
  await page.keyboard.press("Control+ArrowRight");
  for (let before = "", tries = 0; tries < 60; tries += 1) {
    const { tNs } = await readRun(view);
    if (before === tNs) break;
    before = tNs;
    await page.keyboard.press("Control+ArrowRight");
    await page.waitForTimeout(30);
  }
  await page.keyboard.press("Control+ArrowLeft");
  await page.waitForFunction(() => location.hash.includes("&nth="), undefined, { timeout: 5_000 });
  const shown = await moment();
  await page.reload();
  await waitForState(view, "ready");
  assert.equal(await moment(), shown);
});

test("instants of the story and the place where a run parts can be gone to", async (t) => {
  const right = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=1ms");
  t.after(right.close);
  const { page } = right;
  await page.waitForFunction(() => location.hash.includes("marks="));
  await page.getByRole("button", { name: "What happened?" }).click();
  const instant = page.locator(".story button").first();
  const [ms] = (await instant.innerText()).split(" ");
  await instant.click();
  await page.waitForFunction(
    (us) => Math.floor(Number(document.documentElement.dataset.tNs) / 1e3) === us,
    Math.round(Number(ms) * 1e3),
  );
  assert.equal(await page.locator("dialog[open]").count(), 0);
  const hash = await page.evaluate(() => location.hash);
  const wrong = hash
    .replace(/digest=\w{4}/, "digest=0000")
    // The fifth mark is that of 1024 records.
    .replace(/(marks=.{12})(.)/, (_, before, letter) => before + (letter === "A" ? "B" : "A"));
  const view = await openPage(wrong);
  t.after(view.close);
  assert.equal((await readRun(view)).linkCheck, "differs");
  await view.page.getByRole("button", { name: "Go there" }).click();
  await view.page.waitForFunction(() => /event 512 /.test(document.querySelector(".moment").innerText));
});

test("the verdict's sentence keeps its room beside a link that was reproduced", async (t) => {
  const first = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=7&t=1ms");
  t.after(first.close);
  await first.page.waitForFunction(() => location.hash.includes("digest="));
  const width = ({ page }) => page.locator(".evidence").evaluate((it) => it.getBoundingClientRect().width);
  const plain = await width(first);
  const view = await openPage(await first.page.evaluate(() => location.hash));
  t.after(view.close);
  await view.page.getByText("reproduced").waitFor();
  assert.ok((await width(view)) >= plain - 24, `${await width(view)} of ${plain}`);
  // And nothing of it is cut.
  const cut = await view.page.locator(".evidence").evaluate((it) => it.scrollHeight - it.clientHeight);
  assert.ok(cut <= 0, `${cut} px`);
});

// Forks that only a search makes, and its links carry: the page makes the very run of the command line.
test("another order of ties and a preemption are made again from a link", async (t) => {
  const ties = "0ms:ties=7";
  const preempt = "3000ms:preempt=0+30ms";
  const made = (...choices) => {
    const forks = choices.flatMap((choice) => ["--fork", choice]);
    const words = ["link", "gpu-fence-overlap", "--seed", "1", ...forks];
    return execFileSync(PROGRAM, words, { encoding: "utf8" }).trim();
  };
  const digestOf = (link) => /digest=(\w{32})/.exec(link)[1];
  const links = [made(), made(ties), made(preempt), made(ties, preempt)];
  assert.equal(new Set(links.map(digestOf)).size, links.length, "each choice makes another run");
  const view = await openPage(links[3]);
  t.after(view.close);
  const run = await readRun(view);
  assert.deepEqual([run.digest, run.linkCheck], [digestOf(links[3]), "reproduced"]);
  for (const link of links.slice(1, 3)) {
    await follow(view, link, (digest) => document.documentElement.dataset.digest === digest, digestOf(link));
    assert.equal((await readRun(view)).linkCheck, "reproduced", link);
  }
  // Beside the run that they part from.
  const beside = `#/v1/run?scenario=gpu-fence-overlap&seed=1&fork=0~${ties}&fork=0~${preempt}`;
  const digests = links.slice(0, 3).map(digestOf).join(",");
  await follow(view, beside, (all) => document.documentElement.dataset.digest === all, digests);
  assert.deepEqual(view.problems, []);
});

test("Back returns to how the run was seen, a note stays, Forward and undo lead on again", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms");
  t.after(view.close);
  const { page } = view;
  const settled = (part, has) =>
    page.waitForFunction(([it, wanted]) => location.hash.includes(it) === wanted, [part, has]);
  await settled("digest=", true);
  await page.keyboard.press("0");
  await settled("view=", true);
  await page.keyboard.press("m");
  await page.keyboard.type("look here");
  await page.keyboard.press("Escape");
  await settled("note=", true);
  const note = () => page.locator(".notes input").evaluateAll((all) => all.map((it) => it.value));
  assert.deepEqual(await note(), ["look here"]);
  await page.goBack();
  await settled("view=", false);
  await settled("note=", true);
  assert.deepEqual(await note(), ["look here"]);
  await page.goForward();
  await settled("view=", true);
  assert.deepEqual(await note(), ["look here"]);
  // A link that is followed says itself what notes there are; undo has those that were.
  await page.evaluate(() => (location.hash = location.hash.replace(/&note=[^&]*/, "")));
  await page.waitForFunction(() => !document.querySelector(".notes input"));
  await page.locator("#lanes").focus();
  await page.keyboard.press("Control+z");
  await page.locator(".notes input").waitFor();
  assert.deepEqual(await note(), ["look here"]);
  assert.deepEqual(view.problems, []);
});

test("pinned, hidden, moved and folded rows travel in the link, and Back returns to those before", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms&focus=gpu0");
  t.after(view.close);
  const { page } = view;
  const rows = () => page.locator(".lane .lane-title, .lane-heading button").allInnerTexts();
  const settled = (wanted) => page.waitForFunction((wanted) => location.hash.endsWith(wanted), wanted);
  await page.waitForFunction(() => location.hash.includes("digest="));
  const before = await rows();
  const end = await page.evaluate(() => location.hash.slice(location.hash.indexOf("&t=")));
  await page.keyboard.press("p");
  await settled("&pin=gpu0");
  const pinned = await rows();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("h");
  await page.getByRole("button", { name: /^CPUs/ }).click();
  await settled("&pin=gpu0&hide=oom_reaper&fold=none");
  const last = await rows();
  assert.equal(new Set([before, pinned, last].map(String)).size, 3);
  const other = await openPage(await page.evaluate(() => location.hash));
  t.after(other.close);
  assert.equal((await readRun(other)).linkCheck, "reproduced");
  const there = await other.page.locator(".lane .lane-title, .lane-heading button").allInnerTexts();
  assert.deepEqual(there, last);

  await page.goBack();
  await settled("&pin=gpu0");
  assert.deepEqual(await rows(), pinned);
  await page.goBack();
  await settled(end);
  assert.deepEqual(await rows(), before);
  await page.goForward();
  await settled("&pin=gpu0");
  assert.deepEqual(await rows(), pinned);
  assert.deepEqual(view.problems, []);
});

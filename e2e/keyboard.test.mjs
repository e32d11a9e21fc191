// A visit by the keyboard alone, from an empty address to a link in somebody's hands: what is done
// here is done by keys, and what is read is what the page shows. Nothing is clicked, called in the
// page, or focused from outside of it. Leaves out single keys, which other files try.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage } from "./support.mjs";

/** A visitor who has a keyboard and eyes. */
async function visit(t) {
  const view = await openPage("");
  t.after(view.close);
  const { page } = view;
  const { keyboard } = page;
  const root = page.locator("html");
  const focused = page.locator(":focus");
  const on = (attribute) => root.getAttribute(`data-${attribute}`);
  const lacks = async (attribute, before) => {
    const other = page.locator(`html[data-state=ready]:not([data-${attribute}="${before}"])`);
    await other.waitFor({ state: "attached", timeout: 20_000 });
    return on(attribute);
  };
  /** Goes on with a key until the focus is on what is wanted, and sees it there. */
  const to = async (selector, key = "Tab") => {
    const wanted = page.locator(`:focus:is(${selector})`);
    for (let presses = 0; presses < 250; presses += 1) {
      if ((await wanted.count()) > 0) {
        assert.ok(await focused.first().isVisible(), `${selector} is seen`);
        return;
      }
      await keyboard.press(key);
    }
    assert.fail(`${key} never led to ${selector}`);
  };
  return { view, page, keyboard, on, lacks, to, focused };
}

test("keys alone: choose, play, step, ask why, compare, fork and send", async (t) => {
  const { view, page, keyboard, on, lacks, to, focused } = await visit(t);
  const first = await on("digest");
  // A scenario, by the letters it begins with.
  await to("select[aria-label=Scenario]");
  await keyboard.type("The reaper waits for a lock");
  await page.locator("html[data-state=ready][data-verdict=deadlock]").waitFor({ state: "attached" });
  let digest = await lacks("digest", first);
  // To the timeline, where play and pause are.
  await to(".skip", "Shift+Tab");
  await keyboard.press("Enter");
  await keyboard.press("Home");
  let now = await on("t-ns");
  await keyboard.press("Space");
  now = await lacks("t-ns", now);
  await keyboard.press("Space");
  await keyboard.press("Control+ArrowRight");
  await keyboard.press("Home");
  now = await lacks("t-ns", now);
  await keyboard.press("Control+ArrowRight");
  now = await lacks("t-ns", now);
  await keyboard.press("ArrowRight");
  now = await lacks("t-ns", now);
  // The next incident, and why: a hop from who waits to who is waited for.
  await keyboard.press(".");
  now = await lacks("t-ns", now);
  await keyboard.press("End");
  now = await lacks("t-ns", now);
  await to(".chain button.link");
  const hop = await focused.innerText();
  await keyboard.press("Enter");
  await page.locator(".lane.selected", { hasText: hop }).waitFor();
  await page.locator("#why-title .of", { hasText: hop }).waitFor();

  // Two policies, side by side.
  await to(".skip", "Shift+Tab");
  await keyboard.press("Enter");
  await keyboard.press("c");
  await page.locator("#compare-with:focus").waitFor();
  await keyboard.type("nonblock");
  digest = await lacks("digest", digest);
  assert.equal(digest.split(",").length, 2);
  await page.getByText(/^parts$/).first().waitFor();

  // Another way on from here.
  await to(".skip", "Shift+Tab");
  await keyboard.press("Enter");
  await keyboard.press("Home");
  await keyboard.press(".");
  await keyboard.press("b");
  await page.locator("#fork-policy:focus").waitFor();
  await to("#fork-kill");
  await keyboard.press("Tab");
  await keyboard.press("Enter");
  digest = await lacks("digest", digest);
  assert.equal(digest.split(",").length, 3);

  // The link, copied; it is in the clipboard, since it can be put where there are letters.
  await to(".bar-share");
  await keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Share" });
  await dialog.waitFor();
  const link = await dialog.locator("input").first().inputValue();
  await to("dialog button.primary");
  await keyboard.press("Enter");
  await dialog.getByText(/copied/i).first().waitFor();
  await keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await keyboard.press("/");
  await keyboard.press("Control+v");
  assert.equal(await focused.inputValue(), link);
  assert.match(link, /scenario=d2-direct.*policy=.*nonblock.*fork=0~.*kill/);
  assert.deepEqual(view.problems, []);
});

test("keys alone: sweep a hundred seeds, open one, edit and undo, and answer a lesson", async (t) => {
  const { view, page, keyboard, on, lacks, to, focused } = await visit(t);
  const first = await on("digest");
  await to("#sweep-button");
  await keyboard.press("Enter");
  await page.locator("#sweep-title:focus").waitFor();
  await to("#sweep-count");
  await keyboard.press("Control+a");
  await keyboard.type("100");
  await keyboard.press("Enter");
  const panel = page.getByRole("complementary", { name: "Sweep over seeds" });
  await panel.getByText(/^100 runs in [\d.]+ s$/).waitFor({ timeout: 60_000 });
  await to(".sweep .picks a");
  const seed = /seed=(\d+)/.exec(await focused.getAttribute("href"))?.[1] ?? "1";
  await keyboard.press("Enter");
  const opened = await lacks("digest", first);
  assert.equal(await page.locator("#seed").inputValue(), seed);
  await keyboard.press("Escape");
  await page.locator("#sweep-button:focus").waitFor();

  // A value in the form, and undone.
  await to("#edit-button", "Shift+Tab");
  await keyboard.press("Enter");
  await page.locator("#editor-title:focus").waitFor();
  await to("#form-machine-cpus");
  await keyboard.press("Control+a");
  await keyboard.type("1");
  await lacks("digest", opened);
  await keyboard.press("Control+z");
  await page.locator(`html[data-state=ready][data-digest="${opened}"]`).waitFor({ state: "attached" });
  await keyboard.press("Escape");

  // A lesson's step, and what is thought of it before it tells.
  await to("#learn-button", "Shift+Tab");
  await keyboard.press("Enter");
  await page.locator("#learn-title:focus").waitFor();
  await keyboard.press("2");
  await page.locator("#learn-step:focus").waitFor();
  await keyboard.press("2");
  const lesson = page.getByRole("complementary", { name: /./ }).filter({ hasText: "The reaper comes" });
  await lesson.waitFor();
  await to(".choice");
  await keyboard.press("Enter");
  await page.locator("#reveal:focus").waitFor();
  await lesson.getByText("mmap_read_trylock").first().waitFor();
  assert.deepEqual(view.problems, []);
});

// Every sentence of the page goes through its catalogues: in the pseudo-language (accented, 40 %
// longer, in brackets) nothing that the page says is plain English, and nothing breaks for its length.
//
// Left out is what is no sentence of the page: names, numbers and what the simulator says, which
// stand in elements marked translate="no", or, put into a sentence, between U+2068 and U+2069.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openPage } from "./support.mjs";

const PSEUDO = "?lang=en-XA";
const RUN = "#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms&focus=oom_reaper";
const COMPARED = RUN.replace("&t=", "&policy=interval,skip-any&t=");
const FORKED = `${RUN}&fork=0~4000ms:policy=block-always`;
const DEADLOCK = "#/v1/run?scenario=d3-fence&seed=1&t=3200ms&focus=oom_reaper";
const CHECKED = "#/v1/run?scenario=lockdep-6-1-l1&seed=1&check=lockdep";

/** What of the page's own is plain English: text and attributes, each once. Runs in the page. */
function plainTexts() {
  const SAID = ["aria-label", "title", "placeholder", "aria-valuetext", "aria-roledescription", "alt", "label"];
  const found = new Set();
  const look = (element, text, where) => {
    if (element.closest("[translate=no], script, style, textarea")) return;
    let rest = text;
    for (let before; before !== rest; ) {
      before = rest;
      rest = rest.replace(/\u2068[^\u2068\u2069]*\u2069/g, "");
    }
    rest = rest.replace(/\d[\d\u202f,.]*[\u202f\s]?(ns|µs|ms|s|KiB|MiB|GiB)\b/g, "");
    if (/[A-Za-z]{2}/.test(rest)) {
      const { tagName, className } = element;
      const names = typeof className === "string" && className ? `.${className.replaceAll(" ", ".")}` : "";
      found.add(`${element.parentElement?.className ?? ""} > ${tagName.toLowerCase()}${names}${where}: ${text.slice(0, 120)}`);
    }
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) look(node.parentElement, node.data, "");
  for (const name of SAID) {
    for (const element of document.querySelectorAll(`[${name}]`)) look(element, element.getAttribute(name), `[${name}]`);
  }
  return [...found];
}

/** Presses a button of the top bar; where there is little room, behind the one that unfolds it. */
async function press(page, selector) {
  const unfold = page.locator(".unfold[aria-expanded=false]");
  if (await unfold.isVisible()) await unfold.click();
  await page.locator(selector).click();
}

const above = (place) => (page) => press(page, `.bar-rest > .buttons > button:nth-of-type(${place})`);
const by = (selector) => (page) => press(page, selector);
const key = (name) => (page) => page.keyboard.press(name);

const RECORDING = fileURLToPath(new URL("../traces/recordings/6.1/S6-3/", import.meta.url));

async function sweep(page) {
  await press(page, "#sweep-button");
  await page.locator("#sweep-count").fill("2");
  await page.locator(".sweep form button[type=submit]").first().click();
}

async function importRecording(page) {
  await above(4)(page);
  const files = ["trace.txt.gz", "dmesg.txt"].map((name) => RECORDING + name);
  await page.locator("dialog[open] input[type=file]").setInputFiles(files);
}

/** What is looked at: name, link, what is done there, and what then is there. */
const VIEWS = [
  ["a first visit", "", async () => {}, ".offer"],
  ["a run with its panels", RUN, async () => {}, ".metrics-rows, #metrics-title"],
  ["a cycle of waits", DEADLOCK, async () => {}, ".graph .ring"],
  ["a range", `${RUN}&range=3000ms..5000ms`, async () => {}, ".blame"],
  ["runs compared", COMPARED, async () => {}, ".outcomes"],
  ["a run with its checkers", CHECKED, by(".verdict .told"), "dialog[open]"],
  ["forks", FORKED, key("b"), "dialog[open]"],
  ["filters of the events", RUN, by("[aria-controls=event-filters]"), "#event-filters select"],
  ["the editor", RUN, by("#edit-button"), "#editor-form"],
  ["the lessons", RUN, by("#learn-button"), ".lessons"],
  ["a step of a lesson", "#/v1/run?scenario=d2-direct&lesson=indirect-dependency.2", async () => {}, "#learn-step"],
  ["import", RUN, above(4), "dialog[open]"],
  ["what came of an import", RUN, importRecording, ".import-made"],
  ["export", RUN, above(5), "dialog[open]"],
  ["the key help", RUN, key("?"), "dialog[open]"],
  ["the palette", RUN, key("F1"), "dialog[open]"],
  ["the share dialog", RUN, by(".bar-share"), "dialog[open]"],
  ["the sweep", RUN, by("#sweep-button"), "#sweep-title"],
  ["what came of a sweep", RUN, sweep, ".swept .reading"],
  ["a lock that is held", DEADLOCK.replace("d3-fence", "d2-direct").replace("oom_reaper", "mirror_lock"), async () => {}, ".lock-users"],
  ["a broken link", "#/v1/run?scenario=no-such-thing", async () => {}, ".notice"],
  ["a part of another page", `${COMPARED}&embed=1`, async () => {}, ".open-whole"],
];

for (const [name, link, act, there] of VIEWS) {
  test(`${name}: nothing but names is plain English, and it fits where there is little room`, async (t) => {
    const view = await openPage(PSEUDO + link, { viewport: { width: 390, height: 844 } });
    t.after(view.close);
    await act(view.page);
    await view.page.locator(there).first().waitFor({ state: "attached" });
    await view.page.waitForTimeout(300);
    const plain = await view.page.evaluate(plainTexts);
    assert.equal(plain.length, 0, plain.join("\n"));
    const wide = await view.page.evaluate(() =>
      [document.documentElement, ...document.querySelectorAll("dialog[open]")]
        .filter((it) => it.scrollWidth > it.clientWidth)
        .map((it) => `${it.localName}: ${it.scrollWidth} px of ${it.clientWidth}`),
    );
    assert.deepEqual(wide, []);
    assert.deepEqual(view.problems, []);
  });
}

test("what is told of keys is no plain English either", async (t) => {
  const view = await openPage(`${PSEUDO}${RUN}`);
  t.after(view.close);
  const { page } = view;
  const told = new Set();
  const keys = [".", "Control+ArrowRight", "Home", "w", "r", "p", "p", "h", "Shift+H", "Alt+ArrowDown", "m", "Escape", "Delete", "Control+z", "g", "Escape", "End", "."];
  for (const name of keys) {
    await page.keyboard.press(name);
    await page.waitForTimeout(100);
    const plain = await page.evaluate(plainTexts);
    assert.equal(plain.length, 0, `${name}: ${plain.join("\n")}`);
    told.add(await page.locator("main > p[role=status]").innerText());
  }
  assert.ok(told.size > 8, [...told].join("\n"));
  const box = await page.locator(".tl-body").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 60);
  await page.waitForTimeout(200);
  assert.notEqual(await page.locator(".hover").innerText(), "");
  const plain = await page.evaluate(plainTexts);
  assert.equal(plain.length, 0, plain.join("\n"));
});

test("the page says which language it speaks, and links say nothing of it", async (t) => {
  const view = await openPage(PSEUDO + RUN);
  t.after(view.close);
  assert.equal(await view.page.getAttribute("html", "lang"), "en-XA");
  await press(view.page, ".bar-share");
  const link = await view.page.locator("dialog[open] input").first().inputValue();
  assert.ok(link.includes("#/v1/run?") && !link.includes("lang"), link);
  const english = await openPage(`?lang=xx${RUN}`);
  t.after(english.close);
  assert.equal(await english.page.getAttribute("html", "lang"), "en");
  assert.ok(await english.page.getByRole("button", { name: "Share" }).isVisible(), "what there is not is English");
});

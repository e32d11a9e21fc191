// What a hand does to the timeline: buttons and wheel of a mouse, three fingers, the overview's
// brush, and keys that move lanes and ranges. What is looked at is what the link says of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage, time, until } from "./support.mjs";

const RUN = "#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms&focus=oom_reaper&view=3000ms..5000ms";

/** From and to of what the link says under a name, in ms; undefined if it says nothing. */
const told = (page, name) =>
  page.evaluate((name) => {
    const found = new RegExp(`[?&]${name}=([\\d.]+)(\\w+)\\.\\.([\\d.]+)(\\w+)`).exec(location.hash);
    const unit = { ns: 1e-6, us: 1e-3, ms: 1, s: 1e3 };
    return found ? [found[1] * unit[found[2]], found[3] * unit[found[4]]] : undefined;
  }, name);

/** The link's part of that name when it is another one than before. */
async function changed(view, name, before) {
  await until(view, ([name, before]) => {
    const found = new RegExp(`[?&]${name}=([^&]*)`).exec(location.hash)?.[1];
    return found !== undefined && found !== before;
  }, `another ${name}`, [name, before]);
  return view.page.evaluate((name) => new RegExp(`[?&]${name}=([^&]*)`).exec(location.hash)[1], name);
}

async function drag(page, [fromX, fromY], [toX, toY], button = "left") {
  await page.mouse.move(fromX, fromY);
  await page.mouse.down({ button });
  await page.mouse.move((fromX + toX) / 2, (fromY + toY) / 2);
  await page.mouse.move(toX, toY);
  await page.mouse.up({ button });
}

/** The page with its link written, and where its plot and a lane are. */
async function opened(t, link = RUN, options = {}) {
  const view = await openPage(link, options);
  t.after(view.close);
  await until(view, () => location.hash.includes("digest="), "the address");
  const plot = await view.page.locator(".tl-ruler").boundingBox();
  const lane = await view.page.locator(".timeline .lane").first().boundingBox();
  const at = (share) => [plot.x + plot.width * share, lane.y + lane.height / 2];
  return { view, page: view.page, plot, at };
}

test("a drag selects and snaps to changes of state, and with Alt it doesn't", async (t) => {
  const { view, page } = await opened(t);
  await page.keyboard.press("r");
  const exact = await changed(view, "range");
  const cell = await page.locator(".tl-grid [role=gridcell]", { hasText: /^back-off 4/ }).boundingBox();
  const y = cell.y + cell.height / 2;
  const [from, to] = [[cell.x + 3, y], [cell.x + cell.width - 3, y]];
  await page.keyboard.press("Escape");
  await until(view, () => !location.hash.includes("range="), "cleared");
  await drag(page, from, to);
  assert.equal(await changed(view, "range"), exact, "snapped");
  await page.keyboard.down("Alt");
  await drag(page, from, to);
  await page.keyboard.up("Alt");
  const free = await changed(view, "range", exact);
  const [[left, right], whole] = [await told(page, "range"), exact.match(/\d+(\.\d+)?/g).map(Number)];
  assert.ok(right - left < whole[1] - whole[0], `${free} is inside ${exact}`);
  assert.equal(await page.evaluate(() => getSelection().toString()), "", "no text is marked");
  assert.deepEqual(view.problems, []);
});

test("Shift and the middle button pan, the wheel zooms and pans, and the other buttons are the browser's", async (t) => {
  const { view, page, at } = await opened(t);
  await page.keyboard.down("Shift");
  await drag(page, at(0.6), at(0.4));
  await page.keyboard.up("Shift");
  let now = await changed(view, "view", "3000ms..5000ms");
  let [from, to] = await told(page, "view");
  assert.ok(Math.abs(from - 3400) < 20 && Math.abs(to - from - 2000) < 5, now);
  await drag(page, at(0.4), at(0.6), "middle");
  now = await changed(view, "view", now);
  [from] = await told(page, "view");
  assert.ok(Math.abs(from - 3000) < 20, now);
  assert.equal(await told(page, "range"), undefined, "nothing is selected by that");
  await page.mouse.move(...at(0.25));
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -300);
  await page.keyboard.up("Control");
  now = await changed(view, "view", now);
  [from, to] = await told(page, "view");
  assert.ok(to - from < 1100 && Math.abs(from + (to - from) / 4 - 3500) < 20, `around the pointer: ${now}`);
  await page.keyboard.down("Shift");
  await page.mouse.wheel(0, 300);
  await page.keyboard.up("Shift");
  await changed(view, "view", now);
  assert.ok((await told(page, "view"))[0] > from, "later");
  assert.equal(await page.evaluate(() => visualViewport.scale), 1);

  const before = await time(view);
  await page.mouse.click(...at(0.9), { button: "right" });
  await page.mouse.move(...at(0.2));
  await page.waitForTimeout(300);
  assert.equal(await time(view), before, "the cursor stays");
  // Let go over a menu, of which the page is not told.
  await page.evaluate(([x, y]) => {
    const body = document.querySelector(".tl-body");
    const send = (type, x, buttons) =>
      body.dispatchEvent(new PointerEvent(type, { clientX: x, clientY: y, pointerId: 1, button: 0, buttons, pointerType: "mouse", bubbles: true }));
    send("pointerdown", x, 1);
    send("pointermove", x + 60, 0);
    send("pointermove", x + 120, 0);
  }, at(0.3));
  await page.waitForTimeout(500);
  assert.equal(await told(page, "range"), undefined);
  assert.deepEqual(view.problems, []);
});

test("the wheel zooms over compared lanes and over the overview, too, and there the brush is dragged", async (t) => {
  const { view, page } = await opened(t, RUN.replace("&t=", "&policy=interval,block-always&t="));
  const turn = async (selector, share, key, dy) => {
    await page.locator(selector).scrollIntoViewIfNeeded();
    const box = await page.locator(selector).boundingBox();
    await page.mouse.move(box.x + box.width * share, box.y + Math.min(box.height / 2, 40));
    await page.keyboard.down(key);
    await page.mouse.wheel(0, dy);
    await page.keyboard.up(key);
  };
  await turn(".stacked .lane-plot", 0.5, "Control", -300);
  let now = await changed(view, "view", "3000ms..5000ms");
  let [from, to] = await told(page, "view");
  assert.ok(to - from < 1100 && Math.abs((from + to) / 2 - 4000) < 20, now);
  await turn(".stacked .lane-plot", 0.5, "Shift", 200);
  now = await changed(view, "view", now);
  assert.ok((await told(page, "view"))[0] > from, now);
  [from, to] = await told(page, "view");
  await turn(".overview canvas", 0.01, "Control", 300);
  now = await changed(view, "view", now);
  const [wideFrom, wideTo] = await told(page, "view");
  assert.ok(wideTo - wideFrom > (to - from) * 1.5, now);
  assert.equal(await page.evaluate(() => visualViewport.scale), 1);

  // Its middle moves it, its edge resizes it.
  const brush = async () => page.locator(".ov-brush").boundingBox();
  let box = await brush();
  const y = box.y + box.height / 2;
  await drag(page, [box.x + box.width / 2, y], [box.x + box.width / 2 - 60, y]);
  now = await changed(view, "view", now);
  [from, to] = await told(page, "view");
  assert.ok(from < wideFrom && Math.abs(to - from - (wideTo - wideFrom)) < 10, `moved: ${now}`);
  box = await brush();
  await drag(page, [box.x + box.width - 1, y], [box.x + box.width + 60, y]);
  now = await changed(view, "view", now);
  const [still, further] = await told(page, "view");
  assert.ok(Math.abs(still - from) < 10 && further > to, `resized: ${now}`);
  assert.deepEqual(view.problems, []);
});

test("a third finger goes on pinching", async (t) => {
  const { view, page, at } = await opened(t, RUN, { viewport: { width: 390, height: 844 }, touch: true });
  const hand = await page.context().newCDPSession(page);
  const [, y] = at(0.5);
  const touch = (type, ...xs) =>
    hand.send("Input.dispatchTouchEvent", { type, touchPoints: xs.map((x, id) => ({ x, y, id })) });
  await touch("touchStart", 150, 200);
  await touch("touchMove", 148, 202);
  await touch("touchStart", 148, 202, 350);
  await page.waitForTimeout(250);
  await touch("touchMove", 150, 200, 350);
  await touch("touchMove", 152, 198, 350);
  await touch("touchEnd");
  await changed(view, "view", "3000ms..5000ms");
  const [from, to] = await told(page, "view");
  assert.ok(to - from > 1700 && to - from < 2100, `no leap: ${from} to ${to}`);
  assert.equal(await told(page, "range"), undefined);
  // What is zoomed by is at hand, and the hint is there.
  const zoom = await page.getByRole("button", { name: "Zoom in" }).boundingBox();
  assert.ok(zoom.x >= 0 && zoom.x + zoom.width < 390, JSON.stringify(zoom));
  assert.ok(await page.getByText("Drag to pan, hold to select, pinch to zoom").isVisible());
});

test("keys move lanes and ranges, the other preset zooms with Q and E, and Forward goes where Back came from", async (t) => {
  const { view, page } = await opened(t);
  const { keyboard } = page;
  const titles = () => page.locator(".timeline .lane-title").allInnerTexts();
  const before = await titles();
  const task = before.indexOf("hog/stuck");
  await page.locator(".timeline .lane button").nth(task).click();
  await keyboard.press("Alt+ArrowUp");
  await until(view, (at) => document.querySelectorAll(".timeline .lane-title")[at - 1].innerText === "hog/stuck", "above", task);
  await keyboard.press("Alt+ArrowDown");
  await until(view, (at) => document.querySelectorAll(".timeline .lane-title")[at].innerText === "hog/stuck", "back", task);
  await keyboard.press("Shift+ArrowRight");
  const once = await changed(view, "range");
  await keyboard.press("Shift+ArrowRight");
  await keyboard.press("Shift+ArrowRight");
  const more = await changed(view, "range", once);
  await keyboard.press("Shift+ArrowLeft");
  await changed(view, "range", more);

  await keyboard.press("Escape");
  await page.getByRole("button", { name: "from here" }).click();
  await keyboard.press("End");
  await page.getByRole("button", { name: "to here" }).click();
  await until(view, () => /^selected from \d{4}\.\d+.ms to .*\ss$/.test(document.querySelector("p.hidden[role=status]").textContent), "told");
  await changed(view, "range", more);

  await keyboard.press("?");
  await page.getByLabel(/Q and E zoom/).check();
  const keys = await page.getByRole("row", { name: /zoom in or out/ }).innerText();
  assert.match(keys, /^Q\s*E/, "as the list says");
  await keyboard.press("Escape");
  await page.evaluate(() => document.activeElement.blur());
  assert.equal(await page.getByRole("button", { name: "Zoom in" }).getAttribute("title"), "Zoom in (Q)");
  const lane = await page.locator(".lane.selected .lane-title").innerText();
  await keyboard.press("w");
  await until(view, (was) => document.querySelector(".lane.selected .lane-title").innerText !== was, "the lane above", lane);
  await keyboard.press("q");
  const zoomed = await changed(view, "view", "3000ms..5000ms");
  await page.goBack();
  await until(view, (was) => !location.hash.includes(was), "back", zoomed);
  await page.goForward();
  await until(view, (was) => location.hash.includes(was), "forward", zoomed);
  assert.deepEqual(view.problems, []);
});

test("memory's other scale is drawn and said", async (t) => {
  const { view, page } = await opened(t);
  const scales = page.locator(".scales button");
  assert.ok((await scales.count()) >= 2);
  const drawn = () => page.locator(".memory canvas").first().evaluate((it) => it.toDataURL());
  const before = await drawn();
  const other = page.locator(".scales button[aria-pressed=false]").first();
  const name = await other.innerText();
  await other.click();
  await until(view, (name) => document.querySelector(".scales [aria-pressed=true]").innerText === name, "pressed", name);
  assert.notEqual(await drawn(), before);
  assert.deepEqual(view.problems, []);
});

// Finds which functions of the WebAssembly the first view runs, for the build that parts it in two
// (xtask/src/split.rs). The page under DIST is instrumented: each function that ran has left a 1
// in memory, COUNT of them from AT on. Writes their numbers to OUT.
//
// The first view is what a visitor gets without doing anything, on any screen and in any theme.
import { writeFile } from "node:fs/promises";
import { openPage, stop } from "./support.mjs";

const { AT, COUNT, OUT } = process.env;

/** Twelve seconds of looking take three minutes on no machine: whatever hangs ends the build, in words. */
setTimeout(() => {
  console.error("The browser showed the first view, or ended, too late: more than three minutes.");
  process.exit(1);
}, 180_000).unref();

/** Keeps every instance that is made; also in the worker, whose script gets this in front. */
const KEEP = `{
  const made = (globalThis.madeInstances = []);
  for (const name of ["instantiate", "instantiateStreaming"]) {
    const original = WebAssembly[name];
    WebAssembly[name] = async (...given) => {
      const result = await original.apply(WebAssembly, given);
      made.push(result.instance ?? result);
      return result;
    };
  }
}\n`;

const ran = ([at, count]) => {
  const numbers = [];
  for (const { exports } of globalThis.madeInstances) {
    new Uint8Array(exports.memory.buffer, at, count).forEach((it, index) => it && numbers.push(index));
  }
  return numbers;
};

const VIEWS = [
  { viewport: { width: 1280, height: 800 }, reducedMotion: false, ms: 9_000 },
  { viewport: { width: 390, height: 844 }, reducedMotion: false, touch: true, dark: true, ms: 2_000 },
  { viewport: { width: 1280, height: 800 }, reducedMotion: true, dark: true, ms: 500 },
];

const all = new Set();
for (const { ms, ...options } of VIEWS) {
  const prepare = async (page) => {
    await page.addInitScript(KEEP);
    await page.route("**/worker.js*", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: KEEP + (await response.text()) });
    });
  };
  const { page, close } = await openPage("", { ...options, prepare });
  await page.waitForTimeout(ms);
  // A window of another size and a system that turns dark are no visitor's doing either.
  await page.setViewportSize({ width: options.viewport.width - 40, height: 700 });
  await page.emulateMedia({ colorScheme: options.dark ? "light" : "dark" });
  await page.waitForTimeout(500);
  for (const place of [page, ...page.workers()]) {
    for (const number of await place.evaluate(ran, [Number(AT), Number(COUNT)])) all.add(number);
  }
  await close();
}
await writeFile(OUT, [...all].sort((a, b) => a - b).join("\n"));
await stop();
// A connection that the browser left open must not keep the build waiting.
process.exit(0);

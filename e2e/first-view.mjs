// Finds which functions of the WebAssembly the first view runs, for the build that parts it in two
// (xtask/src/split.rs). The page under DIST is instrumented: each function that ran has left a 1
// in memory, COUNT of them from AT on. Without COUNT it is parted already, and this finds what the
// first view wants of the rest all the same. Writes the functions' numbers to OUT.
//
// The first view is what a visitor gets without doing anything, on any screen and in any theme.
import { writeFile } from "node:fs/promises";
import { openPage, stop, zeros } from "./support.mjs";

const { AT, COUNT, OUT } = process.env;

/** Twelve seconds of looking take three minutes on no machine: whatever hangs ends the build, in words. */
setTimeout(() => {
  console.error("The browser showed the first view, or ended, too late: more than three minutes.");
  process.exit(1);
}, 180_000).unref();

/** Keeps every instance that is made. */
const KEEP = () => {
  const made = (globalThis.madeInstances = []);
  for (const name of ["instantiate", "instantiateStreaming"]) {
    const original = WebAssembly[name];
    WebAssembly[name] = async (...given) => {
      const result = await original.apply(WebAssembly, given);
      made.push(result.instance ?? result);
      return result;
    };
  }
};

/**
 * What waits for the rest is no part of the first view, whether it is there or not; and whoever
 * does not wait is noted: the program calls by way of the function that stands in for it.
 */
const NEVER_THERE = `
{
  const load = globalThis.restOfProgram;
  const wanted = (globalThis.wantedOfRest = []);
  Error.stackTraceLimit = 20;
  const noted = (given) => {
    const [, standIn] = new Error().stack.matchAll(/wasm-function\\[(\\d+)\\]/g);
    if (!given) wanted.push(Number(standIn[1]));
    return load(given);
  };
  const have = () => {
    throw new Error("the first view reads a text that comes with the rest");
  };
  globalThis.restOfProgram = Object.assign(noted, load, { there: () => {}, ahead: async () => {}, have });
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
    await page.route("**/rest.js", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: (await response.text()) + NEVER_THERE });
    });
    // It is waited for in the middle of a call only; nobody fetches it ahead.
    await page.route("**/*_rest.wasm", (route) => route.request().resourceType() === "xhr" && route.continue());
  };
  const view = await openPage("", { ...options, prepare });
  const { page, close } = view;
  await page.waitForTimeout(COUNT ? ms : Math.min(ms, 4_000));
  // A window of another size and a system that turns dark are no visitor's doing either.
  await page.setViewportSize({ width: options.viewport.width - 40, height: 700 });
  await page.emulateMedia({ colorScheme: options.dark ? "light" : "dark" });
  await page.waitForTimeout(500);
  if (page.workers().length > 0) throw new Error("the first view simulates: the run it opens on did not come");
  const numbers = COUNT
    ? await page.evaluate(ran, [Number(AT), Number(COUNT)])
    : await page.evaluate(() => globalThis.wantedOfRest);
  for (const number of numbers) all.add(number);
  const missing = await zeros(view);
  if (missing.length > 0) throw new Error(`data does not come with the first view: ${missing.join("; ")}`);
  await close();
}
await writeFile(OUT, [...all].sort((a, b) => a - b).join("\n"));
await stop();
// A connection that the browser left open must not keep the build waiting.
process.exit(0);

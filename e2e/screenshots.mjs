// Pictures of the page and of every panel and dialog, at three sizes and in both themes, in
// e2e/screenshots/: for people to look at. Names on the command line ("editor why") take only
// those; "readme" makes the README's picture, docs/page.webp. Leaves out judging them.
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { browser, openPage, pressAbove, screenshot, stop } from "./support.mjs";

const SIZES = [
  ["desktop", { viewport: { width: 1280, height: 800 } }],
  ["tablet", { viewport: { width: 820, height: 1180 }, touch: true }],
  ["phone", { viewport: { width: 390, height: 844 }, touch: true }],
];
const RUN = "#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms&focus=oom_reaper";
const COMPARED = RUN.replace("&t=", "&policy=interval,skip-any,nonblock,block-always&t=");
const FORKED = `${RUN}&fork=0~4000ms:policy=block-always&fork=1~4300ms:kill=hog&fork=0~4100ms:reseed=1`;
const DEADLOCK = "#/v1/run?scenario=d3-fence&seed=1&t=3200ms&focus=oom_reaper";
const DEBUGGED = "#/v1/run?scenario=lockdep-6-1-l1&seed=1&check=lockdep";
const RECORDING = fileURLToPath(new URL("../traces/recordings/6.1/S6-3/", import.meta.url));

const button = (name) => (page) => page.getByRole("button", { name, exact: true }).click();
const above = (name) => (page) => pressAbove(page, name);
const key = (name) => (page) => page.keyboard.press(name);

/** Name, link, and what is done there before the picture is taken. */
const VIEWS = [
  ["page", RUN, async () => {}],
  ["why", DEADLOCK, async () => {}],
  ["compared", COMPARED, async () => {}],
  ["fork-tree", FORKED, async () => {}],
  ["fork", RUN, key("b")],
  ["range", `${RUN}&view=3000ms..5000ms`, async (page) => {
    for (let step = 0; step < 6; step += 1) await page.keyboard.press("Shift+ArrowRight");
  }],
  ["editor", RUN, above("Edit")],
  ["editor-driver", "#/v1/run?scenario=recovery-worker-allocates&seed=1", above("Edit")],
  ["sweep", RUN, sweep],
  ["rewind", RUN, rewind],
  ["story", RUN, button("What happened?")],
  ["reports", `${DEBUGGED}&t=900us`, async (page) => {
    await page.locator(".badge.flag").click();
    await page.getByText("As the kernel's log prints it").first().click();
  }],
  ["learn", RUN, above("Learn")],
  ["lesson", "#/v1/run?scenario=d2-direct&lesson=indirect-dependency.2", async () => {}],
  ["import", RUN, above("Import")],
  ["imported", RUN, importRecording],
  ["export", RUN, above("Export")],
  ["help", RUN, key("?")],
  ["palette", RUN, key("F1")],
  ["share", RUN, button("Share")],
  ["embed", `${COMPARED}&embed=1`, async () => {}],
  ["print", RUN, (page) => page.emulateMedia({ media: "print" })],
];

async function sweep(page) {
  await above("Sweep")(page);
  const panel = page.getByRole("complementary", { name: "Sweep over seeds" });
  await panel.getByLabel("block-always", { exact: true }).check();
  await panel.getByLabel("Seeds", { exact: true }).fill("40");
  await button("Run them")(page);
  await panel.getByText(/^\d+ runs in [\d.]+ s$/).waitFor({ timeout: 60_000 });
  await panel.locator(".swept").first().scrollIntoViewIfNeeded();
}

async function rewind(page) {
  await above("Sweep")(page);
  const panel = page.getByRole("complementary", { name: "Sweep over seeds" });
  await panel.getByLabel("runs of each", { exact: true }).fill("6");
  await button("Rewind")(page);
  await page.locator(".rewound").getByText(/No return from|At no moment tried/).waitFor({ timeout: 60_000 });
}

async function importRecording(page) {
  await above("Import")(page);
  const files = ["trace.txt.gz", "dmesg.txt"].map((name) => RECORDING + name);
  await page.locator("dialog[open] input[type=file]").setInputFiles(files);
  await button("Run it")(page);
  await page.getByRole("region", { name: "Recording" }).waitFor();
}

/** A deadlock, with who waits for whom, small enough to be part of a repository. */
async function readme() {
  const view = await openPage(DEADLOCK, { viewport: { width: 1100, height: 1040 } });
  await view.page.locator(".why .chain").waitFor();
  await view.page.waitForTimeout(300);
  const png = await view.page.screenshot();
  await view.close();
  const page = await (await browser()).newPage();
  const webp = await page.evaluate(async (png) => {
    const image = await createImageBitmap(await (await fetch(png)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height);
    canvas.getContext("2d").drawImage(image, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.7 });
    return [...new Uint8Array(await blob.arrayBuffer())];
  }, `data:image/png;base64,${png.toString("base64")}`);
  await page.close();
  await writeFile(new URL("../docs/page.webp", import.meta.url), Buffer.from(webp));
}

const wanted = process.argv.slice(2);
const views = VIEWS.filter(([name]) => wanted.length === 0 || wanted.includes(name));

try {
  if (wanted.includes("readme")) await readme();
  for (const [size, options] of SIZES) {
    for (const dark of [false, true]) {
      for (const [name, link, act] of views) {
        const view = await openPage(link, { ...options, dark });
        await act(view.page);
        await view.page.waitForTimeout(300);
        // What a visitor sees at once; of what is no dialog, the whole length, too.
        const fullPage = (await view.page.getByRole("dialog").count()) === 0;
        await screenshot(view, `${name}-${size}-${dark ? "dark" : "light"}`, { fullPage });
        await view.close();
      }
    }
  }
} finally {
  await stop();
}

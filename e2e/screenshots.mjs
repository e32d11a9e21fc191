// Pictures of the whole page and of its dialogs, at three sizes and in both themes, in
// e2e/screenshots/: for people to look at. Leaves out judging them.
import { openPage, screenshot, stop } from "./support.mjs";

const SIZES = [
  ["desktop", { viewport: { width: 1280, height: 800 } }],
  ["tablet", { viewport: { width: 820, height: 1180 }, touch: true }],
  ["phone", { viewport: { width: 390, height: 844 }, touch: true }],
];
const RUN = "#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms&focus=oom_reaper";
const COMPARED = RUN.replace("&t=", "&policy=interval,skip-any&t=");
const VIEWS = [
  ["page", RUN, async () => {}],
  ["compared", COMPARED, async () => {}],
  ["help", RUN, ({ keyboard }) => keyboard.press("?")],
  ["palette", RUN, ({ keyboard }) => keyboard.press("F1")],
  ["share", RUN, (page) => page.getByRole("button", { name: "Share" }).click()],
];

try {
  for (const [size, options] of SIZES) {
    for (const dark of [false, true]) {
      for (const [name, link, act] of VIEWS) {
        const view = await openPage(link, { ...options, dark });
        await act(view.page);
        await view.page.waitForTimeout(300);
        // A dialog covers the window; of the rest the whole length is wanted.
        const fullPage = (await view.page.getByRole("dialog").count()) === 0;
        await screenshot(view, `${name}-${size}-${dark ? "dark" : "light"}`, { fullPage });
        await view.close();
      }
    }
  }
} finally {
  await stop();
}

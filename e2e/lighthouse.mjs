// Runs Lighthouse on the built page, as a desktop visitor without a network to wait for. Leaves out
// what its scores should be.
import lighthouse, { desktopConfig } from "lighthouse";
import { chromium } from "playwright-core";
import { BASE_PATH, CHROMIUM_ARGUMENTS, chromiumPath, DIST, serve } from "./support.mjs";

/** Scores from 0 to 100 by category, and the titles of the audits that `failed`. */
export async function audit(categories) {
  const server = await serve(DIST, BASE_PATH);
  const port = server.address().port + 1 < 65_535 ? server.address().port + 1 : 49_151;
  const browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: [...CHROMIUM_ARGUMENTS, `--remote-debugging-port=${port}`],
  });
  try {
    const url = `http://127.0.0.1:${server.address().port}${BASE_PATH}`;
    const { lhr } = await lighthouse(
      url,
      { port, logLevel: "error", onlyCategories: categories, disableFullPageScreenshot: true },
      desktopConfig,
    );
    const scores = Object.values(lhr.categories).map(({ id, score }) => [id, Math.round(score * 100)]);
    const audits = Object.values(lhr.audits).filter(({ score }) => score !== null && score < 0.9);
    return { ...Object.fromEntries(scores), failed: audits.map(({ title }) => title) };
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}

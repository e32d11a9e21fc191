// The simulator's thread: the page's own program, started anew without a page. The first message
// brings where its module is, the compiled WebAssembly, so that nothing is loaded twice, where that
// came from, and the rest of it, if the page has it: simulating takes both. A thread whose name says
// where its module is loads that before.
// Leaves out what it does: the program listens for itself once it runs.
"use strict";
if (!globalThis.restOfProgram) importScripts("rest.js");
if (self.name) import(self.name).catch(() => {});
addEventListener(
  "message",
  async ({ data: [js, wasm, first, rest] }) => {
    const isParted = WebAssembly.Module.exports(wasm).some(({ name }) => name === "rest");
    if (first) restOfProgram.from(first);
    if (rest) restOfProgram.take(rest);
    const coming = first && isParted && !rest ? restOfProgram.ahead() : undefined;
    const module = globalThis.inlined ? inlined.glue() : await import(js);
    await coming;
    await module.default({ module_or_path: wasm });
  },
  { once: true },
);
// A failed start is told like one of the script itself.
addEventListener("unhandledrejection", ({ reason }) => {
  setTimeout(() => {
    throw reason;
  });
});

// The simulator's thread: the page's own program, started anew without a page. The first message
// brings where its module is, the compiled WebAssembly, so that nothing is loaded twice, and where
// that came from.
// Leaves out what it does: the program listens for itself once it runs.
"use strict";
if (!globalThis.restOfProgram) importScripts("rest.js");
addEventListener(
  "message",
  async ({ data: [js, wasm, first] }) => {
    if (first) restOfProgram.from(first);
    if (location.search === "?whole") await restOfProgram.ahead();
    const module = globalThis.inlined ? inlined.glue() : await import(js);
    await module.default({ module_or_path: wasm });
    // Behind the first run, so that no later one waits for the network, or misses it.
    if (first && WebAssembly.Module.exports(wasm).some(({ name }) => name === "rest")) {
      setTimeout(restOfProgram.ahead, 1000);
    }
  },
  { once: true },
);
// A failed start is told like one of the script itself.
addEventListener("unhandledrejection", ({ reason }) => {
  setTimeout(() => {
    throw reason;
  });
});

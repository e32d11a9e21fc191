// The simulator's thread: the page's own program, started anew without a page. The first message
// brings where its module is and the compiled WebAssembly, so that nothing is loaded twice.
// Leaves out what it does: the program listens for itself once it runs.
"use strict";
addEventListener(
  "message",
  async ({ data: [js, wasm] }) => {
    const module = await import(js);
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

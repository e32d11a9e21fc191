// Starts the page: loads the module that wasm-bindgen made and hands it the WebAssembly file.
//
// The names of both come in attributes of this script's element, because they change with their
// content. A classic script, so that it also runs, and can explain itself, in a page opened from
// a file. Leaves everything after the start to the page itself.
"use strict";
(() => {
  const root = document.documentElement;
  const script = document.currentScript;

  function explain(error) {
    root.dataset.state = "error";
    const main = document.createElement("main");
    main.className = "boot";
    const line = (tag, text) => {
      const element = document.createElement(tag);
      element.textContent = text;
      main.append(element);
      return element;
    };
    line("h1", "Reaperscope could not start");
    line("p", remedy()).setAttribute("role", "alert");
    line("pre", String(error));
    (document.getElementById("app") ?? document.body).replaceChildren(main);
    console.error(error);
  }

  function remedy() {
    if (location.protocol === "file:") {
      return "Browsers do not load WebAssembly from files. Serve this folder over HTTP instead: "
        + "“cargo xtask serve” does, as does any static file server.";
    }
    if (typeof WebAssembly !== "object") {
      return "This browser has no WebAssembly, or it is turned off. A current Firefox, Chrome, "
        + "Edge or Safari runs the page.";
    }
    return "A part of the page did not load or did not start. Reloading often helps, most of all "
      + "after a new version was put here while this one was loading.";
  }

  const url = (name) => new URL(name, document.baseURI).href;

  /** The run that the page opens on, as the build made it; without it the page simulates it. */
  async function opening() {
    const response = await fetch(url(script.dataset.opening));
    if (!response.ok) return undefined;
    // All of it first: a stream that ends at the end of what was packed aborts the request.
    const packed = await response.blob();
    const plain = packed.stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(plain).arrayBuffer());
  }

  async function start() {
    // The page as one file brings all that it needs with it.
    const inlined = globalThis.inlined;
    const wasm = inlined ? await inlined.wasm() : url(script.dataset.wasm);
    if (inlined) script.dataset.worker = inlined.worker();
    else restOfProgram.from(wasm);
    // A link wants more than the first view, and what is kept costs nothing: then there is no call
    // that has to wait, which no network could answer where there is none.
    const isLink = location.hash.length > 2;
    const whole = !inlined && (isLink || navigator.serviceWorker?.controller);
    const [module, run] = await Promise.all([
      inlined ? inlined.glue() : import(url(script.dataset.js)),
      script.dataset.opening && !isLink ? opening().catch(() => undefined) : undefined,
      whole ? restOfProgram.ahead() : undefined,
    ]);
    restOfProgram.opening = () => run;
    await module.default({ module_or_path: wasm });
    if (!inlined) restOfProgram.soon();
    if (script.dataset.offline && "serviceWorker" in navigator) {
      // Refused in private windows and on insecure hosts: then the page needs its host.
      navigator.serviceWorker.register(url(script.dataset.offline)).catch(() => {});
    }
  }

  start().catch(explain);
})();

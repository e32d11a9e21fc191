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

  async function start() {
    // The page as one file brings all that it needs with it.
    const inlined = globalThis.inlined;
    const url = (name) => new URL(name, document.baseURI).href;
    const wasm = inlined ? await inlined.wasm() : url(script.dataset.wasm);
    if (inlined) script.dataset.worker = inlined.worker();
    else restOfProgram.from(wasm);
    // A link wants more than the first view, and what is kept costs nothing: then there is no call
    // that has to wait, which no network could answer where there is none.
    const whole = location.hash.length > 2 || navigator.serviceWorker?.controller;
    if (!inlined && whole) {
      script.dataset.worker += "?whole";
      await restOfProgram.ahead();
    }
    const module = inlined ? inlined.glue() : await import(url(script.dataset.js));
    await module.default({ module_or_path: wasm });
    restOfProgram.soon();
    if (script.dataset.offline && "serviceWorker" in navigator) {
      // Refused in private windows and on insecure hosts: then the page needs its host.
      navigator.serviceWorker.register(url(script.dataset.offline)).catch(() => {});
    }
  }

  start().catch(explain);
})();

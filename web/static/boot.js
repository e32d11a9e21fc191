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
    const url = (name) => new URL(name, document.baseURI).href;
    const module = await import(url(script.dataset.js));
    await module.default({ module_or_path: url(script.dataset.wasm) });
  }

  start().catch(explain);
})();

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

  /** Compiles while it loads, if the host says what it is. */
  async function compiled(address) {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${address}: ${response.status}`);
    return response.headers.get("content-type") === "application/wasm"
      ? WebAssembly.compileStreaming(response)
      : WebAssembly.compile(await response.arrayBuffer());
  }

  /**
   * The simulator's thread, as early as it can be: it loads and starts beside the page, which takes
   * it over with all that it said. The module is its name, so that it need not wait for that.
   */
  function thread(js) {
    const worker = new Worker(url(script.dataset.worker), { name: js });
    const heard = [];
    const keep = (event) => heard.push(event);
    const kinds = ["message", "error"];
    for (const kind of kinds) worker.addEventListener(kind, keep);
    restOfProgram.thread = () => {
      restOfProgram.thread = () => undefined;
      for (const kind of kinds) worker.removeEventListener(kind, keep);
      setTimeout(() => {
        for (const event of heard) worker.dispatchEvent(new event.constructor(event.type, event));
      });
      return worker;
    };
    return worker;
  }

  async function start() {
    // The page as one file brings all that it needs with it.
    const inlined = globalThis.inlined;
    const js = url(script.dataset.js ?? "");
    const wasm = url(script.dataset.wasm ?? "");
    if (inlined) script.dataset.worker = inlined.worker();
    // A build that is in one part has no rest to load.
    if ("parted" in script.dataset) {
      restOfProgram.from(wasm);
      restOfProgram.hold();
    }
    // A link wants more than the first view, and what is kept costs nothing: then there is no call
    // that has to wait, which no network could answer where there is none.
    const isLink = location.hash.length > 2;
    // Nor does the first part know any colors but the themes'.
    const hasOwnColors = matchMedia("(forced-colors: active), (prefers-contrast: more)").matches;
    // Nor any language but English.
    const isOther = location.search.includes("lang=");
    const whole = isLink || hasOwnColors || isOther || navigator.serviceWorker?.controller;
    const worker = isLink && !inlined && typeof Worker === "function" ? thread(js) : undefined;
    const program = inlined ? inlined.wasm().then(WebAssembly.compile) : compiled(wasm);
    const rest = whole ? restOfProgram.ahead() : undefined;
    worker &&
      Promise.all([program, rest]).then(
        ([program]) => worker.postMessage([js, program, wasm, restOfProgram.compiled() ?? null]),
        // The page says what did not load.
        () => {},
      );
    const [module, first, run] = await Promise.all([
      inlined ? inlined.glue() : import(js),
      program,
      script.dataset.opening && !isLink ? opening().catch(() => undefined) : undefined,
      rest,
    ]);
    restOfProgram.opening = () => run;
    await module.default({ module_or_path: first });
    restOfProgram.soon();
    if (script.dataset.offline && "serviceWorker" in navigator) {
      // Refused in private windows and on insecure hosts: then the page needs its host.
      navigator.serviceWorker.register(url(script.dataset.offline)).catch(() => {});
    }
  }

  start().catch(explain);
})();

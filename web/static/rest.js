// Loads the part of the program that the first view does not need.
//
// The build parts the WebAssembly in two (xtask/src/split.rs); the first part calls this when it
// wants something of the rest, and waits. So that it seldom has to, the page fetches the rest
// ahead: when the first run is on screen, or somebody shows up: a pointer, a key, a finger. Runs in
// the page and in its worker. A build that was not parted never calls it.
"use strict";
globalThis.restOfProgram = (() => {
  let exports;
  let at;
  let coming;
  let compiled;

  /** Called by the program: once with its exports, later with nothing, to have the rest. */
  function restOfProgram(given) {
    if (given) {
      exports = given;
      return;
    }
    const module = compiled ?? new WebAssembly.Module(bytesNow());
    const first = { ...exports };
    for (let index = 0; index < exports.rest.length && exports.rest.get(index); index += 1) {
      first[`f${index}`] = exports.rest.get(index);
    }
    // Fills the table, through which the first part goes on.
    new WebAssembly.Instance(module, { first });
  }

  /** The program stands in the middle of a call, so nothing but waiting will do. */
  function bytesNow() {
    const request = new XMLHttpRequest();
    request.open("GET", at, false);
    request.overrideMimeType("text/plain; charset=x-user-defined");
    request.send();
    if (request.status >= 400) throw new Error(`a part of the page did not load: ${at}`);
    return Uint8Array.from(request.responseText, (letter) => letter.charCodeAt(0));
  }

  async function fetched() {
    // Not every host gives WebAssembly its type, so nothing is streamed.
    const response = await fetch(at);
    if (response.ok) compiled = await WebAssembly.compile(await response.arrayBuffer());
  }

  /** Says where the rest is, by the address of the first part. */
  restOfProgram.from = (first) => {
    at = first.replace(/_bg\.wasm$/, "_rest.wasm");
    return at;
  };

  /** Fetches it now; a build that was not parted has none, which is no mistake. */
  restOfProgram.ahead = () => (coming ??= fetched().catch(() => {}));

  /** Fetches it as soon as the first run is on screen, or somebody shows up before that. */
  restOfProgram.soon = () => {
    if (!exports?.rest) return;
    const { dataset } = document.documentElement;
    const look = () => (dataset.state === "ready" ? restOfProgram.ahead() : setTimeout(look, 200));
    setTimeout(look, 200);
    for (const sign of ["pointermove", "pointerdown", "keydown", "wheel", "focusin"]) {
      addEventListener(sign, restOfProgram.ahead, { once: true, passive: true, capture: true });
    }
  };
  return restOfProgram;
})();

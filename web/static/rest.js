// Loads the part of the program that the first view does not need.
//
// The build parts the WebAssembly in two (xtask/src/split.rs); the first part calls this when it
// wants something of the rest, and waits. So that it seldom has to, the page fetches the rest
// ahead, when the first run is on screen, or somebody shows up: a pointer, a key, a finger; and
// what nobody sees at first is put into the page only when the rest is there. Runs in the page and
// in its worker. Leaves out who waits for what; a build that was not parted is there from the start.
"use strict";
globalThis.restOfProgram = (() => {
  let exports;
  let at;
  let coming;
  let compiled;
  let isHere = false;
  let isThere = false;
  const waiting = [];

  /** Called by the program: once with its exports, later with nothing, to have the rest. */
  function restOfProgram(given) {
    if (given) {
      exports = given;
      if (compiled || !exports.rest) arrived();
      return;
    }
    isHere = true;
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

  function arrived() {
    isThere = true;
    restOfProgram.have();
    for (const act of waiting.splice(0)) setTimeout(act);
  }

  async function fetched() {
    // All of it is there.
    if (!at) return;
    // Not every host gives WebAssembly its type, so nothing is streamed.
    const response = await fetch(at);
    if (!response.ok) return;
    compiled = await WebAssembly.compile(await response.arrayBuffer());
    if (exports) arrived();
  }

  /** Called by the program when it wants what came with the rest and is no function. */
  restOfProgram.have = () => {
    if (exports.rest && !isHere) restOfProgram();
  };

  /** Says where the rest is, by the address of the first part, if the build parted it. */
  restOfProgram.from = (first) => {
    at = first.replace(/_bg\.wasm$/, "_rest.wasm");
    return at;
  };

  /** Fetches it now; after a failure the next call tries again. */
  restOfProgram.ahead = () =>
    (coming ??= fetched().catch(() => {
      coming = undefined;
    }));

  /** The compiled rest, if it is there, for the worker; and how it takes that. */
  restOfProgram.compiled = () => compiled;
  restOfProgram.take = (module) => {
    compiled = module;
  };

  /** Calls back when all of the program is there. */
  restOfProgram.there = (act) => {
    if (isThere) setTimeout(act);
    else waiting.push(act);
  };

  /** Fetches it as soon as the first run is on screen, or somebody shows up before that. */
  restOfProgram.soon = () => {
    if (isThere) return;
    const { dataset } = document.documentElement;
    const look = () => (dataset.state === "ready" ? restOfProgram.ahead() : setTimeout(look, 100));
    setTimeout(look, 100);
    const signs = ["pointermove", "pointerdown", "keydown", "wheel", "focusin"];
    const options = { passive: true, capture: true };
    for (const sign of signs) addEventListener(sign, restOfProgram.ahead, options);
    restOfProgram.there(() => {
      for (const sign of signs) removeEventListener(sign, restOfProgram.ahead, options);
    });
  };

  /** The simulator's thread, if the page's start has one: once. */
  restOfProgram.thread = () => undefined;

  /** The bytes of the run that came with the page, if one did; the page's start says otherwise. */
  restOfProgram.opening = () => undefined;
  return restOfProgram;
})();

// Loads the part of the program that the first view does not need.
//
// The build parts the WebAssembly in two (xtask/src/split.rs). The page fetches the rest when the
// first run is on screen, or somebody shows up: a pointer, a key, a finger. What they do is kept
// until the rest is there, keys included: what is typed behind one that opens something is meant for
// that, and goes there. What nobody sees at first is put into the page only then, so that the first
// part can do without. Should it want something of the rest all the same, it stands in the middle of a
// call and can only wait. That happens where something comes in that moment that nobody does in the page
// and that cannot be kept: it is printed, or the system goes over to colors of its own. The file is the
// one that the page fetches anyway, and it is waited for once.
// Runs in the page and in its worker. Leaves out who waits for what, and files that are dropped,
// which cannot be kept; a build that was not parted is there from the start.
"use strict";
globalThis.restOfProgram = (() => {
  let exports;
  let at;
  let coming;
  let compiled;
  let isHere = false;
  let isThere = false;
  let isReplaying = false;
  let passing = false;
  const waiting = [];

  /** What somebody does, as far as anything in the page listens to it. */
  const DONE = (
    "click change input submit keydown keyup focus focusin pointerdown pointermove pointerup pointercancel pointerleave "
    + "mousemove wheel scroll hashchange"
  ).split(" ");
  /** Where it only matters what came last. */
  const PASSING = new Set(["pointermove", "mousemove", "pointerleave", "scroll"]);
  const FIELDS = "input, select, textarea";
  const WITH_KEYS = "a, button, input, select, textarea, summary, dialog";
  const KEPT_MAX = 500;
  const CAPTURE = { capture: true, passive: false };
  const kept = [];

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
    setTimeout(again);
  }

  /** Keeps what somebody does from the page, which does not have all that it may want for it. */
  function keep(event) {
    if (passing) return;
    restOfProgram.ahead();
    const { type, target } = event;
    event.stopImmediatePropagation();
    const last = kept.at(-1);
    if (PASSING.has(type) && last?.event.type === type && last.target === target) kept.pop();
    // While keys go on from here, those behind them wait their turn, wherever they are pressed.
    const isBehind = isReplaying && isText(event) && target.closest?.("input, textarea");
    const isKey = type === "keydown" && (isCommand(event) || isBehind);
    if (kept.length < KEPT_MAX) kept.push({ event, target, value: target.value, isKey });
    // Else it happens now, and once more.
    const isPressed = type === "click" || type === "submit";
    const isAimed = type === "wheel" && (event.ctrlKey || event.shiftKey);
    if (isPressed || isAimed || (isKey && (isBehind || isOfPage(event)))) event.preventDefault();
  }

  /** A key that writes where one writes. */
  function isText({ key = "", ctrlKey, metaKey, altKey }) {
    return (key.length === 1 || key === "Backspace") && !ctrlKey && !metaKey && !altKey;
  }

  /** A key that does something in the page, pressed where nobody writes. */
  function isCommand({ key, target }) {
    return !/^(Tab|Shift|Control|Alt|Meta)$/.test(key) && !target.closest?.(FIELDS);
  }

  /** A key that the browser would take for itself, pressed where nothing else takes keys. */
  function isOfPage(event) {
    const { key, target, ctrlKey, metaKey, altKey, shiftKey } = event;
    const isPalette = key === "F1" || (ctrlKey && shiftKey && /^p$/i.test(key));
    if (isPalette) return true;
    if (ctrlKey || metaKey || altKey) return false;
    // Space and Enter are a button's own.
    const scrolls = key === " " || /^(Arrow|Page|Home|End)/.test(key);
    return scrolls ? !target.closest?.(WITH_KEYS) : key.length === 1 && isCommand(event);
  }

  /**
   * What was kept happens, in its order, to whom it was meant for; what somebody does meanwhile
   * comes after it.
   */
  async function again() {
    isReplaying = true;
    // What comes with the rest is to be there.
    await settled();
    for (let next = kept.shift(); next; next = kept.shift()) {
      const { event, target, value, isKey } = next;
      if (target.isConnected === false) continue;
      // Meanwhile the page may have drawn what it knew of.
      if ((event.type === "change" || event.type === "input") && target.type !== "file") target.value = value;
      const to = isKey ? opened(target) : target;
      passing = true;
      const isFree = to.dispatchEvent(new event.constructor(event.type, event));
      if (isKey && isFree && isText(event)) write(to, event);
      passing = false;
      // What it opens takes the keys behind it.
      if (isKey) await settled();
    }
    for (const type of DONE) removeEventListener(type, keep, CAPTURE);
  }

  /** The field that a key before this one led to, if one did; else whom this was meant for. */
  function opened(target) {
    const here = document.activeElement;
    return here && here !== target && here.closest(FIELDS) ? here : target;
  }

  /** What the browser does with a key in a field, for one that was pressed before there was a field. */
  function write(field, { key }) {
    const { selectionStart: start, selectionEnd: end } = field;
    // Nothing is written into a button or a box that is ticked.
    if (typeof start !== "number") return;
    if (key.length === 1) field.setRangeText(key, start, end, "end");
    else field.setRangeText("", start === end ? Math.max(start - 1, 0) : start, end, "end");
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }

  /** The page has drawn what it made of the last event, and has the focus where it belongs. */
  function settled() {
    const frame = new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    // In a page that nobody sees there are no frames.
    return Promise.race([frame, new Promise((done) => setTimeout(done, 100))]);
  }

  async function fetched() {
    // All of it is there.
    if (!at) return;
    // Not every host gives WebAssembly its type, so nothing is streamed.
    const response = await fetch(at);
    if (!response.ok) throw new Error(`${at}: ${response.status}`);
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

  /** Has all wait for the rest that somebody does. */
  restOfProgram.hold = () => {
    for (const type of DONE) addEventListener(type, keep, CAPTURE);
  };

  /** Fetches it as soon as the first run is on screen, and tries again where that failed. */
  restOfProgram.soon = () => {
    if (isThere) return;
    const { dataset } = document.documentElement;
    const look = async () => {
      if (isThere) return;
      if (dataset.state === "ready") await restOfProgram.ahead();
      setTimeout(look, coming ? 100 : 2_000);
    };
    setTimeout(look, 100);
  };

  /** The simulator's thread, if the page's start has one: once. */
  restOfProgram.thread = () => undefined;

  /** The bytes of the run that came with the page, if one did; the page's start says otherwise. */
  restOfProgram.opening = () => undefined;
  return restOfProgram;
})();

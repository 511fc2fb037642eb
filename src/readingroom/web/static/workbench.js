// One item, one key, no reload. The next items are fetched while this one is read; each fetched item counts as a view,
// because the server has logged it before it sent the first byte.
import { send } from "./calls.js";

const AHEAD = 2;
const one = (selector) => document.querySelector(selector);
const bench = one("#bench");
const queue = []; // fetched ahead
const held = new Set(); // ids of what is on the screen or fetched ahead
let current = null;
let last = null; // what undo brings back: { item, answer }
let filling = null;
let empty = false;
let said = Promise.resolve(); // labels go out one after the other
let stopped = false;
let shownAt = 0;
let done = 0;
const startedAt = performance.now();

async function frameOf(item) {
  const frame = document.createElement("iframe");
  // allow-same-origin without allow-scripts: nothing in the mail can run, and the keys still reach this page
  frame.setAttribute("sandbox", "allow-same-origin");
  frame.title = "Anonymized mail, scripts disabled";
  frame.hidden = true;
  const ready = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  frame.src = item.frame;
  one("#frames").append(frame);
  await ready;
  guard(frame.contentDocument);
  return frame;
}

async function everythingSaid() {
  let waited = null;
  while (waited !== said) { // more may have been said in the meantime
    waited = said;
    await waited;
  }
}

async function fetchNext() {
  await everythingSaid(); // else the room would hand out again what was labelled a moment ago
  const item = await send(bench.dataset.next, { held: [...held] });
  if (stopped) return;
  if (!item.item) { empty = true; return; }
  held.add(item.item);
  queue.push({ ...item, element: await frameOf(item) });
}

function fill() {
  filling ??= (async () => {
    try {
      while (!empty && !stopped && queue.length < AHEAD) await fetchNext();
    } finally {
      filling = null;
    }
  })();
  return filling;
}

function pairOf([name, value]) {
  const pair = document.createElement("div");
  const term = document.createElement("dt");
  const text = document.createElement("dd");
  term.textContent = name;
  text.textContent = value;
  pair.append(term, text);
  return pair;
}

function put(item) {
  if (current) current.element.hidden = true;
  current = item;
  item.element.hidden = false;
  one("#subject").textContent = item.subject || "(no subject)";
  one("#facts").replaceChildren(...Object.entries(item.facts).map(pairOf));
  document.body.dataset.item = item.item;
  shownAt = performance.now();
}

async function show() {
  if (!queue.length) await fill();
  if (stopped) return;
  const item = queue.shift();
  if (!item) { await finish(); return; }
  put(item);
  fill().catch(stop);
}

async function finish() {
  current = null;
  one("#work").hidden = true;
  await everythingSaid();
  one("#finished").hidden = false;
  one("#finished h2").focus();
}

// The room said no, or is gone: nothing of a customer's stays on the screen.
function stop(error) {
  if (stopped) return;
  stopped = true;
  for (const place of ["#frames", "#subject", "#facts"]) one(place).replaceChildren();
  queue.length = 0;
  held.clear();
  current = last = null;
  one("#work").hidden = one("#finished").hidden = true;
  one("#trouble").hidden = false;
  one("#trouble p").textContent = error.message;
  one("#trouble h2").focus();
}

function pace() {
  const minutes = Math.max((performance.now() - startedAt) / 60000, 0.05);
  one("#pace").textContent = done ? `${done} done, ${(done / minutes).toFixed(0)} a minute` : "";
}

function forget() {
  last?.item.element.remove();
  last = null;
}

async function sendLabel(label) {
  try {
    await send(bench.dataset.label, label);
  } catch (error) {
    if (!(error.again && error.status === 409)) throw error; // the first try had come through after all
  }
}

async function decide(button) {
  if (!current) return;
  const item = current;
  const answer = button.dataset.answer;
  forget();
  held.delete(item.item);
  if (answer !== "personal") last = { item, answer };
  const label = { item: item.item, answer, dwell_ms: Math.round(performance.now() - shownAt) };
  said = said.then(() => sendLabel(label));
  said.catch(stop);
  done += 1;
  pace();
  one("#status").textContent = button.dataset.said;
  const next = show();
  if (answer === "personal") item.element.remove(); // withheld: gone from this page too
  await next;
}

async function undo() {
  if (!last) { one("#status").textContent = "Nothing to undo."; return; }
  const { item } = last;
  last = null;
  await everythingSaid();
  await send(bench.dataset.undo, { item: item.item });
  if (current) queue.unshift(current);
  held.add(item.item);
  one("#work").hidden = false;
  one("#finished").hidden = true;
  put(item);
  done -= 1;
  pace();
  one("#status").textContent = "Undone; decide again.";
}

function press(key) {
  const button = document.querySelector(`button[data-key="${CSS.escape(key)}"]`);
  if (!button || one("#work").hidden) return false;
  (button.dataset.answer ? decide(button) : undo()).catch(stop);
  return true;
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    if ("cpsx".includes(event.key.toLowerCase())) event.preventDefault();
    return;
  }
  const cover = one("#cover");
  if (!cover.hidden) { cover.hidden = true; event.preventDefault(); return; }
  if (!one("#one-key").checked) return;
  if (event.repeat || press(event.key.toLowerCase())) event.preventDefault();
}

// Deterrents only, and said so: the real stop is the workstation.
function guard(target) {
  target.addEventListener("keydown", onKey);
  for (const name of ["copy", "cut", "contextmenu", "dragstart"]) {
    target.addEventListener(name, (event) => event.preventDefault());
  }
}

guard(document);
for (const button of document.querySelectorAll("button[data-key]")) {
  button.addEventListener("click", () => press(button.dataset.key));
}
one("#cover").addEventListener("click", () => { one("#cover").hidden = true; });
document.addEventListener("visibilitychange", () => { if (document.hidden) one("#cover").hidden = false; });
show().catch(stop);

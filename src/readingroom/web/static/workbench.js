// One item, one key, no reload. The next items are fetched while this one is read; each fetched item counts as a view,
// because the server has logged it before it sent the first byte.
const AHEAD = 2;
const one = (selector) => document.querySelector(selector);
const bench = one("#bench");
const csrf = one('meta[name="csrf"]').content;
const queue = [];
const seen = new Set();
let current = null;
let filling = null;
let empty = false;
let last = null;
let shownAt = 0;
let done = 0;
const startedAt = performance.now();

async function send(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF": csrf },
    body: JSON.stringify(body),
  });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({ detail: "the room did not answer" }));
    throw new Error(problem.detail);
  }
  return answer.status === 204 ? null : answer.json();
}

function frameOf(item) {
  const frame = document.createElement("iframe");
  // allow-same-origin without allow-scripts: nothing in the mail can run, and the keys still reach this page
  frame.setAttribute("sandbox", "allow-same-origin");
  frame.title = "Anonymized mail, scripts disabled";
  frame.hidden = true;
  const ready = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  frame.src = item.frame;
  one("#frames").append(frame);
  return ready.then(() => {
    guard(frame.contentDocument);
    return frame;
  });
}

async function fetchNext() {
  const item = await send(bench.dataset.next, { held: [...seen] });
  if (!item.item) { empty = true; return; }
  seen.add(item.item);
  queue.push({ ...item, element: await frameOf(item) });
}

function fill() {
  filling ??= (async () => {
    try {
      while (!empty && queue.length < AHEAD) await fetchNext();
    } finally {
      filling = null;
    }
  })();
  return filling;
}

async function show() {
  if (!queue.length) await fill();
  const item = queue.shift();
  if (!item) { current = null; finish(); return; }
  current?.element.remove();
  current = item;
  item.element.hidden = false;
  one("#subject").textContent = item.subject || "(no subject)";
  const facts = one("#facts");
  facts.replaceChildren(...Object.entries(item.facts).map(([name, value]) => {
    const pair = document.createElement("div");
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    pair.append(term, text);
    return pair;
  }));
  document.body.dataset.item = item.item;
  shownAt = performance.now();
  fill().catch(fail);
}

function finish() {
  one("#work").hidden = true;
  one("#finished").hidden = false;
  one("#finished h2").focus();
}

function fail(error) {
  one("#status").textContent = `Stopped: ${error.message}`;
  one("#trouble").hidden = false;
  one("#trouble p").textContent = error.message;
}

async function decide(answer) {
  if (!current) return;
  const item = current;
  const dwell = Math.round(performance.now() - shownAt);
  last = item;
  done += 1;
  seen.delete(item.item);
  const label = send(bench.dataset.label, { item: item.item, answer, dwell_ms: dwell });
  const minutes = (performance.now() - startedAt) / 60000;
  one("#pace").textContent = `${done} done · ${(done / Math.max(minutes, 0.05)).toFixed(0)} a minute`;
  one("#status").textContent = `Labelled ${answer}`;
  await show();
  await label;
}

async function undo() {
  if (!last) { one("#status").textContent = "Nothing to undo"; return; }
  const item = last;
  last = null;
  await send(bench.dataset.undo, { item: item.item });
  done -= 1;
  one("#status").textContent = "Undone: the item is back in the queue";
}

function press(key) {
  const button = document.querySelector(`button[data-key="${CSS.escape(key)}"]`);
  if (!button || one("#work").hidden) return false;
  (button.dataset.answer ? decide(button.dataset.answer) : undo()).catch(fail);
  return true;
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    if ("cpsx".includes(event.key.toLowerCase())) event.preventDefault();
    return;
  }
  const cover = one("#cover");
  if (!cover.hidden) { cover.hidden = true; event.preventDefault(); return; }
  if (event.repeat) { event.preventDefault(); return; }
  if (press(event.key.toLowerCase())) event.preventDefault();
}

// Deterrents only, and said so: the real stop is the workstation.
function guard(target) {
  target.addEventListener("keydown", onKey);
  for (const name of ["copy", "cut", "contextmenu", "dragstart"]) {
    target.addEventListener(name, (event) => event.preventDefault());
  }
  target.addEventListener("click", (event) => {
    if (event.target.closest?.("a")) event.preventDefault();
  });
}

guard(document);
for (const button of document.querySelectorAll("button[data-key]")) {
  button.addEventListener("click", () => press(button.dataset.key));
}
document.addEventListener("visibilitychange", () => { if (document.hidden) one("#cover").hidden = false; });
show().catch(fail);

// Counts again, in this browser, what the page says: every line of the log is hashed, the hashes must give the signed
// head, and only then are lines counted. Nothing is believed that does not follow from the head; and who keeps a head
// (a receipt quotes one) finds out whether the log has only grown since.
const DASH = "\u2013";
const LOOKS = new Set(["item.viewed", "part.opened", "access.denied"]);
const utf8 = new TextDecoder("utf-8", { fatal: true });

class Wrong extends Error {}

export async function sha256(...pieces) {
  const data = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    data.set(piece, at);
    at += piece.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

// RFC 6962: pairs are hashed level by level; an odd last one goes up as it is
export async function rootOf(leaves) {
  if (!leaves.length) return sha256();
  let row = leaves;
  while (row.length > 1) {
    const above = [];
    for (let at = 0; at < row.length; at += 2) {
      above.push(at + 1 < row.length ? sha256(NODE, row[at], row[at + 1]) : row[at]);
    }
    row = await Promise.all(above);
  }
  return row[0];
}

export function same(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

export function bytes(base64) {
  try {
    return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  } catch {
    throw new Wrong("base64 is not readable");
  }
}

// origin+key id+base64(0x01 ‖ Ed25519 key); the id is the beginning of SHA-256(origin \n 0x01 ‖ key)
export async function openKey(text) {
  const [origin, id, rest] = text.trim().split(/\+(.{8})\+(.*)/s);
  const key = bytes(rest ?? "");
  const known = await sha256(new TextEncoder().encode(`${origin}\n`), key);
  const hex = [...known.slice(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (key.length !== 33 || key[0] !== 1 || hex !== id) throw new Wrong("the log's key contradicts itself");
  return { origin, id: known.slice(0, 4), raw: key.slice(1) };
}

// a C2SP signed note: three lines, an empty one, signatures
export async function openNote(note, key) {
  const cut = note.lastIndexOf("\n\n");
  const text = note.slice(0, cut + 1);
  const lines = text.split("\n");
  if (cut < 0 || lines.length !== 4 || lines[0] !== key.origin || !/^(0|[1-9][0-9]*)$/.test(lines[1])) {
    throw new Wrong("the head is not one of this log");
  }
  const start = `\u2014 ${key.origin} `;
  const mine = note.slice(cut + 2).split("\n").filter((line) => line.startsWith(start));
  const signatures = mine.map((line) => bytes(line.slice(start.length))).filter((one) => same(one.slice(0, 4), key.id));
  if (!signatures.length) throw new Wrong("the head is not signed by the log's key");
  let signed = null; // null: this browser knows no Ed25519
  try {
    const known = await crypto.subtle.importKey("raw", key.raw, { name: "Ed25519" }, false, ["verify"]);
    const said = new TextEncoder().encode(text);
    const checks = signatures.map((one) => crypto.subtle.verify({ name: "Ed25519" }, known, one.slice(4), said));
    signed = (await Promise.all(checks)).every(Boolean);
  } catch (error) {
    if (error.name !== "NotSupportedError") throw error;
  }
  if (signed === false) throw new Wrong("the signature of the head is wrong");
  return { size: Number(lines[1]), root: bytes(lines[2]), signed };
}

export function unpack(data) {
  const entries = [];
  for (let at = 0; at < data.length; ) {
    const length = data[at] * 256 + data[at + 1];
    if (at + 2 + length > data.length) throw new Wrong("a bundle of lines breaks off");
    entries.push(data.slice(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return entries;
}

// the line of the page that an event belongs to, exactly as the page counts it
export function lineOf(leaf) {
  if (!LOOKS.has(leaf.name)) return null;
  const facts = leaf.facts;
  const about = [facts.employer ?? "this system", facts.country ?? DASH, facts.purpose ?? DASH].map(String);
  return JSON.stringify([leaf.at.slice(0, 10), leaf.name, leaf.actor, ...about]);
}

async function fetched(address, kind) {
  const answer = await fetch(address, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Wrong(`the room does not give out ${address}`);
  return kind === "text" ? answer.text() : new Uint8Array(await answer.arrayBuffer());
}

async function readLog(which, keyText, tell) {
  const key = await openKey(keyText);
  const head = await openNote(await fetched(`/portal/log/${which}/checkpoint`, "text"), key);
  const hashes = [];
  const counts = new Map();
  for (let index = 0; index * 256 < head.size; index += 1) {
    const entries = unpack(await fetched(`/portal/log/${which}/entries/${index}?size=${head.size}`, "bytes"));
    hashes.push(...(await Promise.all(entries.map((entry) => sha256(LEAF, entry)))));
    for (const entry of entries) {
      const line = lineOf(JSON.parse(utf8.decode(entry)));
      if (line !== null) counts.set(line, (counts.get(line) ?? 0) + 1);
    }
    tell(`${hashes.length} of ${head.size} lines are read`);
  }
  if (hashes.length !== head.size || !same(await rootOf(hashes), head.root)) {
    throw new Wrong("the lines do not give the signed head: a line was changed, added or taken away");
  }
  return { which, key, head, hashes, counts };
}

// every line of the page against what was counted; words for what differs
function compare(log, rows) {
  const wrong = [];
  const shown = new Set();
  for (const row of rows) {
    const line = JSON.stringify(JSON.parse(row.dataset.line));
    const expected = Number(row.dataset.count) - Number(row.dataset.waiting);
    const counted = log.counts.get(line) ?? 0;
    shown.add(line);
    row.querySelector(".recount").textContent = counted.toLocaleString("en-US");
    row.classList.toggle("differs", counted !== expected);
    if (counted !== expected) wrong.push(`the page says ${expected} where the log says ${counted}`);
  }
  for (const line of log.counts.keys()) if (!shown.has(line)) wrong.push("the log has looks that the page leaves out");
  return wrong;
}

function totals(log) {
  let items = 0;
  const people = new Set();
  for (const [line, count] of log.counts) {
    const [, name, actor] = JSON.parse(line);
    if (name === "item.viewed") {
      items += count;
      people.add(actor);
    }
  }
  return `${items.toLocaleString("en-US")} looks at items by ${people.size} people`;
}

// a receipt, or a bare checkpoint, that somebody kept
export async function checkKept(text, logs) {
  let note = text;
  let named = "";
  if (text.trimStart().startsWith("{")) {
    const document = JSON.parse(text);
    const log = (document.receipt ?? document)["readingroom:log"] ?? {};
    note = log["readingroom:checkpoint"] ?? "";
    named = log["readingroom:publicKey"] ?? "";
  }
  const origin = note.split("\n")[0];
  const log = logs.find((one) => one.key.origin === origin);
  if (!log) throw new Wrong("what you kept quotes no head of these logs");
  if (named && !same((await openKey(named)).raw, log.key.raw)) throw new Wrong("what you kept names another key");
  const kept = await openNote(note, log.key);
  if (kept.size > log.head.size) throw new Wrong("the log is shorter than it was when you kept this");
  if (!same(await rootOf(log.hashes.slice(0, kept.size)), kept.root)) {
    throw new Wrong("the log does not begin with what you kept: it was rewritten");
  }
  return `The log has only grown since you kept this: its first ${kept.size} lines are unchanged.`;
}

function say(element, words, kind) {
  element.textContent = words;
  element.className = `note${kind ? ` ${kind}` : ""}`;
}

async function begin() {
  const section = document.getElementById("proof");
  const verdict = document.getElementById("verdict");
  const rows = [...document.querySelectorAll("tr[data-line]")];
  const logs = [];
  try {
    if (!globalThis.crypto?.subtle) throw new Wrong("this page was not opened securely, so the browser cannot verify");
    for (const one of section.querySelectorAll("[data-log]")) {
      const tell = (words) => say(verdict, `Verifying: ${words}.`);
      logs.push(await readLog(one.dataset.log, one.dataset.key, tell));
    }
    const data = logs.find((log) => log.which === "data");
    if (!data) throw new Wrong("the log has not been begun yet: the worker begins it at its next round");
    const wrong = compare(data, rows);
    if (wrong.length) throw new Wrong(wrong[0]);
    const lines = logs.reduce((sum, log) => sum + log.head.size, 0).toLocaleString("en-US");
    const signed = logs.every((log) => log.head.signed);
    const unsigned = " This browser cannot check Ed25519 signatures: the hashes are right, the signature is unchecked.";
    say(verdict, `Verified here: ${totals(data)}, counted from ${lines} lines under the signed head.${signed ? "" : unsigned}`,
      signed ? "good" : "");
  } catch (error) {
    const words = error instanceof Wrong ? error.message : "the log could not be read";
    say(verdict, `Not verified: ${words}.`, "bad");
  }
  const input = document.getElementById("kept");
  const answer = document.getElementById("kept-answer");
  input.addEventListener("change", async () => {
    if (!input.files.length) return;
    try {
      say(answer, await checkKept(await input.files[0].text(), logs), "good");
    } catch (error) {
      say(answer, error instanceof Wrong ? `No: ${error.message}.` : "This is neither a receipt nor a checkpoint.", "bad");
    }
  });
  input.disabled = false;
}

if (globalThis.document?.getElementById("proof")) begin();

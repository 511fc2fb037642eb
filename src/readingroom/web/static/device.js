// The device key lives in this browser as a key that cannot be read out; it signs the room's challenges (P21).
import { send } from "./calls.js";

const PREFIX = "readingroom device proof v1\n";
const PKCS8 = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]; // RFC 8410, before the 32 bytes
const status = document.querySelector("#status");
const form = document.querySelector("#device");

function shelf(mode, act) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("readingroom-device", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("keys");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const asked = act(opening.result.transaction("keys", mode).objectStore("keys"));
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    };
  });
}

function bytes(text) {
  return Uint8Array.from(atob(text.trim().replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}

async function prove({ workstation, key }) {
  const asked = await send("/work/device/challenge", { workstation });
  if (!asked.message.startsWith(PREFIX)) throw new Error("That is no challenge of a room.");
  const signed = new Uint8Array(await crypto.subtle.sign("Ed25519", key, new TextEncoder().encode(asked.message)));
  const signature = btoa(String.fromCharCode(...signed)).replaceAll("+", "-").replaceAll("/", "_");
  await send("/work/device/proof", { workstation: asked.workstation, challenge: asked.challenge, signature });
}

async function tell(work, done) {
  try {
    await work();
    status.textContent = done;
    window.location.assign("/work");
  } catch (error) {
    status.textContent = error.message;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  tell(async () => {
    const raw = bytes(form.elements.key.value);
    if (raw.length !== 32) throw new Error("A device key has 32 bytes; copy it whole.");
    const key = await crypto.subtle.importKey("pkcs8", new Uint8Array([...PKCS8, ...raw]), "Ed25519", false, ["sign"]);
    const held = { workstation: form.elements.workstation.value.trim(), key };
    await prove(held);
    await shelf("readwrite", (store) => store.put(held, "device"));
  }, "This workstation is proved.");
});

if (!form.dataset.proved) {
  const held = await shelf("readonly", (store) => store.get("device")).catch(() => null);
  if (held) tell(() => prove(held), "This workstation is proved.");
}

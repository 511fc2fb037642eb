// A countdown that keeps counting, and a question before a step that cannot be taken back.
for (const form of document.querySelectorAll("form[data-ask]")) {
  form.addEventListener("submit", (event) => {
    if (!window.confirm(form.dataset.ask)) event.preventDefault();
  });
}
function tick() {
  for (const element of document.querySelectorAll("time[data-until]")) {
    const left = Number(element.dataset.until) - (Date.now() / 1000 + Number(document.body.dataset.skew || 0));
    const hours = Math.max(0, Math.floor(left / 3600));
    element.textContent = left <= 0 ? "due now" : hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`;
  }
}
tick();
setInterval(tick, 60000);

// Calls to the room: JSON with the page's token. What fails on the way is tried again; a refusal is not.
const csrf = document.querySelector('meta[name="csrf"]').content;
const PAUSES = [300, 1000, 3000];

export class Refused extends Error {
  constructor(status, problem, again = false) {
    super(problem.detail);
    this.status = status;
    this.again = again; // it was not the first try
    this.reasons = problem.reasons ?? [];
  }
}

function call(path, body) {
  return fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF": csrf },
    body: JSON.stringify(body),
  });
}

export async function send(path, body) {
  let answer = null;
  let again = false;
  for (const pause of [...PAUSES, null]) {
    answer = await call(path, body).catch(() => null);
    if (answer || pause === null) break;
    again = true;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  if (!answer) throw new Refused(0, { detail: "The room does not answer. What you saw last may not be recorded." });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await answer.json().catch(() => ({ detail: "the room refused, without a reason" }));
  throw new Refused(answer.status, problem, again);
}

// The line to the monitor: its requests and its live stream. Says when it was heard last.
let source = null;
let retry = 0;
let hear = null;
let heardAt = performance.now();

export const silence = () => (performance.now() - heardAt) / 1000;

export class Refused extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

const ANSWER_S = 10;

async function ask(path, options) {
  const patience = "AbortController" in window ? new AbortController() : { signal: undefined, abort() {} };
  const timer = setTimeout(() => patience.abort(), ANSWER_S * 1000);
  const all = Object.assign({ credentials: "same-origin", cache: "no-store", signal: patience.signal }, options);
  const answer = await fetch(path, all);
  clearTimeout(timer);
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, content.error || "");
  return content;
}

export const get = (path) => ask(path, {});
export const post = (path, body) =>
  ask(path, {
    method: "POST",
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
  });

// `handlers`: what to do with each event by name; `heard` after any of them; `refused` when the line is not given.
export function listen(handlers) {
  hear = handlers;
  heardAt = performance.now();
  connect();
}

export function hangUp() {
  hear = null;
  clearTimeout(retry);
  if (source) source.close();
  source = null;
}

// A line that is silent for too long may be dead without a word (a device that slept, a router that forgot).
export function reconnect() {
  if (hear) connect();
}

function connect() {
  clearTimeout(retry);
  if (source) source.close();
  const mine = new EventSource("/api/v1/stream");
  source = mine;
  for (const name of ["snapshot", "state", "incident", "alert", "summary", "board"]) {
    mine.addEventListener(name, (event) => {
      if (source !== mine || !hear) return;
      heardAt = performance.now();
      hear[name](JSON.parse(event.data));
      hear.heard();
    });
  }
  mine.addEventListener("error", () => {
    if (source !== mine || mine.readyState !== EventSource.CLOSED || !hear) return; // It comes back by itself.
    hear.refused();
    retry = setTimeout(connect, 3000);
  });
}

// The page of monitord: what /api/v1/stream tells, shown. No library, no other host.
"use strict";

const LOST_S = 15; // The voice speaks at least every 5 s.
const TONE_EVERY_MS = 4000;
const SHOWN = 50;
const at = (id) => document.getElementById(id);
const incidents = new Map();
const confirmed = new Set();
let state = null;
let stateAt = 0;
let heardAt = performance.now();
let audio = null;

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function ago(seconds) {
  if (seconds === null || seconds === undefined) return "None yet";
  if (seconds < 5) return "Just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  const hours = Math.floor(seconds / 3600);
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`;
}

function clock(utc) {
  const then = new Date(utc);
  const time = then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const today = then.toDateString() === new Date().toDateString();
  return today ? time : `${then.toLocaleDateString([], { weekday: "short", day: "numeric", month: "short" })}, ${time}`;
}

async function post(path) {
  const answer = await fetch(path, { method: "POST" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

function acknowledgeButton(incident, className) {
  const button = element("button", "Acknowledge", `ack ${className} ${incident.kind}`);
  button.type = "button";
  button.setAttribute("aria-label", `Acknowledge: ${incident.text} at ${clock(incident.opened_at)}`);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      take(await post(`/api/v1/incidents/${incident.id}/ack`));
    } catch {
      button.disabled = false;
      button.textContent = "Not acknowledged, try again";
    }
  });
  return button;
}

function live(incident) {
  return incident.state === "alerting" || incident.state === "open";
}

function sorted() {
  return [...incidents.values()].sort((one, other) => other.id - one.id);
}

// What asks for an answer most: a sound before a fault, the newest first.
function foremost() {
  const waiting = sorted().filter((incident) => incident.state === "alerting");
  return waiting.find((incident) => incident.kind === "sound") || waiting[0];
}

function card(incident) {
  const made = element("li", "", `${incident.state} ${incident.kind}`);
  made.append(element("h3", incident.text));
  made.append(element("p", [clock(incident.opened_at), incident.room, status(incident)].filter(Boolean).join(" \u00b7 ")));
  if (incident.camera_text) made.append(element("p", incident.camera_text));
  const failed = incident.deliveries.find((delivery) => delivery.state === "failed");
  if (failed) made.append(element("p", failed.text, "bad"));
  if (!incident.acked_at) made.append(acknowledgeButton(incident, live(incident) ? "small" : "small past"));
  return made;
}

function status(incident) {
  if (incident.acked_at) return `Acknowledged ${clock(incident.acked_at)}`;
  if (incident.state === "cleared") return "Over, nobody acknowledged";
  return incident.sounding ? "Going on" : incident.state_text;
}

function setText(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text; // A live region speaks on every change.
}

function draw() {
  const first = foremost();
  const mood = state ? state.mood : "starting";
  document.body.dataset.mood = mood;
  if (state) {
    setText("room", state.room);
    const fault = sorted().find((each) => each.kind === "fault" && each.state !== "cleared");
    const told = mood === "alert" ? first : mood === "fault" ? first || fault : undefined;
    setText("title", told ? told.text : state.text);
    setText("line", told ? told.camera_text : mood === "calm" ? "The monitor is listening." : "");
    setText("when", told ? `Since ${clock(told.opened_at)}` : "");
    setText("camera", state.camera_text ? `${state.camera_text} (${ago(state.since_camera_s)})` : "Closed. No process that could open it is running.");
    setText("confined", state.confinement_text || "Not told yet");
    setText("ear", state.gate === null ? "Not heard yet" : state.gate === "PAUSED" ? "Paused" : state.since_ear_s > LOST_S ? "Silent" : "Listening");
    const level = state.level_dbfs;
    at("meter").value = level ?? -90;
    at("bar").style.transform = `scaleX(${Math.min(1, Math.max(0, ((level ?? -90) + 90) / 90))})`;
    setText("dbfs", level === null ? "\u2013" : `${level} dBFS`.replace("-", "\u2212"));
    document.title = `${told ? told.text : state.text} \u2013 ${state.room}`;
  }
  drawAction(first);
  at("incidents").replaceChildren(...sorted().slice(0, SHOWN).map(card));
  at("none").hidden = incidents.size > 0;
  drawSince();
  confirmShown();
}

let actionFor = null;
function drawAction(first) {
  const key = first ? first.id : null;
  if (key === actionFor) return; // Keep the button that a finger may be on.
  actionFor = key;
  at("act").replaceChildren(...(first ? [acknowledgeButton(first, "")] : []));
}

function drawSince() {
  if (!state) return;
  const later = (performance.now() - stateAt) / 1000;
  setText("since-sound", ago(state.since_sound_s === null ? null : state.since_sound_s + later));
}

// An alert counts as delivered when it is on a screen that somebody can see.
function confirmShown() {
  if (document.visibilityState !== "visible") return;
  for (const incident of incidents.values()) {
    for (const delivery of incident.deliveries) {
      if (delivery.sink !== "page" || delivery.state === "delivered" || confirmed.has(delivery.id)) continue;
      confirmed.add(delivery.id);
      requestAnimationFrame(() => requestAnimationFrame(() =>
        post(`/api/v1/deliveries/${delivery.id}/seen`).catch(() => confirmed.delete(delivery.id))));
    }
  }
}

function take(incident) {
  incidents.set(incident.id, incident);
  for (const old of sorted().slice(SHOWN).filter((each) => !live(each))) incidents.delete(old.id);
  draw();
}

function takeState(fresh) {
  state = fresh;
  stateAt = performance.now();
  draw();
}

// Three pulses of two tones, after the high-priority burst of IEC 60601-1-8; a lower pair for a fault or a lost line.
function tone(high) {
  if (!audio) return;
  const begin = audio.currentTime + 0.02;
  for (const [index, hertz] of (high ? [880, 1047, 880] : [440, 370]).entries()) {
    const oscillator = audio.createOscillator();
    const gain = audio.createGain();
    const start = begin + index * 0.26;
    oscillator.type = "triangle";
    oscillator.frequency.value = hertz;
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(0.5, start + 0.02);
    gain.gain.linearRampToValueAtTime(0, start + 0.22);
    oscillator.connect(gain).connect(audio.destination);
    oscillator.start(start);
    oscillator.stop(start + 0.24);
  }
}

function toneButton() {
  const on = audio !== null && audio.state === "running";
  at("tone").setAttribute("aria-pressed", String(on));
  setText("tone-text", on ? "Alarm tone is on" : "Turn alarm tone on");
}

at("tone").addEventListener("click", async () => {
  if (audio && audio.state === "running") {
    await audio.suspend();
  } else {
    audio = audio || new AudioContext(); // Browsers allow sound only after a touch.
    await audio.resume();
    tone(false);
  }
  toneButton();
});

function lost() {
  return performance.now() - heardAt > LOST_S * 1000;
}

function ring() {
  const first = foremost();
  if (lost()) tone(false);
  else if (first) tone(first.kind === "sound");
}

function watch() {
  const gone = lost();
  document.body.classList.toggle("is-lost", gone);
  if (gone) setText("lost-s", String(Math.floor((performance.now() - heardAt) / 1000)));
  if (at("lost").hidden === gone) {
    at("lost").hidden = !gone;
    ring();
  }
  if (gone) document.title = "Connection lost";
  drawSince();
}

function connect() {
  const stream = new EventSource("/api/v1/stream");
  const on = (name, handle) => stream.addEventListener(name, (event) => {
    heardAt = performance.now();
    handle(JSON.parse(event.data));
    watch();
  });
  on("snapshot", (all) => {
    incidents.clear();
    for (const incident of all.incidents) incidents.set(incident.id, incident);
    takeState(all.state);
  });
  on("state", takeState);
  on("incident", take);
  on("alert", (alert) => {
    confirmed.delete(alert.delivery); // Sent again: nobody has confirmed it.
    take(alert.incident);
    ring();
  });
  stream.addEventListener("error", () => {
    if (stream.readyState !== EventSource.CLOSED) return; // It comes back by itself.
    setTimeout(connect, 3000);
  });
}

document.addEventListener("visibilitychange", confirmShown);
setInterval(watch, 1000);
setInterval(ring, TONE_EVERY_MS);
connect();

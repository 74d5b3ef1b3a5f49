// When this screen sounds: for the most urgent alert that nobody has answered, and by itself when the monitor is silent.
import { ringing } from "./house.js";
import { silence } from "./stream.js";
import * as tones from "./tones.js";

export const LOST_S = 15; // The monitor speaks at least every 5 s.
const AHEAD_S = 120; // So far the dead man's alarm is written ahead.
const QUIET_S = 300;
const ASLEEP_S = 30;
const VIBRATION = { high: [300, 100, 300, 100, 300], medium: [300, 150, 300], low: [200], fault: [600, 200, 600], lost: [600, 200, 600] };

let current = ""; // What sounds: priority and number.
let nextAt = 0; // When its next burst is due, on the audio clock.
let lostSince = null;
let armedUntil = 0;
let quietUntil = 0; // Date.now()
let lastTick = Date.now();
let watching = false; // Whether this screen is to be told anything at all.

export const isLost = () => lostSince !== null;
export const isQuiet = () => Date.now() < quietUntil;
export const quietEnds = () => quietUntil;

// The monitor was heard: put off the dead man's alarm.
export function heard() {
  watching = true;
  lostSince = null;
  quietUntil = 0;
  guard();
}

function guard() {
  if (!watching || isQuiet()) return;
  armedUntil = tones.now() + LOST_S - silence() + AHEAD_S;
  tones.arm(LOST_S - silence(), AHEAD_S);
}

// No alarm of a lost monitor for a while; it comes back by itself.
export function quiet() {
  quietUntil = Date.now() + QUIET_S * 1000;
  tones.disarm();
}

// This screen is not to be told anything (any more).
export function stop() {
  watching = false;
  lostSince = null;
  current = "";
  tones.disarm();
  tones.hush();
  if ("vibrate" in navigator) navigator.vibrate(0);
}

// After the sound was switched on or off, or what rings has changed.
export function refresh() {
  nextAt = 0;
  guard();
  ring();
}

// An alert has arrived (again): it sounds at once, whatever its turn; a burst that sounds already is not begun anew.
export function atOnce() {
  if (!tones.isSounding()) nextAt = 0;
  ring();
}

function vibrate(name) {
  if ("vibrate" in navigator) navigator.vibrate(VIBRATION[name]);
}

export function ring() {
  const incident = isLost() ? undefined : ringing();
  const what = incident ? `${incident.urgency} ${incident.id}` : "";
  if (what !== current) {
    tones.hush();
    if (!what && "vibrate" in navigator) navigator.vibrate(0);
    current = what;
    nextAt = 0;
  }
  if (incident && (nextAt === 0 || tones.now() >= nextAt)) {
    nextAt = tones.now() + tones.PATTERNS[incident.urgency].every;
    tones.play(incident.urgency);
    vibrate(incident.urgency);
  }
}

// Once a second; `shown`: whether this screen shows the house. Returns what a person should know: {lost} when that has
// changed, {slept} in ms.
export function tick(shown) {
  watching = shown;
  const told = {};
  const now = Date.now();
  if (now - lastTick > ASLEEP_S * 1000) told.slept = now - lastTick;
  lastTick = now;
  if (watching && !isLost() && silence() > LOST_S) {
    lostSince = now;
    told.lost = true;
    tones.hush();
    vibrate("lost");
  }
  if (isLost() && !isQuiet() && tones.now() > armedUntil - tones.PATTERNS.lost.every * 2) guard();
  if (isLost() && quietUntil && !isQuiet()) {
    quietUntil = 0;
    guard();
  }
  ring();
  return told;
}

// Ticks that go on where a page's own timers are slowed down; its own are a second source, not the first.
export function everySecond(call) {
  let last = 0;
  const once = () => {
    if (performance.now() - last < 900) return;
    last = performance.now();
    call();
  };
  try {
    new Worker("/ticker.js").onmessage = once;
  } catch (refused) {
    // No workers here.
  }
  setInterval(once, 1000);
}

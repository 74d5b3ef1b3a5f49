// What alarms sound like, after IEC 60601-1-8:2006 + A1:2012, tables 3 and 4: high priority is two times five pulses, medium
// three, low two, each with a rhythm and a pause of its own; the pitch of a pulse is between 150 and 1000 Hz and has
// harmonics, so that a phone's small speaker carries it and one can tell where it comes from. A fault of the monitor
// and a lost monitor are not in the standard: long falling pairs, like nothing else.
const HIGH = [0, 0.25, 0.5, 1.0, 1.25];
export const PATTERNS = {
  // at: starts of the pulses, s. long: length of one, s. hertz: pitches in turn. every: from burst to burst, s.
  high: { at: HIGH.concat(HIGH.map((each) => each + 2.2)), long: 0.15, hertz: [880, 880, 880, 988, 988], every: 8 },
  medium: { at: [0, 0.4, 0.8], long: 0.2, hertz: [784, 784, 659], every: 12 },
  low: { at: [0, 0.45], long: 0.2, hertz: [659, 523], every: 25 },
  fault: { at: [0, 0.5], long: 0.45, hertz: [440, 330], every: 12 },
  lost: { at: [0, 0.5, 1.2, 1.7], long: 0.45, hertz: [440, 330], every: 10 },
};
const VOLUME = 0.8;
const EDGE_S = 0.015; // Rise and fall of a pulse: no click.

let context = null;
let out = null;
let wave = null;
let burst = [];
let burstEnds = 0;
let guard = null; // Sounds when nobody puts it off.
let changed = () => {};

export const canSound = () => "AudioContext" in window || "webkitAudioContext" in window;
export const isOn = () => context !== null && context.state === "running";
export const isSounding = () => burst.length > 0 && context.currentTime < burstEnds;
export const now = () => (context ? context.currentTime : 0);
export const whenChanged = (call) => {
  changed = call;
};

// Browsers allow sound only after a touch; without one the context stays suspended. Resolves to whether it sounds.
export async function switchOn() {
  if (!canSound()) return false;
  if (!context) {
    context = new (window.AudioContext || window.webkitAudioContext)();
    context.onstatechange = () => changed();
    const steady = context.createDynamicsCompressor();
    out = context.createGain();
    out.gain.value = VOLUME;
    out.connect(steady);
    steady.connect(context.destination);
    wave = context.createPeriodicWave(new Float32Array(6), new Float32Array([0, 1, 0.6, 0.5, 0.35, 0.2]));
  }
  // A browser that wants a touch first leaves the promise open.
  await Promise.race([context.resume(), new Promise((done) => setTimeout(done, 500))]).catch(() => {});
  return isOn();
}

export async function switchOff() {
  hush();
  disarm();
  if (context) await context.suspend();
}

function pulse(gain, start, long) {
  gain.setValueAtTime(0, start);
  gain.linearRampToValueAtTime(1, start + EDGE_S);
  gain.setValueAtTime(1, start + long - EDGE_S);
  gain.linearRampToValueAtTime(0, start + long);
}

function voice() {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.setPeriodicWave(wave);
  gain.gain.value = 0;
  oscillator.connect(gain);
  gain.connect(out);
  return { oscillator, gain };
}

function write(pattern, { oscillator, gain }, start) {
  pattern.at.forEach((at, index) => {
    oscillator.frequency.setValueAtTime(pattern.hertz[index % pattern.hertz.length], start + at);
    pulse(gain.gain, start + at, pattern.long);
  });
  return start + pattern.at[pattern.at.length - 1] + pattern.long;
}

// One burst, all of it handed to the audio clock at once.
export function play(name) {
  hush();
  if (!isOn()) return;
  const made = voice();
  const end = write(PATTERNS[name], made, context.currentTime + 0.05);
  made.oscillator.start();
  made.oscillator.stop(end + 0.1);
  burst = [made];
  burstEnds = end;
}

export function hush() {
  for (const made of burst) made.gain.disconnect();
  burst = [];
}

// The dead man's alarm. It is written ahead on the audio clock, which goes on while the timers of a page are slowed down
// or its code hangs, and every word of the monitor puts it off: silence of the line is what sounds it.
export function arm(inSeconds, forSeconds) {
  if (!isOn()) return;
  if (!guard) {
    guard = voice();
    guard.oscillator.start();
  }
  disarm();
  const start = context.currentTime + Math.max(0.05, inSeconds);
  for (let at = start; at < start + forSeconds; at += PATTERNS.lost.every) write(PATTERNS.lost, guard, at);
}

export function disarm() {
  if (!guard) return;
  guard.gain.gain.cancelScheduledValues(0);
  guard.oscillator.frequency.cancelScheduledValues(0);
  guard.gain.gain.setValueAtTime(0, context.currentTime);
}

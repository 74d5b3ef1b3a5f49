// The page of monitord: what its stream tells, shown and sounded. No library, no other host.
import * as alarm from "./alarm.js";
import { drawAbout } from "./about.js";
import { at, setText } from "./elements.js";
import { house, prune, take, takeAll, takeBoard, takeState, wing } from "./house.js";
import { drawIncidents, startIncidents } from "./incidents.js";
import { shine, startLight } from "./light.js";
import { drawAges, drawNow, loadNights, titleNow, told } from "./now.js";
import { drawNtfy, startNtfy } from "./ntfy.js";
import { startPairing } from "./pairing.js";
import { keep, kept } from "./settings.js";
import * as stream from "./stream.js";
import { heading, hour, lasting, other, preferred, speak, t } from "./texts.js";
import { drawNights } from "./timeline.js";
import * as tones from "./tones.js";
import { keepAwake } from "./wake.js";

const NIGHTS_EVERY_MS = 60e3;
const SEEN_MANY = 60; // A request holds no more.
const confirmed = new Set();
const shown = [];
let awake = "";
let nightsAt = 0;
let refusedWhy = "";

function draw() {
  prune();
  drawNow(changed);
  drawIncidents(changed);
  drawAbout();
  drawNtfy();
  if (house.board) wing.draw();
  else drawNights();
  drawSound();
  drawLost();
  const name = house.state ? house.state.room : "monitord";
  document.title = `${alarm.isLost() ? t("lost") : titleNow()} \u2013 ${name}`;
  setText("awake", awake ? t(awake) : "");
}

function changed() {
  draw();
  alarm.ring();
}

// However many events come between two frames, the page is drawn once; a tab that nobody sees has no frames.
let due = 0;
function drawSoon() {
  const now = () => {
    due = 0;
    draw();
    say();
    confirmShown();
  };
  if (document.hidden) now();
  else if (!due) due = requestAnimationFrame(now);
}

// Only the screen of a ward needs it: a room's never loads this.
function loadBoard() {
  if (document.body.dataset.ward) return;
  document.body.dataset.ward = house.board.ward;
  const code = document.createElement("script");
  code.type = "module";
  code.src = "/board.js";
  document.head.append(code);
}

// Said once by a screen reader: at once what is urgent, in its turn what is not. Of a look only what it found.
let spokenOf = "";
function say() {
  const first = told();
  const seen = first && first.camera && !["Look.ASKED", "Look.BEGAN"].includes(first.camera) ? t(first.camera) : "";
  const parts = first ? [heading(`Urgency.${first.urgency.toUpperCase()}`), titleNow(), seen] : [titleNow(), at("line").textContent];
  const sentence = alarm.isLost() ? `${t("lost")}. ${t("lost_do")}` : parts.filter(Boolean).join(". ");
  if (!house.state && !alarm.isLost()) return;
  if (house.board && !alarm.isLost()) {
    spokenOf = "";
    wing.say();
    return;
  }
  if (sentence === spokenOf) return;
  spokenOf = sentence;
  const urgent = alarm.isLost() || Boolean(first);
  setText("shouts", urgent ? sentence : "");
  setText("says", urgent ? "" : sentence);
}

function drawSound() {
  const on = tones.isOn();
  at("silent").hidden = on;
  at("sound-on").hidden = !tones.canSound();
  const why = !tones.canSound() ? "sound_missing" : kept("sound") === "on" ? "sound_blocked" : "sound_off";
  setText("silent-why", t(why));
  at("sound-off").hidden = !on;
  at("sound-test").hidden = !on;
}

function drawLost() {
  const lost = alarm.isLost();
  document.body.classList.toggle("is-lost", lost);
  at("lost").hidden = !lost;
  if (!lost) return;
  const seconds = Math.floor(stream.silence());
  setText("lost-for", [refusedWhy, t("lost_for", { time: seconds < 100 ? `${seconds} s` : lasting(seconds) })].filter(Boolean).join(" "));
  at("lost-quiet").disabled = alarm.isQuiet();
  setText("lost-quiet", alarm.isQuiet() ? t("lost_muted", { time: hour(alarm.quietEnds()) }) : t("lost_quiet"));
}

// An alert counts as delivered when it is on a screen that somebody can see.
function confirmShown() {
  if (document.visibilityState !== "visible") return;
  for (const incident of house.incidents.values()) {
    for (const each of incident.deliveries) {
      if (each.sink !== "page" || each.state === "delivered" || confirmed.has(each.id)) continue;
      confirmed.add(each.id);
      if (shown.push(each.id) === 1) requestAnimationFrame(() => requestAnimationFrame(tellShown));
    }
  }
}

async function tellShown() {
  const some = shown.slice(0, SEEN_MANY);
  await stream.post("/api/v1/deliveries/seen", { numbers: some.join(" ") }).catch(() => some.forEach((each) => confirmed.delete(each)));
  shown.splice(0, some.length);
  if (shown.length) setTimeout(tellShown, 300);
}

async function fetchNights() {
  if (house.board || Date.now() - nightsAt < 2000) return;
  nightsAt = Date.now();
  try {
    house.nights = (await loadNights()).nights;
    drawNights();
  } catch (refused) {
    // The picture stays as it was; a lost monitor is told by other means.
  }
}

const handlers = {
  snapshot(all) {
    takeAll(all);
    if (house.board) loadBoard();
    fetchNights();
  },
  state: takeState,
  incident(incident) {
    take(incident);
    setTimeout(fetchNights, 3000);
  },
  alert(alert) {
    confirmed.delete(alert.delivery); // Sent again: nobody has confirmed it.
    take(alert.incident);
    alarm.atOnce();
  },
  summary(brief) { // Of the night, in the morning.
    at("brief").hidden = false;
    setText("brief-title", brief.title);
    setText("brief-text", brief.text);
  },
  board(told) {
    takeBoard(told, false);
    loadBoard();
  },
  heard() {
    refusedWhy = "";
    alarm.heard();
    alarm.ring();
    drawSoon();
  },
  refused: enter,
};

function second() {
  const time = new Date();
  const watching = document.body.dataset.view === "house";
  const news = alarm.tick(watching);
  setText("clock", hour(time));
  if (!watching) return;
  if (news.slept) {
    at("slept").hidden = false;
    setText("slept", t("slept", { time: lasting(news.slept / 1000), until: hour(time) }));
  }
  if (news.lost) draw();
  if (alarm.isLost()) {
    drawLost();
    if (Math.floor(stream.silence()) % 5 === 0) stream.reconnect();
  }
  if (!listening && time.getSeconds() % 5 === 0) enter(); // Nobody has answered yet.
  drawAges();
  drawSound();
  shine();
  say();
  if (Date.now() - nightsAt > NIGHTS_EVERY_MS) fetchNights();
}

// Which of the two views this screen may see; also asked when the line is refused.
async function enter() {
  let session;
  try {
    session = await stream.get("/api/v1/session");
  } catch (refused) {
    if (refused.status !== 401) return; // Nobody answers: it is asked again, and the silence alarms.
    session = { role: null, name: null, paired: false };
  }
  const was = document.body.dataset.view;
  house.session = session;
  const view = session.role ? "house" : "pairing";
  document.body.dataset.view = view;
  at("house").hidden = view !== "house";
  at("pairing").hidden = view !== "pairing";
  if (view === "pairing") {
    stream.hangUp();
    alarm.stop();
    listening = false;
    house.incidents.clear();
    house.board = null;
    wing.draw();
    at("lost").hidden = at("silent").hidden = true;
    document.title = t("pair");
    if (was !== view || !at("pair-form").contains(document.activeElement)) askForCode();
  } else if (!listening) {
    listening = true;
    stream.listen(handlers);
    changed();
  } else {
    refusedWhy = t("too_many"); // Known and let in, and yet without a line.
  }
}
let listening = false;

const askForCode = startPairing(async () => {
  await enter();
});

async function switchSound(on) {
  keep("sound", on ? "on" : "off");
  if (on) {
    if (await tones.switchOn()) tones.play("low"); // One hears at once whether one would hear.
  } else {
    await tones.switchOff();
  }
  alarm.refresh();
  drawSound();
}

function startSound() {
  at("sound-on").addEventListener("click", () => switchSound(true));
  at("sound-off").addEventListener("click", () => switchSound(false));
  at("sound-test").addEventListener("click", () => tones.play("high"));
  tones.whenChanged(() => {
    drawSound();
    if (tones.isOn()) alarm.refresh();
  });
  if (kept("sound") !== "on") return;
  tones.switchOn();
  // Any touch will do where the browser wants one.
  for (const name of ["pointerdown", "keydown"]) {
    document.addEventListener(name, () => {
      if (kept("sound") === "on" && !tones.isOn()) tones.switchOn();
    });
  }
}

async function chooseLanguage(code, options) {
  try {
    await speak(code, options);
  } catch (refused) {
    return; // What stands in the page stays.
  }
  const next = other();
  at("language").textContent = next === "de" ? "Deutsch" : "English";
  at("language").lang = next;
}

async function start() {
  at("old").remove();
  startLight();
  await chooseLanguage(preferred());
  at("language").addEventListener("click", async () => {
    await chooseLanguage(other(), { remember: true });
    draw();
  });
  at("lost-quiet").addEventListener("click", () => {
    alarm.quiet();
    drawLost();
  });
  at("log-out").addEventListener("click", async () => {
    await stream.post("/api/v1/logout").catch(() => {});
    stream.hangUp();
    listening = false;
    await enter();
  });
  startIncidents(changed);
  startNtfy();
  startSound();
  keepAwake((key) => {
    awake = key;
    setText("awake", t(key));
  });
  document.addEventListener("visibilitychange", confirmShown);
  window.addEventListener("resize", () => house.board || drawNights());
  alarm.everySecond(second);
  await enter();
}

start();

// The state at a glance, and what one can do about it.
import { at, button, make, setText, whenNew } from "./elements.js";
import { house, isLive, isMutedHere, mayAcknowledge, muteHere, newestFirst, stateAge, take, waiting } from "./house.js";
import { LOST_S } from "./alarm.js";
import { get, post } from "./stream.js";
import { ago, clock, heading, hour, spoken, t } from "./texts.js";

const PAUSES = [15, 30, 60, 120];
const MARK = { high: "!!!", medium: "!!", low: "!", fault: "?" };

const kindOf = (incident) => `${incident.kind === "sound" ? "Sound" : "Fault"}.${incident.label}`;
// A self-test is no cry, whatever was heard.
export const codeOf = (incident) => (incident.test ? "this_is_a_test" : kindOf(incident));

// What a press of a button asks the monitor for; `changed` is told the answer.
export function asking(path, failed, changed) {
  return async (pressed) => {
    pressed.disabled = true;
    try {
      changed(await post(path));
    } catch (refused) {
      pressed.textContent = t(failed);
      pressed.removeAttribute("aria-label");
    }
    pressed.disabled = false;
  };
}

export function acknowledgeButton(incident, className, changed) {
  const label = t("acknowledge_this", { what: t(codeOf(incident)), time: clock(incident.opened_at) });
  const done = (answer) => {
    take(answer);
    changed();
  };
  const made = button(className, t("acknowledge"), label, asking(`/api/v1/incidents/${incident.id}/ack`, "acknowledge_failed", done));
  made.dataset.key = `ack ${incident.id}`;
  return made;
}

function muteButton(incident, changed) {
  const done = (answer) => {
    take(answer);
    changed();
  };
  const label = t("mute_this", { what: t(codeOf(incident)) });
  const made = button("", t("mute"), label, asking(`/api/v1/incidents/${incident.id}/mute`, "mute_failed", done));
  made.dataset.key = `mute ${incident.id}`;
  return made;
}

function muteHereButton(incident, changed) {
  const made = button("", t("mute_here"), "", () => {
    muteHere(incident);
    changed();
  });
  made.dataset.key = `here ${incident.id}`;
  return made;
}

function drawAct(first, changed) {
  const facts = first ? [first.id, first.state, isMutedHere(first), mayAcknowledge(), spoken()] : [spoken()];
  whenNew(at("act"), facts, () => {
    if (!first) return [];
    const made = mayAcknowledge() ? [acknowledgeButton(first, "strong", changed)] : [];
    if (first.state === "muted") return made.concat(make("p", "", t("muted")));
    if (mayAcknowledge()) made.push(muteButton(first, changed));
    return made.concat(isMutedHere(first) ? make("p", "", t("muted_here")) : muteHereButton(first, changed));
  });
}

function drawPause(changed) {
  const state = house.state;
  if (!("paused_until" in state)) return; // A monitor that knows no pause.
  const paused = Boolean(state.paused_until) || state.gate === "PAUSED";
  const facts = [paused, state.paused_until, mayAcknowledge(), spoken()];
  const done = (answer) => changed(answer.state || answer);
  whenNew(at("pause"), facts, () => {
    if (paused) {
      const until = state.paused_until ? make("p", "", t("paused_until", { time: hour(state.paused_until) })) : "";
      return [until, mayAcknowledge() ? button("strong", t("resume"), "", asking("/api/v1/resume", "pause_failed", done)) : ""];
    }
    if (!mayAcknowledge()) return [];
    const choices = PAUSES.map((minutes) =>
      button("", t("minutes", { n: minutes }), `${t("pause_for")} ${t("minutes", { n: minutes })}`, async (pressed) => {
        pressed.disabled = true;
        try {
          done(await post("/api/v1/pause", { minutes }));
        } catch (refused) {
          pressed.textContent = refused.message || t("pause_failed");
          pressed.removeAttribute("aria-label");
        }
        pressed.disabled = false;
      }),
    );
    const inside = make("div", "choices", ...choices);
    return [make("details", "", make("summary", "", t("pause")), make("p", "soft", t("pause_means")), inside)];
  });
}

function earSays(state) {
  if (state.gate === null) return t("ear_unheard");
  if (state.gate === "PAUSED") return t("ear_paused");
  if (state.since_ear_s + stateAge() > LOST_S) return t("ear_silent");
  return state.deaf ? t(state.deaf) : t("ear_listening"); // A microphone that is gone does not listen.
}

// The incident that the title is about, if it is about one.
export function told() {
  const state = house.state;
  if (!state) return undefined;
  if (state.mood === "alert" || state.mood === "fault") {
    return waiting()[0] || newestFirst().find((each) => each.kind === "fault" && isLive(each));
  }
  return undefined;
}

export function titleNow() {
  if (!house.state) return t("connecting");
  const first = told();
  if (first && house.board && first.room !== house.state.room) return `${first.room}: ${heading(codeOf(first))}`;
  return first ? heading(codeOf(first)) : heading(`Mood.${house.state.mood.toUpperCase()}`);
}

export function drawNow(changed) {
  const state = house.state;
  const first = told();
  document.body.dataset.mood = state ? state.mood : "starting";
  document.body.dataset.urgency = first ? first.urgency : "";
  setText("title", titleNow());
  if (!state) return;
  setText("room", state.room);
  const seen = first && first.camera ? t(first.camera) : "";
  setText("line", first ? seen : state.mood === "calm" && !house.board ? t("listening") : "");
  const where = first && !house.board && first.room !== state.room ? `${first.room}, ` : "";
  setText("when", first ? where + t("since", { time: clock(first.opened_at) }) : "");
  at("urgency").hidden = !first;
  if (first) setText("urgency", `${MARK[first.urgency]} ${heading(`Urgency.${first.urgency.toUpperCase()}`)}`);
  const rest = waiting().length - 1;
  at("more").hidden = !(first && rest > 0);
  setText("more", rest === 1 ? t("one_more_waiting") : t("more_waiting", { n: rest }));
  // The screen of a ward takes what is of a room in that room's place only: here it would change under the finger.
  const own = house.board ? waiting().find((each) => each.room === state.room) : first;
  drawAct(own && waiting().includes(own) ? own : undefined, changed);
  drawPause((fresh) => {
    house.state = Object.assign({}, house.state, fresh);
    changed();
  });
  drawAges();
}

// What grows older by itself; also called once a second.
export function drawAges() {
  const state = house.state;
  if (!state) return;
  const age = stateAge();
  setText("since-sound", ago(state.since_sound_s === null ? null : state.since_sound_s + age));
  const camera = state.camera ? t("said_ago", { said: t(state.camera), ago: ago(state.since_camera_s + age) }) : t("camera_closed");
  setText("camera", camera);
  setText("ear", earSays(state));
  const level = state.gate === "PAUSED" ? null : state.level_dbfs;
  setText("dbfs", level === null ? "" : `(${t("level_value", { level: String(level).replace("-", "\u2212") })})`);
  at("level").setAttribute("width", String(level === null ? 0 : Math.min(100, Math.max(0, ((level + 90) / 90) * 100))));
}

export const loadNights = () => get("/api/v1/nights?days=8");

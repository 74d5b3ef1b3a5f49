// One room of the board: a button that opens it, what can be done about it, and, once open, all that is known of it.
import { button, make, put, setText } from "./elements.js";
import { isUnanswered, mayAcknowledge } from "./house.js";
import { codeOf } from "./now.js";
import { post } from "./stream.js";
import { ago, clock, heading, spoken, t } from "./texts.js";

export const RANK = ["alert", "fault", "unheard", "calm"];
const MARK = { high: "!!!", medium: "!!", low: "!", fault: "?", unheard: "\u2026", calm: "\u2713", bare: "\u2013" };
const STEADY_MS = 700;
const TRIES = 3;
const VIA = { room: "via_room", ward: "via_ward" };
const EAR = { listening: "ear_listening", paused: "ear_paused", starting: "ear_unheard", silent: "ear_silent", faulty: "ear_faulty" };

export const rows = new Map(); // Room -> its row: {item, head, open, room, movedAt, changedAt, ...}

const ms = (seconds) => clock(seconds * 1000);
const isBare = (room) => room.rank === 3 && !room.protected;

// What an acknowledgement is about: its most urgent alert that nobody has taken, or (0) its silence.
export function due(room) {
  const first = room.live.find(isUnanswered);
  if (first) return first.id;
  return room.silence && !room.silence.taken ? 0 : null;
}

export function wordOf(room) {
  if (room.rank === 2 || room.heard_s === null) return room.heard_s === null ? t("unseen_never") : t("unseen_since", { time: ms(room.since) });
  if (room.rank === 3) {
    if (room.paused_until) return t("paused_until", { time: ms(room.paused_until) });
    return t(room.protected ? "calm" : "bare");
  }
  const fault = room.faults.length ? `Fault.${room.faults[0]}` : "fault";
  return heading(room.incident ? codeOf(room.incident) : fault);
}

function answered(taken) {
  return taken ? t("acked_via", { acked: t("acked_at", { time: ms(taken.at) }), via: t(VIA[taken.via]) }) : "";
}

function lines(room) {
  const first = room.incident;
  const seen = first && first.sight ? t(`Sight.${first.sight}`) : "";
  const said = [room.rank < 2 && first ? t("since", { time: ms(first.since) }) : "", seen, answered(room.acknowledged)];
  if (room.silence && room.silence.taken) said.push(t("silence_taken"));
  if (room.rank < 2 && !room.protected) said.push(t("bare"));
  return said.filter(Boolean);
}

// Asks the station; it takes so many requests a second of one screen, and in a storm this one may be one too many.
async function ask(row, number, act) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await post(`/api/v1/rooms/${row.room.room}/incidents/${number}/${act}`);
    } catch (refused) {
      if (refused.status !== 429 || tried === TRIES) throw refused;
      await new Promise((done) => setTimeout(done, 700 * tried));
    }
  }
}

export async function acknowledge(row, number, act, done) {
  row.busy = true;
  try {
    done(await ask(row, number, act));
    if (act === "ack") setText("says", `${t("acks")}: ${row.room.label}`);
  } catch (refused) {
    setText("says", `${row.room.label}: ${t(act === "ack" ? "acknowledge_failed" : "mute_failed")}`);
    row.failed.textContent = t(act === "ack" ? "acknowledge_failed" : "mute_failed");
  }
  row.busy = false;
}

// A room that came under the finger, or an alert that came into its room, less than a moment ago was not meant: no one
// can have read it. `touchedAt`: when the touch began; null: a key, which is always of the room that has the focus.
export function isMeant(row, touchedAt, now) {
  const moved = touchedAt === null ? row.changedAt : Math.max(row.movedAt, row.changedAt);
  const meant = (touchedAt === null ? now : touchedAt) - moved > STEADY_MS;
  if (!meant) setText("says", t("board_moved"));
  row.failed.textContent = meant ? "" : t("board_moved");
  return meant;
}

// A button that is about one incident and never about another.
function doing(row, number, act, className, label, done) {
  const made = button(className, t(act === "ack" ? "acknowledge" : "mute"), label, (pressed) => {
    if (row.busy || !isMeant(row, pressed.touchedAt === undefined ? null : pressed.touchedAt, performance.now())) return;
    acknowledge(row, number, act, done);
  });
  made.addEventListener("pointerdown", () => (made.touchedAt = performance.now()));
  made.addEventListener("keydown", () => (made.touchedAt = undefined));
  return made;
}

function inside(row, done) {
  const { room } = row;
  const made = room.live.map((each) => {
    const what = make("p", "", make("strong", "", heading(codeOf(each))), ` ${t("since", { time: ms(each.since) })}. `);
    if (each.sight) what.append(`${t(`Sight.${each.sight}`)} `);
    what.append(each.acknowledged ? answered(each.acknowledged) : t(`Incident.${each.state.toUpperCase()}`));
    if (!mayAcknowledge() || !isUnanswered(each)) return what;
    const about = { what: `${room.label}, ${t(codeOf(each))}`, time: ms(each.since) };
    const acts = [doing(row, each.id, "ack", "", t("acknowledge_this", about), done)];
    if (each.state !== "muted") acts.push(doing(row, each.id, "mute", "", t("mute_this", about), done));
    return make("div", "", what, make("div", "choices", ...acts));
  });
  const refused = Object.keys(room.refused).reduce((sum, name) => sum + room.refused[name], 0);
  const facts = [t(room.protected ? "protected" : "bare"), room.microphone ? `${t("ear")}: ${t(EAR[room.microphone])}` : ""];
  facts.push(...room.faults.map((each) => t(`Fault.${each}`)), refused ? t("refused_of", { n: refused }) : "");
  const heard = room.heard_s === null ? t("never") : ago(room.heard_s + (performance.now() - row.cameAt) / 1000);
  facts.push(t("heard", { ago: heard }));
  return [...made, make("p", "soft", facts.filter(Boolean).join(" \u00b7 "))];
}

export function makeRow(name) {
  const mark = make("span", "mark");
  mark.setAttribute("aria-hidden", "true");
  const row = { item: make("li"), mark, label: make("strong"), word: make("span", "word"), more: make("span", "more"), failed: make("p", "bad") };
  row.head = make("button", "head", mark, row.label, row.word, row.more);
  row.head.type = "button";
  row.head.dataset.room = name;
  row.acts = make("div", "acts");
  row.inside = make("div", "inside");
  row.item.append(row.head, row.acts, row.failed, row.inside);
  return Object.assign(row, { open: false, busy: false, key: "", number: null, movedAt: 0, changedAt: 0, place: "" });
}

// Writes only what has changed of the row.
export function fill(row, room, done) {
  const key = JSON.stringify([Object.assign({}, room, { heard_s: 0 }), row.open, mayAcknowledge(), spoken(), new Date().toDateString()]);
  row.room = room;
  if (key === row.key) return;
  row.key = key;
  row.cameAt = performance.now();
  const urgency = room.rank === 0 ? room.incident.urgency : isBare(room) ? "bare" : RANK[room.rank];
  row.item.className = `${RANK[room.rank]} ${urgency}${room.silence && !room.silence.taken ? " silence" : ""}${row.open ? " open" : ""}`;
  row.mark.textContent = MARK[urgency];
  row.label.textContent = room.label;
  row.word.textContent = wordOf(room);
  row.more.textContent = lines(room).join(" \u00b7 ");
  row.head.setAttribute("aria-expanded", String(row.open));
  const number = due(room);
  if (number !== row.number) {
    row.changedAt = performance.now();
    row.number = number;
    row.failed.textContent = "";
  }
  const about = { what: `${room.label}, ${wordOf(room)}`, time: ms(room.since) };
  const focused = row.acts.contains(document.activeElement);
  put(row.acts, mayAcknowledge() && number !== null ? doing(row, number, "ack", "take", t("acknowledge_this", about), done) : "");
  if (focused) row.head.focus();
  put(row.inside, ...(row.open ? inside(row, done) : []));
}

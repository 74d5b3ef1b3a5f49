// The board of a ward: its rooms by urgency. Only the screen of a station loads this; main.js knows it as `wing`.
import * as alarm from "./alarm.js";
import { at, button, make, setText, whenNew } from "./elements.js";
import { house, isUnanswered, muteHere, ringing, waiting, wing } from "./house.js";
import { codeOf } from "./now.js";
import { RANK, due, fill, makeRow, rows, wordOf } from "./rows.js";
import { ago, clock, heading, hour, spoken, t } from "./texts.js";
import { startWalking, walkTo } from "./walk.js";

const AWAY_S = 30;
const NAMED = 3;
const URGENT = ["high", "medium", "low", "fault"];

const style = make("link");
style.rel = "stylesheet";
style.href = "/ward.css";
document.head.append(style);

const list = make("ol");
list.id = "rooms";
const find = make("input");
find.id = "find";
find.type = "search";
const label = make("label");
label.htmlFor = "find";
const counts = make("ul", "counts");
const hush = make("div", "hush");
const notes = make("ul", "notes");
const section = make("section", "card board", make("div", "top", counts, hush, make("div", "finder", label, find)), make("p", "soft"), list, notes);
section.lastChild.previousSibling.previousSibling.id = "found";
at("house").insertBefore(section, at("house").children[1]);

const COUNTS = ["count_alert", "count_fault", "count_unseen", "count_calm"];

let order = [];
let wanted = "";

const { compare } = new Intl.Collator(undefined, { numeric: true });
const urgencyOf = (room) => (room.rank === 0 ? URGENT.indexOf(room.incident.urgency) : Number(room.rank === 3 && room.protected));
// Within an urgency the oldest first, so that what is new comes below and moves nothing that somebody reaches for.
function before(one, two) {
  if (one.rank !== two.rank) return one.rank - two.rank;
  const ahead = urgencyOf(one) - urgencyOf(two) || (one.rank < 3 ? one.since - two.since : 0);
  return ahead || compare(one.label, two.label);
}

// A search never hides a room that waits for somebody.
const isShown = (room) => !wanted || room.label.toLowerCase().includes(wanted) || room.room.includes(wanted) || due(room) !== null;

// Put the rows in order, moving as few as can be; that which has the focus stays, and the others move around it.
function arrange(wished) {
  const stays = wished.find((each) => each.contains(document.activeElement)) || null;
  const cut = stays ? wished.indexOf(stays) : wished.length;
  const place = (part, first, end) => {
    let cursor = first;
    for (const each of part) {
      if (cursor !== each && cursor !== end && cursor.nextSibling === each) {
        const late = cursor;
        cursor = each;
        list.insertBefore(late, end);
      }
      if (cursor === each) cursor = each.nextSibling;
      else list.insertBefore(each, cursor);
    }
  };
  place(wished.slice(0, cut), list.firstChild, stays);
  if (stays) place(wished.slice(cut + 1), stays.nextSibling, null);
}

function changed(room) {
  house.board.rooms.set(room.room, room);
  wing.stirred.add(room.room);
  draw();
}

function reorder() {
  const shown = Array.from(house.board.rooms.values()).filter(isShown).sort(before);
  const known = new Set(shown.map((room) => room.room));
  for (const [name, row] of rows) {
    if (known.has(name)) continue;
    row.item.remove();
    if (!house.board.rooms.has(name)) rows.delete(name);
  }
  order = shown.map((room) => rows.get(room.room));
  const active = document.activeElement;
  arrange(order.map((row) => row.item));
  walkTo(order, active);
  setText("found", wanted ? t("found", { n: shown.length, m: house.board.rooms.size }) : "");
}

// Which rows have another place in the page than before: a row goes up or down, and what stands above it grows.
function mindPlaces() {
  const top = Math.round(list.getBoundingClientRect().top + window.pageYOffset);
  const now = performance.now();
  for (const row of order) {
    const place = `${top + row.item.offsetTop} ${row.item.offsetLeft}`;
    if (place !== row.place) row.movedAt = now;
    row.place = place;
  }
}

function drawBar() {
  const { board } = house;
  const each = RANK.map((name, rank) => [name, Array.from(board.rooms.values()).filter((room) => room.rank === rank).length]);
  const bare = Array.from(board.rooms.values()).filter((room) => !room.protected).length;
  whenNew(counts, [each, bare, spoken()], () =>
    each.concat([["bare", bare]]).map(([name, n], index) => make("li", n ? name : "none", make("strong", "", String(n)), ` ${t(COUNTS[index] || "bare")}`)));
  const loud = Boolean(ringing());
  whenNew(hush, [loud, spoken()], () =>
    loud ? [button("", t("mute_here"), "", () => waiting().forEach(muteHere) || alarm.ring() || drawBar())] : []);
  const age = (performance.now() - board.cameAt) / 1000;
  const said = board.others.map((other) => {
    const quiet = other.heard_s + age;
    const away = !other.alive || quiet > AWAY_S;
    return [away, away ? t("station_away", { name: other.station, time: hour(Date.now() - quiet * 1000) }) : t("station_works", { name: other.station })];
  });
  if (!board.linked) said.unshift([true, t("unlinked")]);
  said.push([false, t(board.rings ? "rings_here" : "rings_there")]);
  if (board.shift) said.push([false, t("shift", { name: board.shift })]);
  const { replayed, malformed, forged } = board.refused;
  if (replayed + malformed + forged) said.push([true, t("refused", board.refused)]);
  whenNew(notes, said, () => said.map(([bad, text]) => make("li", bad ? "bad" : "soft", text)).concat(report()));
}

function report() {
  const link = make("a", "", t("report_week"));
  link.href = `/api/v1/report?days=7&language=${spoken()}`;
  return make("li", "", link);
}

function draw() {
  section.hidden = !house.board;
  if (!house.board) {
    for (const row of rows.values()) row.item.remove();
    rows.clear(); // Without a session nothing is shown, and nothing is left.
    return;
  }
  if (list.dataset.spoken !== spoken()) {
    list.dataset.spoken = spoken();
    list.setAttribute("aria-label", t("rooms"));
    section.setAttribute("aria-label", t("rooms"));
    label.textContent = t("find_room");
    find.title = t("keys");
    for (const name of house.board.rooms.keys()) wing.stirred.add(name);
  }
  const { stirred } = wing;
  wing.stirred = new Set();
  for (const name of stirred) {
    if (!house.board.rooms.has(name)) continue;
    if (!rows.has(name)) rows.set(name, makeRow(name));
    fill(rows.get(name), house.board.rooms.get(name), changed);
  }
  if (stirred.size || rows.size > house.board.rooms.size) reorder();
  drawBar();
  mindPlaces();
}

// New alerts only, once each; many at once are one sentence.
const announced = new Set();
let first = true;
let saidAt = 0;
function say() {
  if (!house.board || performance.now() - saidAt < 1000) return;
  const news = [];
  for (const room of house.board.rooms.values()) {
    const waits = room.live.filter((each) => isUnanswered(each)).map((each) => each.id).concat(room.silence && !room.silence.taken ? [0] : []);
    for (const number of waits) {
      const key = `${room.room}/${number}`;
      if (!announced.has(key)) news.push([room, room.live.find((each) => each.id === number)]);
      announced.add(key);
    }
    if (!room.silence) announced.delete(`${room.room}/0`);
  }
  saidAt = performance.now();
  const many = news.length > 1 || first;
  first = false;
  if (!news.length) return;
  const named = news.slice(0, NAMED).map(([room, each]) => `${room.label}: ${each ? heading(codeOf(each)) : wordOf(room)}`).join("; ");
  const rest = news.length - NAMED;
  setText("shouts", [many ? t("new_alerts", { n: news.length }) : "", rest > 0 ? t("and_more", { what: named, n: rest }) : named].filter(Boolean).join(" "));
}

find.addEventListener("input", () => {
  wanted = find.value.trim().toLowerCase();
  reorder();
  mindPlaces();
});
startWalking(list, find, () => order, (row) => {
  row.open = !row.open;
  fill(row, row.room, changed);
  mindPlaces();
}, changed);
window.addEventListener("resize", mindPlaces);
Object.assign(wing, { draw, say });
if (house.board) for (const name of house.board.rooms.keys()) wing.stirred.add(name);
draw();

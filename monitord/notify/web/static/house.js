// What this screen knows of the house, and what follows from it. Nothing is drawn or played here.
const RANK = { high: 0, medium: 1, low: 2, fault: 3 };
const SHOWN = 50;
const RINGING = ["alerting", "escalated"];
const UNANSWERED = RINGING.concat("muted");

export const house = {
  session: { role: null, name: null, paired: false },
  state: null,
  stateAt: 0, // performance.now() when `state` came.
  incidents: new Map(),
  nights: [],
  mutedHere: new Map(), // Incident -> what it was when somebody muted this screen.
  board: null, // Of a station: what it says of the ward; `rooms` by name.
};

// What only the screen of a ward does: board.js, which rooms never load, puts it here.
export const wing = { draw() {}, say() {}, stirred: new Set() };

export const mayAcknowledge = () => house.session.role === "acknowledge";
export const newestFirst = () => Array.from(house.incidents.values()).sort((one, two) => two.id - one.id);
export const isUnanswered = (incident) => UNANSWERED.includes(incident.state);
export const isLive = (incident) => incident.state !== "cleared";

// Sounds before faults, then by priority, then the newest.
export function waiting() {
  return newestFirst().filter(isUnanswered).sort((one, two) => RANK[one.urgency] - RANK[two.urgency]);
}

// A group that this screen is not in yet is told by other channels first.
const isForScreens = (incident) => incident.deliveries.some((each) => each.sink === "page");

// A new alert of the same incident (again, escalated) undoes what was muted here; a mere repetition does not.
const alertOf = (incident) => {
  const isNew = (each) => each.sink === "page" && each.reason !== "repeat";
  const mine = incident.deliveries.filter(isNew).map((each) => each.id);
  return `${incident.level || 0}/${Math.max(0, ...mine)}`;
};
export const isMutedHere = (incident) => house.mutedHere.get(incident.id) === alertOf(incident);
export const muteHere = (incident) => house.mutedHere.set(incident.id, alertOf(incident));

// The incident whose tone is to sound now, if any. One pass: in a storm it is asked for a hundred times a second.
export function ringing() {
  let first;
  for (const each of house.incidents.values()) {
    if (!RINGING.includes(each.state) || !isForScreens(each) || isMutedHere(each)) continue;
    const ahead = first ? RANK[each.urgency] - RANK[first.urgency] || first.id - each.id : -1;
    if (ahead < 0) first = each;
  }
  return first;
}

export function take(incident) {
  house.incidents.set(incident.id, incident);
}

// Forget what is over and would not be shown any more.
export function prune() {
  if (house.incidents.size <= SHOWN) return;
  for (const old of newestFirst().slice(SHOWN)) if (!isLive(old)) house.incidents.delete(old.id);
}

export function takeAll(all) {
  house.incidents.clear();
  for (const incident of all.incidents) take(incident);
  takeState(all.state);
  if (all.board) takeBoard(all.board, true);
}

// The board, or those of its rooms that have changed.
export function takeBoard(told, whole) {
  const rooms = whole || !house.board ? new Map() : house.board.rooms;
  for (const room of told.rooms) {
    rooms.set(room.room, room);
    wing.stirred.add(room.room);
  }
  house.board = Object.assign({}, told, { rooms, cameAt: performance.now() });
}

export function takeState(state) {
  house.state = state;
  house.stateAt = performance.now();
}

// Seconds that the state has become older on this screen.
export const stateAge = () => (performance.now() - house.stateAt) / 1000;

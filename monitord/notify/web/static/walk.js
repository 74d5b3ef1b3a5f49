// Walking over the board by keyboard: it is one stop of the Tab key, and its letters count only while it has the focus.
import { mayAcknowledge } from "./house.js";
import { acknowledge, due, isMeant, rows } from "./rows.js";

let here = null; // The row whose buttons the Tab key reaches.

function stop(row, number) {
  if (!row) return;
  for (const each of row.item.querySelectorAll("button")) each.tabIndex = number;
}

function go(row) {
  if (!row) return;
  stop(here, -1);
  here = row;
  stop(here, 0);
  row.head.focus();
  row.item.scrollIntoView({ block: "nearest" });
}

// After the order has changed: the focus is where it was, on its room. It never slides on to another one.
export function walkTo(order, active) {
  const held = active && active.isConnected && active !== document.activeElement && order.some((row) => row.item.contains(active));
  if (held) active.focus();
  if (!order.includes(here)) here = order[0] || null;
  for (const row of order) stop(row, row === here ? 0 : -1);
  if (here && here.item.contains(document.activeElement)) here.item.scrollIntoView({ block: "nearest" });
}

// Rooms beside each other on this screen.
function across(order) {
  const top = order.length ? order[0].item.offsetTop : 0;
  const beyond = order.findIndex((row) => row.item.offsetTop !== top);
  return beyond < 1 ? Math.max(1, order.length) : beyond;
}

export function startWalking(list, find, orderNow, open, changed) {
  const rowOf = (element) => {
    const item = element.closest("#rooms > li");
    return item && orderNow().find((row) => row.item === item);
  };
  list.addEventListener("focusin", (event) => {
    const row = rowOf(event.target);
    if (!row || row === here) return;
    stop(here, -1);
    here = row;
    stop(here, 0);
  });
  list.addEventListener("click", (event) => {
    const head = event.target.closest(".head");
    if (head) open(rowOf(head));
  });
  list.addEventListener("keydown", (event) => {
    const row = rowOf(event.target);
    if (!row || event.ctrlKey || event.altKey || event.metaKey) return;
    const order = orderNow();
    const index = order.indexOf(row);
    const { key } = event;
    const steps = { ArrowRight: 1, j: 1, ArrowLeft: -1, k: -1, ArrowDown: across(order), ArrowUp: -across(order) };
    if (key in steps) go(order[Math.min(order.length - 1, Math.max(0, index + steps[key]))]);
    else if (key === "Home") go(order[0]);
    else if (key === "End") go(order[order.length - 1]);
    else if (key === "/") find.focus();
    else if (key === "Escape" && row.open) {
      open(row);
      row.head.focus();
    } else if (key === "a" || key === "A") {
      const number = due(row.room);
      // A key that is held down is one press.
      if (event.repeat || row.busy || !mayAcknowledge() || number === null || !isMeant(row, null, performance.now())) return;
      acknowledge(rows.get(row.room.room), number, "ack", changed);
    } else return;
    event.preventDefault();
  });
  find.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown") return;
    go(orderNow()[0]);
    event.preventDefault();
  });
}

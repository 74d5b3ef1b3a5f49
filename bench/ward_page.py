"""The page of a ward in a storm: all rooms alert within ten seconds. Is it still usable, and how late is a row?

    python bench/ward_page.py                  # 200 and 1,000 rooms
    python bench/ward_page.py --rooms 50 --storm 5

Real: mosquitto, `monitord ward` in a process of its own, and Chromium with the page. The rooms are one client that says
what rooms say, as bytes in their topics. Measured in the page, from the storm's begin until its last row is there:
tasks that held the page's thread for 50 ms or more (the browser's own "longtask"), from an event of the stream to its
row (the row's class is looked at in every frame), and from the publishing to the row (one machine, one clock).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
for each in (TESTS, TESTS / "ward", TESTS / "browser"):
    sys.path.insert(0, str(each))

from brokers import Mosquitto  # noqa: E402
from paho.mqtt import client as mqtt  # noqa: E402
from screens import Screen, chromium  # noqa: E402
from station_ import RealStation, until  # noqa: E402
from wardhouse import FILE  # noqa: E402

from monitord.events import Gate, Sound  # noqa: E402
from monitord.notify.incident import State as Course  # noqa: E402
from monitord.notify.incident import Urgency  # noqa: E402
from monitord.wardtalk import codec  # noqa: E402
from monitord.wardtalk import message as talk  # noqa: E402
from monitord.wardtalk.topics import Kind, Topic  # noqa: E402

CALM = 3
WATCH = """
window.arrived = {}; window.drawn = {}; window.long = []; window.frames = 0; window.frameAt = 0; window.gap = 0;
const listen = EventSource.prototype.addEventListener;
EventSource.prototype.addEventListener = function (name, call) {
  return listen.call(this, name, name !== "board" ? call : (event) => {
    const now = Date.now();
    for (const room of JSON.parse(event.data).rooms) {
      if (room.rank === 0 && !(room.room in arrived)) arrived[room.room] = now;
    }
    call(event);
  });
};
new PerformanceObserver((list) => { for (const each of list.getEntries()) long.push([each.startTime, each.duration]); })
  .observe({ entryTypes: ["longtask"] });
const frame = () => {
  const now = Date.now();
  frames += 1;
  if (frameAt) gap = Math.max(gap, now - frameAt);
  frameAt = now;
  for (const each of document.querySelectorAll("#rooms > li.alert > .head")) {
    if (!(each.dataset.room in drawn)) drawn[each.dataset.room] = now;
  }
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
"""


class Rooms:
    """Says what `names` would say."""

    def __init__(self, port: int, names: list[str]) -> None:
        self.names, self._seq = names, dict.fromkeys(names, 0)
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.max_inflight_messages_set(1000)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._over = threading.Event()
        self._heart = threading.Thread(target=self._beat)

    def begin(self) -> None:
        """Every room is calm."""
        for name in self.names:
            head = (name, 1, self._next(name), time.time())
            calm = talk.State(*head, Gate.IDLE, None, protected=True, microphone=talk.Microphone.LISTENING,
                              camera=talk.Camera.IDLE, faults=())  # fmt: skip
            self._say(name, Kind.STATE, calm)
        self._heart.start()

    def storm(self, lasts_s: float) -> dict[str, float]:
        """All alert; returns when each did."""
        told, begin = {}, time.monotonic()
        for index, name in enumerate(self.names):
            time.sleep(max(0.0, begin + index * lasts_s / len(self.names) - time.monotonic()))
            told[name] = time.time()
            head = (name, 1, self._next(name), told[name])
            cry = talk.Report(*head, 1, Sound.CRY, Urgency.HIGH, Course.ALERTING, 90, told[name], 0, None, None)
            self._say(name, Kind.INCIDENT, cry, 1)
        return told

    def end(self) -> None:
        """They say no more."""
        self._over.set()
        self._heart.join()
        self._client.disconnect()
        self._client.loop_stop()

    def _beat(self) -> None:
        while True:
            for name in self.names:
                if self._over.wait(10.0 / len(self.names)):
                    return
                alive = talk.Health(name, 1, self._next(name), time.time(), alive=True, line=1)
                self._say(name, Kind.HEALTH, alive)

    def _next(self, name: str) -> int:
        self._seq[name] += 1
        return self._seq[name]

    def _say(self, name: str, kind: Kind, message: talk.Message, number: int = 0) -> None:
        topic = str(Topic(kind, "home", name, number))
        self._client.publish(topic, codec.format(message), qos=1, retain=True)


def measure(browser: object, count: int, lasts_s: float) -> str:
    """One line of figures."""
    names = [str(1000 + number) for number in range(count)]
    with tempfile.TemporaryDirectory(prefix="monitord-ward-page-") as name:
        folder = Path(name)
        broker = Mosquitto(folder, "allow_anonymous true", "max_queued_messages 0").start()
        text = FILE.format(station="desk", rooms=str(names).replace("'", '"'), port=broker.port, page="0\n", more="")
        station, rooms = RealStation(folder, text).start(), Rooms(broker.port, names)
        try:
            rooms.begin()
            until(lambda: all(each["rank"] == CALM for each in station.board()["rooms"]), "calm rooms", station)
            screen = Screen(browser, station.url, size=(1920, 1080), before=lambda made: made.add_init_script(WATCH))
            screen.wait(f"document.querySelectorAll('#rooms > li').length === {count}", 60)
            screen.page.wait_for_timeout(3000)
            screen.page.evaluate("long.length = 0; frames = 0; gap = 0")
            begin = time.time()
            told: dict[str, float] = {}
            storm = threading.Thread(target=lambda: told.update(rooms.storm(lasts_s)))
            storm.start()
            screen.wait(f"Object.keys(drawn).length === {count}", 180)
            took = time.time() - begin
            storm.join()
            found = screen.page.evaluate("({ arrived, drawn, long, frames, gap })")
            said = _figures(found, told, took)
            screen.close()
        finally:
            rooms.end()
            station.close()
            broker.stop()
    return f"{count:5d} rooms, storm of {lasts_s:.0f} s, all rows after {took:.1f} s: {said}"


def _figures(found: dict, told: dict[str, float], took: float) -> str:
    page = sorted(found["drawn"][name] - at for name, at in found["arrived"].items())
    whole = sorted(found["drawn"][name] - at * 1000 for name, at in told.items())
    long = [duration for _, duration in found["long"]]
    return (
        f"event to row {statistics.median(page):.0f} ms (p95 {_p95(page):.0f}, most {page[-1]:.0f}); "
        f"published to row {statistics.median(whole):.0f} ms (p95 {_p95(whole):.0f}, most {whole[-1]:.0f}); "
        f"{len(long)} long tasks, {sum(long) / 1000:.1f} s in all, the longest {max(long, default=0):.0f} ms; "
        f"{found['frames'] / took:.0f} frames a second, the longest gap {found['gap']} ms"
    )


def _p95(values: list[float]) -> float:
    return values[min(len(values) - 1, int(0.95 * len(values)))]


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, nargs="*", default=[200, 1000])
    parser.add_argument("--storm", type=float, default=10.0)
    options = parser.parse_args()
    with chromium() as browser:
        for count in options.rooms:
            print(f"load {os.getloadavg()[0]:.1f}: {measure(browser, count, options.storm)}", flush=True)


if __name__ == "__main__":
    main()

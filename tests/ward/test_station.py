"""A real station of which no room is heard yet: its page, its API, and the sign that it lives."""

from __future__ import annotations

from brokers import needs_mosquitto
from station_ import until

pytestmark = needs_mosquitto


def test_the_page_of_the_ward_without_a_session_shows_nothing(tmp_path, broker, station):
    desk = station(more='pairing = "always"\n')
    for path in ("board", "state", "incidents", "stream"):
        code, body = desk.refused(path)
        assert code == 401
        assert b"101" not in body
    assert desk.refused("rooms/101/incidents/1/ack", post=True)[0] == 401
    control = station("control")
    assert {each["room"] for each in control.board()["rooms"]} == {"101", "102"}


def test_the_api_of_the_ward(tmp_path, broker, station):
    desk = station()
    answers = {"rooms/101/incidents/77/ack": 404, "rooms/999/incidents/1/ack": 404, "rooms/101/incidents/0/ack": 404,
               "rooms/Room/incidents/1/ack": 400, "rooms/101/incidents/x/ack": 400, "pause": 400}  # fmt: skip
    for path, code in answers.items():
        assert desk.refused(path, post=True)[0] == code, path
        assert "Traceback" not in desk.logged()
    assert "/api/v1/board" in desk.get("openapi.json")["paths"]
    assert desk.get("state")["state"]["ward"] == "west"


def test_a_station_signs_that_it_lives_for_the_alarm_of_last_resort(tmp_path, broker, station):
    desk = station()
    sign = desk.runtime / "alive"
    first = until(lambda: sign.exists() and sign.stat().st_mtime_ns, "a first sign of life", desk)
    until(lambda: sign.stat().st_mtime_ns > first, "a second one", desk)

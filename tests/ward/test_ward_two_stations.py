"""A ward with two real stations: both know the same, one rings, and the other rings when that one is dead."""

from __future__ import annotations

import asyncio
import subprocess

from brokers import needs_mosquitto
from rooms import rooms_of
from station_ import rank, soon, until

from monitord.events import Sound

pytestmark = needs_mosquitto


def test_two_stations_agree_and_the_second_rings_when_the_first_is_dead(tmp_path, broker, station):
    first, second = station("a-desk"), station("b-desk")
    until(lambda: first.board()["rings"] and not second.board()["rings"], "one that rings")

    async def story():
        one, other = rooms_of(tmp_path, broker, "101", "102")
        one.start()
        other.start()
        await soon(lambda: rank(first, "101") == rank(second, "101") == 3, "both stations calm")
        one.hear()
        await soon(lambda: rank(first, "101") == rank(second, "101") == 0, "the alert at both")
        number = first.rooms()["101"]["incident"]["id"]
        await asyncio.to_thread(second.post, f"rooms/101/incidents/{number}/ack")
        await soon(lambda: rank(first, "101") == rank(second, "101") == 3, "both know that it is taken")
        (known,) = [each for each in first.get("incidents")["incidents"] if each["label"] == "CRY"]
        assert (known["state"], known["acked_via"]) == ("acknowledged", "ward")

        first.kill()
        await soon(lambda: second.board()["rings"], "the second rings", 60.0)
        assert [each["alive"] for each in second.board()["others"]] == [False]
        other.hear(Sound.HELP)
        await soon(lambda: rank(second, "102") == 0, "an alert after it")
        first.start()
        await soon(lambda: first.board()["rings"] and not second.board()["rings"], "the first rings again")
        await soon(lambda: rank(first, "102") == 0 and rank(first, "101") == 3, "it knows what it missed")
        await one.stop()
        await other.stop()

    asyncio.run(story())


def pager(broker, name):
    """A channel of the ward: what is sent by it can be heard below the topic NAME."""
    return (
        f'[notify.pager]\nkind = "mqtt"\nhost = "127.0.0.1"\nport = {broker.port}\ntopic = "{name}"\ndiscovery = ""\n'
    )


def test_the_channels_of_the_ward_are_rung_by_one_station_and_by_the_next_when_that_is_dead(tmp_path, broker, station):
    with (tmp_path / "paged").open("wb") as file:
        phone = subprocess.Popen(
            ["mosquitto_sub", "-V", "5", "-p", str(broker.port), "-q", "1", "-F", "%t", "-t", "+/alert"], stdout=file
        )
    paged = lambda: (tmp_path / "paged").read_text().split()  # noqa: E731 - a word for it
    try:
        first = station("a-desk", more=pager(broker, "pager-a"))
        second = station("b-desk", more=pager(broker, "pager-b"))
        until(lambda: first.board()["rings"] and not second.board()["rings"], "one that rings")

        async def story():
            (one,) = rooms_of(tmp_path, broker, "101")
            one.start()
            await soon(lambda: rank(first, "101") == rank(second, "101") == 3, "both stations calm")
            one.hear()
            await soon(lambda: "pager-a/alert" in paged(), "the pager of the first")
            await soon(lambda: rank(second, "101") == 0, "the alert at the second")
            await asyncio.sleep(2.0)
            assert "pager-b/alert" not in paged()
            first.kill()
            await soon(lambda: "pager-b/alert" in paged(), "the pager of the second")
            await one.stop()

        asyncio.run(story())
    finally:
        phone.kill()
        phone.wait()

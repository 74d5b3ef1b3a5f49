"""What Prometheus reads at ``/metrics``, of a room and of a station. The only importer of prometheus_client, an extra.

Names and labels are a promise: docs/grafana and docs/prometheus use them. Every label is an enumeration of monitord's.
Format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest

from monitord import __version__
from monitord.events import Fault, Sound
from monitord.notify.incident import Urgency
from monitord.notify.ledger import Guard
from monitord.notify.tally import BUCKETS_S, Histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from monitord.notify.tally import Reading, Tally

RANKS = ("alert", "fault", "unseen", "calm")
"""Of a ward's rooms, the most urgent first."""
REFUSED = ("replayed", "malformed", "forged")


def room(tally: Tally, read: Callable[[], Reading]) -> Callable[[], bytes]:
    """Gives the text for a room: what was counted, and what `read` finds at that moment."""
    return lambda: _text(_room(tally, read()))


def ward(board: Callable[[], Mapping[str, Any]], tally: Tally | None = None) -> Callable[[], bytes]:
    """Gives the text for a station, from its board (as ``GET /api/v1/board`` answers) and, if there is one, its tally.

    No room is named: each has metrics of its own, and who may read these need not know who lives where.
    """
    return lambda: _text(_ward(board(), tally))


class _Collected:
    def __init__(self, families: Iterable[Any]) -> None:
        self._families = families

    def collect(self) -> Iterable[Any]:
        return self._families


def _text(families: Iterable[Any]) -> bytes:
    registry: Any = _Collected(families)  # All that is asked of one is collect().
    text: bytes = generate_latest(registry)
    return text


def _room(tally: Tally, now: Reading) -> Iterator[Any]:
    yield _info("room")
    tally.protected(now.protection)
    yield _counter(
        "monitord_guard_seconds",
        "Seconds that the room was protected, paused or unprotected since the voice started.",
        ("guard",),
        {(guard.value,): tally.protection.get(guard, 0.0) for guard in Guard},
    )
    yield from _counted(tally)
    yield _counter(
        "monitord_looks",
        "Looks of the camera by what they found, and those that were not asked for.",
        ("found",),
        {(each,): number for each, number in tally.looks.items()},
    )
    yield _gauge(
        "monitord_fault",
        "Whether a fault stands.",
        ("fault",),
        {(each.name,): float(each in now.faults) for each in Fault if each is not Fault.RECOVERED},
    )
    yield _gauge(
        "monitord_unanswered",
        "Alerts that nobody has acknowledged.",
        ("urgency",),
        {(each.value,): float(now.unanswered.get(each.value, 0)) for each in Urgency},
    )
    yield _gauge(
        "monitord_outbox",
        "Deliveries under way.",
        ("state",),
        {(each,): float(now.outbox.get(each, 0)) for each in ("pending", "sending")},
    )
    yield _gauge(
        "monitord_channels_troubled",
        "Channels that do not work.",
        ("channel",),
        {(each,): float(number) for each, number in now.troubled.items()},
    )
    if now.ear_age_s is not None:
        yield _gauge("monitord_ear_age_seconds", "Seconds since the ear was last heard of.", (), {(): now.ear_age_s})
    if now.level_dbfs is not None:
        yield _gauge("monitord_level_dbfs", "Level of the sound, dB below full scale.", (), {(): now.level_dbfs})


def _ward(board: Mapping[str, Any], tally: Tally | None) -> Iterator[Any]:
    yield _info("ward")
    rooms = board["rooms"]
    ranks = Counter(int(each["rank"]) for each in rooms)
    yield _gauge(
        "monitord_ward_rooms",
        "Rooms of the ward by what is most urgent in them.",
        ("rank",),
        {(name,): float(ranks[number]) for number, name in enumerate(RANKS)},
    )
    yield _gauge(
        "monitord_ward_unprotected_rooms",
        "Rooms in which a cry would not be heard, or nobody told of it.",
        (),
        {(): float(sum(not each["protected"] for each in rooms))},
    )
    silent = [float(each["heard_s"]) for each in rooms if each["heard_s"] is not None]
    if silent:
        yield _gauge(
            "monitord_ward_silence_seconds", "Seconds since the most silent room was heard of.", (), {(): max(silent)}
        )
    yield _gauge(
        "monitord_ward_stations", "Other stations of the ward that are heard of.", (), {(): float(len(board["others"]))}
    )
    yield _counter(
        "monitord_ward_refused",
        "Messages that were refused.",
        ("why",),
        {(each,): float(board["refused"].get(each, 0)) for each in REFUSED},
    )
    if tally is not None:
        yield from _counted(tally)


def _counted(tally: Tally) -> Iterator[Any]:
    sounds = {("sound", sound.name, Urgency.HIGH.value): 0 for sound in Sound}
    yield _counter(
        "monitord_alerts",
        "Sounds and faults that have become alerts.",
        ("kind", "what", "urgency"),
        sounds | tally.alerts,
    )
    yield _counter(
        "monitord_deliveries",
        "Alerts brought to channels: attempts, arrived, and given up.",
        ("channel", "outcome"),
        tally.deliveries,
    )
    answers = HistogramMetricFamily(
        "monitord_acknowledgement_seconds", "Seconds from an alert to its acknowledgement.", labels=("urgency",)
    )
    for urgency in Urgency:
        histogram = tally.answers.get(urgency.value, Histogram())
        sums = [sum(histogram.counts[: place + 1]) for place in range(len(histogram.counts))]
        ends = [str(end) for end in BUCKETS_S] + ["+Inf"]
        answers.add_metric([urgency.value], list(zip(ends, sums, strict=True)), histogram.total)
    yield answers


def _info(role: str) -> Any:
    return _gauge("monitord_info", "Which version this is.", ("version", "role"), {(__version__, role): 1.0})


def _counter(name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> Any:
    return _filled(CounterMetricFamily(name, text, labels=labels), values)


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> Any:
    return _filled(GaugeMetricFamily(name, text, labels=labels), values)


def _filled(family: Any, values: Mapping[Any, float]) -> Any:
    """`family` with its values, by tuples of what its labels say."""
    for key, value in sorted(values.items()):
        family.add_metric(list(key), value)
    return family

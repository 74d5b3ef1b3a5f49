# ruff: noqa: INP001 - a script beside the pages
"""Makes docs/grafana/monitord.json, the dashboard, from the table below: `python docs/make_dashboard.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HALF, MOST = (
    f"histogram_quantile({share}, sum by (le) (increase(monitord_acknowledgement_seconds_bucket@[1d])))"
    for share in (0.5, 0.9)
)
SHARES = "sum by (guard) (rate(monitord_guard_seconds_total@[5m]))"
SHARES += " / ignoring(guard) group_left sum(rate(monitord_guard_seconds_total@[5m]))"
ALERTS = "sum by (what, urgency) (increase(monitord_alerts_total@[1h]))"
DELIVERIES = "sum by (channel, outcome) (increase(monitord_deliveries_total@[1h]))"
STAT, TIME, TABLE = "stat", "timeseries", "table"
PANELS: tuple[tuple[str, str, str, int, dict[str, str]], ...] = (
    (STAT, "Alerts that nobody has acknowledged", "short", 4, {"sum(monitord_unanswered@)": ""}),
    (STAT, "Faults", "short", 4, {"sum(monitord_fault@)": ""}),
    (STAT, "Monitors that answer", "short", 4, {'sum(up{job="monitord", instance=~"$room"})': ""}),
    (STAT, "Rooms of the ward", "short", 12, {"monitord_ward_rooms": "{{rank}}"}),
    (TIME, "Protected, paused, unprotected (share of time)", "percentunit", 12, {SHARES: "{{guard}}"}),
    (TIME, "Alerts an hour", "short", 12, {ALERTS: "{{what}}, {{urgency}}"}),
    (TIME, "From an alert to its acknowledgement", "s", 12, {HALF: "half of them", MOST: "nine in ten"}),
    (TIME, "Deliveries an hour", "short", 12, {DELIVERIES: "{{channel}}: {{outcome}}"}),
    (TIME, "Level", "dB", 12, {"monitord_level_dbfs@": "{{instance}}"}),
    (TIME, "Since the ear was heard of", "s", 12, {"monitord_ear_age_seconds@": "{{instance}}"}),
    (TIME, "Deliveries that wait", "short", 12, {"sum by (instance) (monitord_outbox@)": "{{instance}}"}),
    (TIME, "Looks a day", "short", 12, {"sum by (found) (increase(monitord_looks_total@[1d]))": "{{found}}"}),
    (TABLE, "Faults that stand", "short", 12, {"monitord_fault@ > 0": ""}),
    (TABLE, "Channels that do not work", "short", 12, {"monitord_channels_troubled@ > 0": ""}),
)
"""Kind, title, unit, width of 24, and each query with its legend; "@" stands for the rooms that are chosen."""
COLUMNS = 24
SOURCE = {"type": "prometheus", "uid": "${source}"}


def panel(number: int, place: tuple[int, int], row: tuple[str, str, str, int, dict[str, str]]) -> dict[str, Any]:
    """One panel."""
    kind, title, unit, width, asked = row
    return {
        "id": number,
        "type": kind,
        "title": title,
        "datasource": SOURCE,
        "gridPos": {"h": height(kind), "w": width, "x": place[0], "y": place[1]},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": queries(kind, asked),
    }


def height(kind: str) -> int:
    """Of a panel, in rows of Grafana's grid."""
    return 4 if kind == STAT else 8


def queries(kind: str, asked: dict[str, str]) -> list[dict[str, Any]]:
    """The queries of a panel."""
    how = {"instant": True, "format": "table"} if kind == TABLE else {}
    return [
        {"refId": "AB"[place], "expr": query.replace("@", '{instance=~"$room"}'), "legendFormat": legend, **how}
        for place, (query, legend) in enumerate(asked.items())
    ]


def dashboard() -> dict[str, Any]:
    """In Grafana's JSON model."""
    panels, x, y = [], 0, 0
    for number, row in enumerate(PANELS, 1):
        panels.append(panel(number, (x, y), row))
        x += row[3]
        if x >= COLUMNS:
            x, y = 0, y + height(row[0])
    room = {"name": "room", "type": "query", "datasource": SOURCE, "query": "label_values(monitord_info, instance)"}
    return {
        "title": "monitord",
        "uid": "monitord",
        "schemaVersion": 38,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {
            "list": [
                {"name": "source", "type": "datasource", "query": "prometheus"},
                {**room, "includeAll": True, "allValue": ".*", "multi": True, "refresh": 2},
            ]
        },
        "panels": panels,
    }


def text() -> str:
    """The file."""
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("grafana").joinpath("monitord.json").write_text(text(), "utf-8")

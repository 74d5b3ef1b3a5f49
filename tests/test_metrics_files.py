"""The dashboard and the alert rules: their names are those of the code, and promtool, where it is, reads them."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from monitord.events import Fault, Look, Sight
from monitord.notify.ledger import Guard
from monitord.notify.tally import Reading, Tally

metrics = pytest.importorskip("monitord.notify.web.metrics", reason="needs the extra: pip install monitord[metrics]")
DOCS = Path(__file__).parent.parent / "docs"
RULES, BOARD = DOCS / "prometheus" / "monitord.rules.yml", DOCS / "grafana" / "monitord.json"
NAME = re.compile(r"\bmonitord_[a-z_]+\b")
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool: apt-get install prometheus"
)


def samples():
    """Every sample that a room or a station can show: name -> label -> values."""
    tally = Tally({})
    for each in (*Sight, *Fault, Look.NOT_ASKED):
        tally.looks[each.name] += 1
    for outcome in ("tried", "delivered", "failed"):
        tally.deliveries["mqtt", outcome] += 1
    reading = Reading(1.0, -50, frozenset(), {}, {}, {"mqtt": 1}, dict.fromkeys(Guard, 1.0))
    board = {"rooms": [{"rank": 3, "protected": True, "heard_s": 1.0}], "others": [], "refused": {}}
    found = {"up": {"job": {"monitord"}}}
    for text in (metrics.room(tally, lambda: reading)().decode(), metrics.ward(lambda: board)().decode()):
        for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
            for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
                found.setdefault(name, {}).setdefault(label, set()).add(value)
            found.setdefault(name, {})
    return found


def expressions_of_the_board():
    told = json.loads(BOARD.read_text("utf-8"))
    return [target["expr"] for panel in told["panels"] for target in panel["targets"]]


def expressions_of_the_rules(text):
    """As they are written: the values of `expr`, which may go on below it, further to the right."""
    return [
        " ".join(found.split())
        for found in re.findall(r"^ {8}expr: (?:>-)?((?:.*\n)(?: {10}.*\n)*)", text, re.MULTILINE)
    ]


def wrong(expressions):
    """Names of metrics, and values of labels, that no monitord has."""
    known, said = samples(), []
    for each in expressions:
        said += [name for name in NAME.findall(each) if name not in known]
        for name, chosen in re.findall(r"\b((?:monitord_[a-z_]+|up))\{([^}]*)\}", each):
            for label, how, value in re.findall(r'(\w+)(=~|=)"([^"]*)"', chosen):
                if label == "instance":
                    continue
                values = known.get(name, {}).get(label, set())
                parts = value.split("|") if how == "=~" else [value]
                said += [f"{name} {label} {part}" for part in parts if not any(re.fullmatch(part, v) for v in values)]
    return said


def test_every_name_and_label_is_one_of_the_code():
    rules = expressions_of_the_rules(RULES.read_text("utf-8"))
    assert len(rules) == RULES.read_text("utf-8").count("- alert:")
    assert wrong(rules) == []
    assert len(expressions_of_the_board()) > 10
    assert wrong(expressions_of_the_board()) == []


def test_a_name_that_is_none_is_found():
    assert wrong(['rate(monitord_gaurd_seconds_total{guard="unprotected"}[2m])']) == ["monitord_gaurd_seconds_total",
        "monitord_gaurd_seconds_total guard unprotected"]  # fmt: skip
    assert wrong(['monitord_guard_seconds_total{guard="asleep"}']) == ["monitord_guard_seconds_total guard asleep"]
    text = RULES.read_text("utf-8").replace("monitord_ear_age_seconds", "monitord_ear_age")
    assert wrong(expressions_of_the_rules(text)) == ["monitord_ear_age"]


def test_every_metric_is_on_the_board_or_in_the_rules_or_told_in_the_docs():
    told = (DOCS / "metrics.md").read_text("utf-8")
    for name in samples():
        bare = re.sub(r"_(bucket|sum|count|created)$", "", name)
        assert f"`{bare}" in told or bare == "up", bare


def test_the_dashboard_is_what_its_script_makes():
    assert runpy.run_path(str(DOCS / "make_dashboard.py"))["text"]() == BOARD.read_text("utf-8")


def promtool(*arguments):
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120)


@needs_promtool
def test_promtool_reads_the_rules(tmp_path):
    assert promtool("check", "rules", RULES).returncode == 0
    spoilt = tmp_path / "spoilt.yml"
    spoilt.write_text(RULES.read_text("utf-8").replace("for: 1m", "for: soon"))
    assert promtool("check", "rules", spoilt).returncode != 0


@needs_promtool
def test_promtool_reads_the_queries_of_the_dashboard(tmp_path):
    """Prometheus checks a query where it records it."""
    lines = ["groups:", "- name: board", "  rules:"]
    for number, query in enumerate(expressions_of_the_board()):
        lines += [f"  - record: board:{number}", f"    expr: {json.dumps(query.replace('$room', '.*'))}"]
    path = tmp_path / "board.yml"
    path.write_text("\n".join([*lines, ""]))
    done = promtool("check", "rules", path)
    assert done.returncode == 0, done.stderr


STORY = """
rule_files: [{rules}]
evaluation_interval: 15s
tests:
  - interval: 15s
    input_series:
      - series: 'monitord_guard_seconds_total{{guard="unprotected", instance="101"}}'
        values: '0+15x20 300x40'
      - series: 'monitord_guard_seconds_total{{guard="unprotected", instance="102"}}'
        values: '0+1x60'
      - series: 'monitord_unanswered{{urgency="high", instance="101"}}'
        values: '0x10 1x30'
      - series: 'up{{job="monitord", instance="103"}}'
        values: '1x4 0x60'
    alert_rule_test:
      - eval_time: 4m
        alertname: MonitordUnprotected
        exp_alerts: [{{exp_labels: {{severity: page, guard: unprotected, instance: "101"}}, exp_annotations: {{
          summary: "101 does not protect its room", description: "{unprotected}"}}}}]
      - eval_time: 12m
        alertname: MonitordUnprotected
        exp_alerts: {after}
      - eval_time: 4m
        alertname: MonitordUnanswered
        exp_alerts: []
      - eval_time: 9m
        alertname: MonitordUnanswered
        exp_alerts: [{{exp_labels: {{severity: page, urgency: high, instance: "101"}}, exp_annotations: {{
          summary: "101: an alert has been waiting for five minutes",
          description: "Nobody has acknowledged it, on any channel."}}}}]
      - eval_time: 4m
        alertname: MonitordDown
        exp_alerts: [{{exp_labels: {{severity: page, job: monitord, instance: "103"}}, exp_annotations: {{
          summary: "103 does not answer", description: "{down}"}}}}]
"""


@needs_promtool
def test_the_rules_fire_when_they_should_and_stop(tmp_path):
    path = tmp_path / "story.yml"
    said = re.findall(r'description: "(.*)"', RULES.read_text("utf-8"))
    told = {"rules": RULES, "down": said[0], "unprotected": said[1]}
    path.write_text(STORY.format(**told, after="[]"))
    done = promtool("test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr
    path.write_text(STORY.format(**told, after="[{exp_labels: {instance: other}}]"))
    assert promtool("test", "rules", path).returncode != 0  # Control.

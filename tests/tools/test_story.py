import pytest

from monitord.tools.story import Link, Part, Story, to_confirm

PARTS = [Part(0.0, "quiet", alarming=False), Part(5.0, "a door", alarming=False), Part(10.0, "a cry", alarming=True)]


def decision(t_s: float, gate: str = "IDLE") -> dict:
    return {
        "t_s": t_s,
        "level_dbfs": -60.0,
        "floor_dbfs": -62.0,
        "open": False,
        "posterior": {"cry": 0.1},
        "gate": gate,
    }


def incident(*, camera=None, kind="sound", delivered=False) -> dict:
    return {
        "id": 1,
        "kind": kind,
        "text": "A child is crying.",
        "room": "Nursery",
        "score": 97,
        "camera": camera,
        "camera_text": "",
        "deliveries": [
            {"id": 4, "sink": "page", "state": "delivered" if delivered else "sending"},
            {"id": 5, "sink": "log", "state": "delivered"},
        ],
    }


def process(name: str, what: str, code: int | None = None) -> dict:
    return {"process": name, "what": what, "pid": 7, "code": code}


def whole(story: Story) -> Story:
    for t_s in (1.0, 6.0, 10.5):
        story.decision(decision(t_s))
    story.incident(incident())
    story.process(process("video", "started"))
    story.incident(incident(camera="Look.BEGAN"))
    story.incident(incident(camera="Sight.LYING"))
    story.process(process("video", "ended", 0))
    story.journalled(incident())
    story.incident(incident(camera="Sight.LYING", delivered=True))
    return story


def test_the_whole_chain_holds():
    story = whole(Story(PARTS))
    assert story.missing == []
    assert story.broken == []


def test_nothing_holds_before_anything_happened():
    assert Story(PARTS).missing == list(Link)


@pytest.mark.parametrize("without", ["started", "ended"])
def test_a_camera_process_that_never_came_or_stayed_is_missed(without):
    story = Story(PARTS)
    story.decision(decision(11.0))
    story.process(process("video", {"started": "ended", "ended": "started"}[without], 0))
    wanted = {"started": Link.EYE_STARTED, "ended": Link.EYE_GONE}[without]
    assert wanted in story.missing


def test_an_alert_before_the_cry_is_a_false_alarm_and_breaks_the_story():
    story = Story(PARTS)
    story.decision(decision(6.0))
    story.incident(incident())
    story.decision(decision(10.5))
    assert "false alarm" in story.broken[0]
    assert Link.SILENT in story.missing


def test_a_fault_breaks_the_story():
    story = Story(PARTS)
    story.incident(incident(kind="fault"))
    assert story.broken == ["fault: A child is crying."]
    assert Link.INCIDENT in story.missing


def test_a_camera_process_that_failed_breaks_the_story():
    story = Story(PARTS)
    story.process(process("video", "ended", 1))
    assert story.broken == ["the camera process ended with 1"]


def test_lines_tell_parts_changes_of_the_gate_and_now_and_then_the_level():
    story = Story(PARTS)
    told = [line for t in range(1, 25) for line in story.decision(decision(t * 0.25))]
    assert sum("level" in line for line in told) == 3
    assert any("a door" in line for line in told)
    assert "gate ARMED" in story.decision(decision(6.25, "ARMED"))[-1]


def test_only_what_no_screen_has_confirmed_is_to_be_confirmed():
    assert to_confirm(incident()) == [4]
    assert to_confirm(incident(delivered=True)) == []


def test_an_alert_that_no_page_has_shown_is_not_delivered():
    story = Story(PARTS)
    story.incident(incident())
    assert Link.DELIVERED in story.missing

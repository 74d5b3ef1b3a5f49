"""What a changed file changes in a voice that runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.config import Config
from monitord.config.changes import LIVE, changes

OWN = {"notify": {"phone": {"kind": "ntfy", "url": "http://192.168.1.5", "topic": "house"}}}
SETTINGS = {
    "room": [{}, {"name": "Nursery"}],
    "audio": [{}, {"profile": "balanced"}],
    "video": [{}, {"device": "off"}],
    "rules": [{}, {"cry": {"repeat_s": 5.0}}, {"help": {"priority": "low"}, "fault": {"escalate_s": 0.0}}],
    "groups": [{}, {"parents": ["page"]}, {"parents": ["phone"]}, {"parents": ["phone", "page"]}],
    "quiet_hours": [{}, {"from": "22:00", "to": "06:00"}],
    "page": [{}, {"port": 9000}],
    "notify": [{}, OWN["notify"]],
    "journal": [{}, {"keep_days": 3}],
}


def config(**sections):
    return Config.model_validate(sections)


@st.composite
def files(draw):
    chosen = {name: draw(st.sampled_from(values)) for name, values in SETTINGS.items()}
    if not chosen["notify"]:
        chosen["groups"] = draw(st.sampled_from(SETTINGS["groups"][:2]))
    if chosen["groups"] and draw(st.booleans()):
        chosen["rules"] = {"cry": {"notify": ["parents"]}}
    return config(**chosen)


@given(files(), files())
def test_every_change_is_either_in_effect_or_named_as_waiting(running, read):
    found = changes(running, read)
    assert set(found.applied).isdisjoint(found.waiting)
    assert bool(found.applied or found.waiting) == (running != read)
    assert changes(running, found.config).waiting == ()
    # What waits is exactly what still differs, and a restart leaves nothing over.
    assert changes(found.config, read).waiting == found.waiting
    for section in Config.model_fields:
        expected = read if any(each.split(".")[0] == section for each in found.applied) else running
        assert getattr(found.config, section) == getattr(expected, section)
    # It could have been written by an owner: every group and channel that it names is there.
    assert Config.model_validate(found.config.model_dump(by_alias=True)) == found.config


@pytest.mark.parametrize("section", SETTINGS)
def test_what_is_live(section):
    running, read = config(), config(**{section: SETTINGS[section][1]})
    found = changes(running, read)
    assert bool(found.applied) == (section in LIVE)
    assert bool(found.waiting) == (section not in LIVE)


def test_a_setting_is_named_as_its_owner_wrote_it():
    found = changes(config(), config(rules={"cry": {"repeat_s": 5.0}}, audio={"profile": "balanced"}, **OWN))
    assert found.applied == ("rules.cry.repeat_s",)
    assert found.waiting == ("audio.profile", "notify.phone")


def test_a_group_with_a_channel_that_is_not_there_yet_waits_with_its_rule():
    read = config(
        groups={"parents": ["phone"]}, rules={"cry": {"notify": ["parents"]}}, journal={"keep_days": 3}, **OWN
    )
    found = changes(config(), read)
    assert found.applied == ("journal.keep_days",)
    assert found.waiting == ("rules.cry.notify", "groups.parents", "notify.phone")
    # The control: where the channel is there, neither waits.
    assert changes(config(**OWN), read).waiting == ()

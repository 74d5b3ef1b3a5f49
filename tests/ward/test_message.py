"""What rooms and stations say to one another: strict, bounded, and as published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talk import CRY, HEALTH, STATE, messages

from monitord.wardtalk import codec
from monitord.wardtalk import message as talk
from monitord.wardtalk.schema import schemas
from monitord.wardtalk.topics import Kind, TalkError, Topic, of_room, of_stations, parse, room_user, station_user

PUBLISHED = Path(__file__).parents[2] / "docs" / "schema"


@given(messages)
def test_what_is_written_is_read_back(each):
    payload = codec.format(each).encode()
    assert len(payload) <= codec.PAYLOAD_MAX
    assert codec.parse(codec.kind_of(each), payload) == each


@given(st.sampled_from(Kind), st.binary(max_size=300))
def test_no_bytes_raise_anything_but_one_class(kind, payload):
    with pytest.raises(TalkError):
        codec.parse(kind, payload)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(messages, st.data())
def test_a_message_of_which_one_part_is_something_else_is_refused_or_in_order(each, data):
    said = json.loads(codec.format(each))
    key = data.draw(st.sampled_from(sorted(said)))
    said[key] = data.draw(json_values)
    try:
        read = codec.parse(codec.kind_of(each), json.dumps(said).encode())
    except TalkError:
        return
    assert json.loads(codec.format(read)) == said


@given(messages, st.data())
def test_a_key_that_is_missing_or_unknown_is_refused(each, data):
    said = json.loads(codec.format(each))
    key = data.draw(st.sampled_from(sorted(said)))
    fewer = {name: value for name, value in said.items() if name != key}
    for wrong in (fewer, {**said, "note": "free text"}):
        with pytest.raises(TalkError, match=r"keys|one of"):
            codec.parse(codec.kind_of(each), json.dumps(wrong).encode())


@pytest.mark.parametrize(
    ("key", "value"),
    [("v", 2), ("v", True), ("boot", -1), ("boot", 1 << 53), ("seq", 1.0), ("seq", "5"), ("at", -1), ("at", 1e300),
     ("room", "Room"), ("room", "a" * 33), ("room", ""), ("room", "a/b"), ("room", "a\n"), ("score", 101),
     ("urgency", "HIGH"), ("state", "gone"), ("sight", "A_CAT"), ("since", None), ("repeats", -1), ("id", 0),
     ("acknowledged", {"at": 1, "via": "me"}), ("acknowledged", {"at": 1, "via": "room", "by": "Anna"})],
)  # fmt: skip
def test_every_field_is_bounded(key, value):
    said = json.loads(codec.format(CRY))
    with pytest.raises(TalkError, match=f"^{key} "):
        codec.parse(Kind.INCIDENT, json.dumps({**said, key: value}).encode())


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b"null", b"[]", b"[" * 5000, b"9" * 5000, b"\xff", b'{"v":1,"v":1}', b"NaN", b" " * 20000,
     b'{"v":1,"room":"101","boot":7,"seq":1,"at":NaN,"alive":true}',
     b'{"v":1,"room":"101","boot":7,"seq":1,"at":Infinity,"alive":true}',
     b'{"v":1,"room":"101","room":"102","boot":7,"seq":1,"at":1,"alive":true}'],
)  # fmt: skip
def test_what_json_allows_and_we_do_not(payload):
    with pytest.raises(TalkError):
        codec.parse(Kind.HEALTH, payload)
    assert codec.parse(Kind.HEALTH, b'{"v":1,"room":"101","boot":7,"seq":1,"at":1,"alive":true,"line":0}')


def test_a_report_is_about_a_sound_or_a_fault():
    said = json.loads(codec.format(CRY))
    for wrong in ({**said, "fault": "JOURNAL"}, {key: value for key, value in said.items() if key != "sound"}):
        with pytest.raises(TalkError, match="exactly one of sound, fault"):
            codec.parse(Kind.INCIDENT, json.dumps(wrong).encode())


def test_what_nobody_would_take_is_not_written():
    with pytest.raises(TalkError, match=r"^room "):
        codec.format(talk.Health("Nursery", 1, 1, 1.0, alive=True, line=0))


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_published_schemas_are_the_ones_that_the_code_has(name):
    assert json.loads((PUBLISHED / name).read_text("utf-8")) == schemas()[name]


def test_no_schema_is_published_that_the_code_has_not():
    assert {each.name for each in PUBLISHED.iterdir()} == set(schemas())


@given(messages, st.data())
def test_the_parser_and_the_published_schema_say_the_same(each, data):
    validator = pytest.importorskip("jsonschema_rs").validator_for
    said = json.loads(codec.format(each))
    if data.draw(st.booleans()):
        key = data.draw(st.sampled_from([*sorted(said), "more"]))
        # JSON Schema takes 1.0 for a whole number, and we do not.
        said[key] = data.draw(json_values.filter(lambda value: not isinstance(value, float)))
    kind = codec.kind_of(each)
    valid = validator(schemas()[f"{kind.value}.json"]).is_valid(said)
    try:
        codec.parse(kind, json.dumps(said).encode())
        read = True
    except TalkError:
        read = False
    assert read == valid


@pytest.mark.parametrize("each", [CRY, HEALTH, STATE])
def test_a_message_is_small(each):
    assert len(codec.format(each)) < 400


names = st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True)
numbers = st.integers(1, 999_999_999_999_999)
topics = (
    st.builds(Topic, st.sampled_from([Kind.STATE, Kind.HEALTH, Kind.ACK]), names, names)
    | st.builds(Topic, st.just(Kind.INCIDENT), names, names, numbers)
    | st.builds(Topic, st.just(Kind.STATION), names, names, st.just(0), names)
)


@given(topics)
def test_a_topic_is_read_back(each):
    assert parse(str(each)) == each


@given(st.text(max_size=60))
def test_no_text_that_is_no_topic_raises_anything_but_one_class(text):
    with pytest.raises(TalkError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    ["monitord/v1/home/101", "monitord/v1/home/101/incident/0", "monitord/v1/home/101/incident/01",
     "monitord/v1/home/101/incident/5/x", "monitord/v1/home/_ward/101/state", "monitord/v1/home/_ward/a/b/ack",
     "monitord/v2/home/101/state", "monitord/v1/Home/101/state", "monitord/v1/home/+/state",
     "monitord/v1/home/101/state\n",
     "monitord/v1/home/\u0661/state", "monitord/v1/home/101/incident/" + "9" * 16],
)  # fmt: skip
def test_topics_that_are_none(text):
    with pytest.raises(TalkError):
        parse(text)


def test_what_a_station_subscribes_to():
    assert of_room("home", "101") == (
        "monitord/v1/home/101/state", "monitord/v1/home/101/health", "monitord/v1/home/101/incident/+"
    )  # fmt: skip
    assert of_stations("home", "west") == "monitord/v1/home/_ward/west/+/state"
    assert room_user("home", "101") == "home.101"
    assert station_user("home", "desk") == "home.ward.desk"

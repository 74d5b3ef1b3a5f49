"""The package on a real systemd: installed, started, heard through, killed, upgraded, removed, purged.

In a container (container.py); the sound is a real PortAudio stream from a sound server on the host, whose socket the
container sees. The seconds of each step are printed as a table at the end.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from pathlib import Path

import pytest
from container import Container, apt_install, missing, repack, use_sound_of
from latency import bundled_cry
from machine import EAR, EVENTS, EYE, LOOK, SCENE, TEST, VOICE
from sound_server import MICROPHONE, SPEAKER
from sound_server import missing as no_sound

from training.clips import CRY, read_manifest, split_groups

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(missing() or no_sound()), reason=missing() or no_sound()),
]

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data"
SOUND = "/srv/sound"
PICTURES = f"file:{SCENE}/pictures"
ALERT_S = 20.0
LOOK_S = 30.0
EXPOSURE = {VOICE: 1.5, EAR: 0.8, EYE: 0.8}
EXPOSURE_OF_TEST = 1.8
PATHS = (
    "/usr/bin/monitord",
    "/opt/monitord",
    "/etc/monitord",
    "/var/lib/monitord",
    "/var/lib/monitord-ear",
    "/run/monitord",
)

_number = itertools.count()


@pytest.fixture
def folder(work):
    path = work / str(next(_number))
    path.mkdir()
    return path


@pytest.fixture
def machine(folder, root, installed, sound):
    with Container([installed, root], folder / "c", {folder / "s": SOUND}) as machine:
        use_sound_of(machine, SOUND)
        yield machine


def start(machine, video=PICTURES, audio=MICROPHONE):
    """Start the service and wait until sound arrives."""
    machine.configure(audio, video)
    machine.run("systemctl", "start", "monitord")
    machine.wait("the ear is up", lambda: machine.active(EAR))
    machine.wait("sound arrives", lambda: machine.status().get("state", {}).get("level_dbfs") is not None)


def camera_of(incident):
    return incident["camera"] if incident["camera"] not in {None, "Look.ASKED", "Look.BEGAN"} else None


def cry(machine, sound, folder):
    """Play real cries of the test split where there are some, else the scene's, until one is heard; the incident."""
    clips = [bundled_cry(folder / "cry.wav")]
    if DATA.is_dir():
        every = read_manifest(DATA)
        split = split_groups(every)
        # More than half of such clips are found: all of six are missed in about one run of 100.
        clips = [clip.path for clip in every if clip.kind == CRY and split[clip.group] == "test"][:6] + clips
    for clip in clips:
        sound.player(clip)
        with contextlib.suppress(TimeoutError):
            return machine.wait("an incident", machine.incidents, ALERT_S)[0]
    pytest.fail(f"nothing of {clips} was heard\n{machine.log()}")


def test_a_cry_raises_an_incident_from_inside_the_sandbox(folder, machine, sound, timed):
    # Nothing runs, and nothing will after a boot, before the owner says so.
    assert not any(map(machine.active, (VOICE, EAR, EYE, EVENTS, LOOK)))
    assert machine.run("systemctl", "is-enabled", VOICE, check=False).stdout.strip() == "disabled"

    with timed("systemctl start monitord, until sound arrives"):
        start(machine)
    assert all(map(machine.active, (VOICE, EAR, EVENTS, LOOK)))
    assert machine.pid(EYE) == 0
    with timed("a cry, until the incident is told"):
        told = cry(machine, sound, folder)
    assert (told["label"], told["state"]) == ("CRY", "alerting")
    with timed("the incident, until the camera's verdict"):
        machine.wait("a verdict", lambda: camera_of(machine.incidents()[0]), LOOK_S)
    assert camera_of(machine.incidents()[0]).startswith("Sight.")
    machine.wait("the eye is gone", lambda: machine.pid(EYE) == 0)
    assert not machine.incidents("fault"), machine.log()

    for unit, limit in EXPOSURE.items():
        verdict = machine.run("systemd-analyze", "security", "--no-pager", unit).stdout
        exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", verdict)[1])
        assert exposure <= limit, verdict
    assert "FAILED" not in machine.log()

    with timed("systemctl stop monitord"):
        machine.run("systemctl", "stop", "monitord")
    assert not any(map(machine.active, (VOICE, EAR, EYE, EVENTS, LOOK)))
    assert machine.run("pgrep", "-f", "[m]onitord (audio|video|notify)", check=False).stdout == ""
    assert list(machine.path("/run/monitord").glob("*")) == []


def nightly(machine):
    """Let the nightly self-test run as when its time has come; returns what it said."""
    machine.run("sh", "-c", "date +%s >/run/monitord/selftest")  # As the voice does: in place, and closed.
    machine.wait("the self-test begins", lambda: int(machine.show(TEST, "ExecMainStartTimestampMonotonic") or 0) > 0)
    machine.wait("the self-test is over", lambda: machine.show(TEST, "ActiveState") == "inactive")
    return machine.run("journalctl", "--no-pager", "-o", "cat", "-u", TEST).stdout


def test_the_nightly_self_test_plays_and_is_heard_from_inside_its_sandbox(machine, timed):
    machine.configure(MICROPHONE, extra=f'[selftest]\nspeaker = "{SPEAKER}"\nnightly = "03:30"\n')
    machine.run("systemctl", "start", "monitord")
    machine.wait("sound arrives", lambda: machine.status().get("state", {}).get("level_dbfs") is not None)
    assert machine.active("monitord-selftest.path")
    with timed("the nightly self-test"):
        said = nightly(machine)
    assert "Every link that was tried is good." in said, machine.log()
    assert machine.show(TEST, "Result") == "success"
    (tested,) = machine.incidents()
    assert (tested["test"], tested["state"], tested["deliveries"]) == (True, "held", [])
    assert not machine.incidents("fault"), machine.log()
    exposure = machine.run("systemd-analyze", "security", "--no-pager", TEST).stdout
    assert float(re.search(r"Overall exposure level for \S+: ([\d.]+)", exposure)[1]) <= EXPOSURE_OF_TEST, exposure


def test_a_nightly_self_test_that_finds_a_broken_link_is_a_fault_and_no_failed_unit(machine):
    machine.configure(MICROPHONE, extra='[selftest]\nspeaker = "nothing of that name"\nnightly = "03:30"\n')
    machine.run("systemctl", "start", "monitord")
    machine.wait("sound arrives", lambda: machine.status().get("state", {}).get("level_dbfs") is not None)
    assert "BROKEN speaker" in nightly(machine)
    machine.wait("a fault", lambda: machine.incidents("fault"))
    assert [each["label"] for each in machine.incidents("fault")] == ["SELFTEST_SPEAKER"]
    assert machine.show(TEST, "Result") == "success"


def test_what_is_killed_comes_back_and_nothing_else_is_disturbed(folder, machine, sound, timed):
    start(machine)
    ear, voice = machine.pid(EAR), machine.pid(VOICE)
    inode = machine.run("stat", "-c", "%i", "/run/monitord/events.sock").stdout

    with timed("SIGKILL of the voice, until it is back"):
        machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", VOICE)
        machine.wait("another voice", lambda: machine.active(VOICE) and machine.pid(VOICE) not in {0, voice})
    assert machine.pid(EAR) == ear
    assert machine.run("stat", "-c", "%i", "/run/monitord/events.sock").stdout == inode

    with timed("SIGKILL of the ear, until it is back"):
        machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", EAR)
        machine.wait("another ear", lambda: machine.active(EAR) and machine.pid(EAR) not in {0, ear})

    machine.kill_when_it_starts(EYE)
    cry(machine, sound, folder)
    machine.wait("the eye was killed", lambda: machine.show(EYE, "Result") == "signal", LOOK_S)
    machine.wait("the camera's silence is told", lambda: camera_of(machine.incidents()[0]), 2 * LOOK_S)
    assert machine.incidents()[0]["state"] == "alerting"
    # The socket that starts the next eye is still there, and the request that one died of does not start another.
    assert machine.active(LOOK)
    assert machine.pid(EYE) == 0
    # Nothing that the ear said was lost on the way.
    assert "WIRE_GAP" not in {each["label"] for each in machine.incidents("fault")}


def test_only_the_ear_may_ask_for_a_look_and_nobody_by_himself_may_tell(machine):
    start(machine, video="off")
    for user in ("monitord-eye", "monitord", "nobody"):
        sent = send(machine, "look.sock", user, ["--init-groups"])
        assert "PermissionError" in sent.stdout, f"{user}: {sent.stdout}"
    assert send(machine, "look.sock", "monitord-ear", ["--init-groups"]).returncode == 0  # The control.
    # The voice's socket: by no group of their own; the units give ear and eye theirs.
    for user in ("monitord-ear", "monitord-eye", "monitord", "nobody"):
        sent = send(machine, "events.sock", user, ["--init-groups"])
        assert "PermissionError" in sent.stdout, f"{user}: {sent.stdout}"


def test_a_stranger_who_can_write_to_the_voices_socket_is_refused_by_the_kernels_word(machine):
    start(machine, video="off")
    # The control: the eye's user, in the same group, is heard.
    assert send(machine, "events.sock", "monitord-eye", ["--groups=monitord-events"]).returncode == 0
    machine.run("sleep", "1")
    assert "WIRE_REJECTED" not in {each["label"] for each in machine.incidents("fault")}
    # nobody, the voice's own user and root: the file's mode would let them, the voice does not.
    for user in ("nobody", "monitord", "root"):
        assert send(machine, "events.sock", user, ["--groups=monitord-events"]).returncode == 0
    machine.wait(
        "the intrusion is told", lambda: "WIRE_REJECTED" in {each["label"] for each in machine.incidents("fault")}
    )
    said = machine.run("monitord", "events", "--json").stdout
    assert said.count('"label": "ENDED"') == 1, said


def send(machine, name, user, groups):
    """Send one frame of the eye's as `user`."""
    program = (
        "import socket; from monitord.wire import encode; from monitord.events import Frame, Kind, Look, Message, Role;"
        "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto("
        f"encode(Frame(Message(Kind.LOOK, Look.ENDED), Role.EYE, 7, 0)), '/run/monitord/{name}')"
    )
    number = machine.run("id", "-g", user).stdout.strip()
    identity = ["setpriv", f"--reuid={user}", f"--regid={number}", *groups]
    return machine.run(*identity, "/opt/monitord/bin/python", "-c", program, check=False)


def test_a_missing_camera_changes_the_text_and_never_the_alert(folder, machine, sound):
    start(machine, video="/dev/video7")
    told = cry(machine, sound, folder)
    assert told["state"] == "alerting"
    machine.wait("the fault is told", lambda: camera_of(machine.incidents()[0]), LOOK_S)
    assert camera_of(machine.incidents()[0]) == "Fault.CAMERA_MISSING"
    assert machine.incidents()[0]["state"] == "alerting"


def test_a_wrong_configuration_is_said_once_and_not_tried_again(machine):
    machine.configure("default", extra="[adio]\n")
    machine.run("systemctl", "start", "monitord", check=False)
    machine.run("sleep", "8")
    assert machine.log().count("adio") == 2, machine.log()  # Voice and ear, one sentence each.
    assert not machine.active(VOICE)
    assert not machine.active(EAR)
    # Mended, it starts.
    start(machine, video="off")


VPN = "100.64.0.7"
FETCH = (
    "import ssl, urllib.request as u; trust = ssl.create_default_context(cafile='/run/monitord/page-ca.crt'); "
    f"print(u.urlopen('https://{VPN}:8740/', timeout=3, context=trust).status)"
)


def test_what_check_says_of_a_vpn_is_what_has_to_be_done(machine):
    machine.run("ip", "address", "add", f"{VPN}/10", "dev", "lo")
    machine.configure("default", extra=f'[page]\ncgnat = true\naddress = "{VPN}"\n')
    machine.run("systemctl", "start", VOICE)
    said = machine.run("monitord", "check", check=False).stdout
    assert "page.cgnat is true, but the unit shuts 100.64.0.0/10 out" in said
    # The control: it is the unit that shuts it out.
    assert machine.run("/usr/bin/python3", "-c", FETCH, check=False).returncode
    machine.write(f"/etc/systemd/system/{VOICE}.d/override.conf", "[Service]\nIPAddressAllow=100.64.0.0/10\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", VOICE)
    assert "page.cgnat" not in machine.run("monitord", "check", check=False).stdout
    answers = machine.wait("the page", lambda: machine.run("/usr/bin/python3", "-c", FETCH, check=False).stdout)
    assert answers == "200\n"


def test_upgrade_remove_and_purge(folder, machine, package, installed, timed):
    start(machine, video="off")
    config = machine.path("/etc/monitord/config.toml")
    config.write_text(config.read_text("utf-8") + "# the owner's\n", "utf-8")
    voice, ear = machine.pid(VOICE), machine.pid(EAR)
    before = machine.run("monitord", "events").stdout
    assert before
    newer = repack(package, "99~test", folder)
    with timed("upgrade, the service running"):
        apt_install(machine, newer)
    machine.wait("the ear is up again", lambda: machine.active(EAR) and machine.active(VOICE))
    assert machine.pid(VOICE) not in {0, voice}
    assert machine.pid(EAR) not in {0, ear}
    assert "# the owner's" in config.read_text("utf-8")
    assert machine.run("monitord", "events").stdout.startswith(before.splitlines()[0])

    with timed("remove, the service running"):
        machine.run("apt-get", "remove", "-y", "-q", "monitord")
    assert machine.run("pgrep", "-f", "[m]onitord (audio|video|notify)", check=False).stdout == ""
    assert not machine.path("/opt/monitord").exists()
    assert "# the owner's" in config.read_text("utf-8")
    assert machine.path("/var/lib/monitord/journal.sqlite3").exists()

    with timed("purge"):
        machine.run("apt-get", "purge", "-y", "-q", "monitord")
    assert not [path for path in PATHS if machine.path(path).exists()]
    assert machine.run("getent", "passwd", "monitord", "monitord-ear", "monitord-eye", check=False).stdout == ""
    assert machine.run("getent", "group", "monitord-events", "monitord-config", check=False).stdout == ""
    for own in (EAR, TEST):  # The tests' own: the sound that they are played.
        machine.run("rm", "-rf", f"/etc/systemd/system/{own}.d")
    left = machine.run("find", "/", "-xdev", "-name", "*monitord*", "-not", "-path", "/var/log/*").stdout
    assert left == ""


def test_the_files_have_tight_modes(machine):
    start(machine, video="off")
    modes = {
        "/etc/monitord/config.toml": "640 root:monitord-config",
        "/var/lib/monitord": "700 monitord:monitord",
        "/var/lib/monitord-ear": "700 monitord-ear:monitord-ear",
        "/run/monitord": "1775 root:monitord",
        "/run/monitord/events.sock": "220 root:monitord-events",
        "/run/monitord/look.sock": "220 root:monitord-ear",
        "/run/monitord/page": "644 monitord:monitord",
    }
    for path, mode in modes.items():
        assert machine.run("stat", "-c", "%a %U:%G", path).stdout.strip() == mode, path
    # An ordinary user may ask how things are, though he may read neither the configuration nor the journal.
    asked = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "monitord"]
    assert machine.run(*asked, "status").stdout.startswith("Test: ")
    assert machine.run(*asked, "events", check=False).returncode == 1

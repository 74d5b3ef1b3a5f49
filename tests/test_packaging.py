"""What is made for the package beside the code: pages, completion, the list of wheels, units that fit them."""

import contextlib
import importlib.util
import os
import re
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

PACKAGING = Path(__file__).parent.parent / "packaging"
EXAMPLE = PACKAGING.parent / "config.example.toml"
UNITS = sorted((PACKAGING / "systemd").glob("*.service"))
FAILED = "monitord-failed"
PROCESSES = [unit for unit in UNITS if not unit.name.startswith(FAILED)]


def script(name):
    spec = importlib.util.spec_from_file_location(f"packaging_{name}", PACKAGING / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def made(tmp_path):
    script("manual").main(EXAMPLE, tmp_path, "1.2.3")
    return tmp_path


def test_the_manual_has_every_command_and_option(made):
    page = (made / "man/man1/monitord.1").read_text("utf-8").replace("\\-", "-").replace("\\(dq", '"')
    manual = script("manual")
    for name, parser in manual.all_commands().items():
        assert f"\n.B {name}" in page
        for each in parser._actions:
            assert not each.help or each.dest == "help" or each.help in page


def test_the_manual_has_every_key_and_its_text(made):
    page = (made / "man/man5/monitord.toml.5").read_text("utf-8").replace("\\(dq", '"').replace("\\-", "-")
    lines = re.findall(r"^\[.*\]$|^#?\w+ = .*$", EXAMPLE.read_text("utf-8"), re.MULTILINE)
    assert len(lines) > 15
    assert [line for line in lines if line not in page] == []
    assert "The camera is open no longer than that." in page


def test_the_completion_completes(made):
    asked = (
        f"source {made}/bash-completion/completions/monitord; "
        'COMP_WORDS=(monitord {}); COMP_CWORD={}; _monitord; echo "${{COMPREPLY[@]}}"'
    )

    def complete(words, number):
        done = subprocess.run(
            ["bash", "-c", asked.format(words, number)], check=True, capture_output=True, text=True, cwd=made
        )
        return done.stdout.split()

    assert complete("rep", 1) == ["replay", "report"]
    assert set(complete("status --", 2)) == {"--help", "--config", "--json"}
    assert complete("evaluate au", 2) == ["audio"]


def wheel(folder, name, version, requires=()):
    metadata = "".join(["Metadata-Version: 2.1\n", *(f"Requires-Dist: {each}\n" for each in requires)])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}-{version}.dist-info/METADATA", metadata)


def closure(folder, python="3.13", machine="aarch64"):
    return subprocess.run(
        [sys.executable, PACKAGING / "closure.py", folder, python, machine], check=False, capture_output=True, text=True
    )


def test_wheels_that_satisfy_one_another_are_enough(tmp_path):
    wheel(tmp_path, "one", "1.0", ["two>=2", 'three; python_version < "3.12"', 'four; platform_machine == "x86_64"'])
    wheel(tmp_path, "two", "2.1", ['five; extra == "all"'])
    assert closure(tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("requires", "said"),
    [
        (["two>=3"], "one-1.0-py3-none-any.whl needs two>=3, and there is 2.1"),
        (['three; python_version >= "3.12"'], "three"),
        (['four; platform_machine == "aarch64"'], "four"),
    ],
)
def test_a_wheel_that_is_missing_for_the_target_is_named(tmp_path, requires, said):
    wheel(tmp_path, "one", "1.0", requires)
    wheel(tmp_path, "two", "2.1")
    done = closure(tmp_path)
    assert done.returncode == 1
    assert said in done.stderr


def settings(unit):
    """(name, value) of each line of a unit; names repeat."""
    return re.findall(r"^(\w+)=(.*)$", unit.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("unit", PROCESSES, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_there_is(unit):
    command = dict(settings(unit))["ExecStart"].split()
    assert command[:3] == ["/opt/monitord/bin/python", "-m", "monitord"]
    assert command[3] in script("manual").commands()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_no_setting_is_given_twice_where_the_last_would_win(unit):
    lists = {"Environment", "InaccessiblePaths", "SystemCallFilter", "IPAddressAllow", "DeviceAllow", "After", "Wants"}
    names = [name for name, _ in settings(unit) if name not in lists]
    assert len(names) == len(set(names))


def test_users_and_groups_of_the_units_are_made_by_the_package():
    made = set(
        re.findall(r"^[ug] ([\w-]+)", (PACKAGING / "systemd" / "monitord.sysusers").read_text("utf-8"), re.MULTILINE)
    )
    wanted = {
        name
        for path in (PACKAGING / "systemd").glob("monitord*.*")
        for key, value in settings(path)
        if key in {"User", "Group", "SupplementaryGroups", "SocketUser", "SocketGroup"}
        for name in value.split()
    }
    assert wanted - {"audio", "video", "root"} == made


def test_the_installed_configuration_is_the_example_under_its_own_heading():
    example = EXAMPLE.read_text("utf-8")
    # build.sh cuts there; without the line the installed file would be empty.
    assert re.search(r"^# A key that is left out", example, re.MULTILINE)
    assert "monitord.sh" not in example[example.index("# A key that is left out") :]


@pytest.mark.parametrize("unit", PROCESSES, ids=lambda unit: unit.name)
def test_what_stays_down_starts_the_alarm(unit):
    assert dict(settings(unit))["OnFailure"] == f"{FAILED}@%p.service"
    alarm = dict(settings(PACKAGING / "systemd" / f"{FAILED}@.service"))
    assert alarm["ExecStart"] == f"/usr/libexec/{FAILED} %i"
    assert f"/usr/libexec/{FAILED}" in (PACKAGING / "build.sh").read_text("utf-8")


PATIENCE_S = 60.0


@contextlib.contextmanager
def failed(unit, folder, status="1", **environment):
    """The alarm's script, and what it prints, line by line; an alarm that says nothing for long is ended."""
    given = {"PATH": os.defpath, "RUNTIME_DIRECTORY": str(folder), "MONITOR_EXIT_STATUS": status, **environment}
    command = [PACKAGING / FAILED, unit]
    # A session of its own: its "sleep" holds the pipe as well.
    with subprocess.Popen(
        command, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as alarm:
        impatience = threading.Timer(PATIENCE_S, os.killpg, (alarm.pid, signal.SIGKILL))
        impatience.start()
        try:
            yield alarm
            alarm.wait(PATIENCE_S)
        finally:
            impatience.cancel()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(alarm.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("unit", "status", "says"),
    [
        ("monitord-audio", "2", ("<0>", "NOBODY IS LISTENING", "monitord-audio stays down", "'monitord check'")),
        ("monitord-audio", "1", ("<0>", "NOBODY IS LISTENING", "'journalctl -u monitord-audio'")),
        ("monitord-video", "1", ("<1>", "the camera gave no answer", "'journalctl -u monitord-video'")),
    ],
)
def test_the_alarm_says_at_once_what_is_down_and_what_to_do(tmp_path, unit, status, says):
    with failed(unit, tmp_path, status) as alarm:
        (line,) = alarm.stdout.read().splitlines()
    assert alarm.returncode == 0
    assert all(each in line for each in says), line
    assert line.startswith(says[0])


def test_a_voice_that_is_up_again_is_no_alarm(tmp_path):
    (tmp_path / "page").write_text("http://127.0.0.1\n")
    with failed("monitord", tmp_path, MONITORD_FAILED_STEADY_S="0") as alarm:
        assert alarm.stdout.read().splitlines() == ["<5>monitord: monitord is up again."]


def test_a_voice_that_is_up_each_time_and_dies_each_time_is_told(tmp_path):
    """systemd starts the alarm's unit for the first death only: it runs when the others come."""
    page, alive = tmp_path / "page", tmp_path / "alive"
    alive.touch()
    with failed("monitord", tmp_path, MONITORD_FAILED_STEADY_S="3") as alarm:
        said = []
        for life in range(4):
            anew = tmp_path / "anew"
            anew.touch()
            os.utime(anew, (2e9 + life, 2e9 + life))  # Each life makes it anew, a second later at least.
            anew.rename(page)
            said.append(alarm.stdout.readline())
            assert said[-1] == "<5>monitord: monitord is up again.\n"
            if life == 3:  # The first death was what the alarm was started by.
                assert alarm.stdout.readline().startswith("<0>monitord: ALARMS MAY BE LATE OR MISSING")
        assert alarm.stdout.read() == ""  # It has lived for long enough, and was told of once.
    assert alarm.returncode == 0


def test_a_voice_that_was_up_once_and_died_for_good_is_told(tmp_path):
    (tmp_path / "page").write_text("http://127.0.0.1\n")
    (tmp_path / "alive").touch()
    os.utime(tmp_path / "alive", (1, 1))
    with failed("monitord", tmp_path, MONITORD_FAILED_WAIT_S="1", MONITORD_FAILED_STEADY_S="2") as alarm:
        assert alarm.stdout.readline() == "<5>monitord: monitord is up again.\n"
        assert alarm.stdout.readline().startswith("<0>monitord: NOBODY WILL BE TOLD")
        (tmp_path / "alive").touch()
        os.utime(tmp_path / "alive", (2e9, 2e9))
        assert alarm.stdout.read() == ""


def test_a_station_that_stays_down_is_told_by_its_own_name(tmp_path):
    (tmp_path / "alive").touch()
    os.utime(tmp_path / "alive", (2e9, 2e9))
    with failed("monitord-ward", tmp_path, "2", MONITORD_FAILED_WAIT_S="0", MONITORD_FAILED_STEADY_S="1") as alarm:
        line = alarm.stdout.readline()
        assert line.startswith("<0>monitord: NOBODY WILL BE TOLD OF AN ALARM BY THIS STATION. monitord-ward stays down")
        assert "'systemctl restart monitord-ward'" in line
        (tmp_path / "page").write_text("http://127.0.0.1\n")
        assert alarm.stdout.read().splitlines()[-1] == "<5>monitord: monitord-ward is up again."


def test_a_voice_that_stays_down_is_told_again_and_again_until_it_is_up(tmp_path):
    page = tmp_path / "page"
    page.write_text("what a dead voice has left\n")
    os.utime(page, (1, 1))
    quick = {"MONITORD_FAILED_WAIT_S": "0", "MONITORD_FAILED_AGAIN_S": "1", "MONITORD_FAILED_STEADY_S": "0"}
    with failed("monitord", tmp_path, "2", **quick) as alarm:
        for _ in range(2):
            line = alarm.stdout.readline()
            assert line.startswith("<0>monitord: NOBODY WILL BE TOLD")
            assert "'monitord check'" in line
        page.touch()
        assert alarm.stdout.read().splitlines()[-1] == "<5>monitord: monitord is up again."

import os
import subprocess
import sys

import pytest

from monitord import __version__, cli

COMMANDS = (
    "run",
    "audio",
    "video",
    "notify",
    "demo",
    "check",
    "replay",
    "evaluate",
    "enroll",
    "status",
    "events",
    "ack",
    "pair",
    "audit",
    "version",
)


def test_version(capsys):
    assert cli.run(["version"]) == 0
    assert capsys.readouterr().out == f"monitord {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [[], ["frobnicate"], ["replay"], ["ack"], ["evaluate", "smell", "x", "--scores", "y"]]
)
def test_wrong_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.run(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.run([command, "--help"])
    assert ended.value.code == 0
    assert command in capsys.readouterr().out


@pytest.fixture
def wrong(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text('[audio]\nblock_s = 5.0\n[room]\nnmae = "x"\n')
    return path


def mistakes(path):
    return [
        f"{path}:4: room.nmae: is no key of monitord; config.example.toml shows all of them",
        f"{path}:2: audio.block_s: 5.0 is too long, 0.1 to 1.0",
    ]


@pytest.mark.parametrize("command", ["run", "notify", "check", "status", "events"])
def test_a_wrong_configuration_is_one_line_a_mistake_and_exit_2(command, wrong, capsys):
    assert cli.run([command, "--config", str(wrong)]) == 2
    assert capsys.readouterr().err.splitlines()[-2:] == mistakes(wrong)


def alone(command, path, pytestconfig):
    # In a process of their own: the first thing they do is to leave the network, for good.
    line = [sys.executable, "-m", "monitord", command, "--config", str(path)]
    done = subprocess.run(line, cwd=pytestconfig.rootpath, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.splitlines()


def test_the_ear_says_the_same(wrong, pytestconfig):
    code, said = alone("audio", wrong, pytestconfig)
    assert code == 2
    assert said[-2:] == mistakes(wrong)


@pytest.mark.parametrize(
    "section", ["look_s = 31.0", "look_s = true", 'device = "http://camera"', "looks_per_hour = 1.5", "off = true"]
)
def test_the_eye_says_the_same_of_what_is_its_own(section, wrong, pytestconfig):
    wrong.write_text(f"{wrong.read_text()}[video]\n{section}\n")
    code, said = alone("video", wrong, pytestconfig)
    assert code == 2
    assert set(mistakes(wrong)) < set(said)
    assert any(line.startswith(f"{wrong}:6: video.") for line in said)


def test_a_mistake_elsewhere_does_not_keep_the_eye_from_looking(wrong, pytestconfig):
    code, said = alone("video", wrong, pytestconfig)
    assert (code, said) == (2, ["The eye is started by the gate through its socket, never otherwise."])


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_missing_configuration_is_said_in_one_sentence(command, tmp_path, capsys):
    assert cli.run([command, "--config", str(tmp_path / "none.toml")]) == 2
    assert "none.toml: cannot be read: No such file or directory" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_traceback(pytestconfig):
    command = f"{sys.executable} -m monitord check | true"
    done = subprocess.run(["sh", "-c", command], cwd=pytestconfig.rootpath, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_a_probe_is_not_for_people():
    done = subprocess.run(
        [sys.executable, "-m", "monitord", "probe", "ear"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "a probe is started by: monitord audit\n"


def test_an_audit_without_a_monitor_is_one_sentence(tmp_path):
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(tmp_path)}
    command = [sys.executable, "-m", "monitord", "audit"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "monitord does not run here; start it first: monitord run\n"

"""Makes the manual pages and the completion from the command itself and from the example of its configuration.

    python manual.py CONFIG.EXAMPLE.TOML FOLDER VERSION

writes man/man1/monitord.1, man/man5/monitord.toml.5 and bash-completion/completions/monitord below FOLDER.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from monitord import cli

FILES = """
.TP
/etc/monitord/config.toml
The configuration of the service; see monitord.toml(5).
.TP
/var/lib/monitord
The journal: incidents, frames and deliveries. Readable by the voice and root.
.TP
/var/lib/monitord-eye
What the camera was calibrated with: a few numbers of the empty room, no picture. Readable by the eye and root.
.TP
/etc/monitord/ward.toml, /var/lib/monitord-ward
The configuration of a station of a ward (there is none until you write it from ward.example.toml), and its journal and
ledger.
.TP
/run/monitord
The sockets events.sock and look.sock, and the address of the page. The microphone is closed while a file named
paused exists here.
"""
SERVICE = """
.PP
The package brings one service. Starting it starts the ear, the voice and both sockets; stopping it stops them, and the
eye. It is neither enabled nor started by the installation, because it opens the microphone.
.PP
.nf
systemctl enable --now monitord                  start, now and after each boot
systemctl stop monitord                          stop everything
systemctl restart monitord                       after a change of the configuration
systemctl status \\(aqmonitord*\\(aq                    what runs
journalctl -u \\(aqmonitord*\\(aq                      what it said
.fi
.PP
Units: monitord.service (the voice), monitord-audio.service (the ear), monitord-video.service (the eye, only while it
looks), monitord-events.socket, monitord-video.socket; and monitord-ward.service (the station of a ward), for itself.
Each file says at its top what its process gives up and why every exception exists.
"""


def escape(text: str) -> str:
    """`text` as roff shows it unchanged."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def commands() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command for people, by name: what has no description is started by others."""
    groups = (each for each in cli._parser()._actions if isinstance(each, argparse._SubParsersAction))  # noqa: SLF001 - argparse offers no other way
    return {name: parser for name, parser in next(groups).choices.items() if parser.description}


def synopsis(name: str, parser: argparse.ArgumentParser) -> str:
    """One line: the command and its arguments."""
    usage = parser.format_usage().split(None, 3)  # "usage: monitord NAME ..."
    rest = " ".join(usage[3].split()) if len(usage) > 3 else ""  # noqa: PLR2004 - see above
    return f"{name} {rest.replace('[-h]', '')}".strip()


def command_page(version: str) -> str:
    """monitord.1."""
    lines = [
        f'.TH MONITORD 1 "" "monitord {version}" "User commands"',
        ".SH NAME",
        "monitord \\- privacy\\-preserving home monitor: a sound opens the camera",
        ".SH SYNOPSIS",
        ".B monitord",
        ".I COMMAND",
        "[ARGUMENT...]",
        ".SH DESCRIPTION",
        escape(cli._parser().description or ""),  # noqa: SLF001 - see above
        "Sound and pictures exist only in the memory of the process that captured them.",
        ".SH COMMANDS",
    ]
    for name, parser in commands().items():
        lines += [".TP", f".B {escape(synopsis(name, parser))}", escape(parser.description or "") + "."]
        lines += [
            f".br\n{escape('/'.join(each.option_strings) or str(each.metavar or each.dest))}: {escape(each.help)}"
            for each in parser._actions  # noqa: SLF001 - see above
            if each.help and each.dest != "help"
        ]
    lines += [".SH SERVICE", SERVICE.strip(), ".SH FILES", FILES.strip()]
    lines += [".SH EXIT STATUS", "0 done, 1 it failed, 2 wrong usage or configuration."]
    lines += [".SH SEE ALSO", ".BR monitord.toml (5),", ".BR systemctl (1)"]
    return "\n".join(lines) + "\n"


def config_page(example: str, version: str) -> str:
    """monitord.toml.5: the example with its comments as text and its keys as headings."""
    lines = [
        f'.TH MONITORD.TOML 5 "" "monitord {version}" "File formats"',
        ".SH NAME",
        "monitord.toml \\- configuration of monitord",
        ".SH DESCRIPTION",
        "The service reads /etc/monitord/config.toml; every command takes another file by \\-\\-config.",
        "The format is TOML.",
        "A key that is left out has its default; an unknown key or a wrong value is an error that names the line.",
        "Shown is every key with its default.",
    ]
    comments: list[str] = []
    for line in example[example.index("[") :].splitlines():
        if not line.strip():
            lines += _paragraph(comments)
        elif found := re.fullmatch(r"\[([\w.]+)\]", line):
            before = _paragraph(comments)  # What stands above a section is said of it.
            lines += [f'.SH "[{escape(found[1])}]"', *before]
        elif found := re.fullmatch(r"#?(\w+) = (.*)", line):
            lines += [".TP", f".B {escape(found[0])}", *_paragraph(comments)]
        else:
            comments.append(escape(line.removeprefix("#").removeprefix(" ")))
    lines += _paragraph(comments)
    lines += [".SH SEE ALSO", ".BR monitord (1)"]
    return "\n".join(lines) + "\n"


def _paragraph(comments: list[str]) -> list[str]:
    """The comments gathered so far, which are then forgotten; one that is indented begins a line of its own."""
    said = [f".br\n{line.strip()}" if line.startswith(" ") else line for line in comments]
    comments.clear()
    return said


def completion() -> str:
    """A completion for bash: commands, then each one's options and choices, then files."""
    cases = []
    for name, parser in commands().items():
        words = [word for each in parser._actions for word in each.option_strings]  # noqa: SLF001 - see above
        words += [str(word) for each in parser._actions for word in each.choices or ()]  # noqa: SLF001 - see above
        cases.append(f"    {name}) words={' '.join(words)!r} ;;")
    return (
        "# bash completion for monitord; made from the command by packaging/manual.py\n"
        "_monitord() {\n"
        '    local current="${COMP_WORDS[COMP_CWORD]}" words=""\n'
        '    if [ "$COMP_CWORD" -eq 1 ]; then\n'
        f'        mapfile -t COMPREPLY < <(compgen -W {" ".join(commands())!r} -- "$current")\n'
        "        return\n"
        "    fi\n"
        '    case "${COMP_WORDS[1]}" in\n' + "\n".join(cases) + "\n    esac\n"
        '    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current"; compgen -f -- "$current")\n'
        "}\n"
        "complete -o filenames -F _monitord monitord\n"
    )


def main(example: Path, folder: Path, version: str) -> None:
    """Write the three files below `folder`."""
    for path, text in {
        "man/man1/monitord.1": command_page(version),
        "man/man5/monitord.toml.5": config_page(example.read_text("utf-8"), version),
        "bash-completion/completions/monitord": completion(),
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])

"""Do the wheels in a folder satisfy one another, for a Python and a machine that this is not?

    python closure.py FOLDER PYTHON MACHINE

pip evaluates the markers of requirements (`; python_version < "3.12"`) for the interpreter that runs it, whatever
target it downloads for. Here they are evaluated for the target. Exit code 1 and a line for each wheel that is missing.
"""

from __future__ import annotations

import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

from pip._vendor.packaging.markers import default_environment
from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name, parse_wheel_filename


def requirements(wheel: Path) -> list[Requirement]:
    """What the wheel asks for in its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        text = archive.read(name).decode("utf-8")
    return [Requirement(line) for line in HeaderParser().parsestr(text).get_all("Requires-Dist", [])]


def missing(folder: Path, python: str, machine: str) -> list[str]:
    """One line for each requirement that no wheel in the folder satisfies on that Python and machine."""
    environment = {
        **default_environment(),
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }
    wheels = sorted(folder.glob("*.whl"))
    have = {name: version for name, version, *_ in (parse_wheel_filename(wheel.name) for wheel in wheels)}
    return [
        f"{wheel.name} needs {wanted}, and there is {have.get(canonicalize_name(wanted.name), 'none of it')}"
        for wheel in wheels
        for wanted in requirements(wheel)
        if (wanted.marker is None or wanted.marker.evaluate(environment))
        and not (
            (version := have.get(canonicalize_name(wanted.name))) is not None
            and wanted.specifier.contains(version, prereleases=True)
        )
    ]


if __name__ == "__main__":
    lines = missing(Path(sys.argv[1]), *sys.argv[2:4])
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201 - a script
    sys.exit(bool(lines))

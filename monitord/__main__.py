"""Entry point of ``python -m monitord`` and of the ``monitord`` command."""

import contextlib
import logging
import os
import sys


def main() -> int:
    """Run the command line; returns the exit code (0 done, 1 it failed, 2 wrong usage or configuration)."""
    from monitord.cli import run  # noqa: PLC0415 - the processes started per role import as little as they can

    return run(sys.argv[1:])


def leave(code: int) -> None:
    """End at once: to take its libraries down one by one takes a look as long as a picture does."""
    logging.shutdown()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    code = main()
    if sys.argv[1:2] == ["video"]:
        leave(code)
    sys.exit(code)

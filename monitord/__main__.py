"""Entry point of ``python -m monitord`` and of the ``monitord`` command."""

import sys


def main() -> int:
    """Run the command line; returns the exit code (0 done, 1 it failed, 2 wrong usage or configuration)."""
    from monitord.cli import run  # noqa: PLC0415 - the processes started per role import as little as they can

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

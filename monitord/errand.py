"""Something that is worked out by a child of this process, which then is gone, and with it all that it had to load.

Only at a start, before there are threads and before the process is confined: a confined one starts no other.
"""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED = 1


class Errand:
    """Begins when it is made, and goes on while its maker does something else.

    Args:
        work: what the child does; what it returns comes back.
    """

    def __init__(self, work: Callable[[], bytes]) -> None:
        self._reader, writer = os.pipe2(os.O_CLOEXEC)
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            # Python 3.12 warns where there are threads: a process that starts has none, one that runs the tests may.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._child = os.fork()
        if not self._child:
            os.close(self._reader)
            _run(work, writer)
        os.close(writer)

    def result(self) -> bytes:
        """Wait for what the child has worked out.

        Raises:
            SystemExit: the child broke, and has said why.
        """
        with open(self._reader, "rb") as said:  # noqa: PTH123 - a descriptor
            answer = said.read()
        _, status = os.waitpid(self._child, 0)
        if status:
            raise SystemExit(FAILED)
        return answer


def _run(work: Callable[[], bytes], writer: int) -> None:
    status = FAILED
    try:
        answer = work()
        with open(writer, "wb") as said:
            said.write(answer)
        status = 0
    except BaseException:  # noqa: BLE001 - nothing may return into the parent's code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

"""Where probes are started, and what they talk to: a resolver on loopback, and a private inbox of the real kind."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitord import service
from monitord.events import Fault
from monitord.notify.inbox import Inbox, Receiver
from monitord.tools.audit.acts import QUESTION, Task
from monitord.tools.audit.probe import CONTROL, OVERSIZED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PATIENCE_S = 60.0


class AuditError(Exception):
    """The audit cannot go on; the text says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one probe has told, and what became of what it sent.

    Attributes:
        told: its reply.
        accepted: frames that the private inbox took.
        well_formed: frames that it would have taken without its bound.
        refused: datagrams that it refused, by fault.
        dumped: whether its abort left a core; None: nobody could see.
    """

    told: dict[str, Any]
    accepted: int
    well_formed: int
    refused: dict[Fault, int]
    dumped: bool | None

    def done(self, act: str, *, bare: bool = False) -> list[str] | None:
        """What of an act succeeded; None: it was not tried."""
        outcome = self.told.get("bare" if bare else "acts", {}).get(act)
        return None if outcome is None else list(outcome["done"])

    def refused_acts(self, act: str) -> list[str]:
        """What of an act was refused, and how."""
        return list(self.told["acts"].get(act, {"refused": []})["refused"])

    @property
    def oversized_refused(self) -> bool:
        """Whether the good frame came through, and no long one did."""
        return self.accepted >= 1 and self.refused.get(Fault.WIRE_REJECTED, 0) == len(OVERSIZED)


@contextlib.contextmanager
def resolver() -> Iterator[int]:
    """Answers every DNS query on loopback, by sending it back; yields its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.2)
        over = threading.Event()

        def answer() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    question, peer = server.recvfrom(512)
                    server.sendto(question[:2] + b"\x81\x83" + QUESTION[4:], peer)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            over.set()
            thread.join()


def converse(talk: socket.socket, task: Task, acts: Sequence[str], *, bare: bool) -> tuple[dict[str, Any], Receiver]:
    """Tell a probe what to try, and hear what became of it; it then aborts.

    Raises:
        AuditError: it did not answer.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver = Receiver(frozenset(range(1 << 16)))  # Whoever the probe is: who may send is not what is tried here.
    inbox = Inbox(receiver, Path(), ours.detach())
    talk.settimeout(PATIENCE_S)
    try:
        order = {"task": task.to_json(), "acts": list(acts), "bare": bare}
        socket.send_fds(talk, [json.dumps(order).encode()], [theirs.fileno()])
        told = b""
        accepted = well_formed = 0
        while not told.endswith(b"\n"):
            part = talk.recv(1 << 16)
            if not part:
                raise AuditError("a probe ended before it told anything; its log says why")
            told += part
        began = time.monotonic()
        while (received := inbox.peek(began)) is not None:
            accepted += received.frame is not None
            well_formed += received.fault is not Fault.WIRE_REJECTED
            inbox.consume()
        talk.sendall(b"\n")
        reply = json.loads(told)
        reply.update(accepted=accepted, well_formed=well_formed)
    except TimeoutError:
        raise AuditError(f"a probe did not answer in {PATIENCE_S:g} s") from None
    except OSError as cause:
        raise AuditError(f"a probe broke off: {cause}") from None
    else:
        return reply, receiver
    finally:
        inbox.close()
        theirs.close()


def start(role: str, task: Task, acts: Sequence[str], user: tuple[int, int, list[int]] | None = None) -> Report:
    """A probe started as `monitord run` starts its processes, or the control: the same without any confinement.

    Args:
        role: "ear", "eye", "voice" or "control".
        task: what to try it with.
        acts: what to try.
        user: number, group and further groups of the process that it stands for.
    """
    ours, theirs = socket.socketpair()
    number, group, groups = user if user is not None and os.getuid() == 0 else (None, None, None)
    with tempfile.TemporaryDirectory(prefix="monitord-audit-") as folder, ours:
        Path(folder).chmod(0o777)  # A control's core may land in it, whoever it runs as.
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "monitord", "probe", role],
            stdin=subprocess.DEVNULL,
            stdout=theirs.fileno(),
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, service.SUPERVISOR_PID: str(os.getpid()), "OPENBLAS_NUM_THREADS": "1"},
            process_group=0,
            user=number,
            group=group,
            extra_groups=groups,
        )
        theirs.close()
        try:
            reply, receiver = converse(ours, task, acts, bare=False)
        except AuditError as cause:
            process.kill()
            said = process.communicate()[1].decode("utf-8", "replace").splitlines()
            raise AuditError(f"{role}: {cause}{': ' + said[-1] if said else ''}") from None
        with process.stderr or contextlib.nullcontext():
            dumped = os.WCOREDUMP(_wait(process))
    return Report(reply, reply["accepted"], reply["well_formed"], receiver.refused, dumped)


def _wait(process: subprocess.Popen[bytes]) -> int:
    """The wait status: subprocess does not tell of a core."""
    status = os.waitpid(process.pid, 0)[1]
    process.returncode = os.waitstatus_to_exitcode(status)
    return status


def control(task: Task, acts: Sequence[str], user: tuple[int, int, list[int]] | None = None) -> Report:
    """The control: nothing is given up, so everything should succeed."""
    return start(CONTROL, task, acts, user)

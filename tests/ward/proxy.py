"""A network between the rooms and the broker that can be cut: nothing passes, and nobody is told."""

from __future__ import annotations

import asyncio
import contextlib
import sys


async def main(port, to):
    """Forward `port` to `to`; a line "cut" on stdin stops every byte, "mend" lets them pass again."""
    open_, lines = asyncio.Event(), asyncio.StreamReader()
    open_.set()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)

    async def pump(reader, writer):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                await open_.wait()
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            await open_.wait()
            writer.close()

    async def serve(reader, writer):
        await open_.wait()
        try:
            there = await asyncio.open_connection("127.0.0.1", to)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while line := await lines.readline():
        if line == b"cut\n":
            open_.clear()
        else:
            open_.set()
        sys.stdout.write("done\n")
        sys.stdout.flush()
    server.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))

# SPDX-License-Identifier: Apache-2.0
"""TCP between two parts of a cluster, as bad as the nemesis wants it: cut, a
black hole, late, or leading to somebody else's address. All proxies live on one
thread of their own."""

import asyncio
import threading

CHUNK = 1 << 16


class Weather:
    """What becomes of the bytes of one link, which may have several ports."""

    def __init__(self):
        self.cut = False
        self.hole = False
        self.delay_s = 0.0
        self.swapped = None  # another link, whose targets are taken instead


class Link:
    """`ports`: {port to listen on: port behind it}, in the order of their
    channels."""

    def __init__(self, proxies, name, ports):
        self.proxies, self.name, self.weather = proxies, name, Weather()
        self.ports, self.targets = list(ports), list(ports.values())
        self.open = set()
        for channel, port in enumerate(self.ports):
            proxies.call(self._listen(channel, port))

    async def _listen(self, channel, port):
        await asyncio.start_server(
            lambda reader, writer: self._accept(channel, reader, writer),
            "127.0.0.1", port)

    async def _accept(self, channel, reader, writer):
        if self.weather.cut:
            writer.transport.abort()
            return
        other = self.weather.swapped or self
        self.open.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(
                "127.0.0.1", other.targets[channel])
        except OSError:
            self._end(writer)
            return
        self.open.add(far_writer)
        await asyncio.gather(self._pump(reader, far_writer, writer),
                             self._pump(far_reader, writer, far_writer))

    def _end(self, *writers):
        for writer in writers:
            self.open.discard(writer)
            writer.transport.abort()

    async def _pump(self, reader, writer, near):
        try:
            while data := await reader.read(CHUNK):
                while self.weather.hole:
                    await asyncio.sleep(0.02)
                if self.weather.delay_s:
                    await asyncio.sleep(self.weather.delay_s)
                writer.write(data)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        self._end(writer, near)

    def drop(self):
        """Every connection there is."""
        async def drop():
            self._end(*list(self.open))
        self.proxies.call(drop())

    def lead_to(self, *targets):
        """From now on, for those who connect anew: all others are dropped."""
        self.targets = list(targets)
        self.drop()

    def clear(self):
        swapped = self.weather.swapped
        self.weather = Weather()
        if swapped:
            self.drop()


class Proxies:
    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine,
                                                self.loop).result(10)

    def link(self, name, ports):
        return Link(self, name, ports)

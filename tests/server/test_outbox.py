"""The outbox of a slow client: all control messages wait, and only the newest result. Stepped by hand."""

from __future__ import annotations

import asyncio

from livedance_lab.server.outbox import Outbox


class Socket:
    """A socket that takes one message each time the test permits it."""

    def __init__(self) -> None:
        self.sent: list[str | bytes] = []
        self.room = asyncio.Semaphore(0)
        self.taken = asyncio.Semaphore(0)

    async def send(self, message: str | bytes) -> None:
        await self.room.acquire()
        self.sent.append(message)
        self.taken.release()

    async def let_through(self, n: int) -> None:
        for _ in range(n):
            self.room.release()
            await self.taken.acquire()


def on_a_loop(work) -> None:
    async def main() -> None:
        socket, cut = Socket(), []
        outbox = Outbox(socket.send, lambda: cut.append(True))
        runner = asyncio.create_task(outbox.run((ConnectionError,)))
        await work(outbox, socket, cut)
        outbox.close()
        for _ in range(3):
            socket.room.release()
        await asyncio.wait_for(runner, 20)

    asyncio.run(main())


def test_a_slow_reader_gets_every_control_message_and_only_the_newest_result():
    async def work(outbox, socket, cut) -> None:
        outbox.put_newest("result", "result 0")
        await asyncio.sleep(0)  # it is being sent and cannot be replaced any more
        for n in range(1, 500):
            outbox.put_newest("result", f"result {n}")
            if n % 100 == 0:
                outbox.put(f"event {n}")
        await socket.let_through(6)

        assert socket.sent == ["result 0", "event 100", "event 200", "event 300", "event 400", "result 499"]
        assert outbox.n_replaced == 498
        assert cut == []

    on_a_loop(work)


def test_a_quick_reader_gets_everything():
    async def work(outbox, socket, cut) -> None:
        for n in range(50):
            outbox.put_newest("result", f"result {n}")
            await socket.let_through(1)
        assert socket.sent == [f"result {n}" for n in range(50)]
        assert outbox.n_replaced == 0

    on_a_loop(work)


def test_a_stalled_viewer_is_not_cut_off_for_its_producers_readings():
    """Statistics come twice a second; a page that sleeps for ten minutes receives the newest when it wakes."""

    async def work(outbox, socket, cut) -> None:
        outbox.put("event")
        await asyncio.sleep(0)
        for n in range(5000):
            outbox.put_newest("stats", f"stats {n}")
            outbox.put_newest("result", f"result {n}")
        await socket.let_through(3)

        assert socket.sent == ["event", "stats 4999", "result 4999"]
        assert cut == []

    on_a_loop(work)


def test_a_reader_for_whom_control_messages_pile_up_is_cut_off_once():
    async def work(outbox, socket, cut) -> None:
        for n in range(5000):
            outbox.put(f"event {n}")
        assert cut == [True]
        assert outbox.n_control <= 1001

    on_a_loop(work)


def test_after_closing_nothing_is_kept():
    async def work(outbox, socket, cut) -> None:
        outbox.close()
        outbox.put("event")
        outbox.put_newest("result", "result")
        await asyncio.sleep(0)
        assert socket.sent == []

    on_a_loop(work)


def test_a_closed_socket_ends_it():
    async def main() -> None:
        async def broken(message: str | bytes) -> None:
            raise ConnectionError

        outbox = Outbox(broken, lambda: None)
        runner = asyncio.create_task(outbox.run((ConnectionError,)))
        outbox.put("event")
        await asyncio.wait_for(runner, 20)

    asyncio.run(main())


def test_few_but_huge_messages_cut_a_reader_off_too():
    async def work(outbox, socket, cut) -> None:
        for _ in range(5):
            outbox.put("x" * 5_000_000)
            await asyncio.sleep(0)
        await socket.let_through(5)  # a client that reads may receive any amount
        assert cut == []
        for _ in range(8):
            outbox.put("x" * 5_000_000)
            await asyncio.sleep(0)
        assert cut == [True]

    on_a_loop(work)

"""Waiting until the services have nothing left to do."""

import asyncio

from benchmarks import usage

IDLE_SHARE = 0.1  # of one core, all services together
_INTERVAL = 2.0
_IN_A_ROW = 3


async def settle(services: tuple[str, ...], within: float) -> None:
    """Return when the services have been idle for some seconds, or after `within` seconds."""
    idle, before = 0, _busy(services)
    for _ in range(int(within / _INTERVAL)):
        await asyncio.sleep(_INTERVAL)
        now = _busy(services)
        idle = idle + 1 if now - before < IDLE_SHARE * _INTERVAL else 0
        before = now
        if idle == _IN_A_ROW:
            return


def _busy(services: tuple[str, ...]) -> float:
    spent = usage.cpu_seconds()
    return sum(spent[name] for name in set(services))

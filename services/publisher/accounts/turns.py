"""Turns: what concerns one account is done one thing after another, in the order it arrived, within a process."""

import asyncio
from weakref import WeakValueDictionary


class Turns:
    """A queue for each account that somebody is at."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, account_id: str) -> asyncio.Lock:
        """To be held for as long as one is at it; first come, first served."""
        lock = self._locks.get(account_id)
        if lock is None:
            lock = self._locks[account_id] = asyncio.Lock()
        return lock

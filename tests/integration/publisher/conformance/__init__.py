"""One suite for every platform: its adapter, unchanged, against a fake of its network that behaves as documented.

To add a network, write a `Case` in a module of its own and add it to `CASES` in `cases.py`.
"""

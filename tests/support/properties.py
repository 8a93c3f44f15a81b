"""How properties are checked everywhere: by what they say, not by how busy the machine is."""

from hypothesis import settings


def load_profile() -> None:
    """The same examples every time, and no deadline for a single one."""
    settings.register_profile("timeball", deadline=None, derandomize=True)
    settings.load_profile("timeball")

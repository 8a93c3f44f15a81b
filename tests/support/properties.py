"""How properties are checked everywhere: by what they say, not by how busy the machine is."""

from hypothesis import settings


def load_profile() -> None:
    """No deadline for a single example."""
    settings.register_profile("timeball", deadline=None)
    settings.load_profile("timeball")

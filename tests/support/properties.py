"""How properties are checked everywhere: by what they say, not by how busy the machine is."""

from hypothesis import HealthCheck, settings


def load_profile() -> None:
    """The same examples every time, and no deadline for a single one or for making them."""
    slow = [HealthCheck.too_slow]
    settings.register_profile("timeball", deadline=None, derandomize=True, suppress_health_check=slow)
    settings.load_profile("timeball")

"""Properties are held to what they say, not to how busy the machine is."""

from hypothesis import settings

settings.register_profile("timeball", deadline=None)
settings.load_profile("timeball")

"""Properties are held to what they say, not to how busy the machine is."""

from tests.support.properties import load_profile

load_profile()

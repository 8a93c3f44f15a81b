"""The publisher, which tells of a wait after a second."""

from datetime import timedelta

from services.publisher.app import MIGRATIONS, NAME, build
from services.publisher.sending import long_waits
from services.publisher.settings import Settings
from shared.process.main import main

if __name__ == "__main__":
    long_waits.LONG = timedelta(seconds=1)
    long_waits.LOOK_EVERY = timedelta(seconds=0.5)
    main(NAME, Settings, build, MIGRATIONS)

"""The scheduler, whose sweep takes a post for lost after seconds."""

from datetime import timedelta

from services.scheduler import periodic
from services.scheduler.app import MIGRATIONS, NAME, build
from services.scheduler.settings import Settings
from shared.process.main import main

GRACE = timedelta(seconds=6)

if __name__ == "__main__":
    periodic.OUTCOME_GRACE = GRACE
    periodic.SWEEP_EVERY = timedelta(seconds=0.5)
    main(NAME, Settings, build, MIGRATIONS)

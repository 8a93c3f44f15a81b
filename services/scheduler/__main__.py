"""Runs the scheduler: `python -m services.scheduler`."""

from services.scheduler.app import MIGRATIONS, NAME, build
from services.scheduler.settings import Settings
from shared.process.main import main

if __name__ == "__main__":
    main(NAME, Settings, build, MIGRATIONS)

"""Runs the monitor: `python -m services.monitor`."""

from services.monitor.app import MIGRATIONS, NAME, build
from services.monitor.settings import Settings
from shared.process.main import main

if __name__ == "__main__":
    main(NAME, Settings, build, MIGRATIONS)

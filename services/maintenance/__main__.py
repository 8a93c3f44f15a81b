"""Runs maintenance: `python -m services.maintenance`."""

from services.maintenance.app import MIGRATIONS, NAME, build
from services.maintenance.settings import Settings
from shared.process.main import main

if __name__ == "__main__":
    main(NAME, Settings, build, MIGRATIONS)

"""Runs the console: `python -m services.console`."""

from services.console.app import MIGRATIONS, NAME, build
from services.console.settings import Settings
from shared.process.main import main

if __name__ == "__main__":
    main(NAME, Settings, build, MIGRATIONS)

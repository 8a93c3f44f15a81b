"""Runs the publisher: `python -m services.publisher`."""

from services.publisher.app import MIGRATIONS, NAME, build
from services.publisher.settings import Settings
from shared.process.main import main

if __name__ == "__main__":
    main(NAME, Settings, build, MIGRATIONS)

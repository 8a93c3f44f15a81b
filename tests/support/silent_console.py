"""The console, whose streams give no sign of life while a test lasts."""

from services.console.api import stream
from services.console.app import MIGRATIONS, NAME, build
from services.console.settings import Settings
from shared.process.main import main

if __name__ == "__main__":
    stream.KEEP_ALIVE_SECONDS = 3600.0
    main(NAME, Settings, build, MIGRATIONS)

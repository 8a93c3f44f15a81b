"""Everything one machine needs to run Timeball: a private broker, a private database, the processes on top."""

"""The console's web page: what the people who run Timeball and the people who write look at."""

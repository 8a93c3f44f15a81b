"""How Timeball is run: the container image, and the local mode."""

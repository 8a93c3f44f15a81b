"""What a service says while its database is upgraded, for those who wait for it."""

UPGRADING = "it is being upgraded"

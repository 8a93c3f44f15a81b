"""Time: the one clock that everything reads, and local times in IANA zones."""

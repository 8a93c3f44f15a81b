"""Social networks on loopback ports, each with a ledger of what appears on it, behaving as its documented API does."""

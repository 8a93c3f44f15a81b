"""The whole system in one process under virtual time, driven by one seed (docs/simulation.md)."""

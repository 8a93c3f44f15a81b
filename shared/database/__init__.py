"""A service's database: the engine, bulk statements, group commit, migrations and retention."""

"""PostgreSQL as a source and as a target of a run: Arrow both ways, over ADBC."""

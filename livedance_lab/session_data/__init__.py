"""The tables of a session: schemas, bounded memory, DataFrames."""

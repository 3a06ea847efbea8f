"""Makes the folder of the tests importable, so that they share ``synthetic_storage``."""

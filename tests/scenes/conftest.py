"""Makes the helper modules in this folder importable from its subfolders too."""

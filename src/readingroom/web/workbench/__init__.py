"""The workbench: one item, one key, no reload."""

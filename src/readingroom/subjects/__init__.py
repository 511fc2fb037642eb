"""Requests of data subjects: find, erase, answered in time, carried out by the role `subjects` alone (P16, P34)."""

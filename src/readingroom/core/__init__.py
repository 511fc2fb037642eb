"""What every room stands on: errors, ids, time, canonical bytes, settings, crash points."""

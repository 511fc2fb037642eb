"""What keeps a room running: health, metrics, logs without personal values, doctor, backup and restore."""

"""The command line: one file per noun; a command opens the house in the role that its act needs, and no other."""

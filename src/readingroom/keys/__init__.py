"""Keys: the roles' own, and the keyring of each place; a destroyed key ends what it opened (P15, P18)."""

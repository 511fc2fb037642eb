"""Places and their object stores: sealed parts by path, written once, gone when deleted (P17, P18, P25)."""

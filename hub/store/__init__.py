"""The journal, the keys and the vault: what survives a crash, and what keeps it unreadable to others."""

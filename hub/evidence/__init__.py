"""What the hub can prove: events, and later the log and the bundle made of them."""

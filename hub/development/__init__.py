"""What `hub dev` does: one connector tried at its stand-in, or at an instance, outside any request."""

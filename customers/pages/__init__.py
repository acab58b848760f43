"""Pages of the customers app: what customers do about themselves, and the shop's look."""

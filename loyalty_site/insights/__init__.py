"""The pages for marketers: whether customers come back, what is owed to them, and whether gifts work."""

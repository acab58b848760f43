"""The customer's pages of the reward catalogue, of gift cards and of store credit."""

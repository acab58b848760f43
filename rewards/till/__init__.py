"""The till at /till/: pages for cashiers on a tablet. Every rule stands in the domain modules; here is what is asked and shown."""

"""Recommendations: what a customer is likely to buy again, and what people with the same tastes buy.

`history` reads purchases, `repeats` and `discoveries` score them, `knowledge` is what they learn from the whole shop, `ranking`
makes one list of a customer's history, `nightly` makes everybody's, `quality` says whether the lists are any good here, and
`choices` is what pages, tills and the API ask. The rules and their reasons: docs/recommendations.md.
"""

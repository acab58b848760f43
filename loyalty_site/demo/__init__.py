"""The demo shop: a café with a web shop, two hundred customers and the last eighteen months of their lives.

`manage.py load_demo` plays it through the same functions that real life uses; the same seed on the same day gives the same
shop, but for the coupon codes, which are random always.
"""

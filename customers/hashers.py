"""Password hashing for staff."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class ShopArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id with OWASP's 19 MiB, two passes, one lane: Django's 100 MiB would let forty log-ins ask for 4 GB."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1

"""PostgreSQL, Redis and a mail inbox for a newcomer's machine, and the supervisor that runs them with the site.

Production uses none of this: there DATABASE_URL, REDIS_URL and EMAIL_URL name real services.
"""

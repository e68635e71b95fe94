"""Signing in: sessions, second factors, the company's identity provider, and who has to use what."""

"""The record taken out: one signed archive, made, verified, and compared with what is here."""

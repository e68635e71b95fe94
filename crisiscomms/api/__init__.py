"""What every part of the API shares. The resources themselves stand in `api.py` of the house that owns them."""

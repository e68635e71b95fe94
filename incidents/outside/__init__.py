"""What goes on outside: what we halt, what others say, what competitors do."""

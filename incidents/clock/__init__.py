"""What has to happen by when: the rules that plan it, and what pages show of it."""

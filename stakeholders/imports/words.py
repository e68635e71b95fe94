"""The words that exports use for the few values that we know. Compared in lower case."""

OPT_OUT = {
    **dict.fromkeys(("true", "yes", "y", "1", "t", "x", "on", "opted out", "ja", "oui", "sí", "si", "wahr"), True),
    **dict.fromkeys(("false", "no", "n", "0", "f", "off", "opted in", "nein", "non", "falsch"), False),
}

VALUE = {
    **dict.fromkeys(("strategic", "tier 1", "1", "a", "key", "enterprise", "platinum"), "strategic"),
    **dict.fromkeys(("important", "tier 2", "2", "b", "mid-market", "gold"), "important"),
    **dict.fromkeys(("standard", "tier 3", "3", "c", "small business", "smb", "silver", "bronze"), "standard"),
}

# Lifecycle stages (HubSpot) and account types (Salesforce). None says nothing about the account.
KIND = {
    **dict.fromkeys(("customer", "customer - direct", "customer - channel", "evangelist", "client"), "customer"),
    **dict.fromkeys(
        ("partner", "channel partner / reseller", "technology partner", "reseller", "installation partner"), "partner"
    ),
    **dict.fromkeys(
        (
            "prospect",
            "lead",
            "subscriber",
            "opportunity",
            "marketing qualified lead",
            "sales qualified lead",
            "marketingqualifiedlead",
            "salesqualifiedlead",
            "mql",
            "sql",
        ),
        "prospect",
    ),
    "other": None,
}

LANGUAGE = {
    "english": "en",
    "german": "de",
    "deutsch": "de",
    "french": "fr",
    "français": "fr",
    "spanish": "es",
    "español": "es",
    "italian": "it",
    "portuguese": "pt",
    "dutch": "nl",
    "japanese": "ja",
    "chinese": "zh",
}

"""How an action says no."""


class Refused(Exception):
    """The act is not possible now. The text is a sentence, fit to show to the person who asked."""


class Conflict(Refused):
    """Somebody else was first. What was typed is kept; the text says what changed."""


class NotAllowed(Refused):
    """This person may not, whatever the state of things. The text names who may."""

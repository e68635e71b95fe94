"""The list of mentions: its columns, its filter, its totals."""

from typing import Any

from django import forms
from django.db.models import Count, Q, QuerySet, Sum

from crisiscomms.tables import Column, Table
from incidents.models import Mention, MentionChannel

CELLS = "incidents/mention_cells.html"
ANSWERS = [
    ("", "All"),
    ("waiting", "Waits for an answer"),
    ("answered", "Answered"),
    ("none", "Needs none"),
    ("struck", "Struck out"),
]


def _answer(mention: Mention) -> str:
    if mention.struck_at:
        return f"Struck out: {mention.struck_why}"
    if mention.answered_at:
        return f"Answered: {mention.answered_how}"
    return f"Waits for {mention.owner}" if mention.needs_answer else ""


COLUMNS = (
    Column(
        "seen", "Seen", lambda one: one.seen_at, f"{CELLS}#seen", sort="seen_at",
        ways=("earliest first", "latest first"), is_fixed=True,
    ),
    Column("channel", "Channel", lambda one: one.get_channel_display(), sort="channel"),
    Column("where", "Where", lambda one: one.where, f"{CELLS}#where", sort="where"),
    Column("sentiment", "Sentiment", lambda one: one.get_sentiment_display(), f"{CELLS}#sentiment"),
    Column(
        "reach", "Readers", lambda one: one.reach, f"{CELLS}#reach", sort="reach", ways=("fewest first", "most first"),
        is_number=True,
    ),
    Column("quote", "What they said", lambda one: one.quote, f"{CELLS}#quote"),
    Column("author", "Who said it", lambda one: one.author, is_shown=False),
    Column("link", "Link", lambda one: one.link, in_page=False),
    Column("answer", "Answer", _answer, f"{CELLS}#answer"),
    Column("by", "Noted by", lambda one: str(one.seen_by), is_shown=False),
)  # fmt: skip
NOUNS = ("mention", "mentions")
MENTIONS = Table(key="mentions", order="-seen", nouns=NOUNS, columns=COLUMNS)
ALL_MENTIONS = Table(
    key="all_mentions", order="-seen", nouns=NOUNS,
    columns=(
        COLUMNS[0],
        Column("incident", "Incident", lambda one: one.incident.ref if one.incident else "", f"{CELLS}#incident"),
        *COLUMNS[1:],
    ),
)  # fmt: skip


class MentionFilter(forms.Form):
    q = forms.CharField(label="Words", required=False, max_length=100)
    channel = forms.ChoiceField(label="Channel", required=False, choices=[("", "All"), *MentionChannel.choices])
    sentiment = forms.ChoiceField(label="Sentiment", required=False, choices=[("", "All"), *Mention.Sentiment.choices])
    answer = forms.ChoiceField(label="Answer", required=False, choices=ANSWERS)


def narrow(mentions: QuerySet[Mention], wanted: dict[str, Any]) -> QuerySet[Mention]:
    for name in ("channel", "sentiment"):
        if wanted[name]:
            mentions = mentions.filter(**{name: wanted[name]})
    for word in wanted["q"].split():
        found = Q(where__icontains=word) | Q(quote__icontains=word) | Q(author__icontains=word)
        mentions = mentions.filter(found)
    if wanted["answer"] == "struck":
        return mentions.exclude(struck_at=None)
    mentions = mentions.filter(struck_at=None)
    if wanted["answer"] == "waiting":
        return mentions.filter(needs_answer=True, answered_at=None)
    if wanted["answer"] == "answered":
        return mentions.exclude(answered_at=None)
    return mentions.filter(needs_answer=False, answered_at=None) if wanted["answer"] else mentions


def totals(mentions: QuerySet[Mention]) -> dict[str, Any]:
    """By channel × sentiment, with how many may have read them: one query. What was struck out counts nowhere."""
    counts = (
        mentions.filter(struck_at=None)
        .values("channel", "sentiment")
        .annotate(count=Count("pk"), readers=Sum("reach"))
        .order_by()
    )
    found: dict[str, dict[str, int]] = {}
    readers: dict[str, int] = {}
    for row in counts:
        found.setdefault(row["channel"], {})[row["sentiment"]] = row["count"]
        readers[row["channel"]] = readers.get(row["channel"], 0) + row["readers"]
    sentiments = list(Mention.Sentiment.values)
    rows: list[dict[str, Any]] = [
        {
            "label": label, "counts": [found[key].get(one, 0) for one in sentiments],
            "total": sum(found[key].values()), "readers": readers[key],
        }
        for key, label in MentionChannel.choices if key in found
    ]  # fmt: skip
    everything = [sum(row["counts"][place] for row in rows) for place in range(len(sentiments))]
    return {
        "sentiments": Mention.Sentiment.labels, "rows": rows, "all": everything, "total": sum(everything),
        "readers": sum(readers.values()),
    }  # fmt: skip

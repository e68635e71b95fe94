"""The record: append-only, chained, and honest about what was changed behind its back (faults O6)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection

from crisiscomms import audit
from crisiscomms.models import AuditDetail, AuditEvent
from tests import factories
from tests.conftest import NOW

CHAIN = "INC-7"


def record(number, **fields):
    values = {"chain": CHAIN, "verb": "x.done", "subject": "x:1", "text": f"Thing {number}", "by": None, "now": NOW}
    return audit.record(**{**values, **fields})


@pytest.fixture
def chain(db):
    """Three events, and one of another chain between them."""
    first, second = record(1), record(2, data={"count": 2})
    record(0, chain=audit.INSTALLATION)
    return [first, second, record(3)]


def as_superuser(sql, *values):
    """Behind the triggers' back, as somebody with the keys to the database could."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, values)
        cursor.execute("SET LOCAL session_replication_role = origin")


def faults():
    return list(audit.faults(CHAIN))


def test_a_chain_is_numbered_without_gaps_and_verifies(chain):
    assert [event.number for event in chain] == [1, 2, 3]
    assert bytes(chain[1].previous) == bytes(chain[0].digest) != b""
    assert faults() == [] and list(audit.faults(audit.INSTALLATION)) == []


def test_an_event_says_when_it_happened_and_when_it_was_written(chain):
    assert chain[0].at == NOW and chain[0].recorded_at != NOW


@pytest.mark.parametrize(
    "change",
    [
        "verb = 'x.undone'",
        "subject = 'x:2'",
        "at = at + interval '1 second'",
        "publishable = true",
        "actor_id = 1",
        "detail_digest = '\\x00'",
        "digest = '\\x00'",
    ],
)
def test_a_changed_row_is_found(policies, ada, chain, change):
    as_superuser(f"UPDATE crisiscomms_auditevent SET {change.replace('= 1', f'= {ada.pk}')} WHERE id = %s", chain[1].pk)

    assert any("Event 2 of INC-7 was changed." in fault or "words of event 2" in fault for fault in faults())


def test_a_row_that_was_changed_and_signed_with_another_key_is_found(chain, settings):
    settings.RECORD_SIGNING_KEY = "z" * 50

    assert faults()[0] == "Event 1 of INC-7 was changed."


def test_a_removed_middle_row_is_found(chain):
    as_superuser("DELETE FROM crisiscomms_auditdetail WHERE event_id = %s", chain[1].pk)
    as_superuser("DELETE FROM crisiscomms_auditevent WHERE id = %s", chain[1].pk)

    assert faults()[0] == "Event 2 of INC-7 is missing."


def test_a_removed_middle_row_is_found_also_when_the_rest_moves_up(chain):
    as_superuser("DELETE FROM crisiscomms_auditdetail WHERE event_id = %s", chain[1].pk)
    as_superuser("DELETE FROM crisiscomms_auditevent WHERE id = %s", chain[1].pk)
    as_superuser("UPDATE crisiscomms_auditevent SET number = 2 WHERE id = %s", chain[2].pk)

    assert faults() == ["Event 2 of INC-7 was changed."]


def test_a_removed_middle_row_is_found_also_when_the_rest_is_signed_anew(chain):
    last = AuditEvent.objects.get(pk=chain[2].pk)
    last.number = 2
    as_superuser("DELETE FROM crisiscomms_auditdetail WHERE event_id = %s", chain[1].pk)
    as_superuser("DELETE FROM crisiscomms_auditevent WHERE id = %s", chain[1].pk)
    as_superuser(
        "UPDATE crisiscomms_auditevent SET number = 2, digest = %s WHERE id = %s", audit.digest_of(last), last.pk
    )

    assert faults() == ["Event 2 of INC-7 was changed."]


@pytest.mark.parametrize("change", ["text = 'Another thing'", "data = '{\"count\": 3}'"])
def test_changed_words_are_found(chain, change):
    as_superuser(f"UPDATE crisiscomms_auditdetail SET {change} WHERE event_id = %s", chain[1].pk)

    assert faults() == ["The words of event 2 of INC-7 were changed."]


def test_erased_words_keep_the_chain_whole(chain):
    AuditDetail.objects.filter(event=chain[1]).update(text="", data={}, erased_at=NOW)

    assert faults() == []


@pytest.mark.parametrize("model", [AuditEvent, AuditDetail])
def test_the_database_refuses_to_delete(chain, model):
    with pytest.raises(DatabaseError, match="Cannot delete"):
        model.objects.filter(pk=chain[1].pk).delete()


def test_the_database_refuses_to_update_an_event(chain):
    with pytest.raises(DatabaseError, match="Cannot update"):
        AuditEvent.objects.filter(pk=chain[1].pk).update(verb="x.undone")


@pytest.mark.parametrize("table", ["crisiscomms_auditdetail", "crisiscomms_auditevent, crisiscomms_auditdetail"])
def test_o6_the_database_refuses_to_empty_the_record(chain, table):
    with pytest.raises(DatabaseError, match="Cannot truncate"), connection.cursor() as cursor:
        # A deferred check would be refused for its own reason before the trigger is asked.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"TRUNCATE {table}")


@pytest.mark.parametrize(
    "change", [{"text": "Another thing"}, {"data": {"count": 3}}, {"text": "Another", "erased_at": NOW}]
)
def test_o6_the_database_refuses_other_words(chain, change):
    with pytest.raises(DatabaseError, match="Cannot update the words"):
        AuditDetail.objects.filter(event=chain[1]).update(**change)


def test_o6_erased_words_cannot_be_written_again(chain):
    audit.erase([chain[1].pk], now=NOW)

    with pytest.raises(DatabaseError, match="Cannot update the words"):
        AuditDetail.objects.filter(event=chain[1]).update(text="Thing 2", erased_at=None)


def cut(*events):
    for event in events:
        as_superuser("DELETE FROM crisiscomms_auditdetail WHERE event_id = %s", event.pk)
        as_superuser("DELETE FROM crisiscomms_auditevent WHERE id = %s", event.pk)


def test_o6_a_cut_tail_is_found_by_an_anchor_from_before(chain):
    anchors = audit.heads()
    assert faults() == list(audit.lost(anchors)) == []
    cut(chain[2])

    assert faults() == []
    assert list(audit.faults(CHAIN, anchors=anchors)) == ["The end of INC-7 was cut off: it had 3 events, now 2."]


def test_o6_a_chain_that_is_gone_altogether_is_found_by_its_anchor(chain):
    anchors = audit.heads()
    cut(*chain)

    assert list(audit.lost(anchors)) == ["The end of INC-7 was cut off: it had 3 events, now 0."]


def test_o6_a_tail_that_was_cut_and_written_anew_is_found_by_its_anchor(chain):
    anchors = audit.heads()
    cut(chain[2])
    record(4), record(5)

    assert faults() == []
    assert list(audit.lost(anchors)) == ["Event 3 of INC-7 is another one than before."]


def test_an_action_that_fails_leaves_no_event(ada):
    from crisiscomms.refusal import Refused

    before = AuditEvent.objects.count()

    with pytest.raises(Refused):
        factories.make_incident(ada, title="")

    assert AuditEvent.objects.count() == before


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_writers_at_once_make_one_whole_chain():
    def write(_):
        try:
            for number in range(10):
                record(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(write, range(3)))

    numbers = AuditEvent.objects.filter(chain=CHAIN).order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, 31)) and faults() == []

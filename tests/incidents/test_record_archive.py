"""An archive of a record proves itself whole, or names what was changed, removed, added or cut off."""

import io
import json
import random
import struct
import subprocess
import sys
import zipfile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from crisiscomms import signing
from incidents.record import format, verifying
from tests.conftest import NOW
from tests.incidents.record_ground import PNG, archive, faults, files_of, pack, whole_incident

# Made once: what is done to it needs no database.
_made: dict[str, bytes] = {}


@pytest.fixture
def data(request):
    if "data" not in _made:
        get = request.getfixturevalue
        get("settings").MEDIA_ROOT = get("tmp_path")
        get("sink")
        _made["data"] = archive(whole_incident(get("ada"), get("ben")))
    return _made["data"]


def test_it_proves_itself_whole_and_holds_what_there_is(data):
    files = files_of(data)
    names = list(files)

    assert faults(data) == []
    assert names == [*sorted(names[:-2]), "manifest.json", "manifest.sig"]
    assert PNG in files.values() and b"Half of all payments fail." in files["record.html"]
    assert {
        f"parts/{key}.json"
        for key in ("incident", "decisions", "facts", "versions", "approvals", "dispatches", "chain")
    } <= set(files)
    assert b"lena@bluegate.example" in files["parts/recipients.csv"]


def test_the_machine_readable_record_is_canonical_and_the_parts_together(data):
    files = files_of(data)
    whole = json.loads(files["record.json"])

    assert format.canonical(whole) == files["record.json"]
    assert {f"parts/{key}.json": format.canonical(part) for key, part in whole["parts"].items()} == {
        name: raw for name, raw in files.items() if name.startswith("parts/") and name.endswith(".json")
    }


def test_approvals_stand_in_it_with_their_proof_and_versions_with_their_words(data):
    files = files_of(data)
    approval, version = json.loads(files["parts/approvals.json"])[0], json.loads(files["parts/versions.json"])[0]

    assert approval["decisions"][0]["proved"] == "signed in"
    assert approval["decisions"][0]["fingerprint"] == version["fingerprint"]
    assert version["content"]["subject"] == "Card payments: some fail, we are on it"


def kinds(data):
    """One file of every kind in the archive."""
    names = files_of(data)
    return [next(name for name in names if name.startswith("files/")), "parts/approvals.json", "parts/chain.json",
            "parts/recipients.csv", "record.html", "record.json"]  # fmt: skip


def test_a_changed_file_is_named(data):
    for name in kinds(data):
        files = files_of(data)
        files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1])

        assert f"{name} was changed." in faults(pack(files))


def test_a_removed_file_is_named(data):
    for name in kinds(data):
        files = files_of(data)
        del files[name]

        assert f"“{name}” was removed." in faults(pack(files))


def test_an_added_file_is_named(data):
    files = {"files/extra.txt": b"x"} | files_of(data)

    assert faults(pack(files)) == ["“files/extra.txt” was added."]


def test_swapped_parts_are_named_with_what_they_hold(data):
    files = files_of(data)
    files["parts/team.json"], files["parts/messages.json"] = files["parts/messages.json"], files["parts/team.json"]

    assert faults(pack(files)) == [
        "parts/messages.json was changed: it holds what belongs into parts/team.json.",
        "parts/team.json was changed: it holds what belongs into parts/messages.json.",
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [("manifest.json", "manifest.json was removed"), ("manifest.sig", "manifest.sig was removed")],
)
def test_without_manifest_or_signature_nobody_stands_for_it(name, words, data):
    files = files_of(data)
    del files[name]

    assert words in faults(pack(files))[0]


def forged(files, change, key=None):
    """The manifest changed and signed anew by somebody else."""
    manifest = json.loads(files["manifest.json"])
    change(manifest)
    raw = format.canonical(manifest)
    key = key or Ed25519PrivateKey.from_private_bytes(bytes(32))
    signature = format.signature_file(key.public_key().public_bytes_raw(), key.sign(format.to_sign(raw)))
    return files | {"manifest.json": raw, "manifest.sig": signature}


def test_a_changed_manifest_does_not_fit_its_signature(data):
    files = files_of(data)
    files["manifest.json"] = files["manifest.json"].replace(b'"exported_by":"the', b'"exported_by":"The')

    assert faults(pack(files)) == ["The signature does not fit: manifest.json or manifest.sig was changed."]


def test_what_was_signed_anew_by_another_key_is_named_with_both_fingerprints(data):
    files = forged(files_of(data), lambda manifest: None)

    (fault,) = faults(pack(files))
    assert fault.startswith("It was signed by another key") and signing.fingerprint() in fault
    # Without a key to expect, whoever reads has to compare the fingerprint.
    report = verifying.verify(io.BytesIO(pack(files)))
    assert report.is_whole and "compare" in list(verifying.lines(report, is_key_known=False))[-1]


def our_key():
    return signing._key()


def with_chain(files, events):
    """An archive of a chain that was broken before, signed by the installation itself."""
    chain = json.loads(files["parts/chain.json"])
    chain["events"] = events(chain["events"])
    raw = format.canonical(chain)

    def change(manifest):
        import hashlib

        listed = next(one for one in manifest["files"] if one["name"] == "parts/chain.json")
        listed |= {"size": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}

    return forged(files | {"parts/chain.json": raw}, change, our_key())


def test_a_chain_whose_end_was_cut_is_found_by_the_head_in_the_manifest(data):
    files = with_chain(files_of(data), lambda events: events[:-2])

    assert any("The end of INC-1 was cut off: the manifest knows" in fault for fault in faults(pack(files)))


def test_a_middle_event_that_is_not_there_is_named(data):
    files = with_chain(files_of(data), lambda events: [one for one in events if one["number"] != 3])

    assert "Event 3 of INC-1 was missing already when the record was taken out." in faults(pack(files))


def test_an_event_that_does_not_follow_is_named(data):
    def other(events):
        events[4]["previous"] = "00" * 32
        return events

    assert any("Event 5 of INC-1 does not follow" in fault for fault in faults(pack(with_chain(files_of(data), other))))


def test_an_archive_packed_again_says_that_its_files_are_as_signed(data):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as again:
        for name, content in files_of(data).items():
            again.writestr(name, content)

    assert faults(stream.getvalue()) == [
        "The files are as they were signed, but the archive around them was changed or packed again."
    ]


def test_a_cut_or_lengthened_archive_is_never_whole(data):
    assert all(faults(data[:cut]) for cut in random.Random(1).sample(range(len(data)), 60))
    assert all(faults(data + more) for more in (b"\x00", b"PK\x05\x06" + bytes(18), data))
    assert faults(b"") and faults(b"\x00" + data)


@pytest.mark.slow
def test_no_changed_bit_leaves_it_whole(data):
    @effort(max_examples=300, deadline=None)
    @given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), where=st.sampled_from(["any", "ends"]))
    def holds(place, bit, where):
        changed = bytearray(data)
        size = len(data) if where == "any" else 3000
        changed[len(data) - 1 - int(place * size)] ^= 1 << bit

        assert faults(bytes(changed), expected_key=None)

    holds()


@pytest.mark.slow
def test_no_mutation_leaves_it_whole(data):
    @effort(max_examples=150, deadline=None)
    @given(at=st.integers(0, len(data) - 1), length=st.integers(0, 200), new=st.binary(max_size=200))
    def holds(at, length, new):
        changed = data[:at] + new + data[at + length :]

        assert bool(faults(changed, expected_key=None)) == (changed != data)

    holds()


def test_equal_states_make_equal_bytes_but_for_the_time_of_export(ada, ben, sink, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    incident = whole_incident(ada, ben)
    first, again, later = archive(incident), archive(incident), archive(incident, now=NOW.replace(hour=20))

    assert first == again != later
    one, other = files_of(first), files_of(later)
    assert {name for name in one if one[name] != other[name]} == {"manifest.json", "manifest.sig", "record.pdf"}


def test_addresses_can_be_left_out_and_stand_nowhere_else(ada, ben, sink, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    data = archive(whole_incident(ada, ben), with_recipients=False)
    files = files_of(data)

    assert faults(data) == [] and "parts/recipients.csv" not in files
    assert [name for name, raw in files.items() if b"@bluegate.example" in raw] == []
    assert json.loads(files["parts/batches.json"])[0]["recipients"] == 2


# Hostile archives


def zipped(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members:
            made.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    "name", ["../../etc/x", "/etc/x", "files/../x", "files\\x", "C:\\x", "files/x\x1b[2J", "FILES/X"]
)
def test_i7_a_name_that_leads_elsewhere_is_named_and_never_followed(name, data):
    found = faults(zipped([*files_of(data).items(), (name, b"x")]))

    assert any("is no name that a file of a record can have" in fault for fault in found)
    assert all(fault.isprintable() for fault in found)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_i7_a_file_that_is_there_twice_is_named(data):
    found = faults(zipped([*files_of(data).items(), ("record.html", b"<h1>Other</h1>")]))

    assert "“record.html” is in the archive 2 times." in found


@pytest.mark.parametrize(
    "manifest",
    [
        b"[" * 100_000,
        b"{" + b'"a":{' * 100_000,
        b'{"format":"crisis-comms-record/1","format":1}',
        b'{"n":' + b"9" * 100_000 + b"}",
        b'{"n":NaN}',
        b"\xff\xfe",
        b"null",
        b'{"format":"crisis-comms-record/1","files":[{"name":"../x","size":1,"sha256":"' + b"a" * 64 + b'"}]}',
        b'{"format":"crisis-comms-record/1","files":[{"name":"record.html","size":-1,"sha256":"' + b"a" * 64 + b'"}]}',
    ],
    ids=["deep list", "deep object", "twice", "long number", "nan", "no text", "null", "name", "size"],
)
def test_i7_a_hostile_manifest_is_refused_in_words(manifest):
    found = faults(zipped([("manifest.json", manifest), ("manifest.sig", b"{}")]))

    assert any("manifest.json was changed" in fault for fault in found)


@pytest.mark.slow
def test_i7_a_bomb_is_read_no_further_than_it_may_be(data):
    """A gigabyte in a megabyte, for a file that is short by the manifest, and for the manifest itself."""
    bomb = bytes(64 * 1024 * 1024)
    files = files_of(data) | {"record.html": bomb}

    assert "record.html was changed." in faults(zipped(files.items()))
    assert "manifest.json was removed or cannot be read" in faults(zipped([("manifest.json", bomb)]))[0]


def test_i7_a_list_of_contents_that_lies_about_its_length_is_refused(data):
    lie = data[:-22] + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 9, 9, 2**31, 0, 0)
    many = data[:-22] + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, 10, 0, 0)

    assert faults(lie) == faults(many) == ["The list of contents at the end of the archive was changed."]


@pytest.mark.slow
def test_it_verifies_elsewhere_without_django_and_without_a_database(data, tmp_path):
    path = tmp_path / "INC-1.zip"
    path.write_bytes(data)
    words = (
        "import sys; sys.modules['django'] = None; from incidents.record import verifying; "
        "sys.exit(verifying.main(sys.argv[1:]))"
    )
    argv = [sys.executable, "-c", words, str(path)]

    whole = subprocess.run([*argv, signing.public_key().hex()], capture_output=True, text=True, env={}, timeout=30)
    path.write_bytes(data[:-30])
    cut = subprocess.run(argv, capture_output=True, text=True, env={}, timeout=30)

    assert (whole.returncode, cut.returncode) == (0, 1), whole.stderr
    assert whole.stdout.startswith("This record is whole: INC-1") and "cut off" in cut.stdout

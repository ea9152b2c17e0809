"""Whatever happens to a journal's files, it gives back what was written or says what is wrong; it never guesses."""

import os
import re
import shutil

import pytest

from rustybt.errors import JournalCorrupt
from rustybt.optimization.journal import Journal
from tests.optimization.journals import HEADER, append, check_entry, check_prefix, content, filled, study_at

TOTAL = 5


@pytest.fixture(autouse=True)
def unsynced(monkeypatch):
    """Save the time of syncing."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Give the folder of a journal whose trials were not known to be synced, to copy."""
    return filled(tmp_path_factory.mktemp("whole") / "run", TOTAL)


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "run")


def sizes(folder):
    """Give how far lines and returns reach after each number of trials."""
    with Journal.resume(folder, HEADER) as journal:
        lengths = [len(journal.entries[study_at(number), number].trial.returns) for number in range(TOTAL)]
    lines = (folder / "trials.jsonl").read_bytes().splitlines(keepends=True)
    return [(sum(map(len, lines[:n])), sum(lengths[:n])) for n in range(TOTAL + 1)]


def check_goes_on(folder, total, torn):
    """Check that the journal holds so many trials, dropped so many, and takes up where it stands."""
    with Journal.resume(folder, HEADER) as journal:
        assert (check_prefix(journal), journal.cut_trials) == (total, torn)
        append(journal, total)
    with Journal.resume(folder, HEADER) as journal:
        assert (check_prefix(journal), journal.cut_trials) == (total + 1, 0)


def check_refused(folder, message):
    before = content(folder)
    with pytest.raises(JournalCorrupt, match=message) as caught:
        Journal.resume(folder, HEADER)
    assert content(folder) == before
    return caught.value


def overwrite(path, data):
    path.write_bytes(data)


def check_cut_everywhere(folder, stride):
    ends = [lines for lines, _ in sizes(folder)]
    lines, returns = folder / "trials.jsonl", folder / "returns.bin"
    all_lines, all_returns = lines.read_bytes(), returns.read_bytes()
    for size in sorted({*range(0, len(all_lines), stride), *ends, *(end - 1 for end in ends[1:])}):
        overwrite(lines, all_lines[:size])
        overwrite(returns, all_returns)
        total = sum(end <= size for end in ends) - 1
        check_goes_on(folder, total, torn=int(size not in ends))


def test_a_line_torn_anywhere_is_cut_off(folder):
    check_cut_everywhere(folder, stride=101)


@pytest.mark.soak
def test_a_line_torn_at_every_byte_is_cut_off(folder):
    check_cut_everywhere(folder, stride=1)


def test_returns_without_a_line_are_cut_off(folder):
    """The returns are written first: a kill may come before their line."""
    with (folder / "returns.bin").open("ab") as file:
        file.write(b"\1" * 1000)
    check_goes_on(folder, TOTAL, torn=0)


def test_trials_whose_returns_a_power_cut_took_are_cut_off(folder):
    ends = sizes(folder)
    for lost in range(ends[-1][1] + 1):
        copy = shutil.copytree(folder, folder.with_name(f"copy {lost}"))
        kept = ends[-1][1] - lost
        overwrite(copy / "returns.bin", (folder / "returns.bin").read_bytes()[:kept])
        total = max(n for n, (_, end) in enumerate(ends) if end <= kept)
        if lost % 9 == 0 or kept in {end for _, end in ends}:
            check_goes_on(copy, total, torn=TOTAL - total)


def test_but_not_where_they_were_known_to_be_on_the_disk(tmp_path):
    folder = tmp_path / "run"
    with Journal.create(folder, HEADER) as journal:
        for number in range(3):
            append(journal, number)
        journal.flush()
        for number in range(3, 8):
            append(journal, number)
    with Journal.resume(folder, HEADER) as journal:
        safe = sum(len(journal.entries[study_at(number), number].trial.returns) for number in range(3))
    returns = (folder / "returns.bin").read_bytes()
    overwrite(folder / "returns.bin", returns[: safe - 1])
    error = check_refused(folder, "its returns, which were on the disk, are missing in returns.bin")
    assert re.search(r"line [123] of", str(error))
    overwrite(folder / "returns.bin", returns[:safe])
    with Journal.resume(folder, HEADER) as journal:
        assert check_prefix(journal) >= 3


@pytest.mark.parametrize("number", range(TOTAL - 1))
def test_a_damaged_line_in_the_middle_is_told_by_its_number(folder, number):
    path = folder / "trials.jsonl"
    data = bytearray(path.read_bytes())
    start, end = (sizes(folder)[n][0] for n in (number, number + 1))
    for place in (start, start + 12, (start + end) // 2, end - 2, end - 1):
        changed = bytearray(data)
        changed[place] ^= 0x01
        overwrite(path, bytes(changed))
        check_refused(folder, rf"line {number + 1} of '.*trials\.jsonl' is damaged: it is not as it was written")


def test_what_the_message_advises_helps(folder):
    path = folder / "trials.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    overwrite(path, b"".join([*lines[:2], lines[2].replace(b'"bars":', b'"cars":'), *lines[3:]]))
    error = check_refused(folder, "keep the 2 trials before it, which are whole, and run the others again")
    size = int(re.search(r"truncate -s (\d+) '.*trials\.jsonl', then resume", str(error))[1])
    overwrite(path, path.read_bytes()[:size])
    check_goes_on(folder, 2, torn=0)


def test_a_damaged_last_line_is_a_torn_one(folder):
    path = folder / "trials.jsonl"
    overwrite(path, path.read_bytes()[:-9] + b"\0" * 8 + b"\n")
    check_goes_on(folder, TOTAL - 1, torn=1)


def test_a_tail_of_zeros_is_a_torn_line(folder):
    with (folder / "trials.jsonl").open("ab") as file:
        file.write(bytes(5000))
    check_goes_on(folder, TOTAL, torn=1)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ((0, 2, 3, 4), "line 2 of .* it is entry 2 where entry 1 should stand"),
        ((1, 2, 3, 4), "line 1 of .* it is entry 1 where entry 0 should stand"),
        ((0, 2, 1, 3, 4), "line 2 of .* it is entry 2 where entry 1 should stand"),
        ((0, 1, 1, 2, 3, 4), "line 3 of .* it is entry 1 where entry 2 should stand"),
    ],
)
def test_lines_that_were_dropped_moved_or_doubled_are_told(folder, order, message):
    path = folder / "trials.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    overwrite(path, b"".join(lines[number] for number in order))
    check_refused(folder, message)


def test_a_trial_that_stands_twice_is_told(tmp_path, monkeypatch):
    with monkeypatch.context() as patch, Journal.create(tmp_path, HEADER) as journal:
        patch.setattr("rustybt.optimization.journal._check_name", lambda *args: None)
        for _ in range(2):
            append(journal, 1)
        append(journal, 2)
    check_refused(tmp_path, "line 2 of .* trial 1 of 'window 3' stands there a second time")


def test_damaged_returns_are_told(folder):
    path, ends = folder / "returns.bin", [returns for _, returns in sizes(folder)]
    data = path.read_bytes()
    for place in range(0, len(data), 5):
        overwrite(path, data[:place] + bytes([data[place] ^ 0x80]) + data[place + 1 :])
        number = sum(end <= place for end in ends) - 1
        check_refused(folder, rf"line {number + 1} of .*: its returns in returns\.bin are not as they were written")


def test_a_file_changed_under_an_open_journal_is_told(folder):
    lines, returns = folder / "trials.jsonl", folder / "returns.bin"
    with Journal.resume(folder, HEADER) as journal:
        number = max(range(TOTAL), key=lambda n: len(journal.entries[study_at(n), n].trial.returns))
        key = (study_at(number), number)
        with returns.open("r+b") as file:
            file.write(bytes(returns.stat().st_size))
        with pytest.raises(JournalCorrupt, match=f"trial {number} of .* was changed on the disk"):
            journal.entries[key]
        lines.write_bytes(b"")
        with pytest.raises(JournalCorrupt, match=f"trial {number} of .* was changed on the disk"):
            journal.entries[key]


def check_flips(folder, stride):
    """Check that a journal with one changed bit is refused, or gives back what was written."""
    refused = total = 0
    for path in (folder / "trials.jsonl", folder / "returns.bin"):
        data = path.read_bytes()
        for place in range(0, len(data), stride):
            overwrite(path, data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :])
            others = {name: kept for name, kept in content(folder).items() if name != path.name}
            total += 1
            try:
                with Journal.resume(folder, HEADER) as journal:
                    for study, number in journal.entries:
                        assert study == study_at(number)
                        check_entry(journal, number)
                    assert (len(journal.entries), journal.cut_trials) == (TOTAL - 1, 1)
            except JournalCorrupt:
                refused += 1
            overwrite(path, data)
            for name, (kept, _) in others.items():
                overwrite(folder / name, kept)
    assert 0 < refused < total


def test_no_changed_bit_gives_a_wrong_trial(folder):
    check_flips(folder, stride=37)


@pytest.mark.soak
def test_no_changed_bit_anywhere_gives_a_wrong_trial(folder):
    check_flips(folder, stride=1)

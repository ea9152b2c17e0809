"""Progress is for terminals."""

import io

from rustybt.data.bundles.progress import tracked


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_silent_where_nobody_looks(capsys):
    assert list(tracked([1, 2], "Reading", show=True)) == [1, 2]
    assert capsys.readouterr() == ("", "")


def test_silent_when_not_asked(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    assert list(tracked(iter("ab"), "Reading", show=False)) == ["a", "b"]
    assert screen.getvalue() == ""


def test_shows_label_and_count_on_a_terminal(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    assert list(tracked(iter("abc"), "Reading", show=True, total=3)) == ["a", "b", "c"]
    assert "Reading" in screen.getvalue() and "3/3" in screen.getvalue()

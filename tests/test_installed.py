"""Are the interpreter's folders told from the user's?"""

import importlib

from rustybt.installed import is_installed


def test_folders_of_packages_count_as_installed(tmp_path):
    assert is_installed(importlib.import_module("numpy").__path__[0])
    assert is_installed(importlib.import_module("email").__path__[0])
    assert not is_installed(str(tmp_path))

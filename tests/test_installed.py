"""Are the interpreter's folders told from the user's?"""

import importlib
import os

from rustybt.installed import is_installed


def test_folders_of_packages_count_as_installed(tmp_path):
    assert is_installed(importlib.import_module("numpy").__path__[0])
    assert is_installed(importlib.import_module("email").__path__[0])
    assert not is_installed(str(tmp_path))


def test_links_are_followed_wherever_they_are_in_a_path(tmp_path):
    packages = os.path.dirname(importlib.import_module("numpy").__path__[0])
    (tmp_path / "to_packages").symlink_to(packages)
    assert is_installed(str(tmp_path / "to_packages" / "numpy" / "linalg"))
    mine = tmp_path / "mine" / "package"
    mine.mkdir(parents=True)
    elsewhere = tmp_path / "lib" / "site-packages"
    elsewhere.mkdir(parents=True)
    (elsewhere / "linked").symlink_to(mine)
    assert is_installed(str(elsewhere))
    assert not is_installed(str(elsewhere / "linked"))
    assert not is_installed(str(elsewhere / "linked" / "below"))


def test_a_folder_whose_name_begins_like_the_standard_library_is_not_it():
    library = os.path.dirname(importlib.import_module("os").__file__)
    assert is_installed(library)
    assert not is_installed(f"{library}-mine")

import pytest

from lightlist import Character, Light, Unreadable, read


def test_a_list_maps_names_to_characters() -> None:
    assert read("Skerry Point: Oc R 6s\n") == [Light("Skerry Point", Character("Oc", "R", 1, 6.0))]
    assert read("") == []


def test_a_list_of_names_alone_is_refused() -> None:
    with pytest.raises(Unreadable, match="maps names"):
        read("- Skerry Point\n")

import unittest

from ropewalk import HEMP, MANILA, Rope, fibres


class Ropes(unittest.TestCase):
    def test_twice_as_thick_holds_four_times_as_much(self) -> None:
        thin, thick = (Rope(MANILA, width, 10) for width in (12, 24))
        self.assertAlmostEqual(thick.breaking_load, 4 * thin.breaking_load)

    def test_a_splice_takes_twenty_diameters(self) -> None:
        rope = Rope(HEMP, 20, 10)
        self.assertAlmostEqual(rope.spliced(rope).metres, 19.6)

    def test_unlike_ropes_are_not_spliced(self) -> None:
        with self.assertRaisesRegex(ValueError, "one make"):
            Rope(HEMP, 20, 10).spliced(Rope(MANILA, 20, 10))

    def test_only_known_lays_are_made(self) -> None:
        with self.assertRaises(ValueError):
            Rope(HEMP, 20, 10, strands=7)


class Fibres(unittest.TestCase):
    def test_the_table_comes_with_the_package(self) -> None:
        self.assertIn("polyamide", fibres())
        self.assertEqual(fibres()["hemp"], HEMP)

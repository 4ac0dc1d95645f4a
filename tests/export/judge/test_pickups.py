import pytest

from ripieno_export.judge.pickups import pickup_beats, title_of, tunes_of

REEL = "T: A Reel\nM:C|\nL:1/8\nK:G\n"


@pytest.mark.parametrize(
    ("bars", "beats"),
    [
        ("d>c \\\n| BdGB cAFA |", 1.0),
        ("|: B | G2 G2 G2 G2 |", 0.5),
        ("(3BdB |G8|", 1.0),
        ('{g}f/e/ "D"d | G8|', 1.0),
        ("G2 G2 G2 G2 | A8|", 0.0),
        ("[GB]2 z2 | G8", 2.0),
        ("P:A\n!p!^G/2A/2 | A8", 0.5),
    ],
)
def test_a_pickup_is_what_stands_before_the_first_bar_line(bars, beats):
    assert pickup_beats(" 1\n" + REEL + bars) == beats


def test_without_a_unit_it_follows_from_the_metre():
    assert pickup_beats("1\nM:6/8\nK:D\nA | d2e f2g |") == 0.5
    assert pickup_beats("1\nM:2/4\nK:D\nA2 | d2e2f2g2 |") == 0.5


def test_tunes_are_split_at_their_numbers():
    tunes = tunes_of("X: 1\nT:One\nK:C\nC|\n\nX:2\nT: Two \nK:C\nD|\n")
    assert [title_of(tune) for tune in tunes] == ["One", "Two"]

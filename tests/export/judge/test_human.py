import numpy as np
from tests.export.judge.tunes import notes, piece, scale

from ripieno.music.messages import is_note_on
from ripieno_export.judge.human import BEGINS_NS, EXACT, Human, perform
from ripieno_export.judge.take import take_of

SONG = piece(scale(128), frames=128)


def onsets(performance):
    return [(at, data[1]) for at, data in performance.messages if is_note_on(data)]


def clocks(performance):
    return np.array([at for at, data in performance.messages if data == b"\xf8"])


def test_the_same_seed_plays_the_same():
    assert perform(SONG, Human()).messages == perform(SONG, Human()).messages
    assert perform(SONG, Human()).messages != perform(SONG, Human(seed=1)).messages


def test_a_human_without_variation_plays_the_written_notes():
    found = onsets(perform(SONG, EXACT))
    assert [pitch for _, pitch in found] == SONG.melody["pitch"].tolist()
    written = BEGINS_NS + SONG.melody["start"].astype(np.int64) * 125_000_000
    assert [at for at, _ in found] == written.tolist()


def test_a_song_is_start_24_clocks_a_beat_and_stop():
    played = perform(SONG, EXACT)
    sent = [data for _, data in played.messages]
    assert sent[:2] == [b"\xfa", b"\xf8"]
    assert sent[-1] == b"\xfc"
    assert len(clocks(played)) == 24 * (128 // 4 + 2)


def test_the_clock_drifts_by_no_more_than_it_may():
    played = perform(SONG, Human(drift=0.015))
    beats = np.diff(clocks(played)[::24]) / 500_000_000
    assert beats.max() > 1.005
    assert beats.min() < 0.995
    assert np.abs(1 / beats - 1).max() <= 0.0151


def test_scattered_notes_still_belong_to_their_sixteenths():
    played = perform(SONG, Human(wrong=0.0))
    melody = [(at, data) for at, data in played.messages if len(data) == 3]
    found = take_of("the human", SONG, melody, played.beats_ns)
    assert found.notes["start"].tolist() == SONG.melody["start"].tolist()
    assert np.ptp(found.notes["at_beats"] - SONG.melody["at_beats"]) > 0.02


def test_few_notes_are_wrong_and_by_little():
    pitches = np.array([p for _, p in onsets(perform(SONG, Human(0.0, 0.0, 0.2)))])
    off = np.abs(pitches - SONG.melody["pitch"])
    assert 0 < (off > 0).mean() < 0.4
    assert off.max() <= 2


def test_bar_lines_agree_with_the_transport_after_a_pickup():
    song = piece(notes((0, 4, 67), (4, 8, 72)), frames=64, pickup=4)
    played = perform(song, EXACT)
    assert played.lead_frames == 12
    bar_2_ns = clocks(played)[24 * 4]
    assert onsets(played)[1] == (bar_2_ns, 72)


def test_another_tempo_can_be_asked_for():
    assert perform(SONG, Human(0.0, 0.0, 0.0, bpm=160.0)).beats_ns[1] == (
        BEGINS_NS + 375_000_000
    )

"""`ripieno render --role accompany` writes a song from a melody.

The tests read the written file with mido: its tracks, names, markers and channels.
"""

from itertools import pairwise

import mido
import pytest

from ripieno.commands.cli import main
from ripieno.commands.render import apart
from ripieno.files.midi import read_performance
from ripieno.music import chords, messages
from ripieno.music.meter import Meter
from ripieno.settings.params import Params
from ripieno.settings.roles import ROLES

PER_BEAT = 480
NAMES = ["Ripieno pad", "Ripieno bass", "Ripieno keys"]
TUNE = (60, 64, 67, 65, 69, 65, 67, 62, 71, 67, 64, 60)


def write_melody(
    path, *, meter="4/4", beats=36, tempos=((0, 500_000),), per_beat=480, channel=5
):
    """A quarter note a beat, from tick 0 on: a conductor's track and a melody's."""
    signature, now = Meter.parse(meter), 0
    above = mido.MidiTrack(
        [
            mido.MetaMessage(
                "time_signature",
                numerator=signature.numerator,
                denominator=signature.denominator,
            )
        ]
    )
    for beat, tempo in tempos:
        change = mido.MetaMessage("set_tempo", tempo=tempo, time=beat * per_beat - now)
        above.append(change)
        now = beat * per_beat
    above.append(mido.MetaMessage("marker", text="Verse"))
    melody = mido.MidiTrack([mido.MetaMessage("track_name", name="Lead")])
    melody.append(mido.Message("program_change", program=73, channel=channel))
    for beat in range(beats):
        pitch = TUNE[beat % len(TUNE)]
        on = mido.Message("note_on", note=pitch, velocity=80, channel=channel)
        melody += [on, on.copy(velocity=0, time=per_beat - 1), silence(time=1)]
    mido.MidiFile(type=1, ticks_per_beat=per_beat, tracks=[above, melody]).save(path)
    return path


def silence(time):
    """Nothing, after so many ticks: a controller that nobody hears."""
    return mido.Message("control_change", control=3, channel=5, time=time)


def rendered(source, target, *flags):
    """Render with the shipped model; the file as mido reads it."""
    arguments = ["render", source, "-o", target, "--role", "accompany"]
    assert main([*map(str, arguments), "--provider=cpu", "--seed", "3", *flags]) == 0
    return mido.MidiFile(target)


def timed(track):
    """A track's messages with their ticks from the start."""
    tick, found = 0, []
    for message in track:
        tick += message.time
        found.append((tick, message))
    return found


def notes_of(track):
    """(start, end, pitch, channel) of every note; each one ends."""
    down, found = {}, []
    for tick, message in timed(track):
        if message.type == "note_on" and message.velocity:
            assert message.note not in down
            down[message.note] = tick
        elif message.type in {"note_on", "note_off"}:
            start = down.pop(message.note)
            found.append((start, tick, message.note, message.channel))
    assert not down
    return sorted(found)


def metas(file, kind):
    return [(tick, m) for tick, m in timed(file.tracks[0]) if m.type == kind]


def signatures(file):
    return [(m.numerator, m.denominator) for _, m in metas(file, "time_signature")]


def changes(file):
    """The chords among the markers: (beat, name)."""
    words = [(tick / PER_BEAT, m.text) for tick, m in metas(file, "marker")]
    return [(beat, text) for beat, text in words if not is_section(text)]


def is_section(text):
    """Whether a marker names a section: the file's own one, or one that was heard."""
    return text == "Verse" or text.startswith("Section ")


@pytest.fixture(scope="module")
def melody(tmp_path_factory):
    return write_melody(tmp_path_factory.mktemp("melody") / "melody.mid")


@pytest.fixture(scope="module")
def song(melody):
    return rendered(melody, melody.with_name("song.mid"), "--tail", "0")


def test_the_files_own_tracks_come_first_then_one_for_each_seat(song):
    assert [track.name for track in song.tracks[1:]] == ["Lead", *NAMES]


def test_the_melody_is_left_as_it_was(song, melody):
    before = mido.MidiFile(melody).tracks[1]
    assert notes_of(song.tracks[1]) == notes_of(before)


def test_each_seat_has_its_own_channel_and_a_sound_to_begin_with(song):
    programs = []
    for number, track in enumerate(song.tracks[2:]):
        sounds = [m for m in track if m.type == "program_change"]
        assert {m.channel for m in sounds} == {number}
        assert {channel for *_, channel in notes_of(track)} == {number}
        programs.append(sounds[0].program)
    assert len(set(programs)) == 3


def test_it_enters_after_eight_beats_and_plays_to_the_end(song):
    for track in song.tracks[2:]:
        notes = notes_of(track)
        assert 8 * PER_BEAT <= notes[0][0] < 12 * PER_BEAT
        assert max(end for _, end, *_ in notes) <= 37 * PER_BEAT
    assert notes_of(song.tracks[2])[0][0] == 8 * PER_BEAT
    assert notes_of(song.tracks[2])[-1][0] > 24 * PER_BEAT


def test_chords_change_on_beats_and_their_names_stand_above_them(song):
    found = changes(song)
    assert len(found) > 4
    assert all(beat == int(beat) for beat, _ in found)
    assert found[0][0] == 8
    for (_, one), (_, other) in pairwise(found):
        assert one != other


def test_the_chord_that_is_named_is_the_chord_that_sounds(song):
    pads = notes_of(song.tracks[2])
    ends = [beat for beat, _ in changes(song)][1:]
    for (beat, name), end in zip(changes(song), ends, strict=False):
        struck = [
            pitch
            for start, _, pitch, _ in pads
            if beat * PER_BEAT <= start < end * PER_BEAT
        ]
        assert struck, beat
        tones = set(chords.pitch_classes(chords.named(name)))
        assert {pitch % 12 for pitch in struck} <= tones


def test_the_files_own_markers_tempo_and_meter_are_kept(song):
    assert metas(song, "marker")[0][1].text == "Verse"
    assert [(tick, m.tempo) for tick, m in metas(song, "set_tempo")] == [(0, 500_000)]
    assert signatures(song) == [(4, 4)]


def test_most_on_beat_notes_lie_in_the_chord_that_is_played_to_them(song):
    found = changes(song)
    fits = 0
    for beat in range(8, 36):
        name = [name for at, name in found if at <= beat][-1]
        fits += TUNE[beat % 12] % 12 in chords.pitch_classes(chords.named(name))
    assert fits >= 20


def test_sections_are_markers_and_begin_bars(song):
    words = [(tick / PER_BEAT, m.text) for tick, m in metas(song, "marker")]
    found = [(beat, text) for beat, text in words if is_section(text)]
    assert found[:2] == [(0, "Verse"), (0, "Section A")]
    assert all(beat % 4 == 0 for beat, _ in found)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(melody, tmp_path):
    for name in ("one.mid", "two.mid"):
        rendered(melody, tmp_path / name)
    assert (tmp_path / "one.mid").read_bytes() == (tmp_path / "two.mid").read_bytes()
    rendered(melody, tmp_path / "other.mid", "--seed", "4")
    assert (tmp_path / "one.mid").read_bytes() != (tmp_path / "other.mid").read_bytes()


def test_tempo_changes_inside_a_song_are_kept_and_followed(tmp_path):
    tempos = ((0, 500_000), (16, 400_000), (24, 750_000))
    source = write_melody(tmp_path / "in.mid", tempos=tempos)
    song = rendered(source, tmp_path / "out.mid", "--tail", "0")
    kept = [(tick / PER_BEAT, m.tempo) for tick, m in metas(song, "set_tempo")]
    assert kept == list(tempos)
    pads = {start for start, *_ in notes_of(song.tracks[2]) if start < 36 * PER_BEAT}
    assert pads
    assert all(min(start % PER_BEAT, -start % PER_BEAT) <= 12 for start in pads)
    assert all(beat == int(beat) for beat, _ in changes(song))


def test_six_eight_is_felt_in_two(tmp_path):
    source = write_melody(tmp_path / "in.mid", meter="6/8")
    song = rendered(source, tmp_path / "out.mid", "--tail", "0")
    assert signatures(song) == [(6, 8)]
    assert changes(song)
    assert all(beat % 1.5 == 0 for beat, _ in changes(song))
    pads = {start for start, *_ in notes_of(song.tracks[2])}
    assert all(start % 720 <= 30 for start in pads)


def test_a_file_of_another_resolution_is_played_on_the_same_beats(tmp_path, song):
    source = write_melody(tmp_path / "in.mid", per_beat=96)
    other = rendered(source, tmp_path / "out.mid", "--tail", "0")
    assert other.ticks_per_beat == PER_BEAT
    assert changes(other) == changes(song)


def test_only_the_parts_that_are_wanted_have_tracks(melody, tmp_path):
    song = rendered(melody, tmp_path / "out.mid", "--parts", "bass", "--channel", "7")
    assert [track.name for track in song.tracks[1:]] == ["Lead", "Ripieno bass"]
    assert {channel for *_, channel in notes_of(song.tracks[2])} == {7}


def test_a_chart_is_what_the_markers_say(melody, tmp_path):
    chart = tmp_path / "chart.txt"
    chart.write_text("| C | Am | F | G |\n")
    flags = ("--chart", str(chart), "--listen", "0", "--tail", "0")
    song = rendered(melody, tmp_path / "out.mid", *flags)
    found = changes(song)
    assert found[1:4] == [(4.0, "Am"), (8.0, "F"), (12.0, "G")]
    assert found[0][1] == "C"


def test_a_metronome_has_a_track_of_its_own(melody, tmp_path):
    song = rendered(melody, tmp_path / "out.mid", "--click")
    clicks = song.tracks[-1]
    assert clicks.name == "Ripieno Click"
    assert {channel for *_, channel in notes_of(clicks)} == {9}


@pytest.mark.parametrize(
    ("melody_on", "channel", "expected"),
    [(5, 1, 1), (0, 1, 2), (1, 1, 3), (3, 1, 1), (4, 4, 4)],
)
def test_seats_keep_off_the_channels_of_the_file_unless_a_channel_is_set(
    melody_on, channel, expected, tmp_path
):
    """Channels of the first seat, counted from 1; the melody's counts from 0."""
    human = read_performance(write_melody(tmp_path / "it.mid", channel=melody_on))
    play = Params(role="accompany", channel=channel)
    assert apart(play, (), human).channel == expected


def test_the_track_of_a_pad_begins_with_less_volume_than_the_melody_has(song):
    sounds = [m for m in song.tracks[2] if m.is_cc(messages.VOLUME)]
    assert [m.value for m in sounds] == [ROLES["pad"].volume]
    assert sounds[0].value < 100


def test_sounds_that_are_switched_off_are_not_written(melody, tmp_path):
    off = ("--no-sends-program", "--no-sends-volume", "--tail", "0")
    song = rendered(melody, tmp_path / "off.mid", *off)
    kinds = {m.type for track in song.tracks[2:] for m in track}
    assert not kinds & {"program_change", "control_change"}


def test_a_file_without_a_meter_is_rendered_with_the_meter_auto(tmp_path):
    source = tmp_path / "plain.mid"
    melody = mido.MidiFile(write_melody(source, beats=16))
    melody.tracks[0] = mido.MidiTrack(
        message for message in melody.tracks[0] if message.type != "time_signature"
    )
    melody.save(source)
    file = rendered(source, tmp_path / "song.mid", "--tail", "0", "--meter", "auto")
    assert [track.name for track in file.tracks[1:]] == ["Lead", *NAMES]

"""The seats of a performance, their performers and the conductor.

Messages are routed here: what comes in to the seats in whose zones it lies, an answer
of the thinker to the seat that asked, a note that was sent to the seat that played it.
Seats are added, removed and changed while the music plays.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from ripieno.conduct.conductor import Conductor
from ripieno.music.meter import Meter
from ripieno.music.zones import Zone
from ripieno.play.performance import Performance
from ripieno.play.scheduler import MOST_SEATS, Due, owner_of
from ripieno.play.seat import Seat
from ripieno.protocol import CONDUCTOR, EVERYONE, Played, Ready, Reset, ToPlayer
from ripieno.roles.loading import load, performer_of
from ripieno.roles.performer import Performer
from ripieno.rules.harmony import Tables
from ripieno.settings.beginning import Beginning
from ripieno.settings.ensemble import Ensemble, acted_on
from ripieno.settings.params import Params
from ripieno.settings.roles import CONDUCTING, ROLES
from ripieno.settings.status import SeatStatus, Status, Turn

TURNS: Final[tuple[Turn, ...]] = ("machine", "human", "idle")
"""Of several seats' turns the first one in this order is shown."""


class Chair(NamedTuple):
    """A seat, and what plays its role."""

    seat: Seat
    performer: Performer


class Band:
    """All seats of a performance. Thread: the engine's.

    Attributes:
        ensemble: the parameters as they are now.
    """

    def __init__(
        self, begins: Beginning, performance: Performance, tables: Tables | None
    ) -> None:
        self._begins, self._performance, self._tables = begins, performance, tables
        self.ensemble = begins.ensemble
        for each in ROLES.values():  # not while the music plays
            if each.plays:
                load(each.plays)
        self._ready: dict[str, Ready] = {}  # by the name of the models
        self._chairs: dict[str, Chair] = {}
        self._seated = 0  # the last number given to a seat
        self._conducting = Seat(
            CONDUCTOR, "", begins.params, begins, performance, tables
        )
        self._conductor: Conductor | None = None
        self._acting: list[Performer] = []  # those that do something by themselves
        for name, params in self.ensemble.seated().items():
            self._chairs[name] = self._chair(name, params)
        self._appoint()

    @property
    def meter(self) -> Meter:
        """The metre that is played in."""
        return self._first.meter

    @property
    def hears_meter(self) -> bool:
        """Whether the metre may change by what is heard."""
        return self._first.parsed.hears_meter

    @property
    def _first(self) -> Seat:
        return next(iter(self._chairs.values())).seat

    def change(self, at_ns: int, ensemble: Ensemble) -> None:
        """Add, remove and change seats."""
        before, self.ensemble = self.ensemble.params, acted_on(ensemble)
        seated = ensemble.seated()
        for name in [name for name in self._chairs if name not in seated]:
            chair = self._chairs.pop(name)
            _end(chair, at_ns)
            del self._performance.seats[chair.seat.number]
        for name, params in seated.items():
            if name not in self._chairs:
                self._chairs[name] = chair = self._chair(name, params)
                self._greet(chair)
            else:
                self._change_seat(at_ns, name, params)
        self._chairs = {name: self._chairs[name] for name in seated}
        if self._conductor is not None and self._lead() is None:
            self._conductor.clear_plans(at_ns)
        self._appoint()
        if ensemble.params.meter != before.meter:
            self.clear_plans(at_ns)

    def heard(self, at_ns: int, data: bytes) -> None:
        """Hand a channel message to the seats in whose zones it lies."""
        if self._conductor is not None:
            self._conductor.heard(at_ns, data)
        for seat, performer in self._chairs.values():
            if not seat.parsed.zone.takes(data):
                continue
            for event in seat.listener.hear(at_ns, data):
                if event.is_pedal:
                    performer.on_pedal(event)
                else:
                    performer.on_key(event)
                seat.record(event)

    def on_stop(self, at_ns: int) -> None:
        """Handle all-notes-off: the DAW stopped, or its loop began again."""
        if self._conductor is not None:
            self._conductor.on_stop(at_ns)
        for _, performer in self._chairs.values():
            performer.on_stop(at_ns)

    def clear_plans(self, at_ns: int) -> None:
        """Drop every plan: panic, or a jump in the song."""
        if self._conductor is not None:
            self._conductor.clear_plans(at_ns)
        for _, performer in self._chairs.values():
            performer.clear_plans(at_ns)

    def release(self, at_ns: int) -> None:
        """Drop every plan, and end every note of every seat (panic)."""
        self.clear_plans(at_ns)
        self.set_up_again()
        for seat, _ in self._chairs.values():
            seat.release(at_ns)

    def set_up_again(self) -> None:
        """Have every seat send its program and volume again."""
        for seat, _ in self._chairs.values():
            seat.is_set_up = False

    def on_ready(self, message: Ready, number: int) -> None:
        """Handle a thinker, or a mind of one seat, that is new or plays otherwise."""
        self._ready |= dict.fromkeys(message.roles, message)
        if message.shift:
            return
        if self._conductor is not None and CONDUCTING in message.roles:
            self._conductor.on_thinker_ready()
        for seat, performer in self._chairs.values():
            is_meant = number in (EVERYONE, seat.number)
            if is_meant and seat.role.models in message.roles:
                performer.on_thinker_ready()

    def on_plan(self, at_ns: int, message: ToPlayer, number: int) -> bool:
        """Take an answer to a seat; return False if it is no longer wanted."""
        if number == CONDUCTOR:
            return self._conductor is not None and self._conductor.on_plan(
                at_ns, message
            )
        chair = self._numbered(number)
        return chair is not None and chair.performer.on_plan(at_ns, message)

    def advance(self, now_ns: int) -> None:
        """Do what is due by now."""
        if self._begins.sets_up:
            for seat, _ in self._chairs.values():
                seat.set_up(now_ns)
        if self._conductor is not None:
            self._conductor.advance(now_ns)
        for performer in self._acting:
            performer.advance(now_ns)

    def next_ns(self) -> int | None:
        """Return when `advance` next has something to do, or None."""
        first_ns = None if self._conductor is None else self._conductor.next_ns()
        for performer in self._acting:
            at_ns = performer.next_ns()
            if at_ns is not None and (first_ns is None or at_ns < first_ns):
                first_ns = at_ns
        return first_ns

    def send(self, due: Due, now_ns: int) -> None:
        """Send a note of a seat that is due."""
        chair = self._numbered(owner_of(due.note_id))
        if chair is None:
            return
        late_ns = chair.seat.send_due(due, now_ns)
        if due.velocity:
            chair.performer.on_note_sent(due, late_ns)

    def on_all_sent(self) -> None:
        """Handle the end of an `advance`: everything that was due has been sent."""
        for performer in self._acting:
            performer.on_all_sent()

    def report(self, status: Status) -> Status:
        """Return the status with what only seats and conductor know."""
        for _, performer in self._chairs.values():
            status = performer.report(status)
        if self._conductor is not None:
            status = self._conductor.report(status)
        return status

    def seats(self) -> Iterator[SeatStatus]:
        """Yield the state of each seat."""
        for name, (seat, performer) in self._chairs.items():
            ready = self._ready.get(seat.role.models)
            conductor = self._conductor if seat.role.follows else None
            asked = seat.counts["turns"], seat.counts["fallbacks"]
            taken, fallbacks = asked if conductor is None else conductor.decided
            yield SeatStatus(
                number=seat.number,
                name=name,
                role=seat.role.name,
                channel=seat.params.channel,
                turn=performer.turn if conductor is None else conductor.turn,
                model=ready.model if ready else "",
                is_muted=seat.params.mute,
                sent=seat.counts["sent"],
                sounding=seat.sounding,
                asked=taken,
                fallbacks=fallbacks,
            )

    @property
    def left(self) -> Zone | None:
        """The zone of the left hand's chords; None where the keyboard is not split."""
        return self._first.parsed.left

    @property
    def role(self) -> str:
        """The role that all seats play together; else the first seat's."""
        if not self.ensemble.seats:
            return self.ensemble.params.role
        return CONDUCTING if self._conductor is not None else self._first.role.name

    @property
    def ready(self) -> Ready | None:
        """What plays that role; None while the thinker starts."""
        return self._ready.get(ROLES[self.role].models)

    @property
    def turn(self) -> Turn:
        """Who plays now."""
        turns = {performer.turn for _, performer in self._chairs.values()}
        if self._conductor is not None:
            turns.add(self._conductor.turn)
        return next((turn for turn in TURNS if turn in turns), "idle")

    # ── seats ─────────────────────────────────────────────────────────────────────

    def _chair(self, name: str, params: Params) -> Chair:
        """Return a new seat and its performer."""
        self._seated += 1
        while self._numbered(number := 1 + (self._seated - 1) % (MOST_SEATS - 1)):
            self._seated += 1
        seat = Seat(number, name, params, self._begins, self._performance, self._tables)
        seat.on_played = lambda event: self._on_played(seat, event)
        self._performance.seats[number] = seat
        return Chair(seat, performer_of(seat.role, seat))

    def _change_seat(self, at_ns: int, name: str, params: Params) -> None:
        seat, performer = self._chairs[name]
        before = seat.params
        if params == before:
            return
        if params.role != before.role:
            performer.clear_plans(at_ns)
        seat.set_params(params)
        if params.role != before.role:
            seat.tell(Reset())  # its mind is free for other seats
            self._chairs[name] = chair = Chair(seat, performer_of(seat.role, seat))
            self._greet(chair)
        if params.channel != before.channel or params.mute:
            seat.release(at_ns)

    def _greet(self, chair: Chair) -> None:
        """Tell a new performer of its model, or ask for one that is not there."""
        models = chair.seat.role.models
        if self._is_there(models):
            chair.performer.on_thinker_ready()
        elif self._ready and chair.performer.acts:
            chair.seat.tell(Reset(models))

    def _lead(self) -> Seat | None:
        """The seat with whose parameters the conductor decides; None without one."""
        following = [s for s, _ in self._chairs.values() if s.role.follows]
        shaping = [seat for seat in following if seat.role.shapes_texture]
        return next(iter(shaping or following), None)

    def _appoint(self) -> None:
        """Keep a conductor where a seat follows one."""
        performers = [performer for _, performer in self._chairs.values()]
        self._acting = [each for each in performers if each.acts]
        lead = self._lead()
        if lead is None:
            self._conductor = None
            return
        params = self._shaping(lead.params)
        if self._conductor is None:
            self._conductor = Conductor(self._conducting, self._is_replying)
            if self._is_there(CONDUCTING):
                self._conductor.on_thinker_ready()
        self._conductor.set_params(params)
        self._conductor.leader.followers = performers

    def _shaping(self, params: Params) -> Params:
        """The parameters of the conductor: a seat's, in the register of all seats."""
        of_all = self.ensemble.params
        return msgspec.structs.replace(params, low=of_all.low, high=of_all.high)

    def _is_there(self, models: str) -> bool:
        """Whether a model plays the roles of a name."""
        ready = self._ready.get(models)
        return ready is not None and not ready.is_fallback

    def _is_replying(self) -> bool:
        """Whether a seat that takes turns with the human plays now."""
        return any(
            seat.role.is_a_turn and performer.turn == "machine"
            for seat, performer in self._chairs.values()
        )

    def _on_played(self, seat: Seat, event: Played) -> None:
        """Let the conductor hear a seat that replies: it is the soloist then."""
        if self._conductor is not None and seat.role.is_a_turn:
            self._conductor.on_reply(event)

    def _numbered(self, number: int) -> Chair | None:
        chairs = self._chairs.values()
        return next((chair for chair in chairs if chair.seat.number == number), None)


def _end(chair: Chair, at_ns: int) -> None:
    """Let a seat go: nothing of it is scheduled or sounds, and its mind is free."""
    chair.performer.clear_plans(at_ns)
    chair.seat.clear_schedule()
    chair.seat.release(at_ns)
    chair.seat.tell(Reset())

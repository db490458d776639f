"""One person's stay as one office sees it: all that its row on the board is made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.views import stays
from hub.views.ages import JST, Moment, age, moment
from hub.views.board_marks import ADMISSION_INFO, Mark, first, marks, of_stay
from hub.views.emergency_calls import care_manager
from hub.views.emergency_read import Shelf, shelve, text
from hub.views.people import care_level, care_level_codes, name
from hub.views.shapes import Known, Office
from hub.views.stays_values import Stay, Told

TYPES = frozenset({
    "Patient", "RelatedPerson", "Encounter", "Location", "Condition", "CarePlan", "Observation", "Flag", "QuestionnaireResponse", "Consent", "Task",
    "Communication", "DocumentReference", "Composition", "Appointment", "ServiceRequest",
})  # fmt: skip
"""Types of resources that the board reads; nothing else need be opened for it."""
STEPS = 9
"""入院連絡, 入院時情報, 退院困難な要因, 面談, 退院予定, カンファレンス, 退院時情報, 退院, 退院後の連絡."""
_KEPT = timedelta(days=30)
"""How long a discharged person stays on the board of those who care for the person at home."""
_KEPT_THERE = timedelta(days=14)
"""How long on the board of the hospital, and for a plan that nobody has heard of again."""
_KEPT_CANCELLED = timedelta(days=3)
_MANAGING = {"care-manager", "support-center"}
_SUPPORT = {"12", "13", "06", "11"}
"""Care levels of 介護予防: 要支援 1 and 2, 事業対象者, the old 要支援 (codes of the exchange standard)."""


@dataclass(frozen=True, slots=True)
class PersonStays:
    """One person as released to one office. `own`: this office is the care manager's, by the newest active CarePlan."""

    person: str
    """Opaque reference for links; the same for every office, for episode ids follow from it."""
    known: tuple[Known, ...]
    own: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A stay with what belongs to it. `stays` are all of its episode, oldest first; `marks` are of this stay."""

    person: str
    office: Office
    own: bool
    shelf: Shelf
    stay: Stay
    stays: tuple[Stay, ...]
    marks: tuple[Mark, ...]
    episode_marks: tuple[Mark, ...]
    """Marks of all stays of the episode."""
    unplaced: tuple[Told, ...]
    """Messages of hospitals about this person that belong to no stay known so far."""
    manager: Office | None
    manager_words: str
    level: str
    name: str
    kana: str
    age: int | None
    support: bool
    """要支援: 介護予防支援, to which the add-ons do not apply."""

    @property
    def at_home(self) -> bool:
        """Say whether this office is not the hospital of the stay."""
        return self.office.code != self.stay.custodian

    @property
    def follows_on(self) -> bool:
        """Say whether another stay of the episode begins after this one."""
        return bool(self.stays) and self.stays[-1] is not self.stay

    @property
    def sent(self) -> Mark | None:
        """Give the sending of 入院時情報提供書: after a transfer what was sent to the first hospital counts."""
        return first(self.episode_marks, ADMISSION_INFO)

    @property
    def now(self) -> datetime:
        """Give the moment of the board."""
        return self.shelf.now


def cases(one: PersonStays, office: Office, organizations: Mapping[str, Office], now: datetime) -> Iterator[Case]:
    """Give the stays of a person that stand on an office's board: a hospital's own, else the newest of each episode."""
    folded, loose = stays.fold_all(one.known, person=one.person)
    if not any(_shown(stay, office, now) for stay in folded):
        return
    shelf = shelve((known for known in one.known if known.type in TYPES), now, organizations)
    manager = care_manager(shelf)
    level, _ = care_level(shelf)
    own = one.own and office.kind in _MANAGING
    named = manager[0] if manager else office if own else None
    codes = care_level_codes(shelf)
    told = marks(shelf)
    who = _person(shelf)
    for stay in folded:
        episode = tuple(other for other in folded if other.episode == stay.episode and not other.cancelled) or (stay,)
        if not _shown(stay, office, now) or (office.code != stay.custodian and stay is not episode[-1] and not stay.cancelled):
            continue
        here = of_stay(stay, folded, told)
        whole = here if len(episode) == 1 else tuple(mark for mark in told if any(of_stay(other, folded, [mark]) for other in episode))
        yield Case(
            one.person, office, own, shelf, stay, episode, here, whole, loose, named, _words(manager, named),
            level.text.partition("（")[0] + ("（申請中）" if level.detail else "") if level else "", *who, bool(codes & _SUPPORT),
        )  # fmt: skip


def _person(shelf: Shelf) -> tuple[str, str, int | None]:
    """Give name, kana and age, each from the newest Patient that tells it."""
    patients = shelf.of("Patient")
    written = next((told for one in patients if (told := name(one.body, "IDE"))), "氏名不明")
    read = next((told for one in patients if (told := name(one.body, "SYL"))), "")
    born = next((at for one in patients if (at := moment(text(one.body, "birthDate")))), None)
    return written, read, age(born, shelf.now)


def _words(manager: tuple[Office, Known, str] | None, named: Office | None) -> str:
    if manager is None or named is None:
        return named.name if named else ""
    display = manager[2]
    return display if display and named.name in display else f"{named.name} {display}".strip()


def _shown(stay: Stay, office: Office, now: datetime) -> bool:
    there = office.code == stay.custodian
    if office.kind == "hospital" and not there:
        return False
    here = now.astimezone(JST)
    if stay.cancelled:
        heard = any(one.state == "struck" and one.effect in {"admit", "plan"} for one in stay.told)
        return heard and not there and here - stay.sent <= _KEPT_CANCELLED
    if stay.status == "planned":
        return stay.planned_start is None or here - stay.planned_start.start <= _KEPT_THERE
    if stay.status == "discharged":
        end = (stay.ended or Moment(stay.sent, "time")).start
        return here - end <= (_KEPT_THERE if there else _KEPT)
    return True


def before(case: Case) -> Stay | None:
    """Give the stay of the episode from which the person was transferred into this one."""
    earlier: Sequence[Stay] = [
        one for one in case.stays if one is not case.stay and one.begins and case.stay.begins and one.begins.start <= case.stay.begins.start
    ]
    return earlier[-1] if earlier and case.stay.continues else None

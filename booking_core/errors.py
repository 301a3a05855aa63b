"""The errors of the package. ``domain/errors.py`` draws them as a tree.

``from booking_core import SlotTaken`` works too.
"""

from booking_core.domain.errors import (
    AlreadyBegun as AlreadyBegun,
)
from booking_core.domain.errors import (
    AlreadyDecided as AlreadyDecided,
)
from booking_core.domain.errors import (
    AlreadyExists as AlreadyExists,
)
from booking_core.domain.errors import (
    BookingError as BookingError,
)
from booking_core.domain.errors import (
    ChallengeOver as ChallengeOver,
)
from booking_core.domain.errors import (
    ChangedMeanwhile as ChangedMeanwhile,
)
from booking_core.domain.errors import (
    Conflict as Conflict,
)
from booking_core.domain.errors import (
    GameNotAllowed as GameNotAllowed,
)
from booking_core.domain.errors import (
    GroundClosed as GroundClosed,
)
from booking_core.domain.errors import (
    GroundRetired as GroundRetired,
)
from booking_core.domain.errors import (
    IdTokenOutOfTime as IdTokenOutOfTime,
)
from booking_core.domain.errors import (
    IdTokenSpent as IdTokenSpent,
)
from booking_core.domain.errors import (
    InThePast as InThePast,
)
from booking_core.domain.errors import (
    InvalidRequest as InvalidRequest,
)
from booking_core.domain.errors import (
    LastAdmin as LastAdmin,
)
from booking_core.domain.errors import (
    NoSchool as NoSchool,
)
from booking_core.domain.errors import (
    NotAllowed as NotAllowed,
)
from booking_core.domain.errors import (
    NotAPeriod as NotAPeriod,
)
from booking_core.domain.errors import (
    NotFound as NotFound,
)
from booking_core.domain.errors import (
    NotRunning as NotRunning,
)
from booking_core.domain.errors import (
    OneTimePasswordOver as OneTimePasswordOver,
)
from booking_core.domain.errors import (
    PastCutOff as PastCutOff,
)
from booking_core.domain.errors import (
    QuotaReached as QuotaReached,
)
from booking_core.domain.errors import (
    RuleBroken as RuleBroken,
)
from booking_core.domain.errors import (
    SchemaConflict as SchemaConflict,
)
from booking_core.domain.errors import (
    SchemaMissing as SchemaMissing,
)
from booking_core.domain.errors import (
    SecondFactorNeeded as SecondFactorNeeded,
)
from booking_core.domain.errors import (
    ServerFailed as ServerFailed,
)
from booking_core.domain.errors import (
    SignInRefused as SignInRefused,
)
from booking_core.domain.errors import (
    SlotTaken as SlotTaken,
)
from booking_core.domain.errors import (
    StoreRefused as StoreRefused,
)
from booking_core.domain.errors import (
    StoreUnavailable as StoreUnavailable,
)
from booking_core.domain.errors import (
    StudentBusy as StudentBusy,
)
from booking_core.domain.errors import (
    StudentInactive as StudentInactive,
)
from booking_core.domain.errors import (
    StudentStays as StudentStays,
)
from booking_core.domain.errors import (
    SubmissionReused as SubmissionReused,
)
from booking_core.domain.errors import (
    TooFarAhead as TooFarAhead,
)
from booking_core.domain.errors import (
    TooLate as TooLate,
)
from booking_core.domain.errors import (
    TooManyAttempts as TooManyAttempts,
)
from booking_core.domain.errors import (
    UnknownGround as UnknownGround,
)
from booking_core.domain.errors import (
    UnknownStudent as UnknownStudent,
)
from booking_core.domain.errors import (
    UpdateNeeded as UpdateNeeded,
)
from booking_core.domain.errors import (
    WrongCode as WrongCode,
)

"""From files to a resident model: verify, load, warm every shape, compare with goldens, measure memory."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from heygem.errors import GoldenMismatchError
from heygem.hardware.device import classify_device_error
from heygem.hardware.device_memory import DeviceMemory
from heygem.models.budget import Need, NeedStore
from heygem.models.golden import deviation, read_goldens
from heygem.models.loading import Transfer, WeightReader
from heygem.models.manifest import Manifest, VerifiedModel
from heygem.models.model_board import ModelBoard
from heygem.models.resident import FloatArray, LoadContext, Precision, ResidentModel
from heygem.models.spec import ModelSpec
from heygem.models.status import ModelState

MakeRoom = Callable[[ModelSpec, Need], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Made:
    """A model that is READY, what it needs, and how long it would take to have it back."""

    model: ResidentModel
    need: Need
    seconds: float


class ModelMaker:
    """Makes models resident, one at a time, on the engine thread."""

    def __init__(
        self,
        manifest: Manifest,
        context: LoadContext,
        asked_precision: str,
        memory: DeviceMemory,
        needs: NeedStore | None,
        board: ModelBoard,
    ) -> None:
        """Args:
        context: what all models are loaded with; folder and precision are filled in for each.
        needs: where measured needs are kept; None: nowhere.
        """
        self._manifest = manifest
        self._context = context
        self._asked_precision = asked_precision
        self._memory = memory
        self._needs = needs
        self._board = board
        self.reader = context.reader or WeightReader(context.device)

    def expected_need(self, spec: ModelSpec) -> Need:
        """What it took when it was last measured here, or a guess from its files."""
        known = None
        if self._needs is not None:
            weights_id = self._manifest.weights_id(spec.name)
            known = self._needs.find(spec.name, self._precision(spec), weights_id)
        return known or Need(self._manifest.bytes_of(spec.name), is_measured=False)

    def ceiling_bytes_per_second(self, name: str) -> float:
        """How fast the largest file of a model could have come; see `WeightReader`."""
        paths = self._manifest.verify(name).folder.rglob("*.safetensors")
        return self.reader.ceiling_bytes_per_second(max(paths, key=lambda path: path.stat().st_size))

    def make(self, spec: ModelSpec, make_room: MakeRoom) -> Made:
        """Take one model through its states; READY only when all of it went well.

        Raises:
            ModelError, DeviceError, RuntimeError: what went wrong; the model is FAILED and holds nothing.
        """
        fresh = {"problem": "", "problem_code": "", "note": "", "warmed_buckets": (), "golden_ok": None}
        self._board.replace(spec.name, **fresh)
        self._board.move(spec.name, ModelState.VERIFYING)
        started = time.perf_counter()
        with self._board.failing_visibly(spec.name):
            with self._timed(spec.name, "verify_seconds"):
                verified = self._manifest.verify(spec.name)
            make_room(spec, self.expected_need(spec))
            model, need = self._loaded_and_warm(spec, verified)
            self._board.move(spec.name, ModelState.READY, peak_bytes=need.peak_bytes, used_at=time.time())
        if self._needs is not None:
            weights_id = self._manifest.weights_id(spec.name)
            self._needs.keep(spec.name, self._precision(spec), weights_id, need)
        return Made(model, need, time.perf_counter() - started)

    def _loaded_and_warm(self, spec: ModelSpec, verified: VerifiedModel) -> tuple[ResidentModel, Need]:
        """Compiled if that is wanted and works, else not, with a note that says why."""
        context = replace(
            self._context, folder=verified.folder, precision=self._precision(spec), reader=self.reader
        )
        try:
            return self._load_and_warm(spec, verified, context)
        except RuntimeError as problem:  # what PyTorch's compilers raise, among others
            if not context.compiles or classify_device_error(problem) is not None:
                raise
            _log.exception("%s could not be compiled", spec.name)
        self._board.replace(
            spec.name, note="not compiled: the compiler failed, see the log", warmed_buckets=()
        )
        return self._load_and_warm(spec, verified, replace(context, compiles=False))

    def _load_and_warm(
        self, spec: ModelSpec, verified: VerifiedModel, context: LoadContext
    ) -> tuple[ResidentModel, Need]:
        if self._board[spec.name].state is ModelState.VERIFYING:
            self._board.move(spec.name, ModelState.LOADING, precision=context.precision)
        held_before = self._memory.tensor_bytes()
        moved_before = self.reader.total
        with self._timed(spec.name, "load_seconds"):
            model = spec.load(context)
        moved = Transfer(
            self.reader.total.bytes - moved_before.bytes, self.reader.total.seconds - moved_before.seconds
        )
        resident_bytes = model.bytes_resident
        if self._memory.is_exact:
            resident_bytes = max(resident_bytes, self._memory.tensor_bytes() - held_before)
        self._board.replace(
            spec.name,
            bytes_on_disk=verified.bytes_on_disk,
            bytes_resident=resident_bytes,
            transfer_bytes=moved.bytes,
            transfer_seconds=moved.seconds,
        )
        if self._board[spec.name].state is ModelState.LOADING:
            self._board.move(spec.name, ModelState.WARMING)
        with self._timed(spec.name, "warm_seconds"):
            working_bytes = self._warm(spec, model, context)
        return model, Need(resident_bytes, working_bytes)

    def _warm(self, spec: ModelSpec, model: ResidentModel, context: LoadContext) -> dict[str, int]:
        """Run every bucket, hold its output to the golden; returns what each took beside the weights."""
        own_folder = (
            self._manifest.models_dir / spec.name
        )  # goldens come with HeyGem, wherever the weights lie
        goldens = read_goldens(own_folder, context.precision)
        working_bytes: dict[str, int] = {}
        for bucket in model.buckets:
            output, working_bytes[bucket] = self._measured_run(model, bucket)
            if goldens or spec.required:
                self._board.replace(spec.name, golden_ok=False)
                _compare(spec, bucket, output, goldens, context.precision)
                self._board.replace(spec.name, golden_ok=True)
            self._board.replace(spec.name, warmed_buckets=tuple(working_bytes))
        return working_bytes

    def _measured_run(self, model: ResidentModel, bucket: str) -> tuple[FloatArray, int]:
        self._memory.reset_peak()
        held_bytes = self._memory.tensor_bytes()
        output = model.warm(bucket)
        return output, max(0, self._memory.peak_bytes() - held_bytes)

    def _precision(self, spec: ModelSpec) -> Precision:
        return spec.precision(self._asked_precision, self._context.device)

    @contextmanager
    def _timed(self, name: str, seconds_field: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._board.replace(name, **{seconds_field: time.perf_counter() - started})


def _compare(
    spec: ModelSpec,
    bucket: str,
    output: FloatArray,
    goldens: Mapping[str, FloatArray],
    precision: Precision,
) -> None:
    if bucket not in goldens:
        raise GoldenMismatchError(
            f"No output of {spec.title} in {precision} is recorded for {bucket}: "
            "run `python -m training.goldens`, or start with --precision auto.",
            model=spec.name,
        )
    found, tolerance = deviation(output, goldens[bucket]), spec.tolerances[precision]
    if not found <= tolerance:  # also when it is not a number
        remedy = (
            "start with --precision auto"
            if precision == "int8"
            else "update the graphics driver, or start with --device cpu"
        )
        raise GoldenMismatchError(
            f"{spec.title} does not compute what it should in {precision} ({bucket}: off by {found:.2g}, "
            f"allowed {tolerance:.2g}): {remedy}.",
            model=spec.name,
        )

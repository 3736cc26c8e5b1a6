"""GPU telemetry: what every kind of machine answers, and that no missing figure ever becomes a 0."""

from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from heygem.hardware.fake import FakeGpu, FakeNvml, Question
from heygem.hardware.gpu import GpuMonitor, GpuTelemetry, Reading, ReadingState, find_device
from heygem.hardware.nvml import DriverNvml, NvmlError, NvmlFault

FIRST = FakeGpu("GPU-aaaa", "First", temperature_celsius=41)
SECOND = FakeGpu("GPU-bbbb", "Second", temperature_celsius=52)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def read(nvml: FakeNvml, index: int = 0, visible: str | None = None) -> GpuTelemetry | None:
    return GpuMonitor(nvml, index, {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}).read()


def figures(sample: GpuTelemetry) -> list[Reading[float]]:
    return [getattr(sample, field.name) for field in fields(sample) if field.name != "name"]


def test_a_gpu_tells_everything() -> None:
    sample = read(FakeNvml([FakeGpu(name="NVIDIA H200", utilization_percent=0, power_watts=71.5)]))
    assert sample is not None
    assert sample.name == "NVIDIA H200"
    assert [figure.state for figure in figures(sample)] == [ReadingState.VALUE] * 5
    assert sample.free_vram_bytes.value == 20 * 1024**3
    assert sample.utilization_percent.value == 0  # a true 0 stays one
    assert sample.power_watts.value == 71.5


@pytest.mark.parametrize(
    "nvml", [FakeNvml(fault=NvmlFault.ABSENT), FakeNvml([])], ids=["no library", "no GPU"]
)
def test_a_machine_without_a_gpu_has_no_telemetry(nvml: FakeNvml) -> None:
    assert read(nvml) is None


def test_a_driver_without_permission_is_not_an_absent_gpu() -> None:
    sample = read(FakeNvml([FIRST], fault=NvmlFault.UNKNOWN))
    assert sample is not None
    assert {figure.state for figure in figures(sample)} == {ReadingState.UNKNOWN}


def test_figures_that_are_refused_are_unknown_and_those_that_do_not_exist_are_unsupported() -> None:
    gpu = FakeGpu(faults={"memory": NvmlFault.UNKNOWN, "utilization": NvmlFault.UNSUPPORTED})
    sample = read(FakeNvml([gpu]))
    assert sample is not None
    assert sample.free_vram_bytes == sample.total_vram_bytes == Reading(None, ReadingState.UNKNOWN)
    assert sample.utilization_percent == Reading(None, ReadingState.UNSUPPORTED)
    assert sample.temperature_celsius.value == 40


def test_a_divided_gpu_answers_for_its_first_part() -> None:
    part = FakeGpu("MIG-cccc", "H200 MIG 1g", 16 * 1024**3, faults={"utilization": NvmlFault.UNSUPPORTED})
    whole = FakeGpu("GPU-dddd", faults={"memory": NvmlFault.UNKNOWN}, mig_devices=[part])
    for visible in (None, "0", "GPU-dddd", "MIG-cccc"):
        sample = read(FakeNvml([whole]), visible=visible)
        assert sample is not None
        assert sample.name == "H200 MIG 1g"
        assert sample.total_vram_bytes.value == 16 * 1024**3
        assert sample.utilization_percent.state is ReadingState.UNSUPPORTED


@pytest.mark.parametrize(
    ("visible", "index", "name"),
    [
        (None, 0, "First"),
        (None, 1, "Second"),
        ("1,0", 0, "Second"),
        ("1,0", 1, "First"),
        ("1", 0, "Second"),
        (" GPU-b , GPU-a", 0, "Second"),
        ("GPU-bbbb,0", 1, "First"),
    ],
)
def test_the_gpu_is_the_one_cuda_calls_so(visible: str | None, index: int, name: str) -> None:
    nvml = FakeNvml([FIRST, SECOND])
    assert nvml.name(find_device(nvml, visible, index)) == name


@pytest.mark.parametrize("visible", ["", "-1", "7", "GPU-eeee", "MIG-eeee", "0"])
def test_a_hidden_gpu_is_absent(visible: str) -> None:
    assert read(FakeNvml([FIRST]), index=1 if visible == "0" else 0, visible=visible) is None


def test_a_gpu_lost_on_the_way_keeps_its_name_and_may_come_back() -> None:
    gpu, clock = FakeGpu(name="Lost"), Clock()
    monitor = GpuMonitor(FakeNvml([gpu]), 0, {}, clock)
    assert monitor.read() is not None

    gpu.faults = dict.fromkeys(get_args(Question), NvmlFault.UNKNOWN)
    for clock.now in (1.0, 2.0):  # the second sample tries to connect anew
        sample = monitor.read()
        assert sample is not None
        assert sample.name == "Lost"
        assert {figure.state for figure in figures(sample)} == {ReadingState.UNKNOWN}

    gpu.faults, clock.now = {}, 3.0
    sample = monitor.read()
    assert sample is not None
    assert sample.free_vram_bytes.value == 20 * 1024**3


def test_a_sample_serves_for_a_second() -> None:
    nvml, clock = FakeNvml([FakeGpu()]), Clock()
    monitor = GpuMonitor(nvml, 0, {}, clock)
    monitor.read()
    asked = nvml.calls
    clock.now = 0.99
    monitor.read()
    assert nvml.calls == asked
    monitor.read(max_age_seconds=0)
    assert nvml.calls > asked
    asked, clock.now = nvml.calls, 2.0
    monitor.read()
    assert nvml.calls > asked


def test_an_absent_gpu_is_not_looked_for_again() -> None:
    nvml, clock = FakeNvml(fault=NvmlFault.ABSENT), Clock()
    monitor = GpuMonitor(nvml, 0, {}, clock)
    monitor.read()
    nvml.fault, nvml.gpus, clock.now = None, [FakeGpu()], 5.0
    assert monitor.read() is None


class OldModule(SimpleNamespace):
    """pynvml as an old driver leaves it: it knows a name and the memory, but no power."""

    class NVMLError(Exception):
        pass

    class NVMLError_FunctionNotFound(NVMLError):  # noqa: N801, N818 - its name is what counts
        pass

    class NVMLError_GpuIsLost(NVMLError):  # noqa: N801, N818
        pass

    def nvmlInit(self) -> None:  # noqa: N802
        return

    def nvmlDeviceGetMigMode(self, device: str) -> None:  # noqa: N802
        raise self.NVMLError_FunctionNotFound

    def nvmlDeviceGetMemoryInfo(self, device: str) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(total=10, free=4)

    def nvmlDeviceGetTemperature(self, device: str, sensor: int) -> int:  # noqa: N802
        raise self.NVMLError_GpuIsLost


def test_an_old_driver_lacks_functions_without_harm() -> None:
    nvml = DriverNvml(load=OldModule)
    nvml.open()
    assert nvml.mig_device_of("device") is None
    assert nvml.memory_bytes("device") == (10, 4)
    with pytest.raises(NvmlError) as missing:
        nvml.power_watts("device")
    assert missing.value.fault is NvmlFault.UNSUPPORTED
    with pytest.raises(NvmlError) as lost:
        nvml.temperature_celsius("device")
    assert lost.value.fault is NvmlFault.UNKNOWN


def test_a_missing_module_is_an_absent_gpu() -> None:
    def load() -> None:
        raise ModuleNotFoundError("pynvml")

    assert GpuMonitor(DriverNvml(load), 0, {}).read() is None


@pytest.mark.gpu
@pytest.mark.skipif(not Path("/dev/nvidiactl").exists(), reason="no NVIDIA driver here")
def test_the_real_driver_answers() -> None:
    sample = GpuMonitor(DriverNvml(), 0, {}).read()
    assert sample is not None
    assert sample.name.startswith("NVIDIA")
    assert 0 < (sample.free_vram_bytes.value or 0) <= (sample.total_vram_bytes.value or 0)

"""Every error HeyGem raises on purpose. The text is one sentence (or two) a user can act on.

HeyGemError
├── SettingsError              an option or environment variable is not usable
├── MediaError                 a file cannot be read or written as media
│   ├── UnreadableMediaError   empty, truncated, or not media at all
│   ├── NoAudioError           no sound track, or no samples in it
│   ├── NoVideoError           no picture track, or no frames in it
│   └── UnsuitableMediaError   readable, but too long, too large or too small
├── FaceError
│   ├── NoFaceError            no face in the template
│   └── FaceTooSmallError      a face is there, but too small to work on
├── ModelError
│   ├── WeightsMissingError    a file of the manifest is not there
│   ├── WeightsCorruptError    a file is there, but its content is not what the manifest says
│   ├── GoldenMismatchError    the warmed model does not give the recorded output
│   ├── ModelBusyError         a job uses it; it can be unloaded when that is done
│   ├── LicenceError           a licence has to be accepted first
│   └── PullError              a model could not be fetched
├── DeviceError
│   ├── DeviceUnavailableError the asked-for device is not there
│   ├── DeviceMemoryError      out of device memory after every step of the ladder
│   └── DeviceLostError        sticky: only a new process helps (exit code 75)
├── JobError
│   ├── JobNotFoundError
│   ├── JobCanceledError       the user asked for it; not a failure
│   └── QueueFullError
├── LibraryError
│   └── TemplateNotFoundError
└── StorageError
    ├── DiskFullError
    └── FolderBusyError        another HeyGem works in the same data folder
"""

from typing import ClassVar


class HeyGemError(Exception):
    """Base of all. `code` is the key of the translated text; `details` fills its placeholders."""

    code: ClassVar[str] = "internal"

    def __init__(self, sentence: str, **details: str) -> None:
        super().__init__(sentence)
        self.details = details


class SettingsError(HeyGemError):
    code = "settings"


class MediaError(HeyGemError):
    code = "media"


class UnreadableMediaError(MediaError):
    code = "media_unreadable"


class NoAudioError(MediaError):
    code = "media_no_audio"


class NoVideoError(MediaError):
    code = "media_no_video"


class UnsuitableMediaError(MediaError):
    code = "media_unsuitable"


class FaceError(HeyGemError):
    code = "face"


class NoFaceError(FaceError):
    code = "face_none"


class FaceTooSmallError(FaceError):
    code = "face_too_small"


class ModelError(HeyGemError):
    code = "model"


class WeightsMissingError(ModelError):
    code = "weights_missing"


class WeightsCorruptError(ModelError):
    code = "weights_corrupt"


class GoldenMismatchError(ModelError):
    code = "golden_mismatch"


class ModelBusyError(ModelError):
    code = "model_busy"


class LicenceError(ModelError):
    code = "licence"


class PullError(ModelError):
    code = "pull"


class DeviceError(HeyGemError):
    code = "device"


class DeviceUnavailableError(DeviceError):
    code = "device_unavailable"


class DeviceMemoryError(DeviceError):
    code = "device_memory"


class DeviceLostError(DeviceError):
    code = "device_lost"


class JobError(HeyGemError):
    code = "job"


class JobNotFoundError(JobError):
    code = "job_not_found"


class JobCanceledError(JobError):
    code = "job_canceled"


class QueueFullError(JobError):
    code = "queue_full"


class LibraryError(HeyGemError):
    code = "library"


class TemplateNotFoundError(LibraryError):
    code = "template_not_found"


class StorageError(HeyGemError):
    code = "storage"


class DiskFullError(StorageError):
    code = "disk_full"


class FolderBusyError(StorageError):
    code = "folder_busy"

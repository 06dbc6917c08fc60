"""What can go wrong outside the program: every message ends with the remedy.

A wrong argument is a plain `ValueError`; a broken outside world (a rotten picture, a missing file, a device that is not
there) is one of these. The command line prints them as one line; `--debug` shows the traceback.
"""


class FststyleError(Exception):
    """Base of all errors that a user can mend."""


class ImageError(FststyleError):
    """A picture could not be read or written."""


class VideoError(FststyleError):
    """A video could not be read or written."""


class ModelFileError(FststyleError):
    """An ONNX file is not a style network that can be run, or could not be written."""


class DeviceError(FststyleError):
    """The device asked for is not the device there is."""


class WeightsError(FststyleError):
    """The loss network's weights are missing or belong to another network."""


class DataError(FststyleError):
    """A folder of photos cannot be trained on."""


class TrainingError(FststyleError):
    """A training cannot start, go on or be resumed."""


class AlreadyTrainedError(TrainingError):
    """A training that is to go on has all of its steps."""


class CheckpointError(FststyleError):
    """A checkpoint is missing, broken or not one of ours."""

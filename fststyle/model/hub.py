"""Networks on Hugging Face's hub: names such as `hf:USER/NAME`, and the files that they stand for.

`huggingface_hub` fetches and keeps them: in its own cache, with its own login, from `$HF_ENDPOINT`.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fststyle.errors import ModelFileError
from fststyle.system.extras import extra
from fststyle.system.one_line import one_line

PREFIX = "hf:"
FILE_NAME = "model.onnx"
"""What a repository is published with, and what is taken where one holds several networks."""

_FORM = f"{PREFIX}USER/NAME, {PREFIX}USER/NAME@REVISION or {PREFIX}USER/NAME/FILE.onnx"
_PART = r"[\w.-]+"
# A revision is a tag, a branch or a commit; pull requests are called refs/pr/1.
_NAME = re.compile(rf"({_PART}/{_PART})(?:@(refs/pr/\d+|[^/@]+))?(?:/([^@]+))?")

MOST_OF_REASON = 120
"""Letters of what the hub's client says that are shown."""

# Seconds without a byte from the hub.
_TIMEOUT = 10

# So many files are named to choose from.
_NAMED = 5

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HubName:
    """A network on the hub.

    Attributes:
        repo: USER/NAME.
        revision: A branch, tag or commit; None is the newest.
        file: Its path in the repository; None is the one that is there.
    """

    repo: str
    revision: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        at = f"@{self.revision}" if self.revision else ""
        return f"{PREFIX}{self.repo}{at}" + (f"/{self.file}" if self.file else "")


def is_hub_name(text: str) -> bool:
    """Whether this names something on the hub rather than a file."""
    return text.startswith(PREFIX)


def parse_hub_name(text: str) -> HubName:
    """Read `hf:USER/NAME`, with @REVISION and /FOLDER/FILE.onnx behind it if need be.

    Raises:
        ModelFileError: It does not read like that.
    """
    found = _NAME.fullmatch(text.removeprefix(PREFIX).lstrip("/"))
    if found is None or (found[3] and not found[3].lower().endswith(".onnx")):
        raise ModelFileError(f"{text} is no name of a network on the hub; write {_FORM}")
    return HubName(found[1], found[2], found[3])


def file_from_hub(name: HubName) -> Path:
    """The file in the hub's cache; what is not there, or is newer on the hub, is fetched.

    Without a connection, what the cache has of it will do.

    Raises:
        ModelFileError: There is no such repository, revision or file, or it may not be seen; it holds no network, or
            several; or there is no connection, and nothing in the cache.
        FststyleError: huggingface_hub is not installed.
    """
    with extra("hub"):
        from huggingface_hub import HfApi
    api = HfApi()
    with _said(name):
        try:
            # Asked first, because it fails at once without a connection; fetching is tried for half a minute.
            siblings = api.model_info(name.repo, revision=name.revision, timeout=_TIMEOUT).siblings or []
        except unreachable() as error:
            kept = None if _refused(error) else _cached(name)
            if kept is None:
                raise
            _log.info(
                "the hub cannot be reached (%s); %s is taken from its cache", one_line(error, MOST_OF_REASON), name
            )
            return kept
        files = sorted(entry.rfilename for entry in siblings if entry.rfilename.lower().endswith(".onnx"))
        file = _choose(name, files)
        return Path(api.hf_hub_download(name.repo, file, revision=name.revision, tqdm_class=_silent()))


@contextmanager
def _said(name: HubName) -> Iterator[None]:
    """What the hub's client raises, as errors of ours; each names the remedy in one line."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise ModelFileError(f"{name.repo} asks for consent first; accept its terms on its page on the hub") from error
    except errors.RepositoryNotFoundError as error:
        raise ModelFileError(
            f"the hub has no {name.repo}, or it is private; check the name, or log in: hf auth login"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelFileError(f"{name.repo} has no revision {name.revision}; leave it out, or name another") from error
    except errors.LocalEntryNotFoundError as error:  # what it says when it could not ask, too
        raise _not_reached(name, error.__cause__ or error) from error
    except errors.HFValidationError as error:
        raise ModelFileError(f"{name} is no name of a network on the hub; write {_FORM}") from error
    except errors.HfHubHTTPError as error:
        raise ModelFileError(f"the hub refuses {name} ({status_of(error)}); try again later, or log in") from error
    except unreachable() as error:
        raise _not_reached(name, error) from error
    except OSError as error:
        raise ModelFileError(
            f"{name} cannot be kept ({error.strerror or error}); set HF_HOME to a folder that can be written"
        ) from error


def _not_reached(name: HubName, error: BaseException) -> ModelFileError:
    reason = one_line(error, MOST_OF_REASON)
    return ModelFileError(
        f"the hub cannot be reached ({reason}), and {name} is not in its cache; go online once, or name a file"
    )


def unreachable() -> tuple[type[Exception], ...]:
    """What is raised when the hub does not answer; its client's own HTTP library is the base of its errors."""
    from huggingface_hub import errors

    base: type[Exception] = errors.HfHubHTTPError.__mro__[1]
    return base, errors.OfflineModeIsEnabled, ConnectionError, TimeoutError


def _refused(error: Exception) -> bool:
    """Whether the hub answered that it does not want to, rather than that it cannot."""
    response = getattr(error, "response", None)
    return response is not None and response.status_code < 500


def status_of(error: Any) -> str:
    """Such as "403 Forbidden", with what the hub says about it."""
    response = error.response
    phrase = getattr(response, "reason_phrase", "")
    said = " ".join(str(getattr(error, "server_message", None) or "").split())[:200]
    return " ".join(part for part in (str(response.status_code), phrase) if part) + (f": {said}" if said else "")


def _choose(name: HubName, files: list[str]) -> str:
    """Which of a repository's networks is meant."""
    if not files:
        raise ModelFileError(f"{name.repo} holds no .onnx file; name another repository")
    if name.file is None and FILE_NAME in files:
        return FILE_NAME
    if name.file is None and len(files) == 1:
        return files[0]
    if name.file is not None and name.file in files:
        return name.file
    problem = f"holds {len(files)} networks" if name.file is None else f"has no {name.file}"
    named = " or ".join(str(HubName(name.repo, name.revision, file)) for file in files[:_NAMED])
    raise ModelFileError(f"{name.repo} {problem}; say {named}")


def _cached(name: HubName) -> Path | None:
    """What the cache has of it, in the newest revision that it knows; None if that is not one network."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    folder = Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=name.repo, repo_type="model"))
    revision = name.revision or constants.DEFAULT_REVISION
    try:
        commit = (folder / "refs" / revision).read_text("utf-8").strip()
    except OSError:
        commit = revision
    snapshot = folder / "snapshots" / commit
    kept = sorted(path for path in snapshot.rglob("*.onnx") if path.is_file())
    wanted = name.file or (kept[0].relative_to(snapshot).as_posix() if len(kept) == 1 else FILE_NAME)
    return snapshot / wanted if snapshot / wanted in kept else None


def _silent() -> Any:
    """A progress bar that shows nothing; a network is fetched in a second."""
    from huggingface_hub import utils

    base: Any = utils.tqdm  # type: ignore[attr-defined]

    class Silent(base):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **(settings | {"disable": True}))

    return Silent

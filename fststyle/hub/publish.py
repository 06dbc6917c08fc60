"""A network of ours put on Hugging Face's hub, with its page, in one commit."""

import re
from dataclasses import dataclass

from fststyle.errors import FststyleError, ModelFileError
from fststyle.hub.page import PREVIEW, page_of, preview_of
from fststyle.model.file import ModelSource, read_model
from fststyle.model.hub import FILE_NAME, MOST_OF_REASON, PREFIX, status_of, unreachable
from fststyle.paint.stylizer import Stylizer
from fststyle.system.extras import extra
from fststyle.system.one_line import one_line

_README = "README.md"
_OURS = (FILE_NAME, _README, PREVIEW)
_REPO = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Published:
    """A network on the hub.

    Attributes:
        name: What every command takes.
        url: Of its page.
        commit: Of the hub's repository.
    """

    name: str
    url: str
    commit: str


def publish(
    source: ModelSource,
    repo: str,
    *,
    private: bool = False,
    replace: bool = False,
    message: str | None = None,
) -> Published:
    """Put a network on the hub, with a model card and a preview picture made from it.

    Args:
        source: A network that fststyle made.
        repo: USER/NAME; it is created if it is not there.
        private: Whether only you may see it, if it is created.
        replace: Put it in the place of what a repository holds already. The hub keeps the earlier commits.
        message: Of the commit.

    Raises:
        ModelFileError: The network is broken, or was not made by fststyle.
        FststyleError: There is something there already; nobody is logged in, or may not write there; the hub cannot be
            reached; or huggingface_hub is not installed.
    """
    repo = repo.removeprefix(PREFIX)
    if not _REPO.fullmatch(repo):
        raise ValueError(f"{repo!r} is no repository of the hub; write USER/NAME")
    file = read_model(source)
    if file.card is None:
        raise ModelFileError(f"{file.where} was not made by fststyle, so there is nothing to write its page from")
    with extra("hub"):
        from huggingface_hub import CommitOperationAdd, HfApi, errors
    contents = {
        FILE_NAME: file.data,
        _README: page_of(file, file.card, repo).encode(),
        PREVIEW: preview_of(Stylizer(file.path or file.data, "cpu")),
    }
    api = HfApi()
    try:
        api.create_repo(repo, private=private, exist_ok=True)
        siblings = api.model_info(repo).siblings or []
        there = sorted(entry.rfilename for entry in siblings if entry.rfilename in _OURS)
        if there and not replace:
            raise FststyleError(
                f"{repo} holds {' and '.join(there)} already; say --replace to put a new version there, or name another"
            )
        done = api.create_commit(
            repo,
            [CommitOperationAdd(name, data) for name, data in contents.items()],
            commit_message=message or f"Publish {file.card.style}",
        )
    except errors.HFValidationError as error:
        raise FststyleError(f"{repo} is no name that the hub takes; write USER/NAME") from error
    except errors.HfHubHTTPError as error:
        raise FststyleError(_refusal(repo, error)) from error
    except unreachable() as error:
        reason = one_line(error, MOST_OF_REASON)
        raise FststyleError(f"the hub cannot be reached ({reason}); nothing was published, try again online") from error
    return Published(f"{PREFIX}{repo}", f"{api.endpoint}/{repo}", str(done.oid))


def _refusal(repo: str, error: Exception) -> str:
    status = error.response.status_code  # type: ignore[attr-defined]
    if status == 401:
        return f"the hub does not know who you are; log in: hf auth login, or set HF_TOKEN, then publish {repo} again"
    if status in (403, 404):
        user = repo.partition("/")[0]
        return f"you may not write to {repo} ({status_of(error)}); use a token that may write, of {user}"
    return f"the hub refuses {repo} ({status_of(error)}); try again later"

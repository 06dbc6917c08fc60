"""Jobs wait, run, rest, go on, and are gone; nothing of them is lost when the server dies."""

import asyncio
import errno
import json
import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from fststyle.serve.app import Application
from fststyle.serve.job import Job
from fststyle.serve.settings import Limits, Settings

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("fake_commands")]
Client = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


async def new(ask: httpx.AsyncClient, png: bytes, title: str = "long", **query: Any) -> str:
    answer = await ask.post("/api/jobs/train", params={"title": title, **query}, files={"picture": png})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def becomes(ask: httpx.AsyncClient, name: str, state: str, *, after_steps: int = 0) -> dict[str, Any]:
    for _ in range(400):
        facts: dict[str, Any] = (await ask.get(f"/api/jobs/{name}")).json()
        if facts["state"] == state and facts["progress"]["step"] >= after_steps:
            return facts
        await asyncio.sleep(0.02)
    raise AssertionError(f"it stays {facts}")


async def test_a_painting_becomes_a_network(client: Client, png: bytes, identity: Path) -> None:
    async with client() as ask:
        name = await new(ask, png, "quick", steps=10, style_weight=0.5)
        facts = await becomes(ask, name, "done")
        assert facts["progress"]["share"] == 1.0
        assert facts["progress"]["costs"] == {"total": 1.0}
        assert (facts["samples"], facts["network"]) == ([5], name)
        assert (await ask.get(f"/api/jobs/{name}/samples/5")).content == b"a sheet"
        assert (await ask.get(f"/api/jobs/{name}/samples/6")).status_code == 404
        assert (await ask.get(f"/api/jobs/{name}/painting")).headers["content-type"] == "image/png"
        result = await ask.get(f"/api/jobs/{name}/result")
        assert result.content == identity.read_bytes()
        assert f'filename="{name}.onnx"' in result.headers["content-disposition"]
        first = (await ask.get("/api/networks")).json()[0]
        assert (first["name"], first["title"], first["job"]) == (name, "quick", name)
        painted = await ask.post(f"/api/paint?network={name}", files={"picture": png})
        assert painted.status_code == 200
        assert (await ask.delete(f"/api/jobs/{name}")).status_code == 204
        assert name not in [network["name"] for network in (await ask.get("/api/networks")).json()]
        assert (await ask.get(f"/api/jobs/{name}")).status_code == 404


async def test_a_network_is_there_after_a_new_start(client: Client, png: bytes) -> None:
    async with client() as ask:
        name = await new(ask, png, "quick")
        await becomes(ask, name, "done")
    async with client() as ask:
        assert (await ask.get("/api/networks")).json()[0]["name"] == name
        assert (await ask.get(f"/api/jobs/{name}")).json()["progress"]["share"] == 1.0


async def test_pause_and_resume(client: Client, png: bytes, tmp_path: Path) -> None:
    async with client() as ask:
        name = await new(ask, png)
        facts = await becomes(ask, name, "running", after_steps=5)
        assert facts["progress"] == {
            **{"share": 0.5, "step": 5, "steps": 10, "speed": 2.0, "seconds_left": 2.5, "costs": {"total": 1.5}}
        }
        assert (await ask.post(f"/api/jobs/{name}/pause")).json()["state"] == "pausing"
        facts = await becomes(ask, name, "paused")
        assert facts["progress"]["seconds_left"] is None
        assert json.loads((tmp_path / "served/jobs" / name / "job.json").read_text("utf-8"))["state"] == "paused"
        assert (await ask.post(f"/api/jobs/{name}/pause")).json()["state"] == "paused"
        assert (await ask.post(f"/api/jobs/{name}/resume")).json()["state"] == "running"
        await becomes(ask, name, "running")
        log = tmp_path / "served/jobs" / name / "log.txt"
        for _ in range(200):
            begun = [line for line in log.read_text("utf-8").splitlines() if '"begin"' in line]
            if len(begun) == 2:
                break
            await asyncio.sleep(0.02)
        assert json.loads(begun[1])["step"] == 5  # with --resume


@pytest.mark.parametrize("method", ["pause", "remove"])
async def test_a_job_is_ended_while_its_process_starts(
    client: Client, png: bytes, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    starting, go = asyncio.Event(), asyncio.Event()
    start = asyncio.create_subprocess_exec

    async def slow(*words: Any, **options: Any) -> Any:
        process = await start(*words, **options)
        starting.set()
        await go.wait()
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slow)
    async with client() as ask:
        name = await new(ask, png)
        await starting.wait()
        ending = asyncio.create_task(getattr(ask.application.jobs, method)(name))  # type: ignore[attr-defined]
        await asyncio.sleep(0.05)
        go.set()
        await asyncio.wait_for(ending, 10)
        if method == "pause":
            await becomes(ask, name, "paused")
        else:
            assert (await ask.get(f"/api/jobs/{name}")).status_code == 404


async def test_a_job_that_fails_says_why_and_can_be_tried_again(client: Client, png: bytes) -> None:
    async with client() as ask:
        name = await new(ask, png, "broken")
        facts = await becomes(ask, name, "failed")
        assert facts["error"] == "the disk is full; make room"
        assert (await ask.get(f"/api/jobs/{name}/result")).json()["error"].startswith("this job is failed")
        assert (await ask.post(f"/api/jobs/{name}/pause")).status_code == 409
        assert (await ask.post(f"/api/jobs/{name}/resume")).status_code == 200
        assert (await becomes(ask, name, "failed"))["error"] == "the disk is full; make room"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("/srv/a/served/jobs/x-1/run/last.ckpt is broken; delete it", "last.ckpt is broken; delete it"),
        ("cannot read '/srv/b.onnx' (10 MB/s)", "cannot read 'b.onnx' (10 MB/s)"),
        ("C:\\served\\a.png is broken", "a.png is broken"),
        ("give minutes and/or steps", "give minutes and/or steps"),
    ],
)
async def test_an_error_does_not_tell_where_files_lie(client: Client, tmp_path: Path, error: str, told: str) -> None:
    Job(id="a", kind="train", title="t", state="failed", error=error).write(tmp_path / "served/jobs/a")
    async with client() as ask:
        assert (await ask.get("/api/jobs/a")).json()["error"] == told


async def test_one_runs_and_the_others_wait(client: Client, png: bytes) -> None:
    async with client() as ask:
        names = [await new(ask, png) for _ in range(3)]
        states = [(await ask.get(f"/api/jobs/{name}")).json() for name in names]
        assert [facts["state"] for facts in states] == ["running", "queued", "queued"]
        assert [facts["before"] for facts in states] == [None, 0, 1]
        await ask.post(f"/api/jobs/{names[1]}/pause")
        await ask.delete(f"/api/jobs/{names[0]}")
        await becomes(ask, names[2], "running")
        await becomes(ask, names[1], "paused")


async def test_two_cancel_one_job(client: Client, png: bytes, tmp_path: Path) -> None:
    async with client() as ask:
        name = await new(ask, png)
        await becomes(ask, name, "running", after_steps=5)
        answers = await asyncio.gather(*(ask.delete(f"/api/jobs/{name}") for _ in range(2)))
        assert {answer.status_code for answer in answers} <= {204, 404}
        assert 204 in {answer.status_code for answer in answers}
        assert (await ask.delete(f"/api/jobs/{name}")).status_code == 404
        assert list((tmp_path / "served/jobs").iterdir()) == []


async def test_a_hundred_jobs(client: Client, png: bytes) -> None:
    async with client(Limits(workers=1, jobs=100)) as ask:
        names = [await new(ask, png) for _ in range(100)]
        assert len(set(names)) == 100
        refused = await ask.post("/api/jobs/train?title=a", files={"picture": png})
        assert (refused.status_code, refused.json()["error"]) == (429, "there are too many jobs; delete some")
        assert len((await ask.get("/api/jobs")).json()) == 100
        await ask.delete(f"/api/jobs/{names[50]}")
        await new(ask, png)


@pytest.mark.parametrize("title", ["../../etc", "/", "\u202eabc", "日本語", "a" * 80, "-o x", "null", "🎨", "CON", "."])
async def test_any_title_is_only_a_title(client: Client, png: bytes, title: str, tmp_path: Path) -> None:
    async with client() as ask:
        answer = await ask.post("/api/jobs/train", params={"title": title}, files={"picture": png})
        if not title.isprintable():
            assert answer.status_code == 422
            return
        name = answer.json()["id"]
        assert answer.json()["title"] == title
        assert name.replace("-", "").isalnum()
        assert name.isascii()
        assert (tmp_path / "served" / "jobs" / name).is_dir()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "title: field required"),
        ("title=%20", "title: "),
        ("title=a%0Ab", "one line of printable text"),
        ("title=" + "a" * 81, "title: "),
        ("title=a&minutes=1&steps=1", "give minutes or steps, not both"),
        ("title=a&minutes=nan", "minutes: "),
        ("title=a&steps=0", "steps: "),
        ("title=a&network=tiny", "teacher: tiny learns from a larger network"),
        ("title=a&network=resnet", "network: "),
        ("title=a&config=/etc/passwd", "config: there is no such parameter"),
        ("title=a&painting=a%00b", "one line of printable text"),
    ],
)
async def test_a_training_that_cannot_be(client: Client, png: bytes, query: str, words: str, tmp_path: Path) -> None:
    async with client() as ask:
        answer = await ask.post(f"/api/jobs/train?{query}", files={"picture": png})
        assert answer.status_code == 422
        assert words in answer.json()["error"]
        assert list((tmp_path / "served/jobs").iterdir()) == []


async def test_what_is_no_painting_leaves_nothing(client: Client, tmp_path: Path) -> None:
    async with client() as ask:
        answer = await ask.post("/api/jobs/train?title=a", files={"picture": b"junk"})
        assert (answer.status_code, "the picture is broken" in answer.json()["error"]) == (422, True)
        assert (await ask.post("/api/jobs/train?title=a&teacher=nix", files={"picture": b"junk"})).status_code == 404
        assert list((tmp_path / "served/jobs").iterdir()) == []


@pytest.mark.parametrize("name", ["...", "%2e%2e", "..%2f..%2fx", "nix", "a%00", "é", "con"])
async def test_a_job_that_is_not_there(client: Client, name: str) -> None:
    async with client() as ask:
        for method, end in (("GET", ""), ("POST", "/pause"), ("POST", "/resume"), ("DELETE", ""), ("GET", "/result")):
            answer = await ask.request(method, f"/api/jobs/{name}{end}")
            assert answer.status_code in (404, 405)
            assert list(answer.json()) == ["error"]
        for step in ("1", "..", "%2e%2e%2fa", "-1", "1e9", "9" * 5000):
            assert (await ask.get(f"/api/jobs/{name}/samples/{step}")).status_code in (404, 422)


async def test_a_full_disk(client: Client, png: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with client() as ask:
        monkeypatch.setattr("fststyle.serve.job.atomic_write", full)
        answer = await ask.post("/api/jobs/train?title=a", files={"picture": png})
        assert (answer.status_code, "disk full" in answer.json()["error"]) == (507, True)
        monkeypatch.undo()
        assert list((tmp_path / "served/jobs").iterdir()) == []


async def test_a_state_that_cannot_be_kept_ends_nothing(
    client: Client, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with client() as ask:
        name = await new(ask, png)
        monkeypatch.setattr("fststyle.serve.job.atomic_write", full)
        await ask.post(f"/api/jobs/{name}/pause")
        await becomes(ask, name, "paused")


async def test_a_server_that_ends_leaves_its_jobs_running_on_the_disk(
    client: Client, png: bytes, tmp_path: Path
) -> None:
    async with client() as ask:
        first, second = await new(ask, png), await new(ask, png)
        await becomes(ask, first, "running", after_steps=5)
    assert [Job.read(tmp_path / "served/jobs" / name).state for name in (first, second)] == ["running", "queued"]
    assert (tmp_path / "served/jobs" / first / "run/last.ckpt").exists()
    async with client() as ask:
        facts = await becomes(ask, first, "running", after_steps=5)
        assert facts["samples"] == [5]
        await becomes(ask, second, "queued")


async def test_what_lies_in_the_folder_and_is_no_job(client: Client, tmp_path: Path, identity: Path) -> None:
    jobs = tmp_path / "served/jobs"
    (jobs / ".new-1").mkdir(parents=True)
    for name, text in (("a", "{"), ("b", "[]"), ("c", '{"format_version": 9}'), ("d", '{"format_version": 1, "x": 1}')):
        (jobs / name).mkdir()
        (jobs / name / "job.json").write_text(text)
    Job(id="other", kind="train", title="t").write(jobs / "a-moved")
    Job(id="lost", kind="train", title="t", state="done").write(jobs / "lost")
    shutil.copy(identity, jobs / "lost.onnx")
    async with client() as ask:
        (found,) = (await ask.get("/api/jobs")).json()
        assert (found["id"], found["state"]) == ("lost", "failed")
        assert "does not exist" in found["error"]
    assert not (jobs / ".new-1").exists()
    assert (jobs / "a" / "job.json").read_text() == "{"


async def test_a_folder_that_cannot_be_used(settings: Callable[..., Settings], tmp_path: Path) -> None:
    (tmp_path / "served").write_text("a file")
    application = Application(settings())
    with pytest.raises(Exception, match="choose another --output"):
        await application.jobs.start()

import base64
import errno
import gzip
import hashlib
import io
import json
import re
import shlex
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from typer.testing import CliRunner

from fststyle import read_model, samples
from fststyle.cli import app
from fststyle.errors import FststyleError
from fststyle.graph.parts import Parts
from fststyle.graph.style_numbers import style_numbers
from fststyle.paint.stylizer import Stylizer
from fststyle.predict.new_style import predict, write_new_style
from fststyle.runtime.convert import quantize
from fststyle.web import runtime
from fststyle.web.networks import runnable
from fststyle.web.npm import REGISTRY_VARIABLE
from fststyle.web.site import PAGE, build_site

Save = Callable[..., Path]


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for onnxruntime-web, and nothing in the cache."""
    path = tmp_path / "npm" / runtime.PACKAGE.file
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as archive:
        for name in (*runtime.CPU_FILES, *runtime.GPU_FILES):
            entry = tarfile.TarInfo(f"package/dist/{name}")
            entry.size = len(name)
            archive.addfile(entry, io.BytesIO(name.encode()))
    sha512 = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    monkeypatch.setattr(runtime, "PACKAGE", replace(runtime.PACKAGE, sha512=sha512))
    monkeypatch.setenv(REGISTRY_VARIABLE, str(path.parent))
    monkeypatch.setenv("FSTSTYLE_CACHE", str(tmp_path / "cache"))
    return path


def read_site(folder: Path) -> dict[str, Any]:
    site: dict[str, Any] = json.loads((folder / "site.json").read_text("utf-8"))
    return site


def test_a_site_has_the_page_the_networks_and_their_parts(identity: Path, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    sizes = build_site([identity], folder)
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(sizes)
    (network,) = read_site(folder)["networks"]
    assert (folder / network["file"]).read_bytes() == identity.read_bytes()
    assert (folder / network["preview"]).read_bytes()[8:12] == b"WEBP"
    (part,) = network["parts"]["parts"]
    assert part["bytes"] == (folder / network["parts"]["file"]).stat().st_size
    assert network["painting"] == "Nobody, Nothing, 1900"
    assert network["form"]["least"] == 1
    served = {"server_engine.js", "jobs.js", "job_card.js", "studio_form.js"}
    for path in PAGE.rglob("*.js"):
        if path.name in served:
            assert path.name not in sizes
        else:
            assert (folder / path.relative_to(PAGE)).read_bytes() == path.read_bytes()


def test_paintings_stand_beside_networks_or_in_their_place(identity: Path, tmp_path: Path) -> None:
    swirls = samples.style("swirls")
    build_site([identity], tmp_path / "both", styles=[swirls], style_size=100)
    build_site([], tmp_path / "only", styles=[swirls])
    first, second = read_site(tmp_path / "both")["networks"]
    assert (first["name"], second["name"], second["title"]) == ("identity", "swirls", "Swirls")
    build_site([write_swirls(tmp_path / "swirls.onnx", 100)], tmp_path / "file")
    assert (tmp_path / "both" / second["file"]).read_bytes() == (tmp_path / "file" / second["file"]).read_bytes()
    (only,) = read_site(tmp_path / "only")["networks"]
    assert (tmp_path / "only" / only["file"]).read_bytes() != (tmp_path / "both" / second["file"]).read_bytes()


def write_swirls(path: Path, style_size: int) -> Path:
    write_new_style(samples.style("swirls"), path, style_size=style_size)
    return path


def test_the_numbers_of_a_style_go_where_the_site_says(identity: Path, tmp_path: Path) -> None:
    """What the page does, in Python: it makes the file that `fststyle new` writes, and the parts of it."""
    sizes = build_site([identity], tmp_path / "site")
    entry = read_site(tmp_path / "site")["predictor"]
    body = entry["body"]
    assert entry["bytes"] == sizes["style/predictor.onnx"]
    made = predict(samples.style("woodcut"))
    numbers = np.concatenate(list(style_numbers(made.model).values()))
    whole, parts = (bytearray((tmp_path / "site" / each["file"]).read_bytes()) for each in (body, body["parts"]))
    assert (len(whole), len(parts)) == (body["bytes"], body["parts"]["bytes"])
    for data, places in ((whole, body["numbers"]), (parts, body["parts"]["numbers"])):
        assert sorted(place for _, first, count in places for place in range(first, first + count)) == list(
            range(len(numbers))
        )
        for at, first, count in places:
            data[at : at + 4 * count] = numbers[first : first + count].tobytes()
    model = onnx.ModelProto.FromString(bytes(whole))
    digest = hashlib.sha256()
    for heading, at, length in body["weights"]:
        digest.update(heading.encode() + whole[at : at + length])
    card = made.card.to_metadata() | {"fststyle.weights_sha256": digest.hexdigest()}
    helper.set_model_props(model, card)
    assert card == body["card"] | {
        "fststyle.style": "woodcut",
        "fststyle.painting": "woodcut.jpg",
        "fststyle.weights_sha256": digest.hexdigest(),
    }
    found = read_model(model.SerializeToString())
    np.testing.assert_array_equal(np.concatenate(list(style_numbers(model).values())), numbers)
    cut = Parts.read(found.data)
    for part, place in zip(cut.parts, body["parts"]["parts"], strict=True):
        assert bytes(parts[place["at"] : place["at"] + place["bytes"]]) == part.data


def test_eight_bit_networks_take_and_give_bytes(tmp_path: Path) -> None:
    quantize("udnie_tiny", tmp_path / "small.onnx")
    stylizer = Stylizer(tmp_path / "small.onnx", "cpu")
    made = runnable(stylizer, "networks/small")
    assert [made.entry["form"][name] for name in ("bytes", "last", "lastOut")] == [True, True, True]
    whole, parts = (made.files[f"networks/small.{suffix}"] for suffix in ("onnx", "parts"))
    rgb = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    session = onnxruntime.InferenceSession(whole)
    (painted,) = session.run(["stylized"], {"content": rgb[None]})
    np.testing.assert_array_equal(painted[0], stylizer(rgb))
    first, *_, last = made.entry["parts"]["parts"]
    ends = [onnxruntime.InferenceSession(parts[each["at"] :][: each["bytes"]]) for each in (first, last)]
    assert [ends[0].get_inputs()[0].type, ends[1].get_outputs()[0].type] == ["tensor(uint8)"] * 2
    assert ends[1].get_outputs()[0].shape[3] == 3


def test_the_predictor_is_not_kept_before_it_is_used(identity: Path, tmp_path: Path) -> None:
    build_site([identity], tmp_path / "site")
    assert "style/" not in (tmp_path / "site" / "offline.js").read_text()
    assert "Karen Simonyan" in (tmp_path / "site" / "licences.txt").read_text()


def test_webassembly_is_packed_and_webgpu_can_be_left_out(identity: Path, tmp_path: Path) -> None:
    sizes = build_site([identity], tmp_path / "site", gpu=False)
    packed = (tmp_path / "site" / "ort" / "ort-wasm-simd-threaded.wasm.gzip").read_bytes()
    assert gzip.decompress(packed) == b"ort-wasm-simd-threaded.wasm"
    assert not any("webgpu" in name or "asyncify" in name for name in sizes)
    assert not any(name.endswith(".mjs") for name in sizes)
    assert read_site(tmp_path / "site")["runtime"]["gpu"] is False


def test_the_same_networks_give_the_same_version_and_others_another(
    identity: Path, save: Save, assets: dict[str, Any], tmp_path: Path
) -> None:
    other = save(assets["gain_model"](0.5), {"style": "half"})
    versions = []
    for number, networks in enumerate([[identity], [identity], [identity, other]]):
        build_site(networks, tmp_path / f"site{number}")
        versions.append(read_site(tmp_path / f"site{number}")["version"])
    assert versions[0] == versions[1] != versions[2]


def test_networks_of_one_name_stay_two(identity: Path, save: Save, assets: dict[str, Any], tmp_path: Path) -> None:
    other = save(assets["gain_model"](0.5), {"style": "half"}, "identity.onnx")
    build_site([identity, other], tmp_path / "site")
    networks = read_site(tmp_path / "site")["networks"]
    assert [network["name"] for network in networks] == ["identity", "identity-2"]
    assert [network["title"] for network in networks] == ["Nothing (identity)", "Nothing (identity-2)"]


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("a#b?50%", "a-b-50"),
        ("..", "network"),
        ("_draft", "draft"),
        ("a,b:c..d e", "a-b-c..d-e"),
        ("Identity", "Identity-2"),
        ("n" * 240, "n" * 60),
    ],
)
def test_a_name_that_an_address_cannot_have_is_changed(
    identity: Path, save: Save, assets: dict[str, Any], tmp_path: Path, stem: str, name: str
) -> None:
    other = save(assets["gain_model"](0.5), {"style": "half"}, f"{stem}.onnx")
    build_site([identity, other], tmp_path / "site")
    network = read_site(tmp_path / "site")["networks"][1]
    assert network["name"] == name
    for file in (network["file"], network["preview"], network["parts"]["file"]):
        assert quote(file) == file
        assert (tmp_path / "site" / file).is_file()


def test_the_command_that_shows_the_site_can_be_pasted(identity: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my site"
    done = CliRunner().invoke(app, ["web", str(identity), "-o", str(folder)])
    assert done.exit_code == 0
    command = done.stdout.partition("look at it: ")[2].partition(", then")[0]
    assert shlex.split(command) == ["python", "-m", "http.server", "--directory", str(folder), "8000"]


def test_a_network_that_others_made_is_fed_as_its_layout_says(
    save: Save, assets: dict[str, Any], tmp_path: Path
) -> None:
    build_site([save(assets["gain_model"]())], tmp_path / "site", layout="bgr255")
    (network,) = read_site(tmp_path / "site")["networks"]
    form = network["form"]
    assert (form["black"], form["white"], form["bgr"]) == (0, 255, True)


def test_a_strength_that_a_network_takes_has_no_default(save: Save, assets: dict[str, Any], tmp_path: Path) -> None:
    model = assets["picture_model"](
        [helper.make_node("Mul", ["content", "strength"], ["stylized"])], {"strength": np.ones(1, np.float32)}
    )
    model.graph.input.append(helper.make_tensor_value_info("strength", 1, [1]))
    build_site([save(model, {"style": "told"})], tmp_path / "site")
    (network,) = read_site(tmp_path / "site")["networks"]
    assert network["form"]["strength"] == "strength"
    for file in (network["file"], network["parts"]["file"]):
        session = onnxruntime.InferenceSession((tmp_path / "site" / file).read_bytes())
        assert [value.name for value in session.get_inputs()] == ["content", "strength"]
        assert session.get_overridable_initializers() == []


def test_an_older_site_loses_its_own_files_and_keeps_every_other(
    identity: Path, save: Save, assets: dict[str, Any], tmp_path: Path
) -> None:
    folder = tmp_path / "site"
    build_site([identity, save(assets["gain_model"](0.5), {"style": "half"}, "half.onnx")], folder)
    theirs = [".git/HEAD", "CNAME", "thesis.txt", "networks/notes.txt", "own/a/b.txt"]
    for name in theirs:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    sizes = build_site([identity], folder, gpu=False)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {*sizes, *theirs}
    assert set(read_site(folder)["files"]) == set(sizes)
    assert all((folder / name).read_bytes() == name.encode() for name in theirs)
    assert {path.name for path in tmp_path.iterdir()} >= {"site", "npm"}
    assert not list(tmp_path.rglob("*.new"))


@pytest.mark.parametrize("files", [["../thesis.txt"], ["linked/thesis.txt"], ["own"], [7], "thesis.txt", None])
def test_a_strange_list_of_files_removes_nothing_elsewhere(identity: Path, tmp_path: Path, files: object) -> None:
    folder = tmp_path / "site"
    build_site([identity], folder)
    (tmp_path / "thesis.txt").write_text("words")
    (folder / "own").mkdir()
    (folder / "linked").symlink_to(tmp_path)
    (folder / "site.json").write_text(json.dumps(read_site(folder) | {"files": files}))
    build_site([identity], folder)
    assert (tmp_path / "thesis.txt").is_file()
    assert (folder / "own").is_dir()


def test_a_site_goes_into_an_empty_clone_of_github_pages(identity: Path, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    (folder / ".git").mkdir(parents=True)
    (folder / "CNAME").write_text("paint.example.org")
    build_site([identity], folder)
    assert (folder / ".git").is_dir()
    assert (folder / "CNAME").is_file()
    assert (folder / "index.html").is_file()


def test_a_full_disk_leaves_the_older_site_as_it_was(
    identity: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site"
    build_site([identity], folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.name == "offline.js":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FststyleError, match="disk full"):
        build_site([identity], folder, gpu=False)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_network_that_is_named_twice_is_refused(identity: Path, tmp_path: Path) -> None:
    again = identity.parent / ".." / identity.parent.name / identity.name
    with pytest.raises(FststyleError, match=r"identity\.onnx is named twice; leave one out"):
        build_site([identity, again], tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_folder_with_something_else_is_left_alone(identity: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"photo")
    with pytest.raises(FststyleError, match="holds something else than a site"):
        build_site([identity], tmp_path / "photos")
    with pytest.raises(FststyleError, match="is a file"):
        build_site([identity], tmp_path / "photos" / "a.jpg")
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["a.jpg"]


def test_a_package_of_another_hash_is_refused(
    identity: Path, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package.write_bytes(package.read_bytes() + b"\0")
    with pytest.raises(FststyleError, match="its sha512 is another"):
        build_site([identity], tmp_path / "site")
    monkeypatch.setenv(REGISTRY_VARIABLE, (tmp_path / "nowhere").as_uri())
    with pytest.raises(FststyleError, match=r"cannot fetch .* go online once"):
        build_site([identity], tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_fetched_package_is_kept(
    identity: Path, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = tmp_path / "registry" / "onnxruntime-web" / "-"
    registry.mkdir(parents=True)
    package.rename(registry / package.name)
    monkeypatch.setenv(REGISTRY_VARIABLE, (tmp_path / "registry").as_uri())
    build_site([identity], tmp_path / "site")
    monkeypatch.setenv(REGISTRY_VARIABLE, (tmp_path / "nowhere").as_uri())
    build_site([identity], tmp_path / "again")
    assert (tmp_path / "cache" / "npm" / package.name).is_file()


def test_every_language_has_every_sentence_and_the_same_gaps() -> None:
    texts = {path.stem: json.loads(path.read_text("utf-8")) for path in (PAGE / "lang").glob("??.json")}
    english = texts.pop("en")
    assert texts
    for code, text in texts.items():
        assert text.keys() == english.keys(), code
        for key, sentence in text.items():
            gaps = [sorted(re.findall(r"\{(\w+)\}", either)) for either in (sentence, english[key])]
            assert gaps[0] == gaps[1], f"{code}: {key}"


def test_the_page_names_only_sentences_that_there_are() -> None:
    english: dict[str, str] = {}
    for name in ("en", "jobs.en"):
        english |= json.loads((PAGE / "lang" / f"{name}.json").read_text("utf-8"))
    named = set(re.findall(r'data-text(?:-label)?="([\w-]+)"', (PAGE / "index.html").read_text("utf-8")))
    for path in PAGE.glob("*.js"):
        named |= set(re.findall(r'(?:new Problem|\.say|\.text)\(\s*"([\w-]+)"', path.read_text("utf-8")))
    assert named
    assert named <= english.keys()


def test_the_page_loads_nothing_from_elsewhere() -> None:
    for path in PAGE.rglob("*"):
        if path.suffix in {".js", ".html", ".css", ".json", ".webmanifest"}:
            text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
            assert "http://" not in text, path.name
            assert "https://" not in text, path.name

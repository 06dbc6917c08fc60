"""Sheets as people and programs write them."""

import json
from pathlib import Path

import pytest

from fststyle.errors import DataError
from fststyle.training.many.sheet import Row, common_settings, read_sheet


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    for name in ("wave.jpg", "Große Welle.jpg", "scream.png"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def rows_of(desk: Path, text: str | bytes, name: str = "styles.csv") -> list[Row]:
    (desk / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_sheet(desk / name)


def test_a_column_is_an_option_and_an_empty_cell_is_none(desk: Path) -> None:
    first, second = rows_of(desk, "style,style-weight,steps\nwave.jpg,0.5,\nscream.png,,300\n")
    assert first.settings == {"style": str(desk / "wave.jpg"), "style-weight": "0.5"}
    assert (second.name, second.settings["steps"], second.line) == ("scream", "300", 3)


@pytest.mark.parametrize(
    "text",
    [
        "style,style-weight\nGroße Welle.jpg,2\n",
        "\ufeffstyle,style-weight\r\nGroße Welle.jpg,2\r\n",
        'STYLE; Style Weight\r\n"Große Welle.jpg"; 2\r\n\r\n;;\r\n',
        "style\tstyle_weight\nGroße Welle.jpg\t2",
        '{"style": "Große Welle.jpg", "style_weight": 2}\n',
        '\ufeff\n{"style": "Große Welle.jpg", "style_weight": 2, "steps": null}',
    ],
)
def test_every_way_to_write_it(desk: Path, text: str) -> None:
    (row,) = rows_of(desk, text)
    assert row.problem is None
    assert (row.name, row.file) == ("Große Welle", "Große_Welle")
    assert row.settings == {"style": str(desk / "Große Welle.jpg"), "style-weight": "2"}


def test_excels_unicode_text(desk: Path) -> None:
    (row,) = rows_of(desk, "style\tname\r\nwave.jpg\tWave\r\n".encode("utf-16"))
    assert (row.name, row.problem) == ("Wave", None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no rows"),
        ("style\n", "has no rows"),
        ("name,steps\na,3\n", "has no column style"),
        ("style,stile-weight\nwave.jpg,1\n", r"there is no option 'stile-weight'; did you mean style-weight\?"),
        ("style,data.drak\nwave.jpg,1\n", r"there is no option 'data.drak'; did you mean data.dark\?"),
        ("style,model.cost.gird_weight\nwave.jpg,1\n", r"did you mean model.cost.grid_weight\?"),
        ("style,trainer.max_step\nwave.jpg,1\n", r"did you mean trainer.max_steps\?"),
        ("style,model.name\nwave.jpg,a\n", "there is no option 'model.name'"),
        ("style,optimizer.lr\nwave.jpg,1\n", "there is no option 'optimizer.lr'"),
        ('{"style": "wave.jpg"}\n{"style": "wave.jpg", "data.x": 1}\n', "there is no option 'data.x'"),
        ("style,trainer.default_root_dir\nwave.jpg,a\n", "trainer.default_root_dir cannot be chosen"),
        ("style,output\nwave.jpg,a\n", "output cannot be chosen"),
        ("style,resume\nwave.jpg,a\n", "resume cannot be chosen"),
        ("style,steps,steps\nwave.jpg,1,2\n", "two columns for steps"),
        ('{"style": "wave.jpg", "nonsense": 1}\n', "there is no option 'nonsense'"),
        ('{"style": \n', "line 1 is not JSON"),
        ("style\nwave\xe9.jpg\n".encode("latin-1"), "is not text in UTF-8"),
        ('[{"style": "wave.jpg"}]', r"is a list in JSON; write each row as a line of its own, \{"),
        ("PK\x03\x04 a workbook", r"there is no option 'PK"),
        ("<svg>" * 20_000, r"there is no option '(<svg>){8}.*… \(100000 characters\)'"),
    ],
)
def test_a_sheet_that_cannot_be_read(desk: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(DataError, match=says):
        rows_of(desk, text)


@pytest.mark.parametrize(
    "name", ["data.dark", "Dark", "model.cost", "trainer.callbacks+", "trainer.callbacks.patience"]
)
def test_dotted_columns(desk: Path, name: str) -> None:
    (row,) = rows_of(desk, f"style,{name}\nwave.jpg,0.5\n")
    assert row.problem is None
    assert "0.5" in row.settings.values()


def test_a_missing_sheet_and_a_folder(desk: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_sheet(desk / "no.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_sheet(desk)


def test_rows_that_cannot_be_trained_say_why_and_stop_no_other(desk: Path) -> None:
    lines = ["style,name,calibrate", "wave.jpg,a,", "not.jpg,b,", "scream.png,A,", ",c,", "wave.jpg,d,maybe"]
    sheet = "\n".join([*lines, "wave.jpg,..,", "wave.jpg,e,yes,9\n"])
    rows = rows_of(desk, sheet)
    problems = [row.problem for row in rows]
    assert problems[0] is None
    assert str(problems[1]).startswith(f"there is no painting {desk / 'not.jpg'}")
    assert problems[2] == "line 2 is called A, too; give each a name of its own"
    assert problems[3] == "it names no painting; fill in the column style"
    assert problems[4] == "calibrate is yes or no, not 'maybe'"
    assert problems[5] == "'..' is no name for files; give another one in the column name"
    assert (
        problems[6]
        == "it has 4 cells, but there are 3 columns; quote cells with ',', and write decimals with a point: 0.5"
    )
    assert len({row.number for row in rows}) == 7


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"style": "~nosuchuser/x.jpg"}, "begins with a user who is not there; write the whole path"),
        ({"style": "wave.jpg", "name": "half \ud83d"}, "a character that is in no text"),
        ({"style": "wave.jpg", "painting": "nul \0"}, "a character that is in no text"),
        ({"style": "wave.jpg", "style-weight": "0,5"}, "style-weight is 0,5; write 0.5, with a point"),
    ],
)
def test_a_bad_cell_is_a_problem_of_its_row(desk: Path, cells: dict[str, str], says: str) -> None:
    good = {"style": "scream.png"}
    bad, other = rows_of(desk, f"{json.dumps(cells)}\n{json.dumps(good)}\n")
    assert says in str(bad.problem)
    assert "\n" not in str(bad.problem)
    (bad.name + str(bad.settings)).encode()
    assert other.problem is None


@pytest.mark.parametrize(
    "name", ["steps", "size", "batch-size", "minutes", "learning-rate", "width", "trainer.max_steps"]
)
@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("9" * 400, f"is {'9' * 20}… (400 characters); write a finite number"),
        ("9" * 5000, f"is {'9' * 20}… (5000 characters); write a finite number"),
        ("1e999", "is 1e999; write a finite number"),
        ("nan", "is nan; write a finite number"),
        ("-inf", "is -inf; write a finite number"),
        ("9" * 16, "is 9999999999999999; write a number of at most 15 digits"),
    ],
)
def test_numbers_beyond_any_training(desk: Path, name: str, value: str, says: str) -> None:
    bad, other = rows_of(desk, f"style,{name}\nwave.jpg,{value}\nscream.png,64\n")
    assert (bad.line, bad.problem) == (2, f"{name} {says}")
    assert other.problem is None
    with pytest.raises(DataError) as error:
        common_settings([f"--{name}", value])
    assert str(error.value) == f"behind --, {name} {says}"


@pytest.mark.parametrize("name", ["steps", "minutes", "epochs"])
@pytest.mark.parametrize("value", ["-5", "0", "-0.5"])
def test_what_ends_no_training(desk: Path, name: str, value: str) -> None:
    bad, other = rows_of(desk, f"style,{name}\nwave.jpg,{value}\nscream.png,64\n")
    assert (bad.problem, other.problem) == (f"{name} is {value}; write a number above 0", None)


@pytest.mark.parametrize("value", ["9" * 5000, "1e999", "NaN", "-Infinity"])
def test_numbers_beyond_any_training_in_json(desk: Path, value: str) -> None:
    bad, other = rows_of(desk, f'{{"style": "wave.jpg", "steps": {value}}}\n{{"style": "scream.png", "steps": 64}}\n')
    assert str(bad.problem).startswith("steps is ")
    assert str(bad.problem).endswith("; write a finite number")
    assert (other.problem, other.settings["steps"]) == (None, "64")


def test_words_where_numbers_belong(desk: Path) -> None:
    rows = rows_of(desk, "style,steps,size,name\nwave.jpg,many,,\nscream.png,,256;512,\nwave.jpg,3,'256',nan\n")
    assert rows[0].problem == "steps is 'many'; write a number"
    assert rows[1].problem == "size is '256;512'; write a number"
    (named,) = rows_of(desk, "style,name,painting\nwave.jpg,nan,1e999\n")
    assert (named.problem, named.name) == (None, "nan")


def test_json_that_is_nested_too_deeply_is_a_problem_of_its_row(desk: Path) -> None:
    deep = '{"style": ' + "[" * 100_000 + "]" * 100_000 + "}"
    bad, other = rows_of(desk, f'{deep}\n{{"style": "wave.jpg"}}\n')
    assert (bad.problem, other.problem) == ("it is nested too deeply; write one value for each name", None)


def test_other_ends_of_lines_are_text_in_json(desk: Path) -> None:
    first, second = rows_of(desk, '{"style": "wave.jpg", "painting": "a\u2028b"}\r\n{"style": "scream.png"}\r')
    assert (first.settings["painting"], second.line) == ("a\u2028b", 2)


def test_decimal_commas_and_semicolons_are_named(desk: Path) -> None:
    (row,) = rows_of(desk, "style;style-weight\nwave.jpg;0,5\n")
    assert row.problem == "style-weight is 0,5; write 0.5, with a point"
    (row,) = rows_of(desk, "style,style-weight\nwave.jpg,0,5\n")
    assert str(row.problem).endswith("quote cells with ',', and write decimals with a point: 0.5")
    (row,) = rows_of(desk, "style,style-weight\nwave.jpg;0.5\n")
    assert str(row.problem).endswith(
        "check the column style, and that the first line separates its cells as the others do"
    )
    (row,) = rows_of(desk, "style;size\nwave.jpg;256,512\n")
    assert row.problem is None


def test_two_spellings_of_one_name_are_one_file(desk: Path) -> None:
    _, second = rows_of(desk, "style,name\nwave.jpg,caf\u00e9\nscream.png,cafe\u0301\n")
    assert second.problem is not None


def test_names_of_networks_are_left_alone_and_files_are_found(desk: Path) -> None:
    (desk / "mine.ckpt").write_bytes(b"")
    first, second = rows_of(desk, 'style,init,content-layers\nwave.jpg,base,"relu2_2,relu3_3"\nscream.png,mine.ckpt,\n')
    assert (first.settings["init"], first.settings["content-layers"]) == ("base", "relu2_2,relu3_3")
    assert second.settings["init"] == str(desk / "mine.ckpt")


def test_a_config_lies_beside_the_sheet(desk: Path) -> None:
    (row,) = rows_of(desk, "style,config\nwave.jpg,more/wave.yaml\n")
    assert row.settings["config"] == str(desk / "more" / "wave.yaml")


def test_lists_and_switches_of_json(desk: Path) -> None:
    line = {"style": "wave.jpg", "style-layers": ["relu1_2", "relu2_2"], "calibrate": True}
    (row,) = rows_of(desk, json.dumps(line), "styles.jsonl")
    assert (row.settings["style-layers"], row.settings["calibrate"]) == ("relu1_2,relu2_2", "true")
    (row,) = rows_of(desk, json.dumps(line | {"calibrate": False}), "styles.jsonl")
    assert row.settings["calibrate"] == "false"
    blank, off = rows_of(desk, "style,name,only-norms\nwave.jpg,a,\nwave.jpg,b,no\n")
    assert ("only-norms" in blank.settings, off.settings["only-norms"]) == (False, "false")


def test_short_names_of_dotted_options(desk: Path) -> None:
    (row,) = rows_of(desk, "style,dark,grid_weight\nwave.jpg,0.3,0\n")
    assert (row.settings["dark"], row.settings["grid-weight"]) == ("0.3", "0")
    assert common_settings(["--dark", "0.3"]) == {"dark": "0.3"}


def test_options_for_all_rows() -> None:
    assert common_settings(["--steps", "30", "--lr=0.1", "--calibrate", "--trainer.precision", "32-true"]) == {
        "steps": "30",
        "learning-rate": "0.1",
        "calibrate": "true",
        "trainer.precision": "32-true",
    }
    for words in (
        ["--photos", "~nosuchuser/photos"],
        ["30"],
        ["--steps"],
        ["--steps", "--size"],
        ["--stepz", "3"],
        ["--resume"],
    ):
        with pytest.raises(DataError):
            common_settings(words)


def test_dotted_names_of_paths_are_looked_up_beside_the_sheet_too(tmp_path: Path) -> None:
    for name in ("a.jpg", "big.onnx"):
        (tmp_path / name).touch()
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("style,data.root,model.teacher\na.jpg,photos,big.onnx\n", "utf-8")
    (row,) = read_sheet(sheet)
    assert row.settings["data.root"] == str(tmp_path / "photos")
    assert row.settings["model.teacher"] == str(tmp_path / "big.onnx")
    assert common_settings(["--data.root", "photos"])["data.root"] == str(Path("photos").absolute())

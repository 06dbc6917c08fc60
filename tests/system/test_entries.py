"""Lists of names with numbers."""

import pytest

from fststyle.system.entries import entries, entry


def test_plain_names() -> None:
    assert entries("wave:0.3, udnie") == [("wave", "0.3", "wave:0.3"), ("udnie", None, "udnie")]
    assert entries("a:b:2")[0] == ("a:b", "2", "a:b:2")
    assert [name for name, _, _ in entries("")] == [""]
    assert [name for name, _, _ in entries("a,,b,")] == ["a", "", "b", ""]
    assert entries('5"disc.onnx:1')[0].name == '5"disc.onnx'


def test_quoted_names() -> None:
    text = '"a:0.5,b.onnx":0.7 , "x, y", "say ""hi""":2'
    assert entries(text) == [("a:0.5,b.onnx", "0.7", None), ("x, y", None, None), ('say "hi"', "2", None)]


@pytest.mark.parametrize("text", ['"a:1', '"a"b:1', 'c,"a', '"'])
def test_quotes_that_do_not_match(text: str) -> None:
    with pytest.raises(ValueError, match=r"the quotes in .* do not match"):
        entries(text)


@pytest.mark.parametrize("name", ["wave", "a:0.5,b.onnx", 'say "hi"', "C:\\a.onnx", " edge ", "a,b", "a:1"])
def test_what_is_written_is_read_again(name: str) -> None:
    assert entries(entry(name))[0][:2] == (name, None)
    assert entries(entry(name, 0.25))[0][:2] == (name, "0.25")
    assert len(entries(f"{entry(name)},{entry(name, 1)}")) == 2

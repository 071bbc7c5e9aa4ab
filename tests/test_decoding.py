"""Bytes to text: every encoding that is read gives the same text, everything else is refused with its place."""

import codecs
import gzip
import io
import pickle
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kzz_pipeline.core.decoding import decode
from kzz_pipeline.core.refusal import Refusal

REAL = Path(__file__).parents[1] / "data" / "raw" / "2020" / "kzz-key-projects.txt"
TEXT = REAL.read_bytes().decode("utf-8")
LINES = TEXT.splitlines(keepends=True)


def refused(data: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        decode(data)
    assert caught.value.message
    assert caught.value.advice
    return caught.value


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("word/document.xml", "<w:document/>")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode("utf-8"), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8-sig"),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "utf-16"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("gb18030"), "gb18030"),
        (TEXT.encode("gbk"), "gb18030"),
    ],
    ids=["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "gb18030", "gbk"],
)
def test_decode_gives_the_same_text_from_each_encoding(data, encoding):
    assert decode(data) == (TEXT, encoding)


@pytest.mark.parametrize("line", range(0, len(LINES), 37))
def test_decode_reads_any_part_of_the_release_in_gb18030(line):
    part = "".join(LINES[line : line + 37])
    assert decode(part.encode("gb18030")).text == part


@pytest.mark.parametrize(
    "text", ["年度\r\n目标\r\n", "年度\r目标\r", "年度\u2028目标", "年\u00a0度\u3000目\u200b标\ue000\ufffd𠀀⽬"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_decode_keeps_line_ends_and_odd_characters(text, encoding):
    assert decode(text.encode(encoding)).text == text


def test_decode_refuses_zero_bytes():
    assert refused(b"").code == "empty-file"


@pytest.mark.parametrize("data", [b" \t\r\n\n", "\u3000\u00a0\u200b\n".encode(), codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_decode_refuses_white_space_only(data):
    assert refused(data).code == "blank-file"


def test_decode_refuses_a_copy_cut_inside_a_character():
    data = TEXT.encode()
    whole = next(at for at in range(20_000, 20_010) if data[at] & 0xC0 == 0xC0)
    refusal = refused(data[: whole + 2])
    assert (refusal.code, refusal.line) == ("half-copy", data[:whole].count(b"\n") + 1)
    assert str(whole) in refusal.message


def test_decode_refuses_a_cut_in_each_encoding():
    end = TEXT.index("绩效指标", 8000) + 4
    assert refused(TEXT[:end].encode("utf-8-sig")[:-1]).code == "half-copy"
    assert refused(TEXT[:end].encode("utf-16")[:-1]).code == "half-copy"
    refusal = refused(TEXT[:end].encode("gb18030")[:-1])
    assert (refusal.code, refusal.line) == ("half-copy", TEXT.count("\n", 0, end) + 1)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_decode_refuses_utf_16_without_byte_order_mark(encoding):
    assert refused(TEXT.encode(encoding)).code == "utf-16-without-bom"


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be"])
def test_decode_refuses_utf_32(encoding):
    assert refused(TEXT.encode(encoding)).code in ("unknown-encoding", "nul-byte")


@pytest.mark.parametrize("line", [5, 200, 400, 600])
def test_decode_refuses_gb18030_behind_utf_8(line):
    refusal = refused("".join(LINES[:line]).encode() + "".join(LINES[line:]).encode("gb18030"))
    assert refusal.code == "mixed-encodings"
    assert refusal.line > line


@pytest.mark.parametrize("line", [5, 200, 400, 600])
def test_decode_refuses_utf_8_behind_gb18030(line):
    refusal = refused("".join(LINES[:line]).encode("gb18030") + "".join(LINES[line:]).encode())
    assert refusal.code == "mixed-encodings"
    assert refusal.line > line


def test_decode_names_the_one_line_in_another_encoding():
    at = next(number for number, line in enumerate(LINES) if "广播电视局" in line)
    mixed = b"".join(line.encode("gb18030" if number == at else "utf-8") for number, line in enumerate(LINES))
    refusal = refused(mixed)
    assert (refusal.code, refusal.line) == ("mixed-encodings", at + 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_decode_refuses_nul_characters(encoding):
    text = TEXT[:5000] + "\0" + TEXT[5000:]
    refusal = refused(text.encode(encoding))
    assert (refusal.code, refusal.line) == ("nul-byte", TEXT.count("\n", 0, 5000) + 1)


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
        zipped(),
        gzip.compress(TEXT.encode()),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 64,
        b"{\\rtf1\\ansi",
        b"\x89PNG\r\n\x1a\n",
        b"<html><body>\xe9\xa2\x84</body></html>",
        b"\n <!DOCTYPE html>\n<html>",
        b"\xef\xbb\xbf<?xml version='1.0'?><a/>",
        "<TABLE><tr><td>预算单位</td></tr></TABLE>".encode("gb18030"),
        "<html>预算</html>".encode("utf-16"),
        b"MIME-Version: 1.0\nContent-Type: multipart/related",
    ],
    ids=["pdf", "zip", "gzip", "doc", "rtf", "png", "html", "doctype", "xml", "table", "html-utf-16", "mhtml"],
)
def test_decode_refuses_other_files_renamed(data):
    assert refused(data).code == "not-text"


@pytest.mark.parametrize(
    ("data", "form"),
    [(b"%PDF-1.7", ".pdf"), (b"PK\x03\x04", ".docx, .xlsx"), (b"\xd0\xcf\x11\xe0", ".xls"), (b"<html>", ".html"),
     (b"\x89PNG", None), (b"MIME-Version: 1.0\n", None)],
)  # fmt: skip
def test_other_file_that_is_read_by_its_own_name_is_to_be_named_so(data: bytes, form: str | None) -> None:
    advice = refused(data + b"\0" * (form != ".html" and b"MIME" not in data)).advice
    assert (f"name it by its form ({form})" in advice) if form else ("name it" not in advice)


@pytest.mark.parametrize("text", ["BM项目支出绩效目标表", "<克孜勒苏文学>杂志", "7z项目", "PK表"])
def test_decode_reads_text_that_begins_like_another_file(text):
    assert decode(text.encode()).text == text


def test_decode_refuses_bytes_in_no_known_encoding():
    refusal = refused("年度\n目标\n".encode("gb18030") + b"\xff\xff\n")
    assert (refusal.code, refusal.line) == ("unknown-encoding", 3)
    assert "byte 10" in refusal.message


def test_decode_says_where_a_byte_of_utf_8_is_damaged():
    data = bytearray(TEXT.encode())
    at = data.index("克州社会主义学院".encode()) + 4
    data[at] = 0xFF
    refusal = refused(bytes(data))
    assert (refusal.code, refusal.line) == ("unknown-encoding", data[:at].count(b"\n") + 1)


@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\n"])
def test_decode_counts_lines_whatever_ends_them(end):
    assert refused(b"a" + end + b"b" + end + b"c\0d").line == 3


BLOCKS = st.sampled_from(
    [b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\0", b"\t", b"\r\n", b"\x81", b"\xc0", b"PK\x03\x04", b"<html", "预算单位".encode(), "预算".encode("gbk"), "目标".encode("utf-16-le")]
)  # fmt: skip


def outcome(data: bytes) -> tuple[str, str] | Refusal:
    try:
        return decode(data)
    except Refusal as refusal:
        return refusal


@given(st.binary(max_size=200) | st.lists(BLOCKS, max_size=12).map(b"".join))
@example(b"\xff\xfe\x00\xd8")
@example(b"\xe9\xa2")
@example(b"\x84\x31\xa4\x39")
def test_decode_raises_nothing_but_refusals(data):
    found = outcome(data)
    if isinstance(found, Refusal):
        assert found.line is None or 1 <= found.line <= data.count(b"\n") + data.count(b"\r") + 1
    else:
        text, encoding = found
        assert data in (text.encode(encoding), codecs.BOM_UTF16_BE + text.encode("utf-16-be"))


@given(st.text(min_size=1), st.sampled_from(["utf-8-sig", "utf-16"]))
def test_decode_reads_any_text_behind_its_byte_order_mark(text, encoding):
    found = outcome(text.encode(encoding))
    if isinstance(found, Refusal):
        assert found.code in ("blank-file", "not-text", "nul-byte", "unknown-encoding")
    else:
        assert found == (text, encoding)


def test_a_refusal_survives_pickling():
    refusal = refused(b"")
    again = pickle.loads(pickle.dumps(refusal))
    assert (again.code, again.message, again.advice, again.line) == (
        "empty-file",
        refusal.message,
        refusal.advice,
        None,
    )
    assert str(again) == str(refusal)

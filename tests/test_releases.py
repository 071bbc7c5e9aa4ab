"""Finding releases: what stands at the right place with a right name is found; all else is refused by name."""

import hashlib
import os
import unicodedata
from pathlib import Path

import pytest

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.releases import SIZE_CAP_BYTES, check_release_id, find_releases, locate, read_bytes

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def put(root: Path, place: str | bytes, content: bytes = b"x") -> Path:
    path = root / os.fsdecode(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def found(root: Path) -> list[str]:
    return [file.release_id for file in find_releases(root)[0]]


def refused(root: Path) -> dict[str, str]:
    """Place to code of everything under the root that is refused."""
    return {file.source_path: file.refusal.code for file in find_releases(root)[1]}


def test_releases_are_found_by_year_and_name(tmp_path: Path) -> None:
    put(tmp_path, "2021/某州-重点项目_v1.2.txt", "内容".encode())
    put(tmp_path, "2020/b.TXT")
    put(tmp_path, "2020/a.txt")
    files, none = find_releases(tmp_path)
    assert [file.release_id for file in files] == ["2020-a", "2020-b", "2021-某州-重点项目_v1.2"]
    assert none == []
    last = files[-1]
    assert (last.release_year, last.source_path) == (2021, "2021/某州-重点项目_v1.2.txt")
    assert (last.path, last.size) == (tmp_path / "2021" / "某州-重点项目_v1.2.txt", 6)


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("release.txt", "wrong-place"),
        ("drafts/release.txt", "wrong-place"),
        ("20201/release.txt", "wrong-place"),
        ("1820/release.txt", "wrong-place"),
        ("２０２０/release.txt", "wrong-place"),
        ("2020/deeper/release.txt", "wrong-place"),
        ("2020/with space.txt", "wrong-name"),
        ("2020/two\nlines.txt", "wrong-name"),
        ("2020/tab\there.txt", "wrong-name"),
        ("2020/quote'd.txt", "wrong-name"),
        ('2020/quote"d.txt', "wrong-name"),
        ("2020/semi;colon.txt", "wrong-name"),
        ("2020/back\\slash.txt", "wrong-name"),
        ("2020/per%cent.txt", "wrong-name"),
        ("2020/star*.txt", "wrong-name"),
        ("2020/a..b.txt", "wrong-name"),
        ("2020/a...txt", "wrong-name"),
        ("2020/\u202etxt.exe.txt", "wrong-name"),
        (b"2020/\xff\xfe.txt", "wrong-name"),
        (f"2020/{'a' * 200}.txt", "wrong-name"),
        (f"2020/{'州' * 70}.txt", "wrong-name"),
        ("2020/release", "unknown-form"),
        ("2020/release.exe", "unknown-form"),
        ("2020/release.txt.gz", "unknown-form"),
    ],
)
def test_a_wrong_place_or_name_is_refused_and_the_rest_go_on(tmp_path: Path, place: str | bytes, code: str) -> None:
    put(tmp_path, "2020/good.txt")
    put(tmp_path, place)
    assert found(tmp_path) == ["2020-good"]
    ((named, given),) = refused(tmp_path).items()
    assert given == code
    # What is said is one printable line, whatever the name holds.
    assert named.isprintable()
    refusal = find_releases(tmp_path)[1][0].refusal
    assert str(refusal).isprintable()
    assert refusal.advice


@pytest.mark.parametrize(
    "place",
    [
        ".DS_Store", ".git/config", "2020/.hidden.txt", "2020/~$release.txt", "2020/release.txt~", "2020/release.txt.part",
        "2020/release.txt.tmp", "2020/release.txt.crdownload", "2020/.release.txt.swp",
    ],
)  # fmt: skip
def test_transient_names_are_passed_over_in_silence(tmp_path: Path, place: str) -> None:
    put(tmp_path, "2020/good.txt")
    put(tmp_path, place)
    assert found(tmp_path) == ["2020-good"]
    assert refused(tmp_path) == {}


def test_links_are_refused_and_never_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "raw", tmp_path / "outside"
    put(outside, "secret.txt")
    put(root, "2020/good.txt")
    (root / "2020" / "link.txt").symlink_to(outside / "secret.txt")
    (root / "2020" / "inside.txt").symlink_to(root / "2020" / "good.txt")
    (root / "2020" / "dangling.txt").symlink_to(root / "nothing")
    (root / "2021").symlink_to(outside, target_is_directory=True)
    (root / "top.txt").symlink_to(outside / "secret.txt")
    assert found(root) == ["2020-good"]
    assert refused(root) == {
        "2020/link.txt": "link",
        "2020/inside.txt": "link",
        "2020/dangling.txt": "link",
        "2021": "link",
        "top.txt": "wrong-place",
    }
    for release_id in ("2020-link", "2020-inside", "2021-secret"):
        with pytest.raises(Refusal) as refusal:
            locate(root, release_id)
        assert refusal.value.code == "link"


def test_a_file_that_became_a_link_is_not_read(tmp_path: Path) -> None:
    path = put(tmp_path, "2020/a.txt")
    (file,) = find_releases(tmp_path)[0]
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refusal) as refusal:
        read_bytes(file)
    assert refusal.value.code == "unreadable-file"


def test_a_pipe_is_refused_and_does_not_block(tmp_path: Path) -> None:
    put(tmp_path, "2020/good.txt")
    os.mkfifo(tmp_path / "2020" / "pipe.txt")
    assert found(tmp_path) == ["2020-good"]
    assert refused(tmp_path) == {"2020/pipe.txt": "not-a-file"}


def test_a_file_that_became_a_pipe_does_not_block(tmp_path: Path) -> None:
    path = put(tmp_path, "2020/a.txt")
    (file,) = find_releases(tmp_path)[0]
    path.unlink()
    os.mkfifo(path)
    assert read_bytes(file)[0] == b""


def test_one_id_is_given_to_one_file_only(tmp_path: Path) -> None:
    put(tmp_path, "2020/a.txt")
    put(tmp_path, "2020/a.xlsx")
    put(tmp_path, "2020/a.csv")
    put(tmp_path, "2020/B.txt")
    put(tmp_path, "2020/b.txt")
    put(tmp_path, "2021/a.txt")
    files, out = find_releases(tmp_path)
    assert [file.source_path for file in files] == ["2020/B.txt", "2020/a.txt", "2021/a.txt"]
    assert refused(tmp_path) == dict.fromkeys(["2020/a.csv", "2020/a.xlsx", "2020/b.txt"], "same-id")
    assert all("2020/a.txt" in str(file.refusal) for file in out if "a." in file.source_path)


def test_a_name_is_the_same_in_every_normal_form(tmp_path: Path) -> None:
    composed = unicodedata.normalize("NFC", "é")
    split = unicodedata.normalize("NFD", "é")
    put(tmp_path, f"2020/{split}.txt")
    assert found(tmp_path) == [f"2020-{composed}"]
    assert locate(tmp_path, f"2020-{composed}").path.name == f"{split}.txt"
    put(tmp_path, f"2020/{composed}.txt")
    assert found(tmp_path) == [f"2020-{composed}"]
    assert list(refused(tmp_path).values()) == ["same-id"]


def test_a_file_over_the_size_cap_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = put(tmp_path, "2020/large.txt")
    os.truncate(path, SIZE_CAP_BYTES + 1)
    put(tmp_path, "2020/largest.txt")
    os.truncate(tmp_path / "2020" / "largest.txt", SIZE_CAP_BYTES)
    assert found(tmp_path) == ["2020-largest"]
    assert refused(tmp_path) == {"2020/large.txt": "too-large"}


def test_a_file_that_grew_over_the_size_cap_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "2020/a.txt")
    (file,) = find_releases(tmp_path)[0]
    os.truncate(path, SIZE_CAP_BYTES + 1)
    with pytest.raises(Refusal) as refusal:
        read_bytes(file)
    assert refusal.value.code == "too-large"


@pytest.mark.skipif(IS_ROOT, reason="root reads every folder")
def test_an_unreadable_folder_is_refused_and_the_rest_go_on(tmp_path: Path) -> None:
    put(tmp_path, "2020/good.txt")
    put(tmp_path, "2021/hidden.txt")
    (tmp_path / "2021").chmod(0)
    try:
        assert found(tmp_path) == ["2020-good"]
        assert refused(tmp_path) == {"2021": "unreadable-folder"}
    finally:
        (tmp_path / "2021").chmod(0o700)


def test_a_folder_that_cannot_be_listed_is_refused_and_the_rest_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "2020/good.txt")
    put(tmp_path, "2021/hidden.txt")
    listed = os.scandir

    def scandir(folder: Path) -> object:
        if Path(folder).name == "2021":
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    assert found(tmp_path) == ["2020-good"]
    assert refused(tmp_path) == {"2021": "unreadable-folder"}


def test_a_raw_root_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for root in (tmp_path / "nothing", put(tmp_path, "file")):
        with pytest.raises(Refusal) as refusal:
            find_releases(root)
        assert refusal.value.code == "unreadable-folder"


def test_read_bytes_gives_the_bytes_and_their_hash(tmp_path: Path) -> None:
    put(tmp_path, "2020/a.txt", b"\xef\xbb\xbf\x00\r\n")
    data, sha256 = read_bytes(find_releases(tmp_path)[0][0])
    assert data == b"\xef\xbb\xbf\x00\r\n"
    assert sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("change", [b"longer than before", b"y"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: bytes
) -> None:
    path = put(tmp_path, "2020/a.txt", b"x")
    (file,) = find_releases(tmp_path)[0]
    fstat = os.fstat
    calls: list[int] = []

    def touched(descriptor: int) -> os.stat_result:
        status = fstat(descriptor)
        if not calls:
            path.write_bytes(change)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        calls.append(descriptor)
        return status

    monkeypatch.setattr(os, "fstat", touched)
    with pytest.raises(Refusal) as refusal:
        read_bytes(file)
    assert refusal.value.code == "still-changing"


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "2020/a.txt")
    (file,) = find_releases(tmp_path)[0]
    path.unlink()
    with pytest.raises(Refusal):
        read_bytes(file)
    with pytest.raises(Refusal) as refusal:
        locate(tmp_path, "2020-a")
    assert refusal.value.code == "no-such-file"


def test_the_stamp_changes_with_the_content(tmp_path: Path) -> None:
    path = put(tmp_path, "2020/a.txt", b"x")
    before = find_releases(tmp_path)[0][0].stamp
    assert find_releases(tmp_path)[0][0].stamp == before
    path.write_bytes(b"y")
    assert find_releases(tmp_path)[0][0].stamp != before
    # Moved in place of the old one with the same size and time, as rsync and cp -p do.
    status = path.stat()
    again = find_releases(tmp_path)[0][0].stamp
    other = put(tmp_path, "other", b"z")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.rename(path)
    assert find_releases(tmp_path)[0][0].stamp != again


def test_locate_finds_what_find_releases_finds(tmp_path: Path) -> None:
    for place in ("2020/a.txt", "2020/b.TXT", "2020/c.docx", "2021/克州.txt", "2020/a.xlsx"):
        put(tmp_path, place)
    files = find_releases(tmp_path)[0]
    assert [locate(tmp_path, file.release_id) for file in files] == files


@pytest.mark.parametrize(
    "release_id",
    [
        "", "2020", "2020-", "a-b", "2020-.", "2020-..", "2020-../../etc/passwd", "../2020-a", "2020-a/b", "/etc/passwd",
        "2020-a b", "2020-a\n", "2020-a'; drop table versions --", "2020-a\x00", "２０２０-a", "2020-" + "a" * 200,
    ],
)  # fmt: skip
def test_an_id_that_is_unsafe_as_key_path_or_query_is_refused(tmp_path: Path, release_id: str) -> None:
    for ask in (check_release_id, lambda asked: locate(tmp_path, asked)):
        with pytest.raises(Refusal) as refusal:
            ask(release_id)
        assert refusal.value.code == "wrong-name"


@pytest.mark.parametrize("release_id", ["2020-kzz-key-projects", "1999-克州_重点.v2", "2020--", "2020-" + "州" * 60])
def test_an_id_that_is_safe_is_taken(release_id: str) -> None:
    check_release_id(release_id)


def test_what_is_published_is_not_made_another_release_by_a_name_in_capitals(tmp_path: Path) -> None:
    put(tmp_path, "2020/Budget.txt")
    put(tmp_path, "2020/budget.txt")
    assert [file.release_id for file in find_releases(tmp_path)[0]] == ["2020-Budget"]
    files, out = find_releases(tmp_path, {"2020-budget"})
    assert [file.release_id for file in files] == ["2020-budget"]
    assert "2020/budget.txt" in out[0].refusal.message


def test_name_that_is_too_long_says_by_how_much(tmp_path: Path) -> None:
    name = "长" * 63
    put(tmp_path, f"2020/{name}.txt")
    assert "189 bytes, over the 187" in find_releases(tmp_path)[1][0].refusal.message
    check_release_id(f"2020-{name[1:]}")

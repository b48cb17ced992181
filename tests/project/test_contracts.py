"""The picture in docs/architecture.md holds: who may import whom, and what is shipped."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("rl_attention", "envs", "benchmarks")
    for path in ROOT.glob(f"{folder}/**/*.py")
)


def test_imports_keep_to_the_contracts():
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_wheel_holds_exactly_two_import_packages(tmp_path):
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert top == {"rl_attention", "rl_attention_envs"}
    assert "rl_attention/configs/demo.yaml" in names
    assert {"rl_attention/py.typed", "rl_attention_envs/py.typed"} <= set(names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 350
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 80, node.name


def test_every_public_name_can_be_imported_and_is_documented():
    import rl_attention

    for name in rl_attention.__all__:
        thing = getattr(rl_attention, name)
        assert name == "__version__" or thing.__doc__


def test_an_unknown_public_name_is_an_attribute_error():
    import rl_attention

    with pytest.raises(AttributeError, match="no attribute 'Attention'"):
        _ = rl_attention.Attention

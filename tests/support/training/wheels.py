"""Packages made on the spot, so that tests need no index."""

import io
import zipfile


def tiny_wheel(name: str, code: str, *, needs: str = "", version: str = "1.0") -> bytes:
    """A wheel of one module that may need another package."""
    about = f"{name}-{version}.dist-info"
    dependency = f"Requires-Dist: {needs}\n" if needs else ""
    files = {
        f"{name}.py": code,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{dependency}",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return buffer.getvalue()

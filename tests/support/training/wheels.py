"""Packages made on the spot, so that tests need no index."""

import io
import zipfile


def tiny_wheel(name: str, code: str, *, needs: str = "") -> bytes:
    """A wheel of one module, version 1.0, that may need another package."""
    about = f"{name}-1.0.dist-info"
    dependency = f"Requires-Dist: {needs}\n" if needs else ""
    files = {
        f"{name}.py": code,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{dependency}",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return buffer.getvalue()

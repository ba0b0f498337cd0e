"""Usage: whole_zip.py ZIP FOLDER

Whether the zip is read by somebody else's reader, and has the files of FOLDER and no others, with the same bytes.
"""
import os
import sys
import zipfile

path, folder = sys.argv[1:3]
with zipfile.ZipFile(path) as package:
    bad = package.testzip()
    if bad is not None:
        sys.exit(f"{bad} is damaged")
    names = package.namelist()
    if len(names) != len(set(names)):
        sys.exit("a name is there twice")
    found = {os.path.relpath(os.path.join(base, file), folder) for base, _, files in os.walk(folder) for file in files}
    if set(names) != found:
        sys.exit(f"only in one of them: {sorted(set(names) ^ found)}")
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            if file.read() != package.read(name):
                sys.exit(f"{name} has other bytes")
print(f"{len(names)} files")

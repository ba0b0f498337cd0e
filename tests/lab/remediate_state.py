"""Everything that files are: for tests that compare before and after. remediate_state.py make FILE | of PATH..."""

import os
import struct
import sys


def make(path):
    """A file with an odd owner, an ACL, a capability, attributes and times."""
    with open(path, "wb") as file:
        file.write(b"malware " * 1000)
    os.chown(path, 1234, 4321)
    os.chmod(path, 0o4751)
    entries = [(1, 6, 0xFFFFFFFF), (2, 4, 1001), (4, 4, 0xFFFFFFFF), (16, 6, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)
    os.setxattr(path, "system.posix_acl_access", acl)
    os.setxattr(path, "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0))
    try:
        os.setxattr(path, "user.origin", b"\x00\xff")
    except OSError:
        pass
    os.utime(path, ns=(1234567890123456789, 987654321987654321))


def show(path):
    st = os.lstat(path)
    print(path, oct(st.st_mode), st.st_uid, st.st_gid, st.st_size, st.st_atime_ns, st.st_mtime_ns)
    if os.path.islink(path):
        print("->", os.readlink(path))
        return
    for name in sorted(os.listxattr(path)):
        print(name, os.getxattr(path, name).hex())


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    for arg in sys.argv[2:]:
        show(arg)

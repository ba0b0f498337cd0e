cordon_fuzz(fuzz_frame SOURCES fuzz_frame.c LINK cordon::ipc)

"""A process whose own clock is wrong, and can be set right while it runs: for tests.

The C library's clock functions are replaced in that process alone (LD_PRELOAD); its real-time clock shows as many
seconds too many as the file says. No privileges and no package are needed but the compiler that `tools/setup` installs.
"""

import subprocess
from pathlib import Path

SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long long *shift;

__attribute__((constructor)) static void read_shift(void) {
    int file = open(getenv("CLOCK_SHIFT_FILE"), O_RDONLY);
    void *seconds = mmap(NULL, sizeof(*shift), PROT_READ, MAP_SHARED, file, 0);
    if (seconds != MAP_FAILED) shift = seconds;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME && shift) now->tv_sec += *shift;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void) zone;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *copy) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (copy) *copy = precise.tv_sec;
    return precise.tv_sec;
}
"""


class ShiftedClock:
    """`environment` is for the process; `set_shift` takes effect at once, also while it runs."""

    def __init__(self, folder: Path, *, seconds: int) -> None:
        self._file = folder / "clock-shift"
        self._file.write_bytes(bytes(8))
        library = folder / "shifted_clock.so"
        compiler = ["gcc", "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", str(library)]
        subprocess.run(compiler, input=SOURCE, text=True, check=True)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_SHIFT_FILE": str(self._file)}
        self.set_shift(seconds)

    def set_shift(self, seconds: int) -> None:
        with self._file.open("r+b") as file:
            file.write(seconds.to_bytes(8, "little", signed=True))

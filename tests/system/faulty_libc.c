/* A C library with faults that a test switches on and off: loaded before the real one (LD_PRELOAD).
 *
 * The switches are four numbers in a file that is mapped when the process starts, so they reach a process that may open
 * no files any more, and take effect at once:
 *   0  seconds by which the clock on the wall is off (the monotonic clocks stay as they are, as when a clock is set)
 *   1  milliseconds that each sync of a file to its disk takes longer
 *   2  what the camera DEVICE does: 0 is not there, 1 hangs in open(), 2 hangs in ioctl(), 3 is used by somebody else
 *   3  how often any of these was met: the test's proof that its fault happened
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define DEVICE "/dev/video97"
#define REQBUFS 0xC0145608UL

static volatile int64_t none[4];
static volatile int64_t *switches = none;
static volatile int camera = -1;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULTY_LIBC");
    int file = path ? syscall(2 /* open, x86-64 */, path, O_RDWR | O_CLOEXEC) : -1;
    if (file >= 0) {
        void *found = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (found != MAP_FAILED)
            switches = found;
        close(file);
    }
}

static void met(void)
{
    __sync_fetch_and_add(&switches[3], 1);
}

static void hang(void)
{
    met();
    for (;;) {
        struct timespec long_ = {3600, 0};
        nanosleep(&long_, NULL);
    }
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (result == 0 && clock == CLOCK_REALTIME && switches[0]) {
        met();
        now->tv_sec += switches[0];
    }
    return result;
}

time_t time(time_t *where)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where)
        *where = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec found;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return 0;
}

static void wait_for_the_disk(void)
{
    if (switches[1]) {
        struct timespec longer = {switches[1] / 1000, switches[1] % 1000 * 1000000};
        met();
        nanosleep(&longer, NULL);
    }
}

int fdatasync(int file)
{
    static int (*real)(int);
    if (!real)
        real = dlsym(RTLD_NEXT, "fdatasync");
    wait_for_the_disk();
    return real(file);
}

int fsync(int file)
{
    static int (*real)(int);
    if (!real)
        real = dlsym(RTLD_NEXT, "fsync");
    wait_for_the_disk();
    return real(file);
}

static int opened(const char *name, const char *path, int flags, va_list more)
{
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    if (strcmp(path, DEVICE) == 0) {
        if (switches[2] == 1)
            hang();
        met();
        if (switches[2] > 1)
            return camera = real("/dev/null", O_RDWR | O_CLOEXEC);
        errno = ENOENT;
        return -1;
    }
    return real(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    int result = opened("open", path, flags, more);
    va_end(more);
    return result;
}

int open64(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    int result = opened("open64", path, flags, more);
    va_end(more);
    return result;
}

int ioctl(int file, unsigned long request, ...)
{
    static int (*real)(int, unsigned long, void *);
    va_list more;
    va_start(more, request);
    void *given = va_arg(more, void *);
    va_end(more);
    if (!real)
        real = dlsym(RTLD_NEXT, "ioctl");
    if (file == camera && file >= 0) {
        if (switches[2] == 2)
            hang();
        if (request == REQBUFS) {
            met();
            errno = EBUSY;
            return -1;
        }
        memset((char *)given + 84, 0xff, 8); /* capabilities, and those of the device: all there are */
        return 0;
    }
    return real(file, request, given);
}

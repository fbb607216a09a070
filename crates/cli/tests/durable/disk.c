/*
 * A disk between a program and its files, preloaded: what it writes to the files of one folder is logged with its data,
 * and calls fail when they are told to.
 *
 * DISK_FOLDER   the folder, as the program names it
 * DISK_LOG      where calls are logged; none where it is not set
 * DISK_FAULTS   a file of numbers, which may change while the program runs; none where it is not set: for each call how
 *               it fails, how often it still does, how often it has; then whether the disk is small, and its room
 *
 * A record of the log: kind, length of the name, offset, length of the data, number of a sync; then name and data.
 * Writes are logged under a lock that is held while they are made, so that the log has them in their order. A sync has two
 * records: what was written before the first is on the disk after the second.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* COPY is a sync of what the log is copied into. */
enum { SYNC, WRITES, OPEN, READ, COPY, CALLS };
enum { ERRNO = 0, LEFT = CALLS, FAILED = 2 * CALLS, IS_SMALL = 3 * CALLS, ROOM };
enum { CREATE = 1, WRITE, TRUNCATE, SYNC_BEGUN, SYNC_DONE, SYNC_FAILED, UNLINK, RENAME };

struct head {
    uint32_t kind, name;
    uint64_t offset, data, sync;
};

enum { FILES = 4096, NAME = 256 };
static char names[FILES][NAME];
static const char *folder;
static size_t folder_length;
static int log_file = -1;
static volatile int32_t *faults;
static uint64_t syncs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
    folder = getenv("DISK_FOLDER");
    folder_length = folder ? strlen(folder) : 0;
    const char *path = getenv("DISK_LOG");
    if (path) log_file = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    path = getenv("DISK_FAULTS");
    if (path) {
        int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
        void *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (page != MAP_FAILED) faults = page;
    }
}

/* The name within the folder; none for files that are not logged. The folder itself is "". */
static const char *tracked(const char *path) {
    if (!folder_length || strncmp(path, folder, folder_length)) return 0;
    const char *name = path + folder_length;
    if (*name == '/') name++;
    else if (*name) return 0;
    size_t length = strlen(name);
    if (length >= NAME || (length > 4 && !strcmp(name + length - 4, "-shm"))) return 0;
    return name;
}

static const char *of(int fd) {
    return fd >= 0 && fd < FILES && names[fd][0] ? names[fd] + 1 : 0;
}

static void put(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length) {
        long written = syscall(SYS_write, log_file, at, length);
        if (written <= 0) abort();
        at += written;
        length -= (size_t)written;
    }
}

static void note(uint32_t kind, const char *name, uint64_t offset, const void *data, size_t length, uint64_t sync) {
    if (log_file < 0) return;
    struct head head = {kind, (uint32_t)strlen(name), offset, length, sync};
    char text[sizeof head + NAME];
    memcpy(text, &head, sizeof head);
    memcpy(text + sizeof head, name, head.name);
    put(text, sizeof head + head.name);
    if (length) put(data, length);
}

/* Whether this call is to fail; errno then says how. */
static int fails(int call) {
    if (!faults || !faults[ERRNO + call]) return 0;
    if (faults[LEFT + call] >= 0 && __sync_fetch_and_sub(&faults[LEFT + call], 1) <= 0) {
        faults[LEFT + call] = 0;
        return 0;
    }
    __sync_fetch_and_add(&faults[FAILED + call], 1);
    errno = faults[ERRNO + call];
    return 1;
}

/* A full disk takes what is written over what is there. */
static int fails_write(int fd, off_t end) {
    if (!faults || !faults[ERRNO + WRITES]) return 0;
    struct stat stat;
    if (faults[ERRNO + WRITES] == ENOSPC && !fstat(fd, &stat) && end <= stat.st_size) return 0;
    return fails(WRITES);
}

/* How much of a write there is room for, which is taken; nothing is an error. Called under the lock. */
static ssize_t fits(int fd, size_t length, off_t offset) {
    struct stat stat;
    if (!faults || !faults[IS_SMALL] || fstat(fd, &stat)) return (ssize_t)length;
    off_t more = offset + (off_t)length - stat.st_size;
    if (more <= 0) return (ssize_t)length;
    off_t over = more > faults[ROOM] ? more - faults[ROOM] : 0;
    if (over >= (off_t)length) {
        __sync_fetch_and_add(&faults[FAILED + WRITES], 1);
        errno = ENOSPC;
        return -1;
    }
    faults[ROOM] -= (int32_t)(more - over);
    return (ssize_t)length - over;
}

/* A file that becomes shorter makes room. */
static void give_back(int fd, off_t length) {
    struct stat stat;
    if (faults && faults[IS_SMALL] && !fstat(fd, &stat) && length < stat.st_size)
        faults[ROOM] += (int32_t)(stat.st_size - length);
}

static int opened(int fd, const char *name, int flags, int was_there) {
    if (fd < 0 || !name) return fd;
    if (fd >= FILES) abort();
    names[fd][0] = '/';
    strcpy(names[fd] + 1, name);
    if (!was_there && (flags & O_CREAT)) note(CREATE, name, 0, 0, 0, 0);
    else if (flags & O_TRUNC) note(TRUNCATE, name, 0, 0, 0, 0);
    return fd;
}

static int open_at(int at, const char *path, int flags, mode_t mode) {
    const char *name = tracked(path);
    if (name && (flags & O_ACCMODE) != O_RDONLY && fails(OPEN)) return -1;
    if (!name) return (int)syscall(SYS_openat, at, path, flags, mode);
    pthread_mutex_lock(&lock);
    int was_there = !access(path, F_OK);
    int fd = opened((int)syscall(SYS_openat, at, path, flags, mode), name, flags, was_there);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define MODE(flags)                                                                                                    \
    mode_t mode = 0;                                                                                                   \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                             \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode = (mode_t)va_arg(rest, int);                                                                              \
        va_end(rest);                                                                                                  \
    }

int open(const char *path, int flags, ...) {
    MODE(flags)
    return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    MODE(flags)
    return open_at(AT_FDCWD, path, flags, mode);
}
int openat(int at, const char *path, int flags, ...) {
    MODE(flags)
    return open_at(at, path, flags, mode);
}
int openat64(int at, const char *path, int flags, ...) {
    MODE(flags)
    return open_at(at, path, flags, mode);
}

int close(int fd) {
    if (fd >= 0 && fd < FILES) names[fd][0] = 0;
    return (int)syscall(SYS_close, fd);
}

static ssize_t write_at(int fd, const void *bytes, size_t length, off_t offset, int moves) {
    if (fails_write(fd, offset + (off_t)length)) return -1;
    pthread_mutex_lock(&lock);
    ssize_t written = fits(fd, length, offset);
    if (written >= 0) {
        length = (size_t)written;
        written = moves ? syscall(SYS_write, fd, bytes, length) : syscall(SYS_pwrite64, fd, bytes, length, offset);
    }
    int error = errno;
    if (written > 0) note(WRITE, of(fd), (uint64_t)offset, bytes, (size_t)written, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return written;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    if (!of(fd)) return syscall(SYS_write, fd, bytes, length);
    int appends = fcntl(fd, F_GETFL) & O_APPEND;
    return write_at(fd, bytes, length, lseek(fd, 0, appends ? SEEK_END : SEEK_CUR), 1);
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    if (!of(fd)) return syscall(SYS_pwrite64, fd, bytes, length, offset);
    return write_at(fd, bytes, length, offset, 0);
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    return pwrite(fd, bytes, length, offset);
}

ssize_t read(int fd, void *bytes, size_t length) {
    if (of(fd) && fails(READ)) return -1;
    return syscall(SYS_read, fd, bytes, length);
}
ssize_t pread(int fd, void *bytes, size_t length, off_t offset) {
    if (of(fd) && fails(READ)) return -1;
    return syscall(SYS_pread64, fd, bytes, length, offset);
}
ssize_t pread64(int fd, void *bytes, size_t length, off64_t offset) {
    return pread(fd, bytes, length, offset);
}

int ftruncate(int fd, off_t length) {
    if (!of(fd)) return (int)syscall(SYS_ftruncate, fd, length);
    if (fails_write(fd, length)) return -1;
    pthread_mutex_lock(&lock);
    give_back(fd, length);
    int done = (int)syscall(SYS_ftruncate, fd, length), error = errno;
    if (!done) note(TRUNCATE, of(fd), (uint64_t)length, 0, 0, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
int ftruncate64(int fd, off64_t length) {
    return ftruncate(fd, length);
}

/* Nothing that is logged uses it: what does would have to be added here. */
int fallocate(int fd, int mode, off_t offset, off_t length) {
    if (of(fd)) abort();
    return (int)syscall(SYS_fallocate, fd, mode, offset, length);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
    return fallocate(fd, mode, offset, length);
}
int posix_fallocate(int fd, off_t offset, off_t length) {
    return fallocate(fd, 0, offset, length) ? errno : 0;
}
int posix_fallocate64(int fd, off64_t offset, off64_t length) {
    return posix_fallocate(fd, offset, length);
}

static int is_log(const char *name) {
    size_t length = strlen(name);
    return length > 4 && !strcmp(name + length - 4, "-wal");
}

static int sync_file(int fd, long call) {
    const char *name = of(fd);
    if (!name) return (int)syscall(call, fd);
    pthread_mutex_lock(&lock);
    uint64_t number = ++syncs;
    note(SYNC_BEGUN, name, 0, 0, 0, number);
    pthread_mutex_unlock(&lock);
    int failed = fails(SYNC) || (!is_log(name) && fails(COPY)), done = failed ? -1 : (int)syscall(call, fd), error = errno;
    pthread_mutex_lock(&lock);
    note(done ? SYNC_FAILED : SYNC_DONE, name, 0, 0, 0, number);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
int fsync(int fd) {
    return sync_file(fd, SYS_fsync);
}
int fdatasync(int fd) {
    return sync_file(fd, SYS_fdatasync);
}

static int remove_at(int at, const char *path, int flags) {
    const char *name = tracked(path);
    if (!name) return (int)syscall(SYS_unlinkat, at, path, flags);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_unlinkat, at, path, flags), error = errno;
    if (!done) note(UNLINK, name, 0, 0, 0, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
int unlink(const char *path) {
    return remove_at(AT_FDCWD, path, 0);
}
int unlinkat(int at, const char *path, int flags) {
    return remove_at(at, path, flags);
}

int rename(const char *from, const char *to) {
    const char *name = tracked(from), *other = tracked(to);
    if (!name || !other) return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0), error = errno;
    if (!done) note(RENAME, name, 0, other, strlen(other), 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

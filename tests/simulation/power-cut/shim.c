/*
 * Intercepts (LD_PRELOAD) the C library's calls that change files, and records in the shadow what they
 * did below the watched directory. The real syncs are skipped: only processes die here, and the page
 * cache survives them.
 *
 * Not seen: writes through mmap or io_uring, stdio (fopen), O_TMPFILE, symbolic links, mkdtemp, and
 * copy_file_range by system call into a file that was neither new nor truncated.
 */
#include "shadow.h"

#include <stdarg.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

int fsync(int descriptor) {
  struct stat status;
  if (!is_watched(descriptor, &status)) return REAL(fsync)(descriptor);
  sync_watched(descriptor, &status);
  return 0;
}

int fdatasync(int descriptor) {
  struct stat status;
  if (!is_watched(descriptor, &status)) return REAL(fdatasync)(descriptor);
  sync_watched(descriptor, &status);
  return 0;
}

/* After a write: which bytes it changed. `position` is negative for a write at the file's own offset. */
static void record_write(int descriptor, int log, ssize_t count, off_t position) {
  struct stat status;
  int saved = errno, flags = fcntl(descriptor, F_GETFL);
  if (count > 0) {
    off_t end = position < 0 ? lseek(descriptor, 0, SEEK_CUR) : position + count;
    if (flags & O_APPEND && !fstat(descriptor, &status)) end = status.st_size;
    append_range(log, (uint64_t)(end - count), (uint64_t)end);
  }
  unlock_log(log);
  if (count > 0 && flags & O_DSYNC && is_watched(descriptor, &status))
    sync_watched(descriptor, &status);
  errno = saved;
}

/* Runs a write under the file's lock, so that no sync empties the log between write and record. */
#define RECORDED(descriptor, position, call) \
  struct stat status; \
  if (!is_watched(descriptor, &status)) return call; \
  int log = lock_log('y', status.st_ino); \
  ssize_t count = call; \
  record_write(descriptor, log, count, position); \
  return count

ssize_t write(int descriptor, const void *bytes, size_t length) {
  RECORDED(descriptor, -1, REAL(write)(descriptor, bytes, length));
}

ssize_t writev(int descriptor, const struct iovec *parts, int count_of_parts) {
  RECORDED(descriptor, -1, REAL(writev)(descriptor, parts, count_of_parts));
}

ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t position) {
  RECORDED(descriptor, position, REAL(pwrite)(descriptor, bytes, length, position));
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t position) {
  RECORDED(descriptor, position, REAL(pwrite64)(descriptor, bytes, length, position));
}

ssize_t pwritev(int descriptor, const struct iovec *parts, int count_of_parts, off_t position) {
  RECORDED(descriptor, position, REAL(pwritev)(descriptor, parts, count_of_parts, position));
}

ssize_t pwritev64(int descriptor, const struct iovec *parts, int count_of_parts, off64_t position) {
  RECORDED(descriptor, position, REAL(pwritev64)(descriptor, parts, count_of_parts, position));
}

ssize_t sendfile(int descriptor, int source, off_t *offset, size_t length) {
  RECORDED(descriptor, -1, REAL(sendfile)(descriptor, source, offset, length));
}

ssize_t sendfile64(int descriptor, int source, off64_t *offset, size_t length) {
  RECORDED(descriptor, -1, REAL(sendfile64)(descriptor, source, offset, length));
}

int ftruncate(int descriptor, off_t length) {
  struct stat status;
  if (!is_watched(descriptor, &status)) return REAL(ftruncate)(descriptor, length);
  int log = lock_log('y', status.st_ino);
  int result = fstat(descriptor, &status) ? -1 : REAL(ftruncate)(descriptor, length);
  /* Bytes cut off now read as zeros if the file grows again before it is synced. */
  if (!result && length < status.st_size)
    append_range(log, (uint64_t)length, (uint64_t)status.st_size);
  unlock_log(log);
  return result;
}

int ftruncate64(int descriptor, off64_t length) { return ftruncate(descriptor, length); }

int truncate(const char *path, off_t length) {
  int descriptor = open(path, O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return -1;
  int result = ftruncate(descriptor, length), saved = errno;
  close(descriptor);
  errno = saved;
  return result;
}

int truncate64(const char *path, off64_t length) { return truncate(path, length); }

static int open_watched(int at, const char *path, int flags, mode_t mode) {
  struct place place;
  struct stat status;
  if ((flags & O_TMPFILE) == O_TMPFILE || !(flags & O_CREAT) || !locate(at, path, &place)) {
    int descriptor = REAL(openat)(at, path, flags, mode);
    if (descriptor >= 0 && flags & (O_WRONLY | O_RDWR) && is_watched(descriptor, &status)) {
      begin_file_unless_known(status.st_ino);
      if (flags & O_TRUNC) goto truncated;
    }
    return descriptor;
  truncated:;
    int log = lock_log('y', status.st_ino);
    append_range(log, 0, UINT64_MAX);
    unlock_log(log);
    return descriptor;
  }
  for (;;) {
    /* Exclusively first, to know whether this call makes the file. */
    int descriptor = REAL(openat)(at, path, flags | O_EXCL, mode);
    if (descriptor >= 0) {
      if (fstat(descriptor, &status)) fail("cannot examine a new file");
      begin_file(status.st_ino);
      note(&place);
      return descriptor;
    }
    if (errno != EEXIST || flags & O_EXCL) return -1;
    descriptor = open_watched(at, path, flags & ~O_CREAT, 0);
    if (descriptor >= 0 || errno != ENOENT) return descriptor;
  }
}

#define MODE_ARGUMENT(flags) \
  mode_t mode = 0; \
  if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) { \
    va_list list; \
    va_start(list, flags); \
    mode = va_arg(list, mode_t); \
    va_end(list); \
  }

int open(const char *path, int flags, ...) {
  MODE_ARGUMENT(flags)
  return open_watched(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  MODE_ARGUMENT(flags)
  return open_watched(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...) {
  MODE_ARGUMENT(flags)
  return open_watched(at, path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...) {
  MODE_ARGUMENT(flags)
  return open_watched(at, path, flags, mode);
}

int creat(const char *path, mode_t mode) {
  return open_watched(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode) { return creat(path, mode); }

/* Runs a call that changes one name, and notes the name when it succeeded. */
#define NOTED(at, path, call) \
  struct place place; \
  int is_inside = locate(at, path, &place); \
  int result = call; \
  if (!result && is_inside) note(&place); \
  return result

int unlink(const char *path) { NOTED(AT_FDCWD, path, REAL(unlink)(path)); }

int unlinkat(int at, const char *path, int flags) { NOTED(at, path, REAL(unlinkat)(at, path, flags)); }

int remove(const char *path) { NOTED(AT_FDCWD, path, REAL(remove)(path)); }

int rmdir(const char *path) { NOTED(AT_FDCWD, path, REAL(rmdir)(path)); }

int linkat(int at, const char *path, int new_at, const char *new_path, int flags) {
  NOTED(new_at, new_path, REAL(linkat)(at, path, new_at, new_path, flags));
}

int link(const char *path, const char *new_path) {
  return linkat(AT_FDCWD, path, AT_FDCWD, new_path, 0);
}

int mkdirat(int at, const char *path, mode_t mode) {
  struct place place;
  struct stat status;
  int is_inside = locate(at, path, &place);
  int result = REAL(mkdirat)(at, path, mode);
  if (result || !is_inside) return result;
  if (fstatat(at, path, &status, 0)) fail("cannot examine a new directory");
  begin_directory(status.st_ino);
  note(&place);
  return 0;
}

int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int renameat2(int at, const char *path, int new_at, const char *new_path, unsigned flags) {
  struct place from, to;
  int is_from_inside = locate(at, path, &from);
  int is_to_inside = locate(new_at, new_path, &to);
  int result = REAL(renameat2)(at, path, new_at, new_path, flags);
  if (result) return result;
  /* The new name first: whoever syncs between the two keeps both rather than none. */
  if (is_to_inside) note(&to);
  if (is_from_inside) note(&from);
  return 0;
}

int renameat(int at, const char *path, int new_at, const char *new_path) {
  return renameat2(at, path, new_at, new_path, 0);
}

int rename(const char *path, const char *new_path) {
  return renameat2(AT_FDCWD, path, AT_FDCWD, new_path, 0);
}

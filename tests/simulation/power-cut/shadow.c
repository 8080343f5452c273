/*
 * Keeps the worst state that the POSIX rules allow after a power cut, in $HOLDFAST_POWER_CUT_SHADOW, of
 * the directory $HOLDFAST_POWER_CUT_DIRECTORY:
 *   - bytes (and a file's size) count only after fsync or fdatasync of that file;
 *   - a name (made, renamed, removed) counts only after fsync of its directory.
 * power-cut.ts lays the shadow out and reads it. Everything is kept by inode, so neither renames nor
 * the order of syncs matter:
 *   i/<inode>     content of a file as of its last sync
 *   y/<inode>     what was written since: records of two 64-bit numbers, start and end
 *   n/<inode>     names changed in a directory since its last sync, each ended by a zero byte
 *   c/<inode>     symbolic link to the identity of the directory that has this inode now
 *   d/<identity>  entries of a directory as of its last sync: a hard link to i/... for a file, a
 *                 symbolic link to an identity for a directory
 * State lives in files alone and is guarded by flock, so threads and processes share it, and a process
 * that is killed leaves no lock behind. A kill in the middle of a sync leaves a sync done in part,
 * which is what a cut in the middle of a sync does.
 *   HOLDFAST_POWER_CUT_ENTRIES=with-file   fsync of a file also saves the names on the way to it (ext4)
 *   HOLDFAST_POWER_CUT_SYNC_MILLISECONDS   how long every sync takes at least
 */
#include "shadow.h"

#include <sys/file.h>
#include <sys/syscall.h>

#define PATH_BYTES (2 * PATH_MAX)
#define COPY_BYTES (256 * 1024)

static char root[PATH_MAX];
static char shadow[PATH_MAX];
static size_t root_length;
static int entries_with_file;
static useconds_t sync_microseconds;

__attribute__((constructor(101))) static void start(void) {
  const char *directory = getenv("HOLDFAST_POWER_CUT_DIRECTORY");
  const char *kept = getenv("HOLDFAST_POWER_CUT_SHADOW");
  const char *entries = getenv("HOLDFAST_POWER_CUT_ENTRIES");
  const char *milliseconds = getenv("HOLDFAST_POWER_CUT_SYNC_MILLISECONDS");
  if (!directory || !kept || !realpath(kept, shadow) || !realpath(directory, root)) return;
  entries_with_file = entries && !strcmp(entries, "with-file");
  if (milliseconds) sync_microseconds = (useconds_t)atoi(milliseconds) * 1000;
  root_length = strlen(root);
}

/* A simulation that has lost track proves nothing: better no process than a wrong answer. */
void fail(const char *what) {
  dprintf(2, "power-cut shim: %s: %s\n", what, strerror(errno));
  abort();
}

static int is_below_root(const char *path) {
  return root_length && !strncmp(path, root, root_length) &&
         (path[root_length] == '/' || path[root_length] == 0);
}

/* Path of an open file; one that was unlinked keeps its old path with " (deleted)" behind it. */
static int path_of_descriptor(int descriptor, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return 1;
}

/* Whether calls on this descriptor are recorded; then `status` describes the file. */
int is_watched(int descriptor, struct stat *status) {
  int saved = errno, result = 0;
  char path[PATH_MAX];
  if (root_length && path_of_descriptor(descriptor, path) && is_below_root(path) &&
      !fstat(descriptor, status))
    result = S_ISREG(status->st_mode) || S_ISDIR(status->st_mode);
  errno = saved;
  return result;
}

static void shadow_path(char *path, char kind, ino_t inode) {
  snprintf(path, PATH_BYTES, "%s/%c/%llu", shadow, kind, (unsigned long long)inode);
}

/* Opens a log and locks it. Closing it unlocks it. */
int lock_log(char kind, ino_t inode) {
  char path[PATH_BYTES];
  shadow_path(path, kind, inode);
  int log = REAL(open)(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) fail("cannot open a log");
  while (flock(log, LOCK_EX))
    if (errno != EINTR) fail("cannot lock a log");
  return log;
}

void unlock_log(int log) {
  int saved = errno;
  close(log);
  errno = saved;
}

static void append_to_log(int log, const void *record, size_t length) {
  if (REAL(write)(log, record, length) != (ssize_t)length) fail("cannot write a log");
}

static char *read_log(int log, size_t *length) {
  struct stat status;
  if (fstat(log, &status)) fail("cannot examine a log");
  char *content = malloc((size_t)status.st_size + 1);
  if (!content || pread(log, content, (size_t)status.st_size, 0) != status.st_size)
    fail("cannot read a log");
  *length = (size_t)status.st_size;
  return content;
}

static void empty_log(int log) {
  if (REAL(ftruncate)(log, 0)) fail("cannot empty a log");
}

void append_range(int log, uint64_t begin, uint64_t end) {
  uint64_t range[2] = {begin, end};
  append_to_log(log, range, sizeof range);
}

int locate(int at, const char *path, struct place *place) {
  char whole[PATH_BYTES + PATH_MAX], base[PATH_MAX];
  struct stat status;
  int saved = errno, found = 0;
  if (!root_length || strlen(path) >= PATH_MAX) return 0;
  if (path[0] == '/') base[0] = 0;
  else if (at == AT_FDCWD ? !getcwd(base, sizeof base) : !path_of_descriptor(at, base)) goto done;
  snprintf(whole, sizeof whole, "%s%s%s", base, path[0] == '/' ? "" : "/", path);
  size_t length = strlen(whole);
  while (length > 1 && whole[length - 1] == '/') whole[--length] = 0;
  char *slash = strrchr(whole, '/');
  if (strlen(slash + 1) > NAME_MAX) goto done;
  strcpy(place->name, slash + 1);
  slash[slash == whole] = 0;
  if (!realpath(whole, place->directory) || !is_below_root(place->directory)) goto done;
  if (stat(place->directory, &status)) goto done;
  place->inode = status.st_ino;
  found = 1;
done:
  errno = saved;
  return found;
}

/* Remembers that a name changed; whether it is there now is looked at when the directory is synced. */
void note(const struct place *place) {
  int log = lock_log('n', place->inode);
  append_to_log(log, place->name, strlen(place->name) + 1);
  unlock_log(log);
}

/* Begins the record of a file that was just made: nothing of it is safe. */
void begin_file(ino_t inode) {
  char path[PATH_BYTES];
  int log = lock_log('y', inode);
  empty_log(log);
  append_range(log, 0, UINT64_MAX);
  /* Entries that are still safe keep the content of a removed file that had this inode. */
  shadow_path(path, 'i', inode);
  REAL(unlink)(path);
  int content = REAL(open)(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (content < 0) fail("cannot create a content");
  close(content);
  unlock_log(log);
}

void begin_file_unless_known(ino_t inode) {
  char path[PATH_BYTES];
  shadow_path(path, 'i', inode);
  if (access(path, F_OK)) begin_file(inode);
}

/* Gives a directory that was just made an identity of its own: its inode may have had another. */
void begin_directory(ino_t inode) {
  char path[PATH_BYTES], link[PATH_BYTES], identity[64];
  for (unsigned generation = 0;; generation++) {
    snprintf(identity, sizeof identity, "%llu.%u", (unsigned long long)inode, generation);
    snprintf(path, sizeof path, "%s/d/%s", shadow, identity);
    if (!REAL(mkdir)(path, 0700)) break;
    if (errno != EEXIST) fail("cannot create a directory");
  }
  shadow_path(link, 'c', inode);
  REAL(unlink)(link);
  if (symlink(identity, link)) fail("cannot name a directory");
  int log = lock_log('n', inode);
  empty_log(log);
  unlock_log(log);
}

static void identity_of(ino_t inode, char *identity) {
  char link[PATH_BYTES];
  shadow_path(link, 'c', inode);
  ssize_t length = readlink(link, identity, 63);
  if (length < 0) {
    begin_directory(inode);
    length = readlink(link, identity, 63);
  }
  if (length < 0) fail("cannot find a directory");
  identity[length] = 0;
}

/* Puts a link of the shadow in its place at once, as a rename does: a kill leaves the old or the new. */
static void replace(const char *target, const char *source, int is_symbolic) {
  char temporary[PATH_BYTES];
  snprintf(temporary, sizeof temporary, "%s/t.%ld", shadow, (long)syscall(SYS_gettid));
  REAL(unlink)(temporary);
  if (is_symbolic ? symlink(source, temporary) : REAL(link)(source, temporary))
    fail("cannot link an entry");
  if (REAL(rename)(temporary, target)) fail("cannot place an entry");
}

/* Makes one safe entry as the directory has it now. */
static void save_entry(int directory, const char *identity, const char *name, int is_removal) {
  char target[PATH_BYTES], source[PATH_BYTES], child[64], old[64];
  struct stat now, kept, content;
  snprintf(target, sizeof target, "%s/d/%s/%s", shadow, identity, name);
  int is_gone = fstatat(directory, name, &now, AT_SYMLINK_NOFOLLOW) != 0;
  if (is_gone != is_removal) return;
  if (is_gone) {
    REAL(unlink)(target);
  } else if (S_ISDIR(now.st_mode)) {
    identity_of(now.st_ino, child);
    ssize_t length = readlink(target, old, sizeof old - 1);
    if (length < 0 || strlen(child) != (size_t)length || strncmp(old, child, (size_t)length))
      replace(target, child, 1);
  } else if (S_ISREG(now.st_mode)) {
    begin_file_unless_known(now.st_ino);
    shadow_path(source, 'i', now.st_ino);
    if (stat(source, &content)) fail("cannot find a content");
    if (lstat(target, &kept) || kept.st_ino != content.st_ino) replace(target, source, 0);
  }
}

static void sync_directory(int directory, ino_t inode) {
  char identity[64];
  size_t length;
  identity_of(inode, identity);
  int log = lock_log('n', inode);
  char *names = read_log(log, &length);
  /* Additions first: a rename must never look as if both of its names were gone. */
  for (int is_removal = 0; is_removal < 2; is_removal++)
    for (char *name = names; name < names + length; name += strlen(name) + 1)
      save_entry(directory, identity, name, is_removal);
  free(names);
  empty_log(log);
  unlock_log(log);
}

static void copy_range(int from, int to, uint64_t begin, uint64_t end, char *buffer) {
  while (begin < end) {
    size_t wanted = end - begin < COPY_BYTES ? (size_t)(end - begin) : COPY_BYTES;
    ssize_t count = pread(from, buffer, wanted, (off_t)begin);
    if (count < 0) fail("cannot read what was written");
    if (count == 0) return;
    if (REAL(pwrite)(to, buffer, (size_t)count, (off_t)begin) != count)
      fail("cannot copy to the shadow");
    begin += (uint64_t)count;
  }
}

/* The lock is held while copying: a second sync must not return before the first has copied. */
static void sync_content(int descriptor, ino_t inode) {
  char path[PATH_BYTES], self[64];
  struct stat status;
  size_t length;
  begin_file_unless_known(inode);
  int log = lock_log('y', inode);
  uint64_t *ranges = (uint64_t *)read_log(log, &length);
  snprintf(self, sizeof self, "/proc/self/fd/%d", descriptor);
  shadow_path(path, 'i', inode);
  /* Opened anew only if need be: closing a file gives up the locks (fcntl) that SQLite has on it. */
  int is_readable = (fcntl(descriptor, F_GETFL) & O_ACCMODE) != O_WRONLY;
  int from = is_readable ? descriptor : REAL(open)(self, O_RDONLY | O_CLOEXEC);
  int to = REAL(open)(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  char *buffer = malloc(COPY_BYTES);
  if (from < 0 || to < 0 || !buffer || fstat(from, &status)) fail("cannot open a content");
  uint64_t size = (uint64_t)status.st_size;
  for (size_t index = 0; index + 1 < length / sizeof *ranges; index += 2)
    copy_range(from, to, ranges[index], ranges[index + 1] < size ? ranges[index + 1] : size, buffer);
  if (REAL(ftruncate)(to, status.st_size)) fail("cannot size a content");
  free(buffer);
  free(ranges);
  if (!is_readable) close(from);
  close(to);
  empty_log(log);
  unlock_log(log);
}

/* As a journaling file system does: the names on the way to a synced file are safe with it. */
static void sync_way(int descriptor) {
  char path[PATH_MAX];
  struct stat status;
  if (!path_of_descriptor(descriptor, path)) return;
  while (is_below_root(path) && path[root_length]) {
    *strrchr(path, '/') = 0;
    int directory = REAL(open)(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return;
    if (!fstat(directory, &status)) sync_directory(directory, status.st_ino);
    close(directory);
  }
}

void sync_watched(int descriptor, const struct stat *status) {
  if (sync_microseconds) usleep(sync_microseconds);
  if (S_ISDIR(status->st_mode)) {
    sync_directory(descriptor, status->st_ino);
    return;
  }
  sync_content(descriptor, status->st_ino);
  if (entries_with_file) sync_way(descriptor);
}

/* The shadow's records, as the intercepted calls of shim.c use them. */
#ifndef POWER_CUT_SHADOW_H
#define POWER_CUT_SHADOW_H
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The C library's own function behind the one of this name here. */
#define REAL(name) \
  ({ \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
    real; \
  })

/* Where a name is: its directory, if that is watched. */
struct place {
  char directory[PATH_MAX];
  char name[NAME_MAX + 1];
  ino_t inode;
};

/* Hidden: a preloaded library must not take the place of other libraries' functions of these names. */
#pragma GCC visibility push(hidden)

/* Ends the process with a message. */
void fail(const char *what);

/* Whether calls on this descriptor are recorded; then `status` describes the file. */
int is_watched(int descriptor, struct stat *status);

/* Finds the directory of a path and the name in it; 0 when the directory is not watched. */
int locate(int at, const char *path, struct place *place);

/* Remembers that a name changed. */
void note(const struct place *place);

/* A file or directory that was just made; its inode may have belonged to another one. */
void begin_file(ino_t inode);
void begin_file_unless_known(ino_t inode);
void begin_directory(ino_t inode);

/* The lock of one file's (kind 'y') or directory's (kind 'n') log. */
int lock_log(char kind, ino_t inode);
void unlock_log(int log);
void append_range(int log, uint64_t begin, uint64_t end);

/* What fsync and fdatasync do to the shadow. */
void sync_watched(int descriptor, const struct stat *status);

#pragma GCC visibility pop
#endif

/*
 * Laid before the C library of one process: notes what reaches the files of an embedded store, and when they are synced.
 *
 * DISK_TRACE_OF is the database file; its write-ahead log and the file of acknowledgements beside it are noted too. Each note is
 * appended to DISK_TRACE_TO once the call has returned, under one lock, so that the notes stand in the order in which the disk
 * saw the calls: a header of four numbers (what, which file, offset, length), then the bytes that were written.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { WRITTEN = 1, SYNCED = 2, CUT = 3 };
enum { OTHER = 0, DATABASE = 1, WAL = 2, ACKNOWLEDGEMENTS = 3 };

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static int file_of(int fd) {
  const char *base = getenv("DISK_TRACE_OF");
  char link[64], path[4096];
  if (base == NULL) return OTHER;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return OTHER;
  path[length] = 0;
  size_t stem = strlen(base);
  if (strncmp(path, base, stem) != 0) return OTHER;
  if (path[stem] == 0) return DATABASE;
  if (strcmp(path + stem, "-wal") == 0) return WAL;
  if (strcmp(path + stem, "-acknowledged") == 0) return ACKNOWLEDGEMENTS;
  return OTHER;
}

static void all_of(int fd, const void *bytes, size_t length) {
  for (const char *at = bytes; length > 0;) {
    ssize_t written = syscall(SYS_write, fd, at, length);
    if (written < 0) abort();
    at += written;
    length -= written;
  }
}

static void note(int what, int file, uint64_t offset, const void *bytes, uint64_t length) {
  static int trace = -1;
  uint64_t header[4] = {what, file, offset, length};
  if (trace < 0) trace = open(getenv("DISK_TRACE_TO"), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (trace < 0) abort();
  all_of(trace, header, sizeof header);
  if (bytes != NULL) all_of(trace, bytes, length);
}

static ssize_t written_at(int fd, const void *bytes, size_t length, off64_t offset) {
  int file = file_of(fd);
  if (file == OTHER) return syscall(SYS_pwrite64, fd, bytes, length, offset);
  pthread_mutex_lock(&turn);
  ssize_t written = syscall(SYS_pwrite64, fd, bytes, length, offset);
  int error = errno;
  if (written > 0) note(WRITTEN, file, offset, bytes, written);
  pthread_mutex_unlock(&turn);
  errno = error;
  return written;
}

static int synced(long call, int fd) {
  int file = file_of(fd);
  if (file == OTHER) return syscall(call, fd);
  pthread_mutex_lock(&turn);
  int result = syscall(call, fd);
  int error = errno;
  if (result == 0) note(SYNCED, file, 0, NULL, 0);
  pthread_mutex_unlock(&turn);
  errno = error;
  return result;
}

static int cut(int fd, off64_t length) {
  int file = file_of(fd);
  if (file == OTHER) return syscall(SYS_ftruncate, fd, length);
  pthread_mutex_lock(&turn);
  int result = syscall(SYS_ftruncate, fd, length);
  int error = errno;
  if (result == 0) note(CUT, file, length, NULL, 0);
  pthread_mutex_unlock(&turn);
  errno = error;
  return result;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  int file = file_of(fd);
  if (file == OTHER) return syscall(SYS_write, fd, bytes, length);
  pthread_mutex_lock(&turn);
  uint64_t offset = lseek64(fd, 0, SEEK_CUR);
  ssize_t written = syscall(SYS_write, fd, bytes, length);
  int error = errno;
  if (written > 0) note(WRITTEN, file, offset, bytes, written);
  pthread_mutex_unlock(&turn);
  errno = error;
  return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return written_at(fd, bytes, length, offset); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) { return written_at(fd, bytes, length, offset); }
int fsync(int fd) { return synced(SYS_fsync, fd); }
int fdatasync(int fd) { return synced(SYS_fdatasync, fd); }
int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off64_t length) { return cut(fd, length); }

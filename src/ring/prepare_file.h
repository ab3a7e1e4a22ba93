/*
 * Filling submission entries: files, paths and pipes.  See prepare.h.
 *
 * An offset of RING_POSITION reads and writes at the file's own position, which
 * is also what pipes and terminals want.  Results are 32 bits; the kernel moves
 * at most 0x7ffff000 bytes at a time.
 */
#ifndef RING_PREPARE_FILE_H
#define RING_PREPARE_FILE_H

#include "ring/prepare.h"

#include <sys/types.h>
#include <sys/uio.h>

#define RING_POSITION UINT64_MAX

struct statx;
struct open_how;

/* As pread(2) (5.6). */
static inline void ring_prep_read(struct io_uring_sqe *sqe, int fd, void *buffer, uint32_t length,
				  uint64_t offset)
{
	ring_prep(sqe, IORING_OP_READ, fd, ring_pointer(buffer), length, offset);
}

/* As pwrite(2) (5.6). */
static inline void ring_prep_write(struct io_uring_sqe *sqe, int fd, const void *buffer,
				   uint32_t length, uint64_t offset)
{
	ring_prep(sqe, IORING_OP_WRITE, fd, ring_pointer(buffer), length, offset);
}

/* As preadv2(2) (5.1); flags RWF_*. */
static inline void ring_prep_readv(struct io_uring_sqe *sqe, int fd, const struct iovec *vector,
				   uint32_t count, uint64_t offset, int flags)
{
	ring_prep(sqe, IORING_OP_READV, fd, ring_pointer(vector), count, offset);
	sqe->rw_flags = (uint32_t)flags;
}

/* As pwritev2(2) (5.1); flags RWF_*. */
static inline void ring_prep_writev(struct io_uring_sqe *sqe, int fd, const struct iovec *vector,
				    uint32_t count, uint64_t offset, int flags)
{
	ring_prep(sqe, IORING_OP_WRITEV, fd, ring_pointer(vector), count, offset);
	sqe->rw_flags = (uint32_t)flags;
}

/* Into registered buffer index, in which [buffer, length) must lie (5.1). */
static inline void ring_prep_read_fixed(struct io_uring_sqe *sqe, int fd, void *buffer,
					uint32_t length, uint64_t offset, uint16_t index)
{
	ring_prep(sqe, IORING_OP_READ_FIXED, fd, ring_pointer(buffer), length, offset);
	sqe->buf_index = index;
}

/* Out of registered buffer index, likewise (5.1). */
static inline void ring_prep_write_fixed(struct io_uring_sqe *sqe, int fd, const void *buffer,
					 uint32_t length, uint64_t offset, uint16_t index)
{
	ring_prep(sqe, IORING_OP_WRITE_FIXED, fd, ring_pointer(buffer), length, offset);
	sqe->buf_index = index;
}

/* The same with a vector inside the registered buffer (6.15). */
static inline void ring_prep_readv_fixed(struct io_uring_sqe *sqe, int fd,
					 const struct iovec *vector, uint32_t count,
					 uint64_t offset, int flags, uint16_t index)
{
	ring_prep_readv(sqe, fd, vector, count, offset, flags);
	sqe->opcode = IORING_OP_READV_FIXED;
	sqe->buf_index = index;
}

/* The same with a vector inside it (6.15). */
static inline void ring_prep_writev_fixed(struct io_uring_sqe *sqe, int fd,
					  const struct iovec *vector, uint32_t count,
					  uint64_t offset, int flags, uint16_t index)
{
	ring_prep_writev(sqe, fd, vector, count, offset, flags);
	sqe->opcode = IORING_OP_WRITEV_FIXED;
	sqe->buf_index = index;
}

/* Again and again into buffers of a group; what can be polled only: pipes, terminals (6.7). */
static inline void ring_prep_read_multishot(struct io_uring_sqe *sqe, int fd, uint32_t cap,
					    uint64_t offset, uint16_t group)
{
	ring_prep(sqe, IORING_OP_READ_MULTISHOT, fd, 0, cap, offset);
	ring_sqe_buffer_select(sqe, group);
}

/* As fsync(2), or fdatasync(2) with IORING_FSYNC_DATASYNC (5.1). */
static inline void ring_prep_fsync(struct io_uring_sqe *sqe, int fd, uint32_t flags)
{
	ring_prep(sqe, IORING_OP_FSYNC, fd, 0, 0, 0);
	sqe->fsync_flags = flags;
}

/* As sync_file_range(2) (5.2). */
static inline void ring_prep_sync_file_range(struct io_uring_sqe *sqe, int fd, uint64_t offset,
					     uint32_t length, uint32_t flags)
{
	ring_prep(sqe, IORING_OP_SYNC_FILE_RANGE, fd, 0, length, offset);
	sqe->sync_range_flags = flags;
}

/* As fallocate(2) (5.6). */
static inline void ring_prep_fallocate(struct io_uring_sqe *sqe, int fd, int mode, uint64_t offset,
				       uint64_t length)
{
	ring_prep(sqe, IORING_OP_FALLOCATE, fd, length, (uint32_t)mode, offset);
}

/* As ftruncate(2) (6.9). */
static inline void ring_prep_ftruncate(struct io_uring_sqe *sqe, int fd, uint64_t length)
{
	ring_prep(sqe, IORING_OP_FTRUNCATE, fd, 0, 0, length);
}

/* As posix_fadvise(2) (5.6); length beyond 32 bits since 6.11. */
static inline void ring_prep_fadvise(struct io_uring_sqe *sqe, int fd, uint64_t offset,
				     uint64_t length, int advice)
{
	bool wide = length > UINT32_MAX;

	ring_prep(sqe, IORING_OP_FADVISE, fd, wide ? length : 0, wide ? 0 : (uint32_t)length,
		  offset);
	sqe->fadvise_advice = (uint32_t)advice;
}

/* As madvise(2) (5.6); length beyond 32 bits since 6.11. */
static inline void ring_prep_madvise(struct io_uring_sqe *sqe, void *address, uint64_t length,
				     int advice)
{
	bool wide = length > UINT32_MAX;

	ring_prep(sqe, IORING_OP_MADVISE, -1, ring_pointer(address), wide ? 0 : (uint32_t)length,
		  wide ? length : 0);
	sqe->fadvise_advice = (uint32_t)advice;
}

/* As openat(2) (5.6); into a slot of the registered files with ring_sqe_direct() (5.15). */
static inline void ring_prep_openat(struct io_uring_sqe *sqe, int directory, const char *path,
				    int flags, mode_t mode)
{
	ring_prep(sqe, IORING_OP_OPENAT, directory, ring_pointer(path), mode, 0);
	sqe->open_flags = (uint32_t)flags;
}

/* As openat2(2) (5.6); size is sizeof(struct open_how). */
static inline void ring_prep_openat2(struct io_uring_sqe *sqe, int directory, const char *path,
				     const struct open_how *how, uint32_t size)
{
	ring_prep(sqe, IORING_OP_OPENAT2, directory, ring_pointer(path), size, ring_pointer(how));
}

/* As close(2) (5.6): what is in flight on the descriptor stays so. */
static inline void ring_prep_close(struct io_uring_sqe *sqe, int fd)
{
	ring_prep(sqe, IORING_OP_CLOSE, fd, 0, 0, 0);
}

/* Empty a slot of the registered files (5.15). */
static inline void ring_prep_close_direct(struct io_uring_sqe *sqe, uint32_t slot)
{
	ring_prep(sqe, IORING_OP_CLOSE, 0, 0, 0, 0);
	ring_sqe_direct(sqe, slot);
}

/* As statx(2) (5.6). */
static inline void ring_prep_statx(struct io_uring_sqe *sqe, int directory, const char *path,
				   int flags, uint32_t mask, struct statx *result)
{
	ring_prep(sqe, IORING_OP_STATX, directory, ring_pointer(path), mask, ring_pointer(result));
	sqe->statx_flags = (uint32_t)flags;
}

/*
 * As splice(2) (5.7); offsets RING_POSITION where there is a pipe.  Always runs in a
 * kernel thread.  flags may hold SPLICE_F_FD_IN_FIXED.
 */
static inline void ring_prep_splice(struct io_uring_sqe *sqe, int fd_in, uint64_t offset_in,
				    int fd_out, uint64_t offset_out, uint32_t length,
				    uint32_t flags)
{
	ring_prep(sqe, IORING_OP_SPLICE, fd_out, 0, length, offset_out);
	sqe->splice_off_in = offset_in;
	sqe->splice_fd_in = fd_in;
	sqe->splice_flags = flags;
}

/* As tee(2) (5.8). */
static inline void ring_prep_tee(struct io_uring_sqe *sqe, int fd_in, int fd_out, uint32_t length,
				 uint32_t flags)
{
	ring_prep(sqe, IORING_OP_TEE, fd_out, 0, length, 0);
	sqe->splice_fd_in = fd_in;
	sqe->splice_flags = flags;
}

/* As renameat2(2) (5.11). */
static inline void ring_prep_renameat(struct io_uring_sqe *sqe, int old_directory,
				      const char *old_path, int new_directory, const char *new_path,
				      uint32_t flags)
{
	ring_prep(sqe, IORING_OP_RENAMEAT, old_directory, ring_pointer(old_path),
		  (uint32_t)new_directory, ring_pointer(new_path));
	sqe->rename_flags = flags;
}

/* As unlinkat(2) (5.11). */
static inline void ring_prep_unlinkat(struct io_uring_sqe *sqe, int directory, const char *path,
				      int flags)
{
	ring_prep(sqe, IORING_OP_UNLINKAT, directory, ring_pointer(path), 0, 0);
	sqe->unlink_flags = (uint32_t)flags;
}

/* As mkdirat(2) (5.15). */
static inline void ring_prep_mkdirat(struct io_uring_sqe *sqe, int directory, const char *path,
				     mode_t mode)
{
	ring_prep(sqe, IORING_OP_MKDIRAT, directory, ring_pointer(path), mode, 0);
}

/* As symlinkat(2) (5.15). */
static inline void ring_prep_symlinkat(struct io_uring_sqe *sqe, const char *target, int directory,
				       const char *path)
{
	ring_prep(sqe, IORING_OP_SYMLINKAT, directory, ring_pointer(target), 0, ring_pointer(path));
}

/* As linkat(2) (5.15). */
static inline void ring_prep_linkat(struct io_uring_sqe *sqe, int old_directory,
				    const char *old_path, int new_directory, const char *new_path,
				    int flags)
{
	ring_prep(sqe, IORING_OP_LINKAT, old_directory, ring_pointer(old_path),
		  (uint32_t)new_directory, ring_pointer(new_path));
	sqe->hardlink_flags = (uint32_t)flags;
}

/* As fsetxattr(2) (5.19). */
static inline void ring_prep_fsetxattr(struct io_uring_sqe *sqe, int fd, const char *name,
				       const void *value, uint32_t length, int flags)
{
	ring_prep(sqe, IORING_OP_FSETXATTR, fd, ring_pointer(name), length, ring_pointer(value));
	sqe->xattr_flags = (uint32_t)flags;
}

/* As setxattr(2) (5.19). */
static inline void ring_prep_setxattr(struct io_uring_sqe *sqe, const char *path, const char *name,
				      const void *value, uint32_t length, int flags)
{
	ring_prep(sqe, IORING_OP_SETXATTR, 0, ring_pointer(name), length, ring_pointer(value));
	sqe->addr3 = ring_pointer(path);
	sqe->xattr_flags = (uint32_t)flags;
}

/* As fgetxattr(2) (5.19); the result is the length. */
static inline void ring_prep_fgetxattr(struct io_uring_sqe *sqe, int fd, const char *name,
				       void *value, uint32_t length)
{
	ring_prep(sqe, IORING_OP_FGETXATTR, fd, ring_pointer(name), length, ring_pointer(value));
}

/* As getxattr(2) (5.19); the result is the length. */
static inline void ring_prep_getxattr(struct io_uring_sqe *sqe, const char *path, const char *name,
				      void *value, uint32_t length)
{
	ring_prep(sqe, IORING_OP_GETXATTR, 0, ring_pointer(name), length, ring_pointer(value));
	sqe->addr3 = ring_pointer(path);
}

#define RING_BLOCK_DISCARD 0x1200 /* BLOCK_URING_CMD_DISCARD, _IO(0x12, 0) */

/* Tell a block device that these bytes are not wanted any more (6.12). */
static inline void ring_prep_discard(struct io_uring_sqe *sqe, int fd, uint64_t offset,
				     uint64_t length)
{
	ring_prep_cmd(sqe, RING_BLOCK_DISCARD, fd);
	sqe->addr = offset;
	sqe->addr3 = length;
}

#endif
